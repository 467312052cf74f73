"""What the tests of the examples share: the files, random inputs that a spec accepts, and weights by name."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import keras
import numpy as np

from specc.graph.infer import CheckedGraph
from specc.graph.model import InputTensor

Arrays: TypeAlias = dict[str, np.ndarray[Any, Any]]

FOLDER = Path(__file__).resolve().parents[2] / "examples"
FILES = sorted(FOLDER.glob("*.cnet"))
FREE_SIZE = 5
"""What a symbolic or unknown size of an input is in these tests."""


def example(name: str) -> Path:
    return FOLDER / f"{name}.cnet"


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def random_inputs(checked: CheckedGraph, batch: int, seed: int = 0) -> Arrays:
    """A batch for every input of a model: of its shape and dtype, and inside the range that it declares."""
    draw = rng(seed)
    inputs = {}
    for node in checked.graph.inputs:
        assert isinstance(node.action, InputTensor) and node.action.type is not None
        type, interval = node.action.type, node.action.interval
        shape = (batch, *(size if isinstance(size, int) else FREE_SIZE for size in type.shape or ()))
        low, high = (interval.low, interval.high) if interval is not None else (-math.inf, math.inf)
        values: np.ndarray[Any, Any]
        if type.is_integer:
            values = draw.integers(int(max(low, 0)), int(min(high, 3)), shape, endpoint=True)
        elif math.isfinite(low) and math.isfinite(high):
            values = draw.uniform(low, high, shape)
        else:
            values = draw.normal(size=shape).clip(low, high)
        inputs[node.name] = values.astype(type.dtype)
    return inputs


def weights_of(model: Any) -> Arrays:
    """Every weight of a Keras model by its path, which goes through the models inside it: `encoder/mu/kernel`."""
    return {path: weight.numpy() for path, weight in _named(model).items()}


def _named(model: Any) -> dict[str, Any]:
    named: dict[str, Any] = {}
    for layer in model.layers:
        inner = isinstance(layer, keras.Model)
        of_layer = _named(layer) if inner else {weight.path: weight for weight in layer.weights}
        named |= {f"{layer.name}/{path}" if inner else path: weight for path, weight in of_layer.items()}
    assert len({id(weight) for weight in named.values()}) == len(model.weights)
    return named


def set_weights(model: Any, weights: Arrays) -> None:
    """Give a Keras model these weights by path: exactly those that it has."""
    named = _named(model)
    assert named.keys() == weights.keys()
    for path, weight in named.items():
        weight.assign(weights[path])


def assert_same_training(
    model: Any, oracle: Any, steps: list[tuple[Any, Any]], translate: Callable[[Arrays], Arrays] = dict
) -> None:
    """The same losses, and the same weights after each step; `translate` makes the oracle's weights of the model's."""
    set_weights(oracle, translate(weights_of(model)))
    # What is traced is the same, and tracing takes longer than a few small steps.
    model.run_eagerly = oracle.run_eagerly = True
    for inputs, targets in steps:
        losses = [np.asarray(each.train_on_batch(inputs, targets)) for each in (model, oracle)]
        np.testing.assert_allclose(losses[0], losses[1], rtol=1e-5, atol=1e-6)
        expected = weights_of(oracle)
        for path, value in translate(weights_of(model)).items():
            np.testing.assert_allclose(value, expected[path], rtol=1e-4, atol=2e-6, err_msg=path)
