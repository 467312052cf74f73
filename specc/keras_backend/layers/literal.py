"""Arrays as values of a model: how one is carried in a config, and the initializer that holds one."""

import base64
import io
from collections.abc import Sequence
from typing import Any, Self

import keras
import numpy as np
from numpy.typing import ArrayLike, NDArray


def encode_array(array: NDArray[Any]) -> str:
    """Return `array` as base64 text of the npy format (`numpy.lib.format`), without pickling.

    Raises:
        ValueError: `array` holds Python objects.
    """
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def decode_array(text: str) -> NDArray[Any]:
    """Return the array that `encode_array` wrote; nothing is ever unpickled."""
    loaded: NDArray[Any] = np.load(io.BytesIO(base64.b64decode(text)), allow_pickle=False)
    return loaded


@keras.saving.register_keras_serializable(package="specc")
class Literal(keras.initializers.Initializer):
    """Initializer that gives exactly the array it holds.

    Args:
        value: array or nested list of numbers; its shape is the only one that can be asked for.
    """

    def __init__(self, value: ArrayLike) -> None:
        self.value = np.asarray(value)

    def __call__(self, shape: Sequence[int], dtype: str | None = None) -> Any:
        """Return the array as a tensor of `dtype`.

        Raises:
            ValueError: `shape` is not the shape of the array.
        """
        if tuple(shape) != self.value.shape:
            raise ValueError(f"a literal of shape {self.value.shape} cannot initialize a variable of {tuple(shape)}")
        return keras.ops.convert_to_tensor(self.value, dtype=dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the array as text."""
        return {"npy": encode_array(self.value)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Return the initializer whose `get_config` gave `config`."""
        return cls(decode_array(config["npy"]))
