"""mux: a control picks, per sample, one of the groups of an axis or one of several branches.

y = x -> Dense(6) -> mux(control, of=3)      groups of the last axis
y = (a, b, c) -> mux(control)                branches
"""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from math import isinf
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from specc.catalogue.facts import Fault, LayerFacts
from specc.constructs.base import Construct, Count, Port, Tensors, known, proven_below
from specc.diagnostics import Kind
from specc.types import Dim, Interval, Shape, TensorType, surely_different

if TYPE_CHECKING:
    import keras

MUX = Kind(
    id="mux-law",
    explanation="A mux does not fit: the last axis must divide into `of` groups, branches must have one shape and "
    "dtype, and the control must be an integer per sample (a column `[1]` is taken too) inside 0..N, or "
    "N floats.",
    faulty="model m {\n  input x: float32[3]\n  input control: int32 in 0..4\n"
    "  output y = x -> Dense(6) -> mux(control, of=3)\n}\n",
    mended="model m {\n  input x: float32[3]\n  input control: int32 in 0..3\n"
    "  output y = x -> Dense(6) -> mux(control, of=3)\n}\n",
)


class Mux(Construct):
    """`y = x -> mux(control, of=3)` and `y = (a, b, c) -> mux(control)`: one group or branch per sample.

    Control is an integer per sample: the result is that group or branch, and only that one gets a gradient. A float
    control of N numbers mixes: the result is the weighted sum (mixture of experts, Shazeer et al. 2017,
    arXiv:1701.06538). An integer outside 0..N raises an error that names the mux, or is clamped, or gives zeros.
    """

    name: ClassVar[str] = "mux"
    most_inputs: ClassVar[int | None] = None
    kinds: ClassVar[tuple[Kind, ...]] = (MUX,)

    control: Port = Field(description="a tensor: an integer or a list of floats per sample")
    of: Count | None = Field(default=None, description="the number of groups")
    otherwise: Literal["error", "clamp", "zero"] = Field(default="error", description='"error", "clamp" or "zero"')

    def infer(self, inputs: tuple[TensorType, ...], tensors: Tensors) -> LayerFacts | Fault:
        results = self._groups(inputs) if len(inputs) == 1 else self._branches(inputs)
        if isinstance(results, Fault):
            return results
        result, count = results
        control = tensors["control"]
        fault = self._control_fault(control, count)
        if fault is not None:
            return fault
        if control.is_float:
            result = replace(result, interval=Interval())
        elif self.otherwise == "zero":
            result = replace(result, interval=result.interval.join(Interval(0, 0)))
        return LayerFacts((replace(result, batched=True),))

    def _groups(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, int] | Fault:
        (x,) = inputs
        if self.of is None:
            message = "a mux of one tensor needs the number of its groups"
            return Fault("mux-law", message, "`mux(control, of=3)`, or several branches: `(a, b, c) -> mux(control)`")
        shape = known(x)
        if not shape:
            return Fault("mux-law", f"a mux of groups needs an axis, x is {x}", input=0)
        size = shape[-1]
        if isinstance(size, int) and size % self.of:
            message = f"the last axis of x, {size}, does not divide into {self.of} groups"
            return Fault("mux-law", message, argument="of")
        return replace(x, shape=(*shape[:-1], size // self.of)), self.of

    def _branches(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, int] | Fault:
        if self.of is not None and self.of != len(inputs):
            return Fault("mux-law", f"{len(inputs)} branches are given, and of={self.of}", argument="of")
        first = inputs[0]
        for place, branch in enumerate(inputs[1:], 1):
            if branch.dtype != first.dtype or _differ(known(branch), known(first)):
                message = f"the branches of a mux are alike; the first is {first}, this one is {branch}"
                return Fault("mux-law", message, input=place)
        interval = reduce(Interval.join, (branch.interval for branch in inputs))
        return replace(first, interval=interval), len(inputs)

    def _control_fault(self, control: TensorType, count: int) -> Fault | None:
        shape = known(control)
        if control.is_float:
            if len(shape) == 1 and not surely_different(shape[0], count):
                return None
            message = f"a float control has one number for each of the {count}, this one is {control}"
            return Fault("mux-law", message, "an integer per sample picks one", argument="control")
        if not control.is_integer or shape not in ((), (1,)) or not control.batched:
            message = f"a control is an integer per sample, this one is {control}"
            return Fault("mux-law", message, "`argmax(x, axis=-1)` makes one of scores", argument="control")
        if self.otherwise == "error" and not _may_lie_inside(control.interval, count):
            message = f"the control lies in {control.interval}, the mux has 0 to {count - 1}"
            return Fault("mux-law", message, 'or say `otherwise="clamp"` or `"zero"`', argument="control")
        return None

    def guarded(self, inputs: tuple[TensorType, ...], tensors: Tensors) -> tuple[str, Dim] | None:
        control = tensors["control"]
        if not control.is_integer or self.otherwise != "error":
            return None
        count = len(inputs) if self.of is None else self.of
        return None if proven_below(control.interval, count) else ("control", count)

    def layer(self, name: str, inputs: tuple[TensorType, ...], tensors: Tensors) -> keras.layers.Layer:
        from specc.keras_backend import layers

        subject = f"mux `{name}`"
        if len(inputs) == 1:
            assert self.of is not None
            return layers.MuxGroups(of=self.of, otherwise=self.otherwise, subject=subject, name=name)
        return layers.MuxBranches(otherwise=self.otherwise, subject=subject, name=name)


def _may_lie_inside(interval: Interval, count: int) -> bool:
    """False when a side that is known lies outside; a side nobody knows is left to the guard of the running model."""
    return (isinf(interval.low) or 0 <= interval.low < count) and (isinf(interval.high) or 0 <= interval.high < count)


def _differ(left: Shape, right: Shape) -> bool:
    return len(left) != len(right) or any(map(surely_different, left, right))
