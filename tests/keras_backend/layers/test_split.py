"""Split: the parts make up the tensor, and their gradients its gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from specc.keras_backend.layers import Split

X = np.random.default_rng(0).normal(size=(4, 4, 4)).astype("float32")


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 3), min_size=1, max_size=4), st.sampled_from([-1, -2]), st.sampled_from([0, 1, 3]))
def test_the_parts_make_up_the_tensor(sizes: list[int], axis: int, batch: int) -> None:
    shape = [batch, 2, 2]
    shape[axis] = sum(sizes)
    x = np.arange(np.prod(shape), dtype="int32").reshape(shape)
    parts = Split(sizes, axis)(tf.constant(x))
    assert [part.shape[axis] for part in parts] == sizes
    assert np.array_equal(np.concatenate(parts, axis), x)


def test_a_tensor_without_batch_axis_is_split_alike() -> None:
    near, far = Split([1, 3], -1)(tf.constant(X[0]))
    assert np.array_equal(near, X[0, :, :1]) and np.array_equal(far, X[0, :, 1:])


@pytest.mark.parametrize("dtype", ["float16", "float64", "int32", "bool"])
def test_the_dtype_stays(dtype: str) -> None:
    split = Split([1, 3])
    assert {part.dtype.name for part in split(tf.cast(X, dtype))} == {dtype}
    assert {part.dtype for part in split(keras.Input((4, 4), dtype=dtype))} == {dtype}


def test_the_gradient_is_that_of_the_parts_joined_once() -> None:
    split = Split([1] * 4, -1)

    @tf.function
    def slope(x: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(x)
            a, _, c, d = split(x)
            loss = tf.reduce_sum(1.0 * a + 2.0 * c + 3.0 * d)
        return tape.gradient(loss, x)

    assert np.array_equal(slope(X), np.broadcast_to([1.0, 0.0, 2.0, 3.0], X.shape))
    kinds = [node.type for node in slope.get_concrete_function(tf.TensorSpec(X.shape)).graph.get_operations()]
    # Slices would each pad their gradient to the size of the whole.
    assert kinds.count("ConcatV2") == 1 and not {"Pad", "PadV2", "StridedSliceGrad", "AddN"} & set(kinds)


def test_a_split_model_survives_its_files(reload: Callable[..., Any], serve: Callable[..., Any]) -> None:
    x = keras.Input((None, 4))
    model = keras.Model(x, Split((1, 3), -1)(x))
    assert [output.shape for output in model.outputs] == [(None, None, 1), (None, None, 3)]
    for run in (model, reload(model), serve(model)):
        near, far = run(X)
        assert np.array_equal(near, X[..., :1]) and np.array_equal(far, X[..., 1:])


def test_sizes_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(ValueError, match=r"parts of \[1, 2\] do not make up axis -1"):
        Split([1, 2])(keras.Input((4,)))


def test_an_axis_counted_from_the_first_is_refused() -> None:
    with pytest.raises(ValueError, match="counts from the last"):
        Split([1, 2], 1)
