"""Random ops: fresh numbers at each call, in the shape of a tensor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import keras

from specc.keras_backend.layers.operations.base import Form, Operand


def _random(function: Callable[..., Any]) -> Form:
    """The form of a random op; its `seed` is the generator that the layer keeps."""

    def form(like: Operand, **arguments: Any) -> Any:
        dtype = keras.backend.standardize_dtype(like.tensor.dtype)
        dtype = dtype if keras.backend.is_float_dtype(dtype) else "float32"
        if isinstance(like.tensor, keras.KerasTensor):
            return keras.KerasTensor(like.tensor.shape, dtype)
        return function(keras.ops.shape(like.tensor), dtype=dtype, **arguments)

    return form


FORMS: Final[Mapping[str, Form]] = {
    "normal": _random(keras.random.normal),
    "uniform": _random(keras.random.uniform),
}
