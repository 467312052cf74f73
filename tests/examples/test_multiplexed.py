"""The multiplexer: one group or branch a sample, in the result, in the gradient, and in what a wrong control does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import specc
from tests.examples.cases import example, weights_of
from tests.examples.compiled import Array, as_dense, gradients, random_batch, served

UNGUARDED = """
model unguarded {{
  input x: float32[3]
  input control: int32{column}
  output y = x -> Dense(6) -> mux(control, of=3{otherwise})
}}
"""


def unguarded(otherwise: str = "", column: bool = False) -> str:
    """The multiplexer with a control of which nothing is known before the model runs."""
    return UNGUARDED.format(otherwise=otherwise and f', otherwise="{otherwise}"', column="[1]" if column else "")


def dense_of(model: keras.Model) -> tuple[Array, Array]:
    """Copies of the kernel `[3, 6]` and the bias `[6]` of the Dense layer behind the mux."""
    weights = weights_of(model)
    return as_dense(weights["y.dense/kernel"]), weights["y.dense/bias"]


def all_groups(model: keras.Model, x: Array) -> Array:
    """What the Dense layer of 6 says, as `[B, 3, 2]`."""
    kernel, bias = dense_of(model)
    return (x @ kernel + bias).reshape(-1, 3, 2)


@pytest.mark.parametrize("controls", [[0], [1], [2], [0, 0], [2, 0, 1, 2, 2]])
@pytest.mark.parametrize("column", [False, True])
def test_each_sample_gets_its_group(controls: list[int], column: bool) -> None:
    model = specc.build(unguarded(column=True)) if column else specc.build(example("multiplexed"))
    x = random_batch(len(controls), 3)
    control = np.array(controls, "int32").reshape((-1, 1) if column else (-1,))
    expected = all_groups(model, x)[np.arange(len(controls)), controls]
    for found in (model({"x": x, "control": control}), model.predict({"x": x, "control": control}, verbose=0)):
        np.testing.assert_allclose(found["y"], expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("group", "optimizer"), [(0, "sgd"), (1, "adam"), (2, "sgd")])
def test_a_step_trains_the_active_group_as_if_it_were_alone(group: int, optimizer: str) -> None:
    model = specc.build(example("multiplexed"))
    before = dense_of(model)
    x, target = random_batch(8, 3), random_batch(8, 2, seed=1)
    columns = slice(2 * group, 2 * group + 2)
    alone = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    alone.set_weights([weight[..., columns] for weight in before])

    model.compile(optimizer, {"y": "mse"})
    alone.compile(optimizer, "mse")
    for _ in range(3):
        model.train_on_batch({"x": x, "control": np.full(8, group, "int32")}, {"y": target})
        alone.train_on_batch(x, target)

    for was, now, expected in zip(before, dense_of(model), alone.get_weights(), strict=True):
        changed = (now != was).reshape(-1, 6)
        assert changed[:, columns].all()
        assert not np.delete(changed, columns, axis=1).any()
        np.testing.assert_allclose(now[..., columns], expected, rtol=1e-5, atol=1e-6)


def test_a_mixed_batch_gives_each_group_the_gradient_of_its_own_samples() -> None:
    model = specc.build(example("multiplexed"))
    x, control = random_batch(6, 3), np.array([0, 2, 0, 2, 2, 0], "int32")
    found = gradients(model, lambda: tf.reduce_sum(model({"x": x, "control": control})["y"] ** 2))
    slopes: Array = np.zeros((6, 3, 2), "float32")
    slopes[np.arange(6), control] = 2 * all_groups(model, x)[np.arange(6), control]
    slopes = slopes.reshape(6, 6)
    np.testing.assert_allclose(as_dense(found["y.dense/kernel"]), x.T @ slopes, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found["y.dense/bias"], slopes.sum(0), rtol=1e-5, atol=1e-6)
    assert not as_dense(found["y.dense/kernel"])[:, 2:4].any()


def test_soft_weights_mix_the_groups_and_learn() -> None:
    model = specc.build(
        "model soft {\n  input x: float32[3]\n  input share: float32[3]\n"
        "  output y = x -> Dense(6) -> mux(share, of=3)\n}"
    )
    x, share = random_batch(4, 3), random_batch(4, 3, seed=1)
    groups = all_groups(model, x)
    given = tf.constant(share)
    with tf.GradientTape() as tape:
        tape.watch(given)
        found = model({"x": tf.constant(x), "share": given})["y"]
    np.testing.assert_allclose(found, np.einsum("bns,bn->bs", groups, share), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(tape.gradient(found, given), groups.sum(-1), rtol=1e-5, atol=1e-6)


# Branches


def expert_alone(model: keras.Model, name: str, x: Array) -> Array:
    """One branch of the examples: Dense with a relu, then Dense."""
    weights = weights_of(model)
    hidden = np.maximum(x @ weights[f"{name}.y.dense/kernel"] + weights[f"{name}.y.dense/bias"], 0)
    return np.asarray(hidden @ weights[f"{name}.y/kernel"] + weights[f"{name}.y/bias"])


EXPERTS = ["y.expert", "y.expert_2", "y.expert_3", "y.expert_4"]


@pytest.mark.parametrize("tasks", [[3], [1, 1], [3, 0, 2, 1, 0]])
def test_each_sample_goes_through_its_expert(tasks: list[int]) -> None:
    model = specc.build(example("experts"))
    x = random_batch(len(tasks), 6)
    found = model({"x": x, "task": np.array(tasks, "int32")})["y"]
    expected = [expert_alone(model, EXPERTS[task], x[i]) for i, task in enumerate(tasks)]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_only_the_experts_that_were_asked_learn() -> None:
    model = specc.build(example("experts"))
    before = weights_of(model)
    model.compile("sgd", {"y": "mse"})
    tasks = np.array([1, 3, 1, 3], "int32")
    model.train_on_batch({"x": random_batch(4, 6), "task": tasks}, {"y": random_batch(4, 3, seed=1)})
    changed = {path.split(".y")[0] for path, value in weights_of(model).items() if (value != before[path]).any()}
    assert changed == {f"y.expert_{place}" if place > 1 else "y.expert" for place in (2, 4)} == {EXPERTS[1], EXPERTS[3]}


def test_a_mixture_of_experts_is_the_weighted_sum_of_them() -> None:
    model = specc.build(example("mixture_of_experts"))
    x, weights = random_batch(5, 6), weights_of(model)
    scores = np.exp(x @ weights["share/kernel"] + weights["share/bias"])
    share = scores / scores.sum(-1, keepdims=True)
    expected = sum(share[:, [i]] * expert_alone(model, name, x) for i, name in enumerate(EXPERTS))
    np.testing.assert_allclose(model(x)["y"], expected, rtol=1e-5, atol=1e-6)
    slopes = gradients(model, lambda: tf.reduce_sum(model(x)["y"] ** 2))
    assert all(slope.any() for slope in slopes.values())


# A control outside


def runs(spec: str, folder: Path) -> list[Any]:
    """Ways to run a spec: in Keras eagerly and by `predict`, and from its SavedModel by signature and by name."""
    model, loaded = specc.build(spec), served(spec, folder)
    name = model.name

    def signature(inputs: dict[str, Array]) -> Any:
        return loaded.signatures[name](**{key: tf.constant(value) for key, value in inputs.items()})

    return [
        model,
        lambda inputs: model.predict(inputs, verbose=0),
        lambda inputs: getattr(loaded, name)({key: tf.constant(value) for key, value in inputs.items()}),
        signature,
    ]


@pytest.mark.parametrize("bad", [-1, 3, 2**31 - 1])
def test_a_control_outside_raises_and_names_the_mux(bad: int, tmp_path: Path) -> None:
    for run in runs(unguarded(), tmp_path):
        with pytest.raises(tf.errors.InvalidArgumentError, match=rf"mux `y`: control {bad} is outside 0\.\.3"):
            run({"x": random_batch(2, 3), "control": np.array([0, bad], "int32")})


def test_a_control_outside_its_declared_range_raises_and_names_the_input(tmp_path: Path) -> None:
    for run in runs(example("multiplexed").read_text(), tmp_path):
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"input `control` is 3, outside 0\.\.3"):
            run({"x": random_batch(2, 3), "control": np.array([0, 3], "int32")})


@pytest.mark.parametrize(("otherwise", "rows"), [("clamp", [0, 1, 2, 2]), ("zero", [None, 1, 2, None])])
def test_a_control_outside_clamps_or_gives_zeros(otherwise: str, rows: list[int | None], tmp_path: Path) -> None:
    x, control = random_batch(4, 3), np.array([-7, 1, 2, 3], "int32")
    groups = all_groups(specc.build(unguarded(otherwise)), x)
    expected = [np.zeros(2) if row is None else groups[i, row] for i, row in enumerate(rows)]
    for run in runs(unguarded(otherwise), tmp_path):
        np.testing.assert_allclose(run({"x": x, "control": control})["y"], expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("otherwise", "learning"), [("clamp", [0, 2]), ("zero", [])])
def test_a_control_outside_teaches_what_it_reads(otherwise: str, learning: list[int]) -> None:
    model = specc.build(unguarded(otherwise))
    inputs = {"x": random_batch(2, 3), "control": np.array([-1, 3], "int32")}
    slopes = gradients(model, lambda: tf.reduce_sum(model(inputs)["y"]))
    taught = slopes["y.dense/bias"].reshape(3, 2).any(-1)
    assert np.flatnonzero(taught).tolist() == learning


def test_a_control_that_surely_leaves_is_refused_by_the_checker() -> None:
    spec = example("multiplexed").read_text().replace("0..3", "0..4")
    (finding,) = specc.check(spec)
    assert finding.kind.id == "mux-law"
    assert "0 to 2" in finding.message
