"""Banks: K tensors of one shape, of which each sample takes one, or a mixture."""

from typing import Any

import keras
import tensorflow as tf

from specc.keras_backend.layers.gathering import rows
from specc.keras_backend.layers.guard import assert_all


@keras.saving.register_keras_serializable(package="specc")
class Select(keras.layers.Layer):
    """Take one entry of a bank for each sample.

    Only the entries that are taken get a gradient; the index gets none.

    Args:
        subject: what the message names if an index is outside the bank, as in `stencils[digit]`.
        bank_batched: whether every sample has a bank of its own.
        guarded: whether to refuse an index outside the bank; without it none is, as somebody else has seen to.
    """

    def __init__(self, subject: str, bank_batched: bool = False, guarded: bool = True, **kwargs: Any) -> None:
        super().__init__(autocast=False, **kwargs)
        self.subject = subject
        self.bank_batched = bank_batched
        self.guarded = guarded
        self.supports_jit = False

    def call(self, inputs: Any) -> Any:
        """Map `[bank [K, ...] or [B, K, ...], index [B] or [B, 1]]` to `[B, ...]`.

        Raises:
            tf.errors.InvalidArgumentError: when run and guarded, if an index is outside 0..K.
        """
        bank, index = inputs
        index = tf.reshape(tf.cast(index, tf.int64), [-1])
        if self.guarded:
            size = tf.shape(bank, out_type=tf.int64)[1 if self.bank_batched else 0]
            # `tf.gather` itself raises on a CPU only, and gives zeros on a GPU.
            hold = (index >= 0) & (index < size)
            outside = tf.strings.join([" is outside 0..", tf.strings.as_string(size)])
            index = assert_all(index, hold, f"{self.subject}: index ", outside)
        return tf.gather(bank, index, axis=1, batch_dims=1) if self.bank_batched else rows(bank, index)

    def compute_output_spec(self, inputs: Any) -> keras.KerasTensor:
        """Return the shape of one entry behind the batch axis.

        Raises:
            ValueError: the index is neither a scalar nor a column per sample.
        """
        bank, index = inputs
        if index.shape[1:] not in ((), (1,)):
            raise ValueError(f"an index is a scalar per sample, not of shape {index.shape[1:]}")
        return keras.KerasTensor((index.shape[0], *bank.shape[2 if self.bank_batched else 1 :]), bank.dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of this layer."""
        return {
            **super().get_config(),
            "subject": self.subject,
            "bank_batched": self.bank_batched,
            "guarded": self.guarded,
        }


@keras.saving.register_keras_serializable(package="specc")
class Mix(keras.layers.Layer):
    """Mix the entries of a bank for each sample: `sum over k of routing[b, k] * bank[k]`.

    The sum over experts of CondConv (Yang et al. 2019, "CondConv: Conditionally Parameterized Convolutions for
    Efficient Inference", equation 1), as one matrix product.
    """

    def call(self, inputs: Any) -> Any:
        """Map `[bank [K, ...], routing [B, K]]` to `[B, ...]`."""
        bank, routing = inputs
        return tf.tensordot(routing, bank, 1)

    def compute_output_spec(self, inputs: Any) -> keras.KerasTensor:
        """Return the shape of one entry behind the batch axis.

        Raises:
            ValueError: the routing does not hold one number for each entry.
        """
        bank, routing = inputs
        if len(routing.shape) != 2 or routing.shape[1] != bank.shape[0]:
            raise ValueError(f"a bank of {bank.shape[0]} cannot be mixed by a routing of {routing.shape[1:]}")
        return keras.KerasTensor((routing.shape[0], *bank.shape[1:]), bank.dtype)
