"""Values for models' parameters that come from outside: `--set width=32`, `specc.build(source, width=32)`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from specc.diagnostics import Reported, suggestion
from specc.graph.kinds import WRONG_KIND
from specc.graph.scope import FileScope
from specc.graph.state import Elaboration
from specc.graph.values import Known, Result, described
from specc.records import value_object
from specc.syntax import ast


@value_object
class Text:
    """A value as it is typed at a command line; it is read as the parameter's default is written."""

    text: str


Parameters: TypeAlias = Mapping[str, "Known | Text"]

_WORDS: Mapping[str, Known] = {"true": True, "false": False, "none": None}


class UnknownParameterError(ValueError):
    """A value is given for a parameter that no model of the file has."""


def refuse_unknown(parameters: Parameters, scope: FileScope) -> None:
    """Refuse values for parameters that do not exist.

    Raises:
        UnknownParameterError: with the nearest name that does exist.
    """
    models = [item.node for item in scope.items.values() if isinstance(item.node, ast.Model)]
    known = list(dict.fromkeys(parameter.name for model in models for parameter in model.parameters))
    for name in parameters:
        if name not in known:
            near = suggestion(name, known) or (f"there are: {', '.join(known)}" if known else "there are none")
            raise UnknownParameterError(f"no model of this file has a parameter `{name}`; {near}")


def given(run: Elaboration, parameter: ast.Parameter, default: Result, value: Known | Text) -> Result:
    """The value of a parameter that is set from outside; it has the type of the default."""
    name = parameter.name
    if isinstance(value, Text):
        read = _read(value.text, default)
        if read is None and value.text != "none":
            wants = type(default).__name__ if not isinstance(default, Reported) else "value"
            return run.report(WRONG_KIND, parameter.span, f"`{name}` is set to {value.text}, which is no {wants}")
        return read
    if isinstance(value, int | float | str | bool | list | None) and _alike(value, default):
        return value
    message = f"`{name}` is set to {described(value)}; its default is {described(default)}"
    return run.report(WRONG_KIND, parameter.span, message)


def _alike(value: Known, default: Result) -> bool:
    if default is None or value is None or isinstance(default, Reported):
        return True
    if isinstance(default, float):
        return isinstance(value, int | float) and not isinstance(value, bool)
    return type(value) is type(default)


def _read(text: str, default: Result) -> Known:
    if isinstance(default, str):
        return text
    if isinstance(default, bool) or text in _WORDS:
        found = _WORDS.get(text)
        return found if default is None or isinstance(found, bool) is isinstance(default, bool) else None
    for kind in (float,) if isinstance(default, float) else (int,) if isinstance(default, int) else (int, float, str):
        try:
            return kind(text)
        except ValueError:
            continue
    return None
