"""gate: a fraction g goes on, the rest goes ahead, and nothing is lost.

    near, far = x -> gate(g)        near = g * x,  far = x - near
    near, far = x -> gated(Conv2D(16, 3, activation="relu"))

`gated` makes the gate itself: the same layer again with a sigmoid, beside the value. This is the gated linear unit with
its complement (Dauphin et al. 2016, arXiv:1612.08083; for the complement Srivastava et al. 2015, arXiv:1505.00387).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from specc.catalogue.facts import Fault, LayerFacts
from specc.catalogue.values import StageReference, TensorArgument
from specc.constructs.base import Construct, Fraction, Port, Stage, Tensors, known
from specc.diagnostics import Kind, Severity
from specc.types import Interval, Shape, TensorType, shape_text, surely_different

if TYPE_CHECKING:
    import keras

GATE = Kind(
    id="gate-shape",
    explanation="A gate does not fit what it gates: it must be a scalar per sample, one number per channel (the last "
    "axis), or of the shape of x.",
    faulty="model m {\n  input x: float32[4]\n  input g: float32[3] in 0..1\n  near, far = x -> gate(g)\n"
    "  output y = (near, far) -> Concatenate()\n}\n",
    mended="model m {\n  input x: float32[4]\n  input g: float32[4] in 0..1\n  near, far = x -> gate(g)\n"
    "  output y = (near, far) -> Concatenate()\n}\n",
)

UNBOUNDED_GATE = Kind(
    id="unbounded-gate",
    severity=Severity.WARNING,
    explanation="A gate is a fraction, and nothing proves that this one stays in 0..1. A sigmoid, a softmax, a "
    "`clip` or an input declared `in 0..1` does.",
    faulty="model m {\n  input x: float32[4]\n  g = x -> Dense(4)\n  near, far = x -> gate(g)\n"
    "  output y = (near, far) -> Concatenate()\n}\n",
    mended='model m {\n  input x: float32[4]\n  g = x -> Dense(4, activation="sigmoid")\n  near, far = x -> gate(g)\n'
    "  output y = (near, far) -> Concatenate()\n}\n",
)


def _halves(x: TensorType, gate: Interval) -> LayerFacts:
    ends = [end * part for end in (x.interval.low, x.interval.high) for part in (gate.low, gate.high) if end or part]
    inside = Interval(min([0.0, *ends]), max([0.0, *ends])) if gate.within(0, 1) else Interval()
    half = replace(x, interval=inside)
    return LayerFacts((half, half))


class Gate(Construct):
    """`near, far = x -> gate(g)`: `near = g * x` and `far = x - near`, so that `near + far` is `x`.

    Shapes: both halves have the shape of x; g is a number in 0..1, a knob, a scalar per sample, one number per channel,
    or of x's shape. Gradients reach x and g. It costs one product and one difference.
    """

    name: ClassVar[str] = "gate"
    kinds: ClassVar[tuple[Kind, ...]] = (GATE, UNBOUNDED_GATE)

    g: Fraction | Port = Field(description="a number in 0..1, a knob or a tensor")

    def outputs(self, inputs: int) -> int:
        return 2

    def infer(self, inputs: tuple[TensorType, ...], tensors: Tensors) -> LayerFacts | Fault:
        (x,) = inputs
        if not x.is_float:
            return Fault("dtype-mismatch", f"gate needs a float tensor, x is {x}", '`cast(x, "float32")`', input=0)
        if not isinstance(self.g, TensorArgument):
            return _halves(x, Interval(self.g, self.g))
        gate = tensors["g"]
        if not gate.is_float:
            return Fault("dtype-mismatch", f"a gate is a float in 0..1, g is {gate}", argument="g")
        if not _fits(known(gate), known(x)):
            message = f"a gate of shape {shape_text(gate.shape)} does not fit x of shape {shape_text(x.shape)}"
            help = "a scalar per sample, one number per channel, or the shape of x"
            return Fault("gate-shape", message, help, argument="g")
        return _halves(replace(x, batched=x.batched or gate.batched), gate.interval)

    def warnings(self, inputs: tuple[TensorType, ...], tensors: Tensors) -> Iterator[Fault]:
        if "g" in tensors and not tensors["g"].interval.within(0, 1):
            interval = tensors["g"].interval
            message = f"nothing proves that this gate stays in 0..1; all that is known is {interval}"
            yield Fault("unbounded-gate", message, 'end the gate\'s leg with activation="sigmoid"', argument="g")

    def layer(self, name: str, inputs: tuple[TensorType, ...], tensors: Tensors) -> keras.layers.Layer:
        from specc.keras_backend import layers

        if isinstance(self.g, TensorArgument):
            return layers.Gate(gate_batched=tensors["g"].batched, name=name)
        return layers.Gate(value=self.g, name=name)


def _fits(gate: Shape, x: Shape) -> bool:
    """Whether each axis of the gate, from the right, is 1 or may be the size of x's axis."""
    axes = zip(reversed(gate), reversed(x), strict=False)
    return len(gate) <= len(x) and not any(size != 1 and surely_different(size, of_x) for size, of_x in axes)


class Gated(Construct):
    """`near, far = x -> gated(Conv2D(16, 3, activation="relu"))`: a layer gated by its own twin with a sigmoid.

    The halves have the shape of the layer's result; twice the layer's weights and work.
    """

    name: ClassVar[str] = "gated"
    least_inputs: ClassVar[int] = 2
    most_inputs: ClassVar[int | None] = 2

    of: Stage = Field(description='a layer with an activation, as in `gated(Dense(8, activation="relu"))`')

    def outputs(self, inputs: int) -> int:
        return 2

    def legs(self) -> tuple[StageReference, ...]:
        return self.of, replace(self.of, arguments={**self.of.arguments, "activation": "sigmoid"})

    def infer(self, inputs: tuple[TensorType, ...], tensors: Tensors) -> LayerFacts | Fault:
        value, gate = inputs
        return _halves(value, gate.interval)

    def layer(self, name: str, inputs: tuple[TensorType, ...], tensors: Tensors) -> keras.layers.Layer:
        from specc.keras_backend import layers

        return layers.Gate(gate_batched=True, name=name)
