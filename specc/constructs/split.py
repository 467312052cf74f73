"""split: parts of a tensor along an axis; their concatenation is the tensor.

near, skip = x -> split([24, 8])        sizes
near, skip = x -> split([0.75, 0.25])   fractions, which must come out whole
a, b, c, d = x -> split(4)              as many equal parts
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction as Exactly
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from specc.catalogue.facts import Fault, LayerFacts
from specc.catalogue.values import spelled
from specc.constructs.base import Axis, Construct, Count, Number, Tensors, known
from specc.diagnostics import Kind
from specc.types import TensorType, shape_text

if TYPE_CHECKING:
    import keras

SPLIT = Kind(
    id="split-sizes",
    explanation="The parts of a split do not make up the axis: sizes must add up to it, fractions to 1 and come out "
    "whole, a count must divide it, and the axis must have a known size.",
    faulty="model m {\n  input x: float32[8]\n  a, b = x -> split([5, 4])\n  output y = (a, b) -> Concatenate()\n}\n",
    mended="model m {\n  input x: float32[8]\n  a, b = x -> split([5, 3])\n  output y = (a, b) -> Concatenate()\n}\n",
)


class Split(Construct):
    """`near, skip = x -> split([24, 8], axis=-1)`: parts by sizes, by fractions, or as a count.

    Shapes: each part has x's shape but for the axis. Axes count as in Keras; the batch axis is refused. Values and
    gradients pass through. It costs the copy.
    """

    name: ClassVar[str] = "split"
    kinds: ClassVar[tuple[Kind, ...]] = (SPLIT,)

    into: Count | tuple[Count, ...] | tuple[Number, ...] = Field(
        description="a count, a list of sizes or a list of fractions"
    )
    axis: Axis = Field(default=-1, description="an axis")

    def outputs(self, inputs: int) -> int:
        return self.into if isinstance(self.into, int) else len(self.into)

    def infer(self, inputs: tuple[TensorType, ...], tensors: Tensors) -> LayerFacts | Fault:
        (x,) = inputs
        shape = known(x)
        place = self._place(len(shape))
        if place is None:
            reason = "is the batch axis" if self.axis == 0 else f"is none of {shape_text(shape)}"
            return Fault("axis-out-of-range", f"axis {self.axis} {reason}", argument="axis")
        size = shape[place]
        if not isinstance(size, int):
            return Fault("split-sizes", f"the axis to split has no known size: x is {x}", input=0)
        sizes = self._sizes(size)
        if isinstance(sizes, Fault):
            return sizes
        parts = [(*shape[:place], part, *shape[place + 1 :]) for part in sizes]
        return LayerFacts(tuple(replace(x, shape=part) for part in parts))

    def _place(self, rank: int) -> int | None:
        place = self.axis + rank if self.axis < 0 else self.axis - 1
        return place if 0 <= place < rank and self.axis != 0 else None

    def _sizes(self, size: int) -> tuple[int, ...] | Fault:
        """The sizes of the parts of an axis, or why there are none."""
        if isinstance(self.into, int):
            if size % self.into:
                return Fault("split-sizes", f"{size} does not divide into {self.into} equal parts", argument="into")
            return (size // self.into,) * self.into
        written = spelled(self.into)
        if all(isinstance(part, int) for part in self.into):
            if sum(self.into) != size:
                message = f"the parts {written} add up to {sum(self.into)}, the axis has {size}"
                return Fault("split-sizes", message, argument="into")
            return tuple(int(part) for part in self.into)
        # As decimals are written: 0.1 is a tenth here, so that [0.1, 0.9] adds up to one.
        parts = [Exactly(str(part)) for part in self.into]
        if sum(parts) != 1 or min(parts) <= 0:
            message = f"the fractions {written} add up to {float(sum(parts)):g}, not to 1"
            return Fault("split-sizes", message, argument="into")
        if any((part * size).denominator != 1 for part in parts):
            sizes = ", ".join(f"{float(part * size):g}" for part in parts)
            message = f"the fractions {written} of {size} do not come out whole: {sizes}"
            return Fault("split-sizes", message, argument="into")
        return tuple(int(part * size) for part in parts)

    def layer(self, name: str, inputs: tuple[TensorType, ...], tensors: Tensors) -> keras.layers.Layer:
        from specc.keras_backend import layers

        shape = known(inputs[0])
        place = self._place(len(shape))
        assert place is not None
        size = shape[place]
        sizes = self._sizes(size) if isinstance(size, int) else ()
        assert not isinstance(sizes, Fault)
        return layers.Split(sizes=sizes, axis=place - len(shape), name=name)
