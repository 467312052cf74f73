"""Split: parts of a tensor along an axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="specc")
class Split(keras.layers.Layer):
    """Cut a tensor into parts along an axis; their concatenation is the tensor.

    The gradient is the concatenation of the parts' gradients, and costs one copy, however many parts there are.

    Args:
        sizes: the sizes of the parts.
        axis: the axis, counted from the last, which is -1, so that it does not matter whether there is a batch axis.

    Raises:
        ValueError: `axis` is counted from the first.
    """

    def __init__(self, sizes: Sequence[int], axis: int = -1, **kwargs: Any) -> None:
        super().__init__(autocast=False, **kwargs)
        if axis >= 0:
            raise ValueError(f"the axis of a split counts from the last, which is -1: it can not be {axis}")
        self.sizes = list(sizes)
        self.axis = axis

    def call(self, x: Any) -> tuple[Any, ...]:
        """Map `x [..., n, ...]` to parts `[..., size, ...]`."""
        return tuple(tf.split(x, list(self.sizes), self.axis))

    def compute_output_spec(self, x: Any) -> tuple[keras.KerasTensor, ...]:
        """Return the specs of the parts.

        Raises:
            ValueError: the sizes do not add up to the axis.
        """
        if x.shape[self.axis] not in (None, sum(self.sizes)):
            raise ValueError(f"parts of {self.sizes} do not make up axis {self.axis} of {tuple(x.shape)}")
        place = len(x.shape) + self.axis
        return tuple(keras.KerasTensor((*x.shape[:place], size, *x.shape[place + 1 :]), x.dtype) for size in self.sizes)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of this layer."""
        return {**super().get_config(), "sizes": list(self.sizes), "axis": self.axis}
