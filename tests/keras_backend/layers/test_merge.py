"""Weighted sums and products."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from specc.keras_backend.layers import WeightedProduct, WeightedSum

RANDOM = np.random.default_rng(0)
INPUTS = [RANDOM.uniform(0.5, 2, size=(3, 3, 2)).astype("float32") for _ in range(3)]


def softmax(w: np.ndarray) -> Any:
    e = np.exp(w - w.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def per_sample(weights: np.ndarray, batched: bool, count: int, batch: int) -> np.ndarray:
    """The weights as `[B, N]`, by the law: `[]` per sample is `w` and `1 - w`."""
    rows = weights if batched else np.broadcast_to(weights, (batch, *weights.shape))
    return np.stack([rows, 1 - rows], -1) if rows.ndim == 1 else rows.reshape(batch, count)


def test_fixed_weights_give_the_very_numbers_of_the_keras_expression() -> None:
    a, b = keras.Input((3, 2)), keras.Input((3, 2))
    by_hand = keras.Model([a, b], 0.1 * a + 0.9 * b)
    layer = keras.Model([a, b], WeightedSum([0.1, 0.9])([a, b]))
    assert np.array_equal(layer(INPUTS[:2]), by_hand(INPUTS[:2]))
    product = keras.Model([a, b], WeightedProduct([0.1, 0.9])([a, b]))
    assert np.array_equal(product(INPUTS[:2]), keras.Model([a, b], a**0.1 * b**0.9)(INPUTS[:2]))


@pytest.mark.parametrize("batch", [0, 1, 3])
@pytest.mark.parametrize(
    ("shape", "batched", "normalize"),
    [
        ((), False, None),
        ((), True, None),
        ((3,), False, None),
        ((3,), True, None),
        ((3,), False, "softmax"),
        ((3,), True, "softmax"),
        ((2,), True, None),
    ],
)
def test_weights_of_the_graph_weigh(shape: tuple[int, ...], batched: bool, normalize: Any, batch: int) -> None:
    count = shape[0] if shape else 2
    inputs = [x[:batch] for x in INPUTS[:count]]
    weights = RANDOM.uniform(size=(batch, *shape) if batched else shape).astype("float32")
    given = per_sample(softmax(weights) if normalize else weights, batched, count, batch)
    forms: list[tuple[Any, Callable[[int], Any]]] = [
        (WeightedSum, lambda i: sum(given[i, n] * inputs[n][i] for n in range(count))),
        (WeightedProduct, lambda i: np.prod([inputs[n][i] ** given[i, n] for n in range(count)], axis=0)),
    ]
    for layer, oracle in forms:
        merged = tf.function(layer(weights_batched=batched, normalize=normalize))([*inputs, tf.constant(weights)])
        assert np.allclose(merged, [oracle(i) for i in range(batch)] or np.zeros((0, 3, 2)), rtol=1e-5)


def test_learned_weights_get_their_gradients() -> None:
    x, w = [tf.constant(v) for v in INPUTS], tf.constant([0.2, 0.3, 0.5])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([w, *x])
        summed = WeightedSum(weights_batched=False)([*x, w])
        product = WeightedProduct(weights_batched=False)([*x, w])
    assert np.allclose(tape.gradient(summed, w), [v.sum() for v in INPUTS], rtol=1e-5)
    assert np.allclose(tape.gradient(summed, x[1]), np.full((3, 3, 2), 0.3), rtol=1e-6)
    assert np.allclose(tape.gradient(product, w), [(product * np.log(v)).numpy().sum() for v in INPUTS], rtol=1e-4)
    assert np.allclose(tape.gradient(product, x[1]), 0.3 * product / INPUTS[1], rtol=1e-5)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("layer", [WeightedSum, WeightedProduct])
def test_mixed_precision_merges_in_the_compute_dtype(layer: Any, policy: str) -> None:
    merge = layer(weights_batched=True, dtype=policy)
    spec = merge([keras.Input((3, 2))] * 2 + [keras.Input((2,))])
    merged = merge([*map(tf.constant, INPUTS[:2]), tf.ones([3, 2])])
    assert merged.dtype == spec.dtype == policy.removeprefix("mixed_")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "either weights or weights_batched"),
        ({"weights": [1.0], "weights_batched": True}, "either weights or weights_batched"),
        ({"weights": [1.0, 2.0], "normalize": "softmax"}, "only weights of the graph"),
        ({"weights_batched": True, "normalize": "max"}, "softmax or None"),
    ],
)
def test_contradicting_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        WeightedSum(**arguments)


@pytest.mark.parametrize(
    ("arguments", "shapes", "message"),
    [
        ({"weights": [0.1, 0.9]}, [(2,), (3,)], "inputs of one shape"),
        ({"weights": [0.1, 0.9]}, [(2,), (2,), (2,)], "do not weigh 3 inputs"),
        ({"weights_batched": True}, [(2,), (2,), (2,), ()], "do not weigh 3 inputs"),
        ({"weights_batched": True, "normalize": "softmax"}, [(2,), (2,), ()], "do not weigh 2 inputs"),
    ],
)
def test_weights_that_do_not_fit_are_refused(arguments: dict[str, Any], shapes: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        WeightedSum(**arguments)([keras.Input(s) for s in shapes])


def test_merging_models_survive_their_files(reload: Callable[..., Any]) -> None:
    a, b, w = keras.Input((None, 2)), keras.Input((None, 2)), keras.Input((2,))
    outputs = [WeightedSum([0.1, 0.9])([a, b]), WeightedProduct(weights_batched=True, normalize="softmax")([a, b, w])]
    model = keras.Model([a, b, w], outputs)
    inputs = [*INPUTS[:2], RANDOM.normal(size=(3, 2)).astype("float32")]
    for expected, actual in zip(model(inputs), reload(model)(inputs), strict=True):
        assert np.array_equal(expected, actual)
