"""What the catalogue holds of a layer, an op or a config class: its arguments and how they are checked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, ValidationError, create_model
from pydantic_core import ErrorDetails

from specc.catalogue.kinds import OWN_MESSAGE, Kind
from specc.catalogue.values import TensorArgument, Value, spelled
from specc.diagnostics import suggestion
from specc.records import value_object

ArgumentPattern: TypeAlias = Literal["unknown-argument", "missing-argument", "wrong-kind", "illegal-value"]

_ILLEGAL_VALUE = frozenset(
    {
        "greater_than", "greater_than_equal", "less_than", "less_than_equal", "literal_error", "finite_number",
        "too_short", "too_long", "missing", "unexpected_keyword_argument", OWN_MESSAGE,
    }
)  # fmt: skip
"""Pydantic's error types that speak of a value of the right kind; a tuple of the wrong length has items missing."""


@value_object
class Argument:
    """A parameter in its positional order; `wants` completes "`units` must be …"."""

    name: str
    required: bool
    default: Value
    kind: Kind

    @property
    def wants(self) -> str:
        return self.kind.wants


@value_object
class ArgumentFault:
    """Why a call's arguments are refused; `argument` is none when no single one is to blame."""

    argument: str | None
    pattern: ArgumentPattern
    message: str
    help: str | None = None


Legality: TypeAlias = Callable[[Mapping[str, Any]], Iterator[ArgumentFault]]
"""What Keras demands of several arguments together, asked once each of them alone is right."""


def anything(arguments: Mapping[str, Any]) -> Iterator[ArgumentFault]:
    """The law of a call whose arguments do not depend on each other."""
    return iter(())


class Entry:
    """A layer, an op or a config class with its arguments in positional order."""

    def __init__(self, name: str, arguments: tuple[Argument, ...], legality: Legality = anything) -> None:
        self.name = name
        self.arguments = arguments
        self._legality = legality

    @property
    def accepted(self) -> tuple[Argument, ...]:
        """Everything that may stand in the parentheses."""
        return self.arguments

    def argument(self, name: str) -> Argument | None:
        return next((argument for argument in self.accepted if argument.name == name), None)

    def check(self, arguments: Mapping[str, Value]) -> tuple[dict[str, Any], list[ArgumentFault]]:
        """The arguments with defaults and with sizes spread over axes (`3` to `(3, 3)`), or what is wrong with them.

        What Keras is to be called with is what the user wrote, not this. One fault per argument at most.
        """
        try:
            values = dict(self._model.model_validate(dict(arguments)))
        except ValidationError as error:
            by_argument: dict[str, list[ErrorDetails]] = {}
            for detail in error.errors(include_url=False):
                by_argument.setdefault(str(detail["loc"][0]), []).append(detail)
            faults = [self._fault(name, arguments.get(name), details) for name, details in by_argument.items()]
            misspelt = [fault.help for fault in faults if fault.pattern == "unknown-argument"]
            return {}, [fault for fault in faults if not self._is_misspelt(fault, misspelt)]
        faults = list(self._legality(values))
        return ({}, faults) if faults else (values, [])

    @staticmethod
    def _is_misspelt(fault: ArgumentFault, suggestions: list[str | None]) -> bool:
        """Whether what is missing is there under a name that is being reported already."""
        return fault.pattern == "missing-argument" and any(
            f"`{fault.argument}`" in (help or "") for help in suggestions
        )

    @cached_property
    def _model(self) -> type[BaseModel]:
        fields: dict[str, Any] = {
            argument.name: (argument.kind.annotation, ... if argument.required else argument.default)
            for argument in self.accepted
        }
        config = ConfigDict(extra="forbid", validate_default=True, protected_namespaces=())
        return create_model(self.name, __config__=config, **fields)

    def _fault(self, name: str, value: Value, details: list[ErrorDetails]) -> ArgumentFault:
        argument = self.argument(name)
        if argument is None:
            near = suggestion(name, [argument.name for argument in self.accepted])
            return ArgumentFault(name, "unknown-argument", f"{self.name} has no argument `{name}`", near)
        if argument.required and any(detail["type"] == "missing" and len(detail["loc"]) == 1 for detail in details):
            text = f"{self.name} needs `{name}`, {argument.wants}"
            return ArgumentFault(name, "missing-argument", text)
        kinds = {detail["type"] for detail in details}
        if OWN_MESSAGE in kinds:
            context = next(detail["ctx"] for detail in details if detail["type"] == OWN_MESSAGE)
            return ArgumentFault(name, "illegal-value", f"`{name}`: {context['text']}", context["help"])
        near = suggestion(value, argument.kind.choices) if isinstance(value, str) else None
        illegal = bool(kinds & _ILLEGAL_VALUE) and isinstance(value, str) >= bool(argument.kind.choices)
        if isinstance(value, TensorArgument):
            text = f"`{name}` configures {self.name} and must be {argument.wants}, not a tensor"
            return ArgumentFault(name, "wrong-kind", text, "tensors flow along arrows")
        text = f"`{name}` must be {argument.wants}, not {spelled(value)}"
        return ArgumentFault(name, "illegal-value" if illegal else "wrong-kind", text, near)


class ConfigurationEntry(Entry):
    """A config class of a role: an initializer, a regularizer, an optimizer, a loss, …"""

    def __init__(self, name: str, role: str, arguments: tuple[Argument, ...]) -> None:
        super().__init__(name, arguments)
        self.role = role
