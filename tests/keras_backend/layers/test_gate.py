"""The gate divides and loses nothing."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from specc.keras_backend.layers import Gate

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(3, 3, 3, 3)).astype("float32")


def per_sample_oracle(x: np.ndarray, g: np.ndarray) -> np.ndarray:
    return np.stack([g[i] * x[i] for i in range(len(x))]) if len(x) else x


@pytest.mark.parametrize("batch", [0, 1, 3])
@pytest.mark.parametrize("shape", [(), (3,), (3, 3), (1, 3, 1), (3, 3, 3)])
def test_a_batched_gate_scales_each_sample(batch: int, shape: tuple[int, ...]) -> None:
    # Batch and features are of one size: a batch axis that aligned with a feature axis would not be noticed by shape.
    g = RANDOM.uniform(size=(batch, *shape)).astype("float32")
    x = X[:batch]
    near, far = tf.function(Gate(gate_batched=True))([x, g])
    assert np.array_equal(near, per_sample_oracle(x, g))
    assert np.array_equal(far, x - per_sample_oracle(x, g))


@pytest.mark.parametrize("shape", [(), (3,), (3, 1, 3)])
def test_an_unbatched_gate_is_the_same_for_all(shape: tuple[int, ...]) -> None:
    g = RANDOM.uniform(size=shape).astype("float32")
    near, far = Gate(gate_batched=False)([X, tf.constant(g)])
    assert np.array_equal(near, g * X)
    assert np.array_equal(far, X - g * X)


def test_a_number_gates_alone() -> None:
    near, far = Gate(0.3)(X)
    assert np.array_equal(near, np.float32(0.3) * X)
    assert np.array_equal(far, X - np.float32(0.3) * X)


@settings(max_examples=25, deadline=None)
@given(st.floats(0, 1, width=32), st.floats(-1e6, 1e6, width=32))
def test_nothing_is_lost(g: float, x: float) -> None:
    near, far = Gate(gate_batched=True)([tf.constant([[x]]), tf.constant([g])])
    assert np.allclose(near + far, x, rtol=2e-7, atol=1e-37)


def test_the_gradients_are_those_of_product_and_rest() -> None:
    x, g = tf.constant(X), tf.constant(RANDOM.uniform(size=(3, 3)).astype("float32"))
    with tf.GradientTape() as tape:
        tape.watch([x, g])
        near, far = Gate(gate_batched=True)([x, g])
        loss = tf.reduce_sum(2.0 * near + 5.0 * far)
    to_x, to_g = tape.gradient(loss, [x, g])
    assert np.allclose(to_x, np.broadcast_to(5 - 3 * g[:, None, None], X.shape), rtol=1e-6)
    assert np.allclose(to_g, -3 * X.sum((1, 2)), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_gates_in_the_compute_dtype(policy: str) -> None:
    gate = Gate(gate_batched=True, dtype=policy)
    outputs = gate([tf.constant(X), tf.ones([3], "float32")])
    specs = gate([keras.Input((3, 3, 3)), keras.Input(())])
    assert {keras.backend.standardize_dtype(t.dtype) for t in (*outputs, *specs)} == {policy.removeprefix("mixed_")}


@pytest.mark.parametrize(("batched", "shape"), [(True, (5,)), (True, (2, 4, 4, 3)), (False, (4, 4, 4, 3))])
def test_a_gate_that_does_not_broadcast_is_refused(batched: bool, shape: tuple[int, ...]) -> None:
    g = keras.KerasTensor((None, *shape) if batched else shape)
    with pytest.raises(ValueError, match="does not broadcast"):
        Gate(gate_batched=batched)([keras.Input((4, 4, 3)), g])


@pytest.mark.parametrize("arguments", [{}, {"value": 0.3, "gate_batched": True}])
def test_a_gate_has_a_value_or_a_tensor(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="either a value or gate_batched"):
        Gate(**arguments)


def test_a_gated_model_survives_its_file(reload: Callable[..., Any]) -> None:
    x, g = keras.Input((None, 3)), keras.Input(())
    near, far = Gate(gate_batched=True)([x, g])
    model = keras.Model([x, g], [near, *Gate(0.5)(far)])
    inputs = [X[0], np.array([0.1, 0.2, 0.3], "float32")]
    for expected, actual in zip(model(inputs), reload(model)(inputs), strict=True):
        assert np.array_equal(expected, actual)
