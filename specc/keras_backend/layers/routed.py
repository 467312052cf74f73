"""What the routed layers share: the samples of a batch in the order of the groups they ask for.

A routed layer gives what a multiplexer behind all groups or branches gives, and computes for each sample only the one
that its control asks for. The samples of one group become one block of rows; each block is computed by its group
alone; the blocks are put back into the order of the batch.
"""

from typing import Any

import tensorflow as tf
from tensorflow.python.ops.control_flow_util import GraphOrParentsInXlaContext


def inside_xla() -> bool:
    """Whether what is traced now will be compiled by XLA, in which the size of a block can not depend on values.

    That is so while a `tf.function(jit_compile=True)`, or one inside it, is traced. A function that was traced before,
    outside, and is then called within such a one is not traced again, and XLA refuses it.
    """
    # TensorFlow has no public name for this; Keras asks private modules of it in the same way.
    return not tf.executing_eagerly() and bool(GraphOrParentsInXlaContext(tf.compat.v1.get_default_graph()))


def require_int(control: Any) -> None:
    """Refuse a float control: it mixes all groups or branches, so there is nothing to route.

    Raises:
        ValueError: the control is none of ints.
    """
    if "int" not in control.dtype:
        raise ValueError(f"a routed layer takes an int control, not one of dtype {control.dtype}")


class Blocks:
    """An order of the samples of a batch in which those of one group stand together.

    Args:
        group: the group of each sample, int `[B]` in `0..count`; `count` itself stands for none.
        count: number of groups.

    Attributes:
        sizes: how many samples each group has, and last how many are in none, int32 `[count + 1]`.
    """

    def __init__(self, group: tf.Tensor, count: int) -> None:
        group = tf.cast(group, tf.int32)
        self._order = tf.argsort(group, stable=True)
        self._places = tf.math.invert_permutation(self._order)
        self.sizes = tf.math.unsorted_segment_sum(tf.ones_like(group), group, count + 1)

    def sort(self, x: tf.Tensor) -> tf.Tensor:
        """Return the samples of `x [B, ...]` in this order."""
        return _permute(x, self._order, self._places)

    def restore(self, x: tf.Tensor) -> tf.Tensor:
        """Return the samples of `x [B, ...]`, which stand in this order, in the order of the batch."""
        return _permute(x, self._places, self._order)

    def split(self, x: tf.Tensor) -> list[tf.Tensor]:
        """Split the samples of `x [B, ...]`, which stand in this order, into `[sizes[g], ...]` for each group."""
        return split_rows(x, self.sizes)


def split_rows(rows: tf.Tensor, sizes: tf.Tensor) -> list[tf.Tensor]:
    """Split rows into blocks of these sizes, and leave the last one out: it belongs to no group."""
    return list(tf.split(rows, sizes, num=sizes.shape[0]))[:-1]


def _permute(x: tf.Tensor, order: tf.Tensor, inverse: tf.Tensor) -> tf.Tensor:
    """Return the rows of `x` in this order. The gradient is the inverse order: the automatic one adds rows up."""

    @tf.custom_gradient
    def permuted(x: tf.Tensor) -> Any:
        return tf.gather(x, order), lambda upstream: tf.gather(upstream, inverse)

    return permuted(x)
