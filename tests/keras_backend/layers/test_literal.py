"""Arrays in configs."""

import keras
import numpy as np
import pytest

from specc.keras_backend.layers import Literal
from specc.keras_backend.layers.literal import decode_array, encode_array


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int8", "uint8", "int64", "bool"])
@pytest.mark.parametrize("shape", [(), (0, 3), (2, 3)])
def test_an_array_survives_its_text(dtype: str, shape: tuple[int, ...]) -> None:
    array = np.random.default_rng(0).integers(0, 2, shape).astype(dtype)
    decoded = decode_array(encode_array(array))
    assert decoded.dtype == array.dtype
    assert decoded.shape == array.shape
    assert np.array_equal(decoded, array)


def test_objects_are_never_pickled() -> None:
    with pytest.raises(ValueError, match="allow_pickle"):
        encode_array(np.array([{}], dtype=object))


def test_a_literal_initializes_with_its_array() -> None:
    again = keras.initializers.deserialize(keras.initializers.serialize(Literal([[0.1, 0.9]])))
    value = again((1, 2), dtype="float32")
    assert np.array_equal(value, np.array([[0.1, 0.9]], "float32"))


def test_a_literal_refuses_another_shape() -> None:
    with pytest.raises(ValueError, match=r"a literal of shape \(2,\) cannot initialize a variable of \(3,\)"):
        Literal([0.1, 0.9])((3,))
