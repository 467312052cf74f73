"""What the tests of the library share: layers in plain NumPy, and models of one block with random weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import keras
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

import specc
from tests.examples.cases import set_weights, weights_of

Array: TypeAlias = NDArray[Any]


def relu(x: Array) -> Array:
    return np.maximum(x, 0)


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def softmax(x: Array) -> Array:
    scores = np.exp(x - x.max(-1, keepdims=True))
    return np.asarray(scores / scores.sum(-1, keepdims=True))


def elu(x: Array) -> Array:
    return np.where(x > 0, x, np.expm1(x))


def same(x: Array, size: int, stride: int = 1) -> Array:
    """`[B, H, W, C]` padded with zeros as TensorFlow pads for a kernel of `size`: what is odd goes behind."""
    widths = [(0, 0)]
    for length in x.shape[1:3]:
        total = max((-(-length // stride) - 1) * stride + size - length, 0)
        widths.append((total // 2, total - total // 2))
    return np.pad(x, [*widths, (0, 0)])


def windows(x: Array, size: int, stride: int) -> Array:
    """`[B, H, W, C, size, size]`."""
    return sliding_window_view(x, (size, size), axis=(1, 2))[:, ::stride, ::stride]


def convolution(x: Array, kernel: Array, stride: int = 1, groups: int = 1) -> Array:
    """A cross-correlation of what has been padded; the kernel is `[size, size, C / groups, filters]`."""
    parts = zip(np.split(x, groups, axis=-1), np.split(kernel, groups, axis=-1), strict=True)
    return np.concatenate(
        [np.einsum("bhwcij,ijcf->bhwf", windows(part, len(own), stride), own) for part, own in parts], axis=-1
    )


def max_pool(x: Array, size: int, stride: int) -> Array:
    """The maxima of what has been padded."""
    return np.asarray(windows(x, size, stride).max((-2, -1)))


@dataclass(frozen=True)
class Weighted:
    """Layers of NumPy with the weights of a model, by the names of its layers."""

    weights: dict[str, Array]

    def dense(self, name: str, x: Array) -> Array:
        return np.asarray(x @ self.weights[f"{name}/kernel"] + self.weights[f"{name}/bias"])

    def conv(self, name: str, x: Array, stride: int = 1, groups: int = 1) -> Array:
        """A convolution with "same" padding, with a bias if the layer has one."""
        kernel = self.weights[f"{name}/kernel"]
        found = convolution(same(x, len(kernel), stride), kernel, stride, groups)
        return np.asarray(found + self.weights.get(f"{name}/bias", 0))

    def depthwise(self, name: str, x: Array, stride: int = 1) -> Array:
        kernel = self.weights[f"{name}/kernel"][..., 0]
        return np.asarray(
            np.einsum("bhwcij,ijc->bhwc", windows(same(x, len(kernel), stride), len(kernel), stride), kernel)
        )

    def upward(self, name: str, x: Array) -> Array:
        """A transposed 2 x 2 convolution with stride 2: each pixel becomes four."""
        parts = np.einsum("bhwc,ijfc->bhiwjf", x, self.weights[f"{name}/kernel"])
        batch, height, _, width, _, filters = parts.shape
        return np.asarray(parts.reshape(batch, 2 * height, 2 * width, filters) + self.weights[f"{name}/bias"])

    def normalized(self, name: str, x: Array, epsilon: float = 1e-3) -> Array:
        """Batch normalization as after training."""
        gamma, beta, mean, variance = (
            self.weights[f"{name}/{part}"] for part in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        return np.asarray((x - mean) / np.sqrt(variance + epsilon) * gamma + beta)

    def layer_normalized(self, name: str, x: Array, epsilon: float = 1e-3) -> Array:
        mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
        normal = (x - mean) / np.sqrt(variance + epsilon)
        return np.asarray(normal * self.weights[f"{name}/gamma"] + self.weights[f"{name}/beta"])


@dataclass(frozen=True)
class Case:
    """A model `z = pipeline` with random weights: its random inputs, and what the oracle computes with."""

    model: keras.Model
    inputs: dict[str, Array]
    layers: Weighted

    @property
    def weights(self) -> dict[str, Array]:
        return self.layers.weights

    def __getitem__(self, name: str) -> Array:
        return self.inputs[name]

    def check(self, expected: Array) -> None:
        """The model gives what is expected."""
        found = self.model({name: value.astype("float32") for name, value in self.inputs.items()})["z"]
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def case(blocks: str, pipeline: str, **inputs: tuple[int, ...]) -> Case:
    """A model of blocks of the library: `case("film", "(x, c) -> film", x=(4, 4, 3), c=(5,))`.

    Weights are normal with deviation 1/2, variances lie in 0.5..1.5. Their names lack the `z.` of the output.
    """
    declared = "\n  ".join(f"input {name}: float32[{', '.join(map(str, shape))}]" for name, shape in inputs.items())
    model = specc.build(f"use std: {blocks}\n\nmodel one {{\n  {declared}\n  output z = {pipeline}\n}}\n")
    draw = np.random.default_rng(0)
    weights: dict[str, Array] = {}
    for path, weight in weights_of(model).items():
        positive = path.endswith("variance")
        numbers = draw.uniform(0.5, 1.5, weight.shape) if positive else draw.normal(0, 0.5, weight.shape)
        weights[path] = np.asarray(numbers)
    set_weights(model, weights)
    named = {path.removeprefix("z.").removeprefix("z/"): weight for path, weight in weights.items()}
    return Case(
        model, {name: np.asarray(draw.normal(size=(3, *shape))) for name, shape in inputs.items()}, Weighted(named)
    )
