"""Ops that reduce axes to one value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from specc.keras_backend.layers.operations.base import Form, flattened, single


def _reduction(function: Callable[..., Any]) -> Form:
    """The form of a reduction over `axis`, or over all axes of a sample."""

    def reduced(x: Any, axis: int | tuple[int, ...] | None = None, **arguments: Any) -> Any:
        if axis is not None:
            return function(x, axis=axis, **arguments)
        keepdims = arguments.pop("keepdims", False)
        result = function(flattened(x), axis=-1, **arguments)
        return ops.reshape(result, (-1, *(1,) * (len(x.shape) - 1))) if keepdims else result

    return single(reduced)


def _place_of(extreme: Callable[..., Any], symbolic: Callable[..., Any]) -> Callable[..., Any]:
    """The first place of an extreme, in which 0.0 is greater than -0.0, as Keras has it.

    Keras reads the sign of a zero from its bits, which other runtimes can not.
    """

    def place(x: Any, axis: int, keepdims: bool = False) -> Any:
        if isinstance(x, keras.KerasTensor):
            return symbolic(x, axis=axis, keepdims=keepdims)
        if x.dtype.is_floating:
            x = ops.cast(x, keras.backend.result_type(x.dtype.name, "float32"))
            x = tf.where((x == 0) & (1 / x < 0), -x.dtype.as_numpy_dtype(np.finfo(x.dtype.as_numpy_dtype).tiny), x)
        found = extreme(x, axis, output_type="int32")
        return tf.expand_dims(found, axis) if keepdims else found

    return place


FORMS: Final[Mapping[str, Form]] = {
    "argmax": _reduction(_place_of(tf.argmax, ops.argmax)),
    "argmin": _reduction(_place_of(tf.argmin, ops.argmin)),
} | {
    name: _reduction(getattr(ops, name))
    for name in (
        "all", "amax", "amin", "any", "count_nonzero", "logsumexp", "max", "mean", "median", "min",
        "prod", "std", "sum", "var",
    )
}  # fmt: skip
