"""Guards that tell which samples are valid, and hide the others."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from specc.keras_backend.layers import AllValid, Clamp
from specc.keras_backend.layers.validity import hidden


def test_floats_keep_both_ends_and_nan_is_invalid() -> None:
    x = np.array([[0, 1], [0.5, 1.5], [-1, 0], [np.nan, 0]], "float32")
    clamped, valid = Clamp(0, 1)(x)
    assert np.array_equal(valid, [True, False, False, False])
    assert np.array_equal(clamped[:3], np.array([[0, 1], [0.5, 1], [0, 0]]))


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8"])
def test_integers_stay_below_the_high_end(dtype: str) -> None:
    clamped, valid = Clamp(1, 3)(tf.constant([0, 1, 2, 3], dtype))
    assert np.array_equal(valid, [False, True, True, False])
    assert np.array_equal(clamped, [1, 1, 2, 2]) and clamped.dtype == dtype


def test_a_range_may_be_wider_than_its_dtype() -> None:
    clamped, valid = Clamp(0, 256)(tf.constant([0, 255], "uint8"))
    assert np.array_equal(clamped, [0, 255]) and np.array_equal(valid, [True, True])


def test_a_sample_is_valid_by_all_guards() -> None:
    valid = AllValid()([tf.constant([True, True, False]), tf.constant([True, False, False])])
    assert np.array_equal(valid, [True, False, False])


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_what_is_not_valid_is_nan(dtype: str) -> None:
    output = hidden(tf.ones([2, 3], dtype), tf.constant([True, False]))
    assert np.array_equal(output, np.array([[1.0] * 3, [np.nan] * 3]), equal_nan=True) and output.dtype == dtype


def test_shapes_are_known_and_the_config_is_kept(remake: Callable[[Any], Any]) -> None:
    layer = remake(Clamp(0, 3, name="c.guard"))
    clamped, valid = layer(keras.Input((2,), dtype="int32"))
    assert (clamped.shape, valid.shape, valid.dtype) == ((None, 2), (None,), "bool")
    assert (layer.low, layer.high, layer.name) == (0, 3, "c.guard")
