"""What a layer's rule consists of, and the vocabulary that rules are written in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from specc.catalogue.entries import Legality, anything
from specc.catalogue.facts import Fault, LayerFacts, WeightFact
from specc.records import value_object
from specc.types import (
    ANYTHING,
    Dim,
    Interval,
    Shape,
    TensorType,
    shape_text,
)

InputStyle: TypeAlias = Literal["single", "list", "positional", "cell"]
"""One tensor; one list of tensors; one positional argument each; or never called by itself, but given to `RNN`."""

Takes: TypeAlias = Literal["floats", "integers", "booleans", "strings"]
"""What a layer can be called on; each entry takes what those before it take too.

Most layers compute in floats, and TensorFlow has no kernels of theirs for anything else, though Keras often says so
only when the model runs.
"""

_LADDER: Final = ("floats", "integers", "booleans", "strings")

COMPUTE_DTYPES: Final = {"mixed_float16": "float16", "mixed_bfloat16": "bfloat16"}


@value_object
class Call:
    """A layer called on inputs: arguments checked, floats cast to the layer's compute dtype, every rank known."""

    layer: str
    arguments: Mapping[str, Any]
    inputs: tuple[TensorType, ...]
    tensors: Mapping[str, TensorType] = field(default_factory=dict)

    @property
    def input(self) -> TensorType:
        return self.inputs[0]

    @property
    def shape(self) -> Shape:
        return known(self.inputs[0])

    @property
    def dtype(self) -> str:
        """The compute dtype: what float inputs are cast to and what most layers return."""
        return compute_dtype(self.arguments)

    @property
    def channels_first(self) -> bool:
        return self.arguments.get("data_format") == "channels_first"

    def output(self, shape: Shape | None, interval: Interval = ANYTHING, dtype: str | None = None) -> TensorType:
        return TensorType(dtype or self.dtype, shape, any(entry.batched for entry in self.inputs), interval)

    def facts(
        self,
        shape: Shape | None,
        interval: Interval = ANYTHING,
        *weights: WeightFact,
        macs: Dim = 0,
        dtype: str | None = None,
    ) -> LayerFacts:
        """The facts of a layer with one output."""
        return LayerFacts((self.output(shape, interval, dtype),), weights, macs)


Infer: TypeAlias = Callable[[Call], LayerFacts | Fault]


def one_output(arguments: Mapping[str, Any]) -> int:
    return 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """The rule of a layer class.

    Args:
        infer: the facts of a call, once the number, dtypes and ranks of the inputs are right.
        takes: the dtypes that it can be called on.
        axes: the names of the axes per sample of each input, channels last; none when any rank is taken.
        least_rank: the smallest rank per sample when `axes` is none.
        outputs: the number of outputs, from the checked arguments.
        legality: what Keras demands of several arguments together.
        kernel: the shape of a kernel that may come from the graph instead (`kernel=`), none while sizes are unknown.
        bias: likewise for `bias=`.
        tensors: what is wrong with the tensors among the arguments, asked once `infer` has found no fault.
    """

    infer: Infer
    takes: Takes = "floats"
    style: InputStyle = "single"
    least_inputs: int = 1
    most_inputs: int | None = 1
    axes: tuple[str, ...] | None = None
    least_rank: int = 0
    outputs: Callable[[Mapping[str, Any]], int] = one_output
    legality: Legality = anything
    kernel: Callable[[Call], Shape | None] | None = None
    bias: Callable[[Call], Shape | None] | None = None
    tensors: Callable[[Call], Fault | None] | None = None


def suits(tensor: TensorType, takes: Takes) -> bool:
    """Whether a tensor's dtype is among what a layer takes."""
    if tensor.is_float or tensor.is_integer:
        sort = "floats" if tensor.is_float else "integers"
    else:
        sort = "booleans" if tensor.dtype == "bool" else "strings"
    return _LADDER.index(sort) <= _LADDER.index(takes)


def compute_dtype(arguments: Mapping[str, Any]) -> str:
    """The dtype a layer works in: `float32`, or what its `dtype=` says."""
    dtype = arguments.get("dtype") or "float32"
    return COMPUTE_DTYPES.get(dtype, dtype)


def known(tensor: TensorType) -> Shape:
    """The shape of a tensor whose rank is known: rules are called with no other."""
    assert tensor.shape is not None
    return tensor.shape


def same(call: Call) -> LayerFacts:
    """The law of a layer that keeps shape and dtype, and of whose values nothing is said."""
    return call.facts(call.shape, dtype=call.input.dtype)


def unchanged(call: Call) -> LayerFacts:
    """The law of a layer that moves values about without changing them."""
    return call.facts(call.shape, call.input.interval, dtype=call.input.dtype)


def size(dim: Dim) -> int | None:
    """A size as a number, or none while it is symbolic or unknown."""
    return dim if isinstance(dim, int) else None


def unknown_size(call: Call, what: str, shape: Shape, input: int | None = 0) -> Fault:
    """The fault of a layer whose weights need a size that is not known when compiling."""
    message = f"{call.layer} needs to know {what} to make its weights, but the input is {shape_text(shape)}"
    return Fault("unknown-size", message, "give the input's type a number there", input=input)


def per_sample_axis(axis: int, rank: int) -> int | Fault:
    """Keras' axis (0 is the batch) as an index into a per-sample shape of `rank` axes."""
    place = axis + rank + 1 if axis < 0 else axis
    if place == 0:
        return Fault("batch-axis", f"axis {axis} is the batch axis, which a spec can not touch", argument="axis")
    if not 0 < place <= rank:
        limits = f"1..{rank} or -{rank}..-1" if rank else "none: it is a scalar per sample"
        return Fault("axis-out-of-range", f"axis {axis} does not exist; the axes are {limits}", argument="axis")
    return place - 1


def per_sample_axes(axes: int | tuple[int, ...], rank: int) -> tuple[int, ...] | Fault:
    """Likewise for several axes, each once."""
    places: list[int] = []
    for axis in (axes,) if isinstance(axes, int) else axes:
        place = per_sample_axis(axis, rank)
        if isinstance(place, Fault):
            return place
        if place in places:
            return Fault("axis-out-of-range", f"axis {axis} is named twice", argument="axis")
        places.append(place)
    return tuple(places)
