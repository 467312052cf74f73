"""Ops along an axis that keep the shape, and gated ones that halve it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from keras import ops

from specc.keras_backend.layers.operations.base import Form, flattened, product, reshaped, single


def along_row(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function along `axis`, or along a sample's elements as one row where none is named, as NumPy does."""

    def along(x: Any, axis: int | None = None, **arguments: Any) -> Any:
        return function(flattened(x), axis=-1, **arguments) if axis is None else function(x, axis=axis, **arguments)

    return along


def _roll(x: Any, shift: int, axis: int | None = None) -> Any:
    """NumPy's roll: without an axis the row is shifted and keeps its shape."""
    if axis is not None:
        return ops.roll(x, shift, axis=axis)
    return reshaped(ops.roll(flattened(x), shift, axis=-1), ops.shape(x)[1:])


def _flip(x: Any, axis: int | tuple[int, ...] | None = None) -> Any:
    return ops.flip(x, axis=tuple(range(1, len(x.shape))) if axis is None else axis)


def _glu(x: Any, axis: int = -1) -> Any:
    """Gated linear unit (https://arxiv.org/abs/1612.08083); `keras.ops.glu` wants the axis to be of a known size."""
    values, gates = ops.split(x, 2, axis=axis)
    return values * ops.sigmoid(gates)


def _over_axes(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function over one axis, or over several as one row; `keras.ops` wants those to be of known sizes."""

    def over(x: Any, axis: int | tuple[int, ...] = -1) -> Any:
        if isinstance(axis, int):
            return function(x, axis=axis)
        last = tuple(range(-len(axis), 0))
        moved = ops.moveaxis(x, axis, last)
        sizes = ops.shape(moved)
        rows = ops.reshape(moved, (*sizes[: -len(axis)], product(sizes[-len(axis) :])))
        return ops.moveaxis(ops.reshape(function(rows, axis=-1), sizes), last, axis)

    return over


FORMS: Final[Mapping[str, Form]] = {
    **{name: single(along_row(getattr(ops, name))) for name in ("cumprod", "cumsum")},
    **{name: single(_over_axes(getattr(ops, name))) for name in ("log_softmax", "softmax")},
    **{name: single(getattr(ops, name)) for name in ("argsort", "normalize", "sort", "sparsemax", "top_k")},
    "flip": single(_flip),
    "glu": single(_glu),
    "roll": single(_roll),
}
