"""The gates of the library, against the same in NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from tests.std.reference import Array, case, convolution, elu, relu, same, sigmoid

IMAGE = (6, 8, 4)


@pytest.mark.parametrize(("arguments", "units"), [("2", 2), ("ratio=4", 1), ("units=3", 3)])
def test_squeeze_excite(arguments: str, units: int) -> None:
    given = case("squeeze_excite", f"x -> squeeze_excite({arguments})", x=IMAGE)
    x, layers = given["x"], given.layers
    hidden = relu(layers.dense("squeezed", x.mean((1, 2))))
    assert hidden.shape == (3, units)
    given.check(x * sigmoid(layers.dense("y.dense", hidden))[:, None, None])


def test_squeeze_excite_with_other_activations() -> None:
    given = case("squeeze_excite", 'x -> squeeze_excite(2, activation="tanh", gate="hard_sigmoid")', x=IMAGE)
    x, layers = given["x"], given.layers
    scores = layers.dense("y.dense", np.tanh(layers.dense("squeezed", x.mean((1, 2)))))
    given.check(x * np.clip(scores / 6 + 0.5, 0, 1)[:, None, None])


def test_highway() -> None:
    given = case("highway", "x -> highway", x=(5,))
    x, layers = given["x"], given.layers
    transform = sigmoid(layers.dense("g", x))
    given.check(transform * relu(layers.dense("h", x)) + (1 - transform) * x)


def test_highway_starts_by_carrying() -> None:
    given = case("highway", "x -> highway(bias=-50)", x=(5,))
    for layer in given.model.layers:
        for weight in layer.weights:
            initializer = layer.bias_initializer if weight.name == "bias" else layer.kernel_initializer
            weight.assign(initializer(weight.shape))
    given.check(given["x"])


def test_gated_linear_unit() -> None:
    given = case("gated_linear_unit", "x -> gated_linear_unit(3)", x=(2, 5))
    x, layers = given["x"], given.layers
    given.check(layers.dense("y.dense", x) * sigmoid(layers.dense("y.dense_2", x)))


@pytest.mark.parametrize("units", [5, 3])
def test_gated_residual(units: int) -> None:
    given = case("gated_residual", f"x -> gated_residual({units})", x=(5,))
    x, layers = given["x"], given.layers
    hidden = layers.dense("hidden.dense_2", elu(layers.dense("hidden.dense", x)))
    unit = "y.gated_linear_unit.y"
    gated = layers.dense(f"{unit}.dense", hidden) * sigmoid(layers.dense(f"{unit}.dense_2", hidden))
    around = x if units == 5 else layers.dense("around", x)
    given.check(layers.layer_normalized("y", around + gated))


def test_channel_gate() -> None:
    given = case("channel_gate", "x -> channel_gate(2)", x=IMAGE)
    x, layers = given["x"], given.layers

    def scores(seen: Array) -> Array:
        return layers.dense("shared", relu(layers.dense("shared.dense", seen)))

    given.check(x * sigmoid(scores(x.mean((1, 2))) + scores(x.max((1, 2))))[:, None, None])


@pytest.mark.parametrize("size", [3, 7])
def test_spatial_gate(size: int) -> None:
    given = case("spatial_gate", f"x -> spatial_gate({size})", x=IMAGE)
    x = given["x"]
    seen = np.stack([x.mean(-1), x.max(-1)], axis=-1)
    given.check(x * sigmoid(convolution(same(seen, size), given.weights["y.conv2d/kernel"])))


def twice(x: Array, axis: int) -> Array:
    """Linear interpolation to twice the length: a new place lies a quarter of the way to its other neighbour."""
    before = np.concatenate([x.take([0], axis), x], axis).take(range(x.shape[axis]), axis)
    after = np.concatenate([x, x.take([-1], axis)], axis).take(range(1, x.shape[axis] + 1), axis)
    halves = np.stack([0.75 * x + 0.25 * before, 0.75 * x + 0.25 * after], axis + 1)
    return halves.reshape(*x.shape[:axis], -1, *x.shape[axis + 1 :])


def test_attention_gate() -> None:
    given = case("attention_gate", "x -> attention_gate(signal, 3)", x=IMAGE, signal=(3, 4, 5))
    x, layers = given["x"], given.layers
    seen = relu(layers.conv("seen.conv2d", x, 2) + layers.conv("seen.conv2d_2", given["signal"]))
    alpha = sigmoid(layers.conv("y.conv2d", seen))
    given.check(x * twice(twice(alpha, 1), 2))
