"""Guards that say which samples are valid instead of raising an error, for runtimes in which nothing can stop a run.

What is computed from an invalid sample means nothing; whoever runs the model has to hide it.
"""

from functools import reduce
from operator import and_
from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="specc")
class Clamp(keras.layers.Layer):
    """Move values that are outside a range to its ends, and tell the samples that have none from those that do.

    An integer must satisfy `low <= x < high`, a float `low <= x <= high`, as `Guard` has it; NaN is invalid.

    Args:
        low: lower end.
        high: upper end.
    """

    def __init__(self, low: float, high: float, **kwargs: Any) -> None:
        # The value is checked as it was given, not as a half-precision policy rounds it.
        super().__init__(autocast=False, **kwargs)
        self.low = low
        self.high = high

    def call(self, x: Any) -> tuple[Any, Any]:
        """Map `x [B, ...]` to `(x inside the range, valid [B])`."""
        if x.dtype.is_floating:
            clamped = tf.clip_by_value(x, self.low, self.high)
            inside = (x >= self.low) & (x <= self.high)
        else:
            # The ends of the range need not fit into a small integer type: uint8 in 0..256.
            wide = tf.cast(x, tf.int64)
            clamped = tf.cast(tf.clip_by_value(wide, int(self.low), int(self.high) - 1), x.dtype)
            inside = (wide >= self.low) & (wide < self.high)
        return clamped, tf.reduce_all(inside, range(1, len(x.shape)))

    def compute_output_spec(self, x: Any) -> tuple[keras.KerasTensor, keras.KerasTensor]:
        """Return the spec of `x`, and one truth value per sample."""
        return keras.KerasTensor(x.shape, x.dtype), keras.KerasTensor(x.shape[:1], "bool")

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of this layer."""
        return {**super().get_config(), "low": self.low, "high": self.high}


@keras.saving.register_keras_serializable(package="specc")
class AllValid(keras.layers.Layer):
    """Tell the samples that are valid by all of several guards."""

    def call(self, inputs: Any) -> Any:
        """Map a list of `valid [B]` to one."""
        return reduce(and_, inputs)

    def compute_output_spec(self, inputs: Any) -> keras.KerasTensor:
        """Return the spec of one of them."""
        return keras.KerasTensor(inputs[0].shape, "bool")


def hidden(output: Any, valid: Any) -> Any:
    """Return `output [B, ...]`, of a float dtype, with NaN for every sample that is not valid."""
    aligned = tf.reshape(valid, [-1, *[1] * (len(output.shape) - 1)])
    return tf.where(aligned, output, tf.constant(float("nan"), output.dtype))
