"""What the routed layers share: the samples of a batch in the order of the groups they ask for.

A routed layer gives what a multiplexer behind all groups or branches gives, and computes for each sample only the one
that its control asks for. The samples of one group become one block of rows; each block is computed by its group
alone; the blocks are put back into the order of the batch.
"""

from collections.abc import Sequence
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
        self._count = count
        self._order = tf.argsort(group, stable=True)
        self._places = tf.math.invert_permutation(self._order)
        self.sizes = tf.math.unsorted_segment_sum(tf.ones_like(group), group, count + 1)

    def split(self, x: tf.Tensor) -> list[tf.Tensor]:
        """Split a batched `[B, ...]` into the block of each group, `[sizes[g], ...]`."""
        return list(tf.split(_permute(x, self._order, self._places), self.sizes, num=self._count + 1))[:-1]

    def join(self, blocks: Sequence[tf.Tensor]) -> tf.Tensor:
        """Put the blocks of the groups back together, `[B, ...]`; samples of no group get zeros."""
        rest = tf.zeros(tf.concat([self.sizes[-1:], tf.shape(blocks[0])[1:]], 0), blocks[0].dtype)
        return _permute(tf.concat([*blocks, rest], 0), self._places, self._order)


def _permute(x: tf.Tensor, order: tf.Tensor, inverse: tf.Tensor) -> tf.Tensor:
    """Return the rows of `x` in this order. The gradient is the inverse order: the automatic one adds rows up."""

    @tf.custom_gradient
    def permuted(x: tf.Tensor) -> Any:
        return tf.gather(x, order), lambda upstream: tf.gather(upstream, inverse)

    return permuted(x)
