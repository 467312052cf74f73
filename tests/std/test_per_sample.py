"""The blocks of the library that treat each sample in its own way, against the same in NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

import specc
from tests.examples.cases import rng, set_weights, weights_of
from tests.examples.compiled import gradients
from tests.std.reference import Array, Case, case, convolution, same, sigmoid, softmax


@pytest.mark.parametrize("stride", [1, 2])
def test_conditional_convolution(stride: int) -> None:
    given = case("conditional_convolution", f"x -> conditional_convolution(5, 3, 4, {stride})", x=(6, 7, 2))
    x = given["x"]
    routing = sigmoid(given.layers.dense("routing", x.mean((1, 2))))
    kernels = np.tensordot(routing, given.weights["kernels/value"], 1)
    assert kernels.shape == (3, 3, 3, 2, 5)
    alone = [convolution(same(x[[i]], 3, stride), kernels[i], stride) for i in range(3)]
    given.check(np.concatenate(alone))


def test_film() -> None:
    given = case("film", "x -> film(question)", x=(3, 4, 2), question=(5,))
    modulation = given.layers.dense("scale.dense", given["question"])[:, None, None]
    given.check(modulation[..., :2] * given["x"] + modulation[..., 2:])


def experts(given: Case, name: str) -> Array:
    """What each of two experts says, as `[experts, B, 3]`."""
    return np.stack(
        [given.layers.dense(f"{name}.dense", given["x"]), given.layers.dense(f"{name}.dense_2", given["x"])]
    )


def test_soft_mixture() -> None:
    given = case("soft_mixture", "x -> soft_mixture(Dense(3), 2)", x=(4,))
    share = softmax(given.layers.dense("share", given["x"]))
    given.check(np.einsum("bk,kbf->bf", share, experts(given, "y")))


def test_hard_mixture() -> None:
    given = case("hard_mixture", "x -> hard_mixture(Dense(3), 2)", x=(4,))
    given.inputs["x"] = rng(1).normal(size=(16, 4))
    share = softmax(given.layers.dense("share", given["x"]))
    choice = share.argmax(-1)
    assert {0, 1} == set(choice)
    given.check(share.max(-1)[:, None] * experts(given, "chosen")[choice, np.arange(16)])


def test_of_a_hard_mixture_the_router_and_the_chosen_learn() -> None:
    given = case("hard_mixture", "x -> hard_mixture(Dense(3), 2)", x=(4,))
    x = np.repeat(given["x"][:1], 3, axis=0).astype("float32")
    found = gradients(given.model, lambda: tf.reduce_sum(given.model({"x": x})["z"]))
    (choice,) = set(softmax(given.layers.dense("share", x)).argmax(-1))
    chosen, other = ("dense", "dense_2") if choice == 0 else ("dense_2", "dense")
    assert found["z.share/kernel"].any() and found[f"z.chosen.{chosen}/kernel"].any()
    assert not found[f"z.chosen.{other}/kernel"].any()


@pytest.mark.parametrize("tasks", [2, 3])
def test_multi_gate_mixture(tasks: int) -> None:
    pipeline = f"stack(x -> multi_gate_mixture(Dense(3), 2, {tasks}), axis=1)"
    given = case("multi_gate_mixture", pipeline, x=(4,))
    names = [f"multi_gate_mixture.shares.dense{number}" for number in ("", "_2", "_3")[:tasks]]
    shares = np.stack([softmax(given.layers.dense(name, given["x"])) for name in names])
    given.check(np.einsum("tbk,kbf->btf", shares, experts(given, "multi_gate_mixture.experts")))


def kernel(weights: dict[str, Array], embedding: Array) -> Array:
    """The kernel `[3, 3, 2, 5]` of an embedding `[4]`, element by element."""
    rows = (embedding @ weights["first/value"] + weights["first_bias/value"]).reshape(2, 4)
    flat = rows @ weights["second/value"] + weights["second_bias/value"]
    found = np.empty((3, 3, 2, 5))
    for i, j, channel, out in np.ndindex(found.shape):
        found[i, j, channel, out] = flat[channel, (3 * i + j) * 5 + out]
    return found


def test_hypernetwork_writes_a_kernel_for_each_sample() -> None:
    given = case("hypernetwork", "embedding -> hypernetwork(3, 2, 5)", embedding=(4,))
    given.check(np.stack([kernel(given.weights, embedding) for embedding in given["embedding"]]))


def test_hypernetwork_writes_one_kernel_for_all() -> None:
    model = specc.build(
        "use std: hypernetwork\n\nmodel one {\n  input x: float32[6, 6, 2]\n  weight embedding: float32[4]\n"
        "  kernel = embedding -> hypernetwork(3, 2, 5)\n"
        '  output z = x -> Conv2D(5, 3, padding="same", kernel=kernel)\n}\n'
    )
    weights = {path: np.asarray(rng(2).normal(size=weight.shape)) for path, weight in weights_of(model).items()}
    set_weights(model, weights)
    named = {path.removeprefix("kernel."): weight for path, weight in weights.items()}
    x = rng().normal(size=(2, 6, 6, 2))
    expected = convolution(same(x, 3), kernel(named, named["embedding/value"])) + named["z/bias"]
    np.testing.assert_allclose(model(x.astype("float32"))["z"], expected, rtol=1e-4, atol=1e-4)
    found = gradients(model, lambda: tf.reduce_sum(model(x.astype("float32"))["z"] ** 2))
    assert all(slope.any() for slope in found.values())
