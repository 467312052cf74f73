"""The levels of a U-Net and the encoder layer of a transformer, against the same in NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from tests.std.reference import Array, Case, Weighted, case, max_pool, relu, softmax


def convolved(layers: Weighted, name: str, x: Array) -> Array:
    """Two convolutions with normalization."""
    x = relu(layers.normalized(f"{name}.batch_normalization", layers.conv(f"{name}.conv2d", x)))
    return relu(layers.normalized(f"{name}.batch_normalization_2", layers.conv(f"{name}.conv2d_2", x)))


def test_double_convolution() -> None:
    given = case("double_convolution", "x -> double_convolution(3)", x=(4, 6, 2))
    given.check(convolved(given.layers, "y", given["x"]))


@pytest.mark.parametrize("output", [0, 1])
def test_down(output: int) -> None:
    given = case("down", f"(x -> down(3))[{output}]", x=(4, 6, 2))
    skip = convolved(given.layers, "down.skip.y", given["x"])
    given.check(max_pool(skip, 2, 2) if output else skip)


def test_up() -> None:
    given = case("up", "(deep, skip) -> up(3)", deep=(2, 3, 5), skip=(4, 6, 2))
    deep = given.layers.upward("y.conv2d_transpose", given["deep"])
    given.check(convolved(given.layers, "y.y", np.concatenate([deep, given["skip"]], axis=-1)))


def attention(given: Case, x: Array) -> Array:
    """Scaled dot-product attention of x to itself, with two heads of three."""
    name = "attended.multi_head_attention"
    query, key, value = (
        np.einsum("btc,chd->bhtd", x, given.weights[f"{name}/{part}/kernel"])
        + given.weights[f"{name}/{part}/bias"][:, None]
        for part in ("query", "key", "value")
    )
    share = softmax(query @ key.swapaxes(-1, -2) / np.sqrt(3))
    output = np.einsum("bhtd,hdc->btc", share @ value, given.weights[f"{name}/attention_output/kernel"])
    return np.asarray(output + given.weights[f"{name}/attention_output/bias"])


def thought(given: Case, x: Array) -> Array:
    return given.layers.dense("result.dense_2", relu(given.layers.dense("result.dense", x)))


def test_transformer_encoder() -> None:
    given = case("transformer_encoder", "x -> transformer_encoder(2, 3, 7, epsilon=1e-2)", x=(5, 4))
    x, layers = given["x"], given.layers
    h = layers.layer_normalized("h", x + attention(given, x), 1e-2)
    given.check(layers.layer_normalized("y", h + thought(given, h), 1e-2))


def test_transformer_encoder_with_its_normalization_in_front() -> None:
    given = case("transformer_encoder", "x -> transformer_encoder(2, 3, 7, norm_first=true)", x=(5, 4))
    x, layers = given["x"], given.layers
    h = x + attention(given, layers.layer_normalized("read", x, 1e-6))
    given.check(h + thought(given, layers.layer_normalized("thought", h, 1e-6)))
