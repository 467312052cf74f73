"""What an argument may be: strict Pydantic types, each with the words that complete "`units` must be …"."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator
from pydantic_core import PydanticCustomError

from specc.catalogue.refused import REFUSED
from specc.catalogue.values import Configured, StageReference, TensorArgument, Value, spelled
from specc.diagnostics import suggestion
from specc.records import value_object
from specc.types import DTYPES, FLOAT_DTYPES, INTEGER_LIMIT

OWN_MESSAGE: Final = "own_message"
"""The type of a validation error whose message is shown as it stands; its context may hold a `help`."""


@value_object
class Kind:
    """A Pydantic type and what it wants; `choices` are the strings it takes, for suggestions."""

    annotation: Any
    wants: str
    choices: tuple[str, ...] = ()
    tensor: bool = False

    def optional(self) -> Kind:
        """The same kind, or none."""
        if self.wants.endswith("none"):
            return self
        return replace(self, annotation=self.annotation | None, wants=f"{self.wants} or none")


def whole(wants: str, low: int, high: int = INTEGER_LIMIT - 1) -> Kind:
    """An integer in `low..high`; `true` is none."""
    return Kind(Annotated[int, Field(strict=True, ge=low, le=high)], wants)


def number(
    wants: str, gt: float | None = None, ge: float | None = None, lt: float | None = None, le: float | None = None
) -> Kind:
    """A finite float or integer with Pydantic's bounds `gt`, `ge`, `lt`, `le`."""
    finite = Field(strict=True, allow_inf_nan=False, gt=gt, ge=ge, lt=lt, le=le)
    return Kind(Annotated[float, finite], wants)


def choice(*names: str, none: bool = False) -> Kind:
    """One of some strings, and perhaps none."""
    listed = [spelled(name) for name in names] + (["none"] if none else [])
    wants = listed[0] if len(listed) == 1 else f"{', '.join(listed[:-1])} or {listed[-1]}"
    annotation: Any = Literal[names]
    return Kind(annotation | None if none else annotation, wants, names)


def sequence(item: Kind, wants: str, count: int | None = None, least: int = 0) -> Kind:
    """A list of `count` items, or of `least` or more."""
    if count is not None:
        return Kind(_tuple_of(*(item.annotation,) * count), wants)
    return Kind(Annotated[_tuple_of(item.annotation, ...), Field(min_length=least)], wants)


def repeated(item: Kind, count: int, what: str) -> Kind:
    """One integer for every axis, or a list of `count`; the value is always the tuple."""

    def spread(value: object) -> object:
        return (value,) * count if type(value) is int else value

    wants = f"{what} or a list of {count}" if count > 1 else what
    return Kind(Annotated[_tuple_of(*(item.annotation,) * count), BeforeValidator(spread)], wants)


def _tuple_of(*items: Any) -> Any:
    """`tuple[…]` of types that are made when the module runs, which a type checker can not follow."""
    return tuple.__class_getitem__(items)


def either(wants: str, *kinds: Kind) -> Kind:
    """A value of any of some kinds, tried from left to right."""
    annotation: Any = kinds[0].annotation
    for kind in kinds[1:]:
        annotation = annotation | kind.annotation
    return Kind(annotation, wants, tuple(name for kind in kinds for name in kind.choices))


def checked(kind: Kind, check: Callable[[Any], Any]) -> Kind:
    """The kind with one more condition; `check` returns the value or raises `refuse(…)`."""
    return replace(kind, annotation=Annotated[kind.annotation, AfterValidator(check)])


def refuse(message: str, help: str | None = None) -> PydanticCustomError:
    """The error that a check raises to say in its own words what is wrong; `{…}` in it is safe."""
    return PydanticCustomError(OWN_MESSAGE, "{text}", {"text": message, "help": help})


