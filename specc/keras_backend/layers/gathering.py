"""Rows of a table, with a gradient that every optimizer reads right."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf


def rows(table: tf.Tensor, index: tf.Tensor) -> tf.Tensor:
    """Return `table[index]`: `table [K, ...]` at integers `index [...]` in 0..K gives `[*index, ...]`.

    The gradient of `tf.gather` names a row once for each time it is taken, and Keras' optimizers square such pieces
    before they add them up; here they are added first.
    """

    @tf.custom_gradient
    def take(whole: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
        def gradient(upstream: tf.Tensor) -> tf.Tensor:
            return tf.math.unsorted_segment_sum(upstream, index, tf.shape(whole, out_type=tf.int64)[0])

        return tf.gather(whole, index), gradient

    taken: Any = take(table)
    return taken
