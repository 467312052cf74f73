"""weighted_sum and weighted_product: several tensors become one, each with its weight.

(a, b) -> weighted_sum(0.1)                     0.1 * a + 0.9 * b
(a, b, c) -> weighted_sum([0.2, 0.3, 0.5])
(a, b) -> weighted_product(w, normalize="softmax")
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from specc.catalogue.facts import Fault, LayerFacts
from specc.catalogue.values import TensorArgument
from specc.constructs.base import Construct, Number, Port, Tensors, any_batched, known
from specc.diagnostics import Kind, Severity
from specc.types import Interval, TensorType, surely_different

if TYPE_CHECKING:
    import keras

WEIGHTS = Kind(
    id="weight-law",
    explanation="The weights of a merge do not fit: one number serves two inputs (`w` and `1 - w`), otherwise there "
    "is one for each input; what is merged has one shape.",
    faulty="model m {\n  input a: float32[4]\n  input b: float32[4]\n  input c: float32[4]\n"
    "  output y = (a, b, c) -> weighted_sum([0.1, 0.9])\n}\n",
    mended="model m {\n  input a: float32[4]\n  input b: float32[4]\n  input c: float32[4]\n"
    "  output y = (a, b, c) -> weighted_sum([0.1, 0.6, 0.3])\n}\n",
)

NEGATIVE_BASE = Kind(
    id="negative-base",
    severity=Severity.WARNING,
    explanation="A weighted product raises its inputs to powers, and a negative number to a fraction is NaN. Nothing "
    "proves that this input is never negative; a relu, a softmax or an `exp` does.",
    faulty="model m {\n  input a: float32[4] in 0..1\n  input b: float32[4]\n"
    "  output y = (a, b) -> weighted_product(0.5)\n}\n",
    mended="model m {\n  input a: float32[4] in 0..1\n  input b: float32[4] in 0..1\n"
    "  output y = (a, b) -> weighted_product(0.5)\n}\n",
)


class _Weighted(Construct):
    least_inputs: ClassVar[int] = 2
    most_inputs: ClassVar[int | None] = None
    kinds: ClassVar[tuple[Kind, ...]] = (WEIGHTS,)

    weights: Number | tuple[Number, ...] | Port = Field(
        description="a number, a list of numbers, a knob, a weight or a tensor"
    )
    normalize: Literal["softmax"] | None = Field(default=None, description='"softmax" or none')

    def infer(self, inputs: tuple[TensorType, ...], tensors: Tensors) -> LayerFacts | Fault:
        first = inputs[0]
        for place, entry in enumerate(inputs):
            shapes = known(entry), known(first)
            if not entry.is_float or len(shapes[0]) != len(shapes[1]) or any(map(surely_different, *shapes)):
                message = f"{self.name} merges floats of one shape; the first is {first}, this one is {entry}"
                return Fault("merge-mismatch", message, input=place)
        fault = self._count_fault(len(inputs), tensors)
        if fault is not None:
            return fault
        batched = any_batched([*inputs, *tensors.values()])
        return LayerFacts((replace(first, batched=batched, interval=Interval()),))

    def _count_fault(self, inputs: int, tensors: Tensors) -> Fault | None:
        given: Any
        if isinstance(self.weights, TensorArgument):
            shape = known(tensors["weights"])
            if not tensors["weights"].is_float or len(shape) > 1:
                message = f"the weights are a number or a list of floats, these are {tensors['weights']}"
                return Fault("weight-law", message, argument="weights")
            given = shape[0] if shape else None
        else:
            given = len(self.weights) if isinstance(self.weights, tuple) else None
        if given is None and inputs != 2:
            message = f"one weight serves two inputs, `w` and `1 - w`; here are {inputs}"
            return Fault("weight-law", message, "give a list with one weight for each", argument="weights")
        if given is None and self.normalize:
            return Fault("weight-law", "a single weight can not be normalized", argument="normalize")
        if given is not None and surely_different(given, inputs):
            message = f"{given} weights are given for {inputs} inputs"
            return Fault("weight-law", message, argument="weights")
        return None

    def _settings(self, tensors: Tensors) -> dict[str, Any]:
        if isinstance(self.weights, TensorArgument):
            return {"weights_batched": tensors["weights"].batched, "normalize": self.normalize}
        weights = self.weights if isinstance(self.weights, tuple) else (self.weights, 1 - self.weights)
        return {"weights": list(weights), "normalize": self.normalize}


class WeightedSum(_Weighted):
    """`(a, b) -> weighted_sum(0.1)`: the sum of `weight * input`.

    With one weight and two inputs: `w` and `1 - w`. With a list: one each. With a `weight`: learned. With a tensor of N
    floats: per sample. `normalize="softmax"` makes the weights positive with sum 1. Inputs and result have one shape.
    """

    name: ClassVar[str] = "weighted_sum"

    def layer(self, name: str, inputs: tuple[TensorType, ...], tensors: Tensors) -> keras.layers.Layer:
        from specc.keras_backend import layers

        return layers.WeightedSum(name=name, **self._settings(tensors))


class WeightedProduct(_Weighted):
    """`(a, b) -> weighted_product(0.1)`: the product of `input ** weight`, for inputs that are never negative.

    Weights are given as for `weighted_sum`. Inputs and result have one shape (a product of experts: Hinton 2002).
    """

    name: ClassVar[str] = "weighted_product"
    kinds: ClassVar[tuple[Kind, ...]] = (WEIGHTS, NEGATIVE_BASE)

    def warnings(self, inputs: tuple[TensorType, ...], tensors: Tensors) -> Iterator[Fault]:
        for place, entry in enumerate(inputs):
            if entry.interval.low < 0:
                message = f"nothing proves that this base is never negative; all that is known is {entry.interval}"
                yield Fault("negative-base", message, 'end its leg with activation="relu" or "softmax"', input=place)

    def layer(self, name: str, inputs: tuple[TensorType, ...], tensors: Tensors) -> keras.layers.Layer:
        from specc.keras_backend import layers

        return layers.WeightedProduct(name=name, **self._settings(tensors))
