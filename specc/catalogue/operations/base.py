"""What an op's rule consists of, and the vocabulary that these rules are written in.

The law of every op: what it gives for a sample is what it gives for that sample's operands alone, without the batch
axis. An operand that is the same for every sample takes part in each. Axes count as in Keras: axis 0 is the batch, also
for an operand that has none. Shapes and pad widths are per sample.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from specc.catalogue.entries import Legality, anything
from specc.catalogue.facts import Fault, LayerFacts
from specc.catalogue.kinds import LITERAL_NUMBER, TENSOR, Kind, either, sequence
from specc.catalogue.promotion import WEAK_FLOAT, WEAK_INTEGER, result_dtype
from specc.catalogue.rules.base import Takes
from specc.records import value_object
from specc.types import ANYTHING, Dim, Interval, Shape, TensorType, broadcast_shapes, shape_text

OperandKind: TypeAlias = Literal["tensor", "tensors", "value"]

NUMBER_OR_TENSOR: Final = Kind(either("", TENSOR, LITERAL_NUMBER).annotation, "a tensor or a number", tensor=True)
TENSOR_LIST: Final = Kind(
    sequence(NUMBER_OR_TENSOR, "a list of tensors", least=1).annotation, "a list of tensors", tensor=True
)


@value_object
class Operand:
    """A tensor or a number that an op is called on; `dtype` is weak (`int`, `float`) for a number."""

    type: TensorType
    dtype: str

    @property
    def shape(self) -> Shape:
        """Asked only once every rank is known."""
        assert self.type.shape is not None
        return self.type.shape

    @property
    def interval(self) -> Interval:
        return self.type.interval


@value_object
class OperationCall:
    """An op called with checked arguments; every rank is known."""

    operation: str
    arguments: Mapping[str, Any]
    operands: Mapping[str, tuple[Operand, ...]] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Operand:
        return self.operands[name][0]

    @property
    def first(self) -> Operand:
        return next(iter(self.all))

    @property
    def all(self) -> tuple[Operand, ...]:
        return tuple(operand for operands in self.operands.values() for operand in operands)

    @property
    def batched(self) -> bool:
        return any(operand.type.batched for operand in self.all)

    def facts(self, dtype: str, shape: Shape | None, interval: Interval = ANYTHING, macs: Dim = 0) -> LayerFacts:
        return LayerFacts((TensorType(dtype, shape, self.batched, interval),), macs=macs)

    def promoted(self) -> str | Fault:
        """The dtype that all operands are promoted to."""
        dtype = result_dtype(operand.dtype for operand in self.all)
        if dtype is None:
            names = " and ".join(dict.fromkeys(operand.type.dtype for operand in self.all))
            message = f"{self.operation} can not bring {names} together"
            return Fault("dtype-mismatch", message, "`cast(x, …)` says what is meant")
        return dtype

    def broadcast(self) -> Shape | Fault:
        """The common shape of all operands, aligned from the right, without the batch axis."""
        shape: Shape = ()
        for place, operand in enumerate(self.all):
            joined = broadcast_shapes(shape, operand.shape)
            if joined is None:
                texts = " and ".join(shape_text(operand.shape) for operand in self.all)
                message = f"{self.operation} needs shapes that broadcast, aligned from the right; these are {texts}"
                return Fault("merge-mismatch", message, input=place)
            shape = joined
        return shape


def literal(value: float | bool) -> Operand:
    """A number of the spec as an operand."""
    weak = "bool" if isinstance(value, bool) else WEAK_INTEGER if isinstance(value, int) else WEAK_FLOAT
    dtype = {WEAK_INTEGER: "int32", WEAK_FLOAT: "float32"}.get(weak, weak)
    return Operand(TensorType(dtype, (), batched=False, interval=Interval(float(value), float(value))), weak)


def operand(value: TensorType) -> Operand:
    return Operand(value, value.dtype)


InferOperation: TypeAlias = Callable[[OperationCall], LayerFacts | Fault]


def one_output(arguments: Mapping[str, Any]) -> int:
    return 1


def dtype_of_first(call: OperationCall) -> str | Fault:
    return call.first.type.dtype


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationRule:
    """The rule of an op.

    Args:
        infer: the facts of a call, once all ranks are known.
        operands: the parameters that take tensors, and whether each takes one or a list.
        kinds: the kinds of the other parameters.
        takes: the dtypes that its tensors may have.
        elementwise: whether each element of the result depends on the elements at its place alone, after broadcasting.
        dtype: the dtype of the result when a rank is unknown.
        outputs: the number of results, from the checked arguments.
        own: the parameters, when they are not those of the op of `keras.ops` with this name.
    """

    infer: InferOperation
    operands: Mapping[str, OperandKind]
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    takes: Takes = "booleans"
    elementwise: bool = False
    dtype: Callable[[OperationCall], str | Fault] = dtype_of_first
    outputs: Callable[[Mapping[str, Any]], int] = one_output
    legality: Legality = anything
    own: tuple[tuple[Any, ...], ...] | None = None
