"""Deep Q-learning: two models of one file are two faces of the same weights."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

import specc
from tests.examples.cases import example, weights_of
from tests.examples.compiled import Array, random_batch, served


def experience(count: int = 16) -> tuple[Array, Array, Array]:
    """States, the actions taken in them, and the returns that followed."""
    actions = np.random.default_rng(2).integers(0, 4, count).astype("int32")
    return random_batch(count, 8), actions, random_batch(count, seed=1)


def by_hand(weights: list[Array]) -> keras.Model:
    """The same network as plain Keras."""
    network = keras.Sequential([keras.Input((8,)), keras.layers.Dense(64, activation="relu"), keras.layers.Dense(4)])
    network.set_weights(weights)
    return network


def test_the_value_of_an_action_is_the_value_that_q_gives_it() -> None:
    model = specc.build(example("deep_q"))
    q = model.get_layer("q")
    states, actions, _ = experience()
    every = q(states)["values"]
    np.testing.assert_allclose(every, by_hand(q.get_weights())(states), rtol=1e-6, atol=1e-6)
    found = model({"state": states, "action": actions})["value"]
    assert np.array_equal(found, every.numpy().reshape(-1, 4, 1)[np.arange(16), actions])


def test_both_faces_start_from_the_same_weights_and_have_no_others() -> None:
    q, of_action = specc.build(example("deep_q"), "q"), specc.build(example("deep_q"), "q_of_action")
    inner = of_action.get_layer("q")
    assert weights_of(q).keys() == weights_of(inner).keys()
    assert all(np.array_equal(value, weights_of(inner)[path]) for path, value in weights_of(q).items())
    assert [id(weight) for weight in inner.weights] == [id(weight) for weight in of_action.weights]


def test_training_through_one_face_is_training_by_hand_and_changes_the_other() -> None:
    model = specc.build(example("deep_q"))
    q = model.get_layer("q")
    network = by_hand(q.get_weights())
    states, actions, returns = experience()
    before = q(states)["values"].numpy()

    huber, optimizer = keras.losses.Huber(), keras.optimizers.SGD(0.1)
    for _ in range(3):
        model.train_on_batch({"state": states, "action": actions}, {"value": returns[:, None]})
        with tf.GradientTape() as tape:
            taken = tf.gather(network(states), actions, axis=1, batch_dims=1)
            loss = huber(returns[:, None], taken[:, None])
        optimizer.apply_gradients(
            zip(tape.gradient(loss, network.trainable_weights), network.trainable_weights, strict=True)
        )

    for found, expected in zip(q.get_weights(), network.get_weights(), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    assert (q(states)["values"].numpy() != before).all()


def test_one_step_changes_the_last_layer_only_for_the_actions_taken() -> None:
    model = specc.build(example("deep_q"))
    last = model.get_layer("q").get_layer("values")
    before = last.kernel.numpy()
    states, _, returns = experience()
    model.train_on_batch({"state": states, "action": np.full(16, 2, "int32")}, {"value": returns[:, None]})
    changed = (last.kernel.numpy() != before).any(0)
    assert changed.tolist() == [False, False, True, False]


def test_one_saved_model_serves_both_faces_of_the_trained_weights(tmp_path: Path) -> None:
    model = specc.build(example("deep_q"))
    states, actions, returns = experience()
    model.train_on_batch({"state": states, "action": actions}, {"value": returns[:, None]})
    model.save_weights(tmp_path / "trained.weights.h5")
    loaded = served(example("deep_q"), tmp_path, weights=tmp_path / "trained.weights.h5")

    assert sorted(loaded.signatures) == ["q", "q_of_action", "serving_default"]
    assert len(loaded.variables) == 4
    every = loaded.signatures["q"](state=tf.constant(states))["values"]
    np.testing.assert_allclose(every, model.get_layer("q")(states)["values"], rtol=1e-6, atol=1e-6)
    for face in ("q_of_action", "serving_default"):
        found = loaded.signatures[face](state=tf.constant(states), action=tf.constant(actions))["value"]
        np.testing.assert_allclose(found, tf.gather(every, actions[:, None], batch_dims=1), rtol=1e-6, atol=1e-6)

    # The variables are one set there too: what is set for one face, the other sees.
    for variable in loaded.variables:
        variable.assign(tf.zeros_like(variable))
    for face, inputs in (("q", {}), ("q_of_action", {"action": tf.constant(actions)})):
        (found,) = loaded.signatures[face](state=tf.constant(states), **inputs).values()
        assert not found.numpy().any()
