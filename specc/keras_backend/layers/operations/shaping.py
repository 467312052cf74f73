"""Ops that rearrange, join, repeat and pad, with per-sample shapes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import keras
from keras import ops

from specc.keras_backend.layers.alignment import align_batched
from specc.keras_backend.layers.operations.axes import along_row
from specc.keras_backend.layers.operations.base import Form, Operand, reshaped, settled, single


def _reshape(x: Any, newshape: tuple[int, ...]) -> Any:
    return reshaped(x, newshape)


def _transpose(x: Any, axes: tuple[int, ...] | None = None) -> Any:
    return ops.transpose(x, (0, *range(len(x.shape) - 1, 0, -1)) if axes is None else axes)


def _squeeze(x: Any, axis: int | tuple[int, ...] | None = None) -> Any:
    """Without an axis: all axes of a sample that are known to be of one place.

    Raises:
        ValueError: `axis` is none and a size is unknown, on which the rank of the result would depend.
    """
    if axis is None:
        if None in tuple(x.shape)[1:]:
            raise ValueError(f"squeeze without an axis needs known sizes, not {tuple(x.shape)[1:]} per sample")
        axis = tuple(place for place, size in enumerate(x.shape) if place and size == 1)
    return ops.squeeze(x, axis) if axis != () else x


def _tile(x: Any, repeats: tuple[int, ...]) -> Any:
    return ops.tile(x, (*(1,) * (len(x.shape) - len(repeats)), *repeats))


def _broadcast_to(x: Any, shape: tuple[int, ...]) -> Any:
    return ops.broadcast_to(align_batched(x, len(shape) + 1), (ops.shape(x)[0], *shape))


def _pad(x: Any, pad_width: int | tuple[tuple[int, int], ...], mode: str = "constant", **arguments: Any) -> Any:
    rank = len(x.shape) - 1
    pairs = ((pad_width, pad_width),) * rank if isinstance(pad_width, int) else pad_width
    if mode != "reflect":
        return ops.pad(x, ((0, 0), *pairs), mode, **arguments)
    # TensorFlow reflects no batch of none: a sample joins and leaves again.
    return ops.pad(ops.pad(x, ((0, 1), *((0, 0),) * rank)), ((0, 0), *pairs), mode)[:-1, ...]


def _joined(function: Callable[..., Any], values: Sequence[Operand | float], axis: int) -> Any:
    """Tensors joined with a batch axis; what is the same for every sample is repeated for each."""
    operands = [value for value in values if isinstance(value, Operand)]
    anchor = next((entry for entry in operands if entry.batched), operands[0])
    batch = ops.shape(anchor.lifted)[0]
    dtype = keras.backend.result_type(
        *(value.tensor.dtype if isinstance(value, Operand) else type(value) for value in values)
    )

    def repeated(value: Operand | float) -> Any:
        if not isinstance(value, Operand):
            # A number joins scalars alone, so that the anchor is one.
            return ops.full_like(anchor.lifted, value, dtype)
        tensor = ops.cast(value.lifted, dtype)
        return tensor if value.batched else ops.broadcast_to(tensor, (batch, *ops.shape(tensor)[1:]))

    return settled(function([repeated(value) for value in values], axis=axis), anchor.batched)


def _concatenate(xs: Sequence[Operand | float], axis: int) -> Any:
    return _joined(ops.concatenate, xs, axis)


def _stack(x: Sequence[Operand | float], axis: int) -> Any:
    return _joined(ops.stack, x, axis)


FORMS: Final[Mapping[str, Form]] = {
    "broadcast_to": single(_broadcast_to),
    "concatenate": _concatenate,
    "expand_dims": single(ops.expand_dims),
    "moveaxis": single(ops.moveaxis),
    "pad": single(_pad),
    "repeat": single(along_row(ops.repeat)),
    "reshape": single(_reshape),
    "squeeze": single(_squeeze),
    "stack": _stack,
    "swapaxes": single(ops.swapaxes),
    "tile": single(_tile),
    "transpose": single(_transpose),
}
