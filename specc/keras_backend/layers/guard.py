"""Range checks that run with the model: eagerly, in a `tf.function` and in a SavedModel alike."""

from typing import Any

import keras
import tensorflow as tf


def assert_all(values: tf.Tensor, hold: tf.Tensor, before: str, after: str | tf.Tensor) -> tf.Tensor:
    """Return `values`, having asserted that `hold` is true for every one of them.

    Args:
        values: tensor of any shape.
        hold: boolean tensor of that shape.
        before: text of the message in front of the first offending value.
        after: text of the message behind it.

    Raises:
        tf.errors.InvalidArgumentError: when run, with `before`, an offending value and `after` as message.
    """

    def fail() -> tf.Tensor:
        offending = tf.boolean_mask(values, tf.logical_not(hold))[0]
        if offending.dtype.is_floating:
            offending = tf.cast(offending, tf.float64 if offending.dtype == tf.float64 else tf.float32)
            shown = tf.strings.as_string(offending, shortest=True)
        else:
            shown = tf.strings.as_string(offending)
        with tf.control_dependencies([tf.debugging.Assert(False, [tf.strings.join([before, shown, after])])]):
            return tf.constant(False)

    # The message is put together only in the branch that fails: it would cost more than the check itself.
    checked = tf.cond(tf.reduce_all(hold), lambda: tf.constant(True), fail)
    with tf.control_dependencies([checked]):
        return tf.identity(values)


@keras.saving.register_keras_serializable(package="specc")
class Guard(keras.layers.Layer):
    """Pass a tensor on unchanged, and refuse to run if a value of it is outside a range.

    An integer must satisfy `low <= x < high`, a float `low <= x <= high`; NaN is refused. The gradient passes.

    Args:
        low: lower end.
        high: upper end.
        subject: what the message names, as in `input 'digit'`.
    """

    def __init__(self, low: float, high: float, subject: str, **kwargs: Any) -> None:
        # The value is checked as it was given, not as a half-precision policy rounds it.
        super().__init__(autocast=False, **kwargs)
        self.low = low
        self.high = high
        self.subject = subject
        self.supports_jit = False
        self.supports_masking = True

    def call(self, inputs: Any) -> Any:
        """Return `inputs`.

        Raises:
            tf.errors.InvalidArgumentError: when run, if a value is outside the range.
        """
        if inputs.dtype.is_floating:
            hold = (inputs >= self.low) & (inputs <= self.high)
        else:
            # The ends of the range need not fit into a small integer type: uint8 in 0..256.
            wide = tf.cast(inputs, tf.int64)
            hold = (wide >= self.low) & (wide < self.high)
        return assert_all(inputs, hold, f"{self.subject} is ", f", outside {self.low}..{self.high}")

    def compute_output_spec(self, inputs: Any) -> keras.KerasTensor:
        """Return the spec of the input."""
        return keras.KerasTensor(inputs.shape, inputs.dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of this layer."""
        return {**super().get_config(), "low": self.low, "high": self.high, "subject": self.subject}
