"""Ops that look up, encode and convert."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import keras
import tensorflow as tf
from keras import ops

from specc.keras_backend.layers.gathering import rows
from specc.keras_backend.layers.operations.base import Form, Operand, flattened, operand, product, settled, single


def _row(x: Operand) -> Operand:
    return Operand(single(flattened)(x), x.batched)


def _rows_of_each(table: Any, where: Any, axis: int) -> Any:
    """Sample i's places of sample i's table."""
    if isinstance(table, keras.KerasTensor):
        return keras.KerasTensor((*table.shape[:axis], *where.shape[1:], *table.shape[axis + 1 :]), table.dtype)
    size = ops.cast(ops.shape(table)[axis], "int64")
    return tf.gather(table, tf.where(where < 0, where + size, where), axis=axis, batch_dims=1)


def _take(x: Operand, indices: Operand | int, axis: int | None = None) -> Any:
    """NumPy's take per sample: `[*before, n, *after]` at `[*i]` gives `[*before, *i, *after]`; negatives count back."""
    table, places = _row(x) if axis is None else x, operand(indices)
    axis = table.place(-1 if axis is None else axis)
    where = ops.cast(places.tensor, "int64")
    if table.batched and places.batched:
        return _rows_of_each(table.tensor, where, axis + 1)
    if axis == 0 and places.batched and not table.batched and not isinstance(where, keras.KerasTensor):
        # One row may serve many samples.
        return rows(table.tensor, tf.where(where < 0, where + table.tensor.shape[0], where))
    found = ops.take(table.tensor, where, axis=axis + table.batched)
    return ops.moveaxis(found, axis, 0) if places.batched else found


def _take_along_axis(x: Operand, indices: Operand, axis: int | None = None) -> Any:
    """NumPy's take_along_axis per sample; without an axis along a sample's elements as one row."""
    table, axis = (_row(x), -1) if axis is None else (x, axis)
    if table.batched or not indices.batched:
        looked_up = indices.lifted
        if table.batched:
            looked_up = ops.broadcast_to(looked_up, (ops.shape(table.tensor)[0], *ops.shape(looked_up)[1:]))
        return settled(ops.take_along_axis(table.lifted, looked_up, axis=axis), table.batched)
    # One table for all samples is not repeated: their indices are looked up along the axis in one go.
    axis = table.place(axis)
    moved = ops.moveaxis(indices.tensor, 0, axis)
    sizes = ops.shape(moved)
    merged = ops.reshape(moved, (*sizes[:axis], product(sizes[axis : axis + 2]), *sizes[axis + 2 :]))
    found = ops.take_along_axis(table.tensor, merged, axis=axis)
    around = ops.shape(found)
    return ops.moveaxis(ops.reshape(found, (*around[:axis], *sizes[axis : axis + 2], *around[axis + 1 :])), axis, 0)


FORMS: Final[Mapping[str, Form]] = {
    "cast": single(ops.cast),
    "one_hot": single(ops.one_hot),
    "take": _take,
    "take_along_axis": _take_along_axis,
}
