"""Weighted sums and products of what several networks say."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

import specc
from tests.examples.cases import example, weights_of
from tests.examples.compiled import Array, gradients, random_batch

A, B = random_batch(6, 5), random_batch(6, 7, seed=1)


def by_hand(model: keras.Model, activation: str | None = None) -> tuple[Array, Array]:
    """What `first` and `second` say, from two plain Keras networks with their weights."""
    said = []
    for name, x, hidden in (("first", A, 100), ("second", B, 70)):
        dense = keras.layers.Dense
        network = keras.Sequential([keras.Input(x.shape[1:]), dense(hidden), dense(10, activation=activation)])
        network.set_weights(model.get_layer(name).get_weights())
        said.append(network(x).numpy())
    return said[0], said[1]


def test_the_sum_is_exactly_the_sum_by_hand() -> None:
    model = specc.build(example("merged"))
    first, second = by_hand(model)
    assert np.array_equal(model({"a": A, "b": B})["p"], 0.1 * first + 0.9 * second)


def test_the_merged_model_has_the_parameters_of_its_two_networks() -> None:
    model = specc.build(example("merged"))
    counted = (5 * 100 + 100) + (100 * 10 + 10) + (7 * 70 + 70) + (70 * 10 + 10)
    assert model.count_params() == counted == 2_880
    assert model.count_params() == sum(model.get_layer(name).count_params() for name in ("first", "second"))


def test_both_networks_learn_by_their_share() -> None:
    model = specc.build(example("merged"))
    for name, share in (("first", 0.1), ("second", 0.9)):
        network = model.get_layer(name)
        slopes = gradients(network, lambda: tf.reduce_sum(model({"a": A, "b": B})["p"]))
        np.testing.assert_allclose(slopes["p/bias"], np.full(10, 6 * share), rtol=1e-6)
        assert all(slope.any() for slope in slopes.values())


def test_the_product_of_experts_is_the_normalized_geometric_mean() -> None:
    model = specc.build(example("product_of_experts"))
    first, second = by_hand(model, "softmax")
    agreed = first**0.1 * second**0.9
    found = model({"a": A, "b": B})["p"].numpy()
    np.testing.assert_allclose(found, agreed / agreed.sum(-1, keepdims=True), rtol=1e-5)
    np.testing.assert_allclose(found.sum(-1), np.ones(6), rtol=1e-6)


# Other weights, on inputs that are given: `spec` merges three tensors of [4] by what stands in its parentheses

X = np.abs(random_batch(3, 5, 4, seed=2)) + 0.1
PLAIN = {
    "weighted_sum": lambda shares: sum(w * x for w, x in zip(shares, X, strict=True)),
    "weighted_product": lambda shares: np.prod([x**w for w, x in zip(shares, X, strict=True)], axis=0),
}
MERGES = sorted(PLAIN)


def spec(merge: str, arguments: str, statements: str = "") -> str:
    inputs = "\n".join(f"  input {name}: float32[4] in 0..100" for name in "abc")
    return f"model m {{\n{inputs}\n{statements}\n  output y = (a, b, c) -> {merge}({arguments})\n}}\n"


def inputs() -> dict[str, Array]:
    return {name: x.astype("float32") for name, x in zip("abc", X, strict=True)}


@pytest.mark.parametrize("merge", MERGES)
@pytest.mark.parametrize("shares", [[0.2, 0.3, 0.5], [1, 0, -2], [2, 2, 2]])
def test_a_list_has_one_weight_for_each_input(merge: str, shares: list[float]) -> None:
    model = specc.build(spec(merge, str(shares)))
    np.testing.assert_allclose(model(inputs())["y"], PLAIN[merge](shares), rtol=1e-5)
    assert model.weights == []


@pytest.mark.parametrize("merge", MERGES)
@pytest.mark.parametrize("softmax", [False, True])
def test_learned_weights(merge: str, softmax: bool) -> None:
    written = 'w, normalize="softmax"' if softmax else "w"
    model = specc.build(spec(merge, written, "  weight w: float32[3] = [0.2, 0.3, 0.9]"))
    raw = np.array([0.2, 0.3, 0.9])
    shares = np.exp(raw) / np.exp(raw).sum() if softmax else raw
    np.testing.assert_allclose(model(inputs())["y"], PLAIN[merge](shares), rtol=1e-5)

    # d sum(y) / d share, by calculus, then through the softmax.
    slopes = X.sum((1, 2)) if merge == "weighted_sum" else (PLAIN[merge](shares) * np.log(X)).sum((1, 2))
    if softmax:
        slopes = shares * (slopes - (shares * slopes).sum())
    found = gradients(model, lambda: tf.reduce_sum(model(inputs())["y"]))
    np.testing.assert_allclose(found["w/value"], slopes, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("merge", MERGES)
def test_weights_per_sample(merge: str) -> None:
    model = specc.build(spec(merge, "share", "  input share: float32[3]"))
    share = random_batch(5, 3, seed=3)
    expected = PLAIN[merge](share.T[:, :, None])
    np.testing.assert_allclose(model({**inputs(), "share": share})["y"], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("merge", MERGES)
def test_one_weight_per_sample_serves_two_inputs(merge: str) -> None:
    model = specc.build(
        "model m {\n  input a: float32[4] in 0..100\n  input b: float32[4] in 0..100\n  input w: float32 in 0..1\n"
        f"  output y = (a, b) -> {merge}(w)\n}}\n"
    )
    a, b, w = inputs()["a"], inputs()["b"], np.linspace(0, 1, 5, dtype="float32")
    share = w[:, None]
    expected = share * a + (1 - share) * b if merge == "weighted_sum" else a**share * b ** (1 - share)
    np.testing.assert_allclose(model({"a": a, "b": b, "w": w})["y"], expected, rtol=1e-5)


def test_an_ensemble_learns_whom_to_trust() -> None:
    model = specc.build(example("ensemble"))
    x = random_batch(32, 6)
    weights = weights_of(model)
    said = []
    for name in ("p.member", "p.member_2", "p.member_3"):
        hidden = np.tanh(x @ weights[f"{name}.p.dense/kernel"] + weights[f"{name}.p.dense/bias"])
        scores = np.exp(hidden @ weights[f"{name}.p/kernel"] + weights[f"{name}.p/bias"])
        said.append(scores / scores.sum(-1, keepdims=True))
    np.testing.assert_allclose(model(x)["p"], np.mean(said, axis=0), rtol=1e-5)

    # Let the second member be right: trust in it grows.
    target = np.eye(3, dtype="float32")[said[1].argmax(-1)]
    for _ in range(5):
        model.train_on_batch(x, {"p": target})
    trust = weights_of(model)["trust/value"]
    assert trust.argmax() == 1
    assert trust[1] > 0
