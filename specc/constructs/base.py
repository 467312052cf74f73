"""What every construct of the language has: strict arguments, laws of shape and range, and its runtime layer.

A construct is one file of this room and one line in `specc.constructs.CONSTRUCTS`; the grammar never hears of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, ValidationError
from pydantic_core import CoreSchema, core_schema

from specc.catalogue.entries import ArgumentFault
from specc.catalogue.facts import Fault, LayerFacts
from specc.catalogue.values import StageReference, TensorArgument, Value, spelled
from specc.diagnostics import Kind, suggestion
from specc.types import INTEGER_LIMIT, Dim, Interval, Shape, TensorType

if TYPE_CHECKING:
    import keras


class _Instance:
    """Tells Pydantic to take an instance as it is; the recursive types of its fields are not its concern."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.is_instance_schema(source)


Port: TypeAlias = Annotated[TensorArgument, _Instance()]
Stage: TypeAlias = Annotated[StageReference, _Instance()]
Number: TypeAlias = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Fraction: TypeAlias = Annotated[float, Field(strict=True, ge=0, le=1)]
Count: TypeAlias = Annotated[int, Field(strict=True, ge=1, lt=INTEGER_LIMIT)]
Axis: TypeAlias = Annotated[int, Field(strict=True, ge=-16, le=16)]

Tensors: TypeAlias = Mapping[str, TensorType]
"""The types of the tensors among the arguments, by the argument's name."""


class Construct(BaseModel):
    """A construct as it is called: a frozen model of its arguments, in their positional order.

    The description of each field completes "`field` must be …".
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: ClassVar[str]
    least_inputs: ClassVar[int] = 1
    most_inputs: ClassVar[int | None] = 1
    kinds: ClassVar[tuple[Kind, ...]] = ()

    def outputs(self, inputs: int) -> int:
        """How many tensors come out."""
        return 1

    def legs(self) -> tuple[StageReference, ...]:
        """Layers that the construct puts before itself, each fed with its input; their results become its inputs."""
        return ()

    def infer(self, inputs: tuple[TensorType, ...], tensors: Tensors) -> LayerFacts | Fault:
        """The types that come out. Every rank is known."""
        raise NotImplementedError

    def warnings(self, inputs: tuple[TensorType, ...], tensors: Tensors) -> Iterator[Fault]:
        """What is legal and suspicious."""
        return iter(())

    def guarded(self, inputs: tuple[TensorType, ...], tensors: Tensors) -> tuple[str, Dim] | None:
        """An argument whose integers the running model has to guard, since nobody has proven that they lie in 0..N; N.

        The layer of such a construct has an argument `guarded`.
        """
        return None

    def layer(self, name: str, inputs: tuple[TensorType, ...], tensors: Tensors) -> keras.layers.Layer:
        """The runtime layer; it is called on the inputs and then the tensors among the arguments, in that order."""
        raise NotImplementedError

    @property
    def tensor_arguments(self) -> tuple[str, ...]:
        """The arguments that are tensors, in order."""
        fields = type(self).model_fields
        return tuple(field for field in fields if isinstance(getattr(self, field), TensorArgument))


def check(construct: type[Construct], arguments: Mapping[str, Value]) -> Construct | list[ArgumentFault]:
    """The construct with these arguments, or what is wrong with them, one fault an argument at most."""
    try:
        return construct.model_validate(dict(arguments))
    except ValidationError as error:
        kinds: dict[str, set[str]] = {}
        for detail in error.errors(include_url=False):
            kinds.setdefault(str(detail["loc"][0]), set()).add(detail["type"])
        return [_fault(construct, name, arguments.get(name), types) for name, types in kinds.items()]


def _fault(construct: type[Construct], argument: str, value: Value, types: set[str]) -> ArgumentFault:
    fields = construct.model_fields
    if argument not in fields:
        message = f"{construct.name} has no argument `{argument}`"
        return ArgumentFault(argument, "unknown-argument", message, suggestion(argument, fields))
    wants = fields[argument].description
    if types == {"missing"}:
        return ArgumentFault(argument, "missing-argument", f"{construct.name} needs `{argument}`, {wants}")
    illegal = {"greater_than_equal", "less_than_equal", "literal_error", "too_short"} & types
    message = f"`{argument}` must be {wants}, not {spelled(value)}"
    return ArgumentFault(argument, "illegal-value" if illegal else "wrong-kind", message)


def known(tensor: TensorType) -> Shape:
    """The shape of a tensor whose rank is known."""
    assert tensor.shape is not None
    return tensor.shape


def proven_below(interval: Interval, count: Dim) -> bool:
    """Whether integers of this interval lie in 0..count."""
    return isinstance(count, int) and interval.within(0, count - 1)


def any_batched(types: tuple[TensorType, ...] | list[TensorType]) -> bool:
    return any(entry.batched for entry in types)