def configured(role: str) -> Kind:
    """A config object of a role, by its string or as `Class(…)`: `"he_normal"`, `HeNormal(seed=1)`."""
    words = role.replace("_", " ")
    wants = f"{'an' if words[0] in 'aeiou' else 'a'} {words}"

    def check(value: Value) -> Value:
        from specc.catalogue.configurations import strings

        if isinstance(value, Configured):
            if value.role != role:
                raise refuse(f"`{value.name}` is a {value.role.replace('_', ' ')}, and {wants} is needed")
            return value
        if isinstance(value, str):
            if value in strings(role):
                return value
            if value in REFUSED:
                raise refuse(f"{spelled(value)} is refused: {REFUSED[value]}")
            raise refuse(f"there is no {words} {spelled(value)}", suggestion(value, strings(role)))
        raise PydanticCustomError("wrong_kind", "{text}", {"text": wants})

    return Kind(Annotated[Any, PlainValidator(check)], wants)


def instance(of: type, wants: str, tensor: bool = False) -> Kind:
    """An instance of one of the dataclasses of `values`."""

    def check(value: Value) -> Value:
        if isinstance(value, of):
            return value
        raise PydanticCustomError("wrong_kind", "{text}", {"text": wants})

    return Kind(Annotated[Any, PlainValidator(check)], wants, tensor=tensor)


def never(reason: str) -> Kind:
    """False: what is true of it in Keras can not be had in a spec."""

    def check(value: bool) -> bool:
        if value:
            raise refuse(reason)
        return value

    return checked(BOOL, check)


BOOL: Final = Kind(Annotated[bool, Field(strict=True)], "true or false")
STRING: Final = Kind(Annotated[str, Field(strict=True)], "a string")
INTEGER: Final = whole("an integer", -INTEGER_LIMIT + 1)
POSITIVE_INTEGER: Final = whole("a positive integer", 1)
COUNT: Final = whole("an integer of 0 or more", 0)
NUMBER: Final = number("a number")
POSITIVE_NUMBER: Final = number("a positive number", gt=0)
NON_NEGATIVE: Final = number("a number of 0 or more", ge=0)
FRACTION: Final = number("a number in 0..1", ge=0, le=1)
INNER_FRACTION: Final = number("a number between 0 and 1, both excluded", gt=0, lt=1)
LITERAL_NUMBER: Final = either("a number", INTEGER, NUMBER)
"""A number that stays the integer or the float that it was written as: its dtype depends on that."""
NUMBERS: Final = either("a number or a list of numbers", NUMBER, sequence(NUMBER, "a list of numbers", least=1))
NUMBER_LIST: Final = sequence(NUMBER, "a list of numbers", least=1)
INTEGERS: Final = sequence(INTEGER, "a list of integers")
POSITIVE_INTEGERS: Final = sequence(POSITIVE_INTEGER, "a list of positive integers")
STRINGS: Final = sequence(STRING, "a list of strings", least=1)
AXIS: Final = INTEGER
AXES: Final = either("an axis or a list of axes", INTEGER, INTEGERS)
SEED: Final = COUNT
NOTHING: Final = Kind(None, "left out: a spec can not hold what it takes; none")
ACTIVATION: Final = configured("activation").optional()
INITIALIZER: Final = configured("initializer")
REGULARIZER: Final = configured("regularizer")
CONSTRAINT: Final = configured("constraint")
LAYER: Final = instance(StageReference, "a layer, as in `TimeDistributed(Dense(8))`")
LAYERS: Final = sequence(LAYER, "a list of layers", least=1)
TENSOR: Final = instance(TensorArgument, "a tensor of the graph", tensor=True)
TENSORS: Final = replace(
    either("a tensor or a list of tensors", TENSOR, sequence(TENSOR, "a list of tensors", least=1)), tensor=True
)
DENSE_ONLY: Final = never("specs have no sparse tensors")
DTYPE: Final = choice(*DTYPES)
FLOAT_POLICY: Final = choice(*FLOAT_DTYPES, "mixed_float16", "mixed_bfloat16")
ANY_POLICY: Final = choice(*DTYPES, "mixed_float16", "mixed_bfloat16")
DATA_FORMAT: Final = choice("channels_last", "channels_first")
