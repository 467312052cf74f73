"""What the forms of the ops are written in: operands that know whether they have a batch axis.

The law of every form: what it gives for a sample is what the op gives for that sample's operands alone. Most forms get
there by giving each operand a batch axis, of one where it has none: then axes count alike for all, axis 0 the batch,
and what is left to do is `keras.ops`. Everything here takes symbolic tensors too, and sizes that are not known yet.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
from keras import ops

from specc.keras_backend.layers.alignment import align_batched

Form = Callable[..., Any]
"""An op as a function of its arguments by name, the tensors among them as `Operand`.

The tensors it returns have a batch axis if one of the operands has one.
"""


@dataclass(frozen=True, slots=True)
class Operand:
    """A tensor that an op is called on, and whether it has a batch axis."""

    tensor: Any
    batched: bool

    @property
    def rank(self) -> int:
        """Number of axes of a sample."""
        return len(self.tensor.shape) - self.batched

    @property
    def lifted(self) -> Any:
        """The tensor with a batch axis, which is one of 1 if it is the same for every sample."""
        return self.tensor if self.batched else ops.expand_dims(self.tensor, 0)

    def aligned(self, rank: int) -> Any:
        """The tensor as it broadcasts, per sample, with others of up to `rank` axes: never against the batch."""
        return align_batched(self.tensor, rank + 1) if self.batched else self.tensor

    def place(self, axis: int) -> int:
        """The place of Keras' `axis`, of which 0 is the batch, among the axes of a sample."""
        return axis - 1 if axis > 0 else axis + self.rank


def operand(value: Operand | float) -> Operand:
    """A number of the spec as a scalar that is the same for every sample."""
    return value if isinstance(value, Operand) else Operand(ops.convert_to_tensor(value), batched=False)


def settled(results: Any, batched: bool) -> Any:
    """The results for lifted operands, without the batch axis unless one of the operands had one."""
    return results if batched else keras.tree.map_structure(lambda result: ops.squeeze(result, 0), results)


def single(function: Callable[..., Any]) -> Form:
    """The form of an op on one tensor `x`, from a function that takes it with a batch axis."""

    def form(x: Operand, **arguments: Any) -> Any:
        return settled(function(x.lifted, **arguments), x.batched)

    return form


def product(sizes: Sequence[Any]) -> Any:
    """The product of sizes, each a number, a scalar tensor or, in a symbolic tensor, none."""
    return None if any(size is None for size in sizes) else math.prod(sizes)


def reshaped(x: Any, shape: Sequence[Any]) -> Any:
    """Each sample of a batched `x` in another shape, in which one size may be -1, for a batch of any size."""
    sizes = ops.shape(x)
    # Beside a batch of unknown size neither Keras nor TensorFlow would know the size that -1 stands for.
    known = [size for size in shape if not _is_left(size)]
    count, rest = product(sizes[1:]), product(known)
    left = None if count is None or rest is None else count // rest
    return ops.reshape(x, (sizes[0], *(left if _is_left(size) else size for size in shape)))


def _is_left(size: Any) -> bool:
    """Whether a size is the -1 of a target shape, and not a tensor."""
    return isinstance(size, int) and size == -1


def flattened(x: Any) -> Any:
    """Each sample of a batched `x` as one row: `[B, ...]` to `[B, n]`."""
    return ops.reshape(x, (ops.shape(x)[0], product(ops.shape(x)[1:])))
