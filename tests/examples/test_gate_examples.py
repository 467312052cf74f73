"""gated_skip, gated_unit, fixed_gate, knob_gate and two_exits against the same networks written in plain Keras."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import specc
from tests.examples.cases import Arrays, assert_same_training, example, rng, set_weights, weights_of

BATCH = 4


def images(batch: int = BATCH) -> np.ndarray[Any, Any]:
    return rng(1).normal(size=(batch, 28, 28, 1)).astype("float32")


def features(batch: int = BATCH) -> np.ndarray[Any, Any]:
    return rng(2).normal(size=(batch, 16)).astype("float32")


def classes(batch: int = BATCH) -> np.ndarray[Any, Any]:
    return rng(3).integers(0, 10, batch)


def conv(name: str, activation: str = "relu", width: int = 16) -> layers.Layer:
    return layers.Conv2D(width, 3, padding="same", activation=activation, name=name)


def gated_skip() -> keras.Model:
    """value * g to the next layer; value - value * g skips it and is concatenated."""
    image = keras.Input((28, 28, 1))
    value, g = conv("value")(image), conv("g", "sigmoid")(image)
    deep = conv("deep")(value * g)
    joined = layers.Concatenate()([deep, value - value * g])
    probs = layers.Dense(10, activation="softmax", name="probs")(layers.GlobalAveragePooling2D()(joined))
    return keras.Model(image, probs)


def gated_unit() -> keras.Model:
    """The same, where one layer brings value and gate, and the join is a sum."""
    image = keras.Input((28, 28, 1))
    value, g = conv("near.conv2d")(image), conv("near.conv2d_2", "sigmoid")(image)
    deep = conv("deep")(value * g)
    joined = deep + (value - value * g)
    probs = layers.Dense(10, activation="softmax", name="probs")(layers.GlobalAveragePooling2D()(joined))
    return keras.Model(image, probs)


def fixed_gate() -> keras.Model:
    given = keras.Input((16,))
    hidden = layers.Dense(32, activation="relu", name="hidden")(given)
    deep = layers.Dense(32, activation="relu", name="deep")(0.3 * hidden)
    return keras.Model(given, layers.Dense(1, name="price")(deep + (hidden - 0.3 * hidden)))


@pytest.mark.parametrize("oracle", [gated_skip, gated_unit])
class TestGateOfASiblingLayer:
    def test_forward(self, oracle: Any) -> None:
        model, expected = specc.build(example(oracle.__name__)), oracle()
        set_weights(expected, weights_of(model))
        np.testing.assert_array_equal(model(images())["probs"], expected(images()))

    def test_training(self, oracle: Any) -> None:
        model, expected = specc.build(example(oracle.__name__)), oracle()
        model.compile("adam", {"probs": "sparse_categorical_crossentropy"})
        expected.compile("adam", "sparse_categorical_crossentropy")
        assert_same_training(model, expected, [(images(), classes())] * 2)

    def test_nothing_is_lost(self, oracle: Any) -> None:
        model = specc.build(example(oracle.__name__))
        gate = model.get_layer("near")
        halves = keras.Model(model.input, [*gate.input, *gate.output])
        value, g, near, far = (np.array(part) for part in halves({"image": images()}))
        np.testing.assert_array_equal(near, value * g)
        np.testing.assert_array_equal(far, value - value * g)
        np.testing.assert_allclose(near + far, value, rtol=1e-6)
        assert near.max() > 0 and far.max() > 0


def test_a_parameter_widens_every_layer() -> None:
    assert specc.build(example("gated_skip"), width=24).get_layer("deep").kernel.shape == (3, 3, 24, 24)


class TestGateOfANumber:
    def test_forward(self) -> None:
        model, expected = specc.build(example("fixed_gate")), fixed_gate()
        set_weights(expected, weights_of(model))
        np.testing.assert_array_equal(model(features())["price"], expected(features()))

    def test_fit_evaluate_and_predict(self) -> None:
        """A regression on 64 samples: history, metrics and predictions are those of the plain model."""
        model, expected = specc.build(example("fixed_gate")), fixed_gate()
        set_weights(expected, weights_of(model))
        expected.compile(keras.optimizers.Adam(1e-2), "mean_squared_error", metrics=[keras.metrics.MeanAbsoluteError()])
        x = features(64)
        y = x[:, :1] - 2 * x[:, 1:2] * (x[:, 2:3] > 0)
        histories = [
            each.fit(x, y, batch_size=16, epochs=8, shuffle=False, verbose=0).history for each in (model, expected)
        ]
        np.testing.assert_allclose(histories[0]["loss"], histories[1]["loss"], rtol=1e-4)
        assert histories[0]["loss"][-1] < histories[0]["loss"][0] / 2
        scores = [each.evaluate(x, y, verbose=0, return_dict=True) for each in (model, expected)]
        assert set(scores[0]) == {"loss", "mean_absolute_error"}
        for name, score in scores[1].items():
            np.testing.assert_allclose(scores[0][name], score, rtol=1e-4)
        predicted = model.predict(x, verbose=0)["price"]
        np.testing.assert_allclose(predicted, expected.predict(x, verbose=0), rtol=1e-4, atol=1e-4)

    @pytest.mark.parametrize(("g", "left"), [(0.0, 1), (1.0, 0)])
    def test_at_the_ends_one_half_is_everything(self, g: float, left: int) -> None:
        model = specc.build(example("fixed_gate"), g=g)
        gate = model.get_layer("near")
        halves = keras.Model(model.input, [gate.input, *gate.output])
        hidden, *parts = (np.array(part) for part in halves({"features": features()}))
        np.testing.assert_array_equal(parts[left], hidden)
        assert not parts[1 - left].any()


def deep_and_shallow(weights: Arrays, x: np.ndarray[Any, Any]) -> tuple[Any, Any]:
    """The two networks of knob_gate in NumPy, in double precision."""
    deep = np.maximum(x @ weights["deep.dense/kernel"].astype("float64"), 0) @ weights["deep/kernel"]
    return deep, x @ weights["shallow/kernel"].astype("float64")


class TestGateOfAKnob:
    @pytest.mark.parametrize("g", [0.0, 0.25, 0.5, 1.0])
    def test_the_knob_blends_both_networks(self, g: float) -> None:
        model = specc.build(example("knob_gate"))
        specc.set_knobs(model, g=g)
        # Neither network has a bias, so a share of what goes in is that share of what comes out.
        deep, shallow = deep_and_shallow(weights_of(model), features())
        np.testing.assert_allclose(model(features())["scores"], g * deep + (1 - g) * shallow, rtol=1e-5, atol=1e-6)

    def test_at_the_ends_exactly_one_network_is_left(self) -> None:
        model = specc.build(example("knob_gate"))
        for g, left, gone in ((1.0, "deep", "shallow"), (0.0, "shallow", "deep")):
            specc.set_knobs(model, g=g)
            before = np.array(model(features())["scores"])
            part = keras.Model(model.input, model.get_layer(left).output)
            np.testing.assert_array_equal(before, part({"features": features()}))
            kernel = model.get_layer(gone).kernel
            kept = kernel.numpy()
            kernel.assign(kept + 100)
            np.testing.assert_array_equal(model(features())["scores"], before)
            kernel.assign(kept)

    def test_the_knob_is_turned_between_calls_of_a_traced_model(self) -> None:
        model = specc.build(example("knob_gate"))
        shares = []
        for g in (0.0, 1.0, 0.5):
            specc.set_knobs(model, g=g)
            shares.append(model.predict(features(), verbose=0)["scores"])
        np.testing.assert_allclose(shares[2], (shares[0] + shares[1]) / 2, rtol=1e-5, atol=1e-6)
        assert np.abs(shares[0] - shares[1]).max() > 0.1

    def test_training_does_not_turn_it(self) -> None:
        model = specc.build(example("knob_gate"))
        model.compile("adam", {"scores": "mse"})
        before = weights_of(model)
        model.fit(features(), np.ones((BATCH, 4)), epochs=2, verbose=0)
        after = weights_of(model)
        assert after["g/value"] == before["g/value"] == 0.5
        assert all((after[path] != before[path]).any() for path in before if path != "g/value")

    @pytest.mark.parametrize("g", [-0.01, 1.01, float("nan")])
    def test_outside_its_range_it_is_refused(self, g: float) -> None:
        model = specc.build(example("knob_gate"))
        with pytest.raises(ValueError, match="g"):
            specc.set_knobs(model, g=g)
        assert weights_of(model)["g/value"] == 0.5

    def test_it_is_turned_in_the_loaded_saved_model(self, tmp_path: Path) -> None:
        specc.compile(example("knob_gate"), tmp_path / "saved")
        model = specc.build(example("knob_gate"))
        loaded = tf.saved_model.load(str(tmp_path / "saved"))
        serve, turn = loaded.signatures["serving_default"], loaded.signatures["set_knobs"]
        x = tf.constant(features())
        for g in (0.0, 1.0, 0.3):
            specc.set_knobs(model, g=g)
            turn(g=tf.constant(g))
            np.testing.assert_allclose(serve(features=x)["scores"], model(x)["scores"], rtol=1e-6, atol=1e-7)
        with pytest.raises(tf.errors.InvalidArgumentError, match="g"):
            turn(g=tf.constant(1.5))
        np.testing.assert_allclose(serve(features=x)["scores"], model(x)["scores"], rtol=1e-6, atol=1e-7)


def two_exits() -> keras.Model:
    image, g = keras.Input((28, 28, 1), name="image"), keras.Input((), name="g")
    value = layers.Conv2D(8, 3, strides=2, activation="relu", name="features")(image)
    near = value * layers.Reshape((1, 1, 1))(g)
    late = layers.Conv2D(16, 3, strides=2, activation="relu", name="late.conv2d")(near)
    late = layers.Dense(10, activation="softmax", name="late")(layers.GlobalAveragePooling2D()(late))
    early = layers.GlobalAveragePooling2D()(value - near)
    early = layers.Dense(10, activation="softmax", name="early")(early)
    return keras.Model({"image": image, "g": g}, {"late": late, "early": early})


class TestGateOfAnInput:
    SHARES = np.array([0.0, 0.2, 0.75, 1.0], "float32")

    def test_each_sample_has_its_own_share(self) -> None:
        model, expected = specc.build(example("two_exits")), two_exits()
        set_weights(expected, weights_of(model))
        given = {"image": images(), "g": self.SHARES}
        for name, output in expected(given).items():
            np.testing.assert_array_equal(model(given)[name], output)

    def test_training_with_both_losses(self) -> None:
        model, expected = specc.build(example("two_exits")), two_exits()
        loss = "sparse_categorical_crossentropy"
        expected.compile(keras.optimizers.SGD(0.1), {"late": loss, "early": loss})
        steps = [({"image": images(), "g": self.SHARES}, {"late": classes(), "early": classes()})] * 2
        assert_same_training(model, expected, steps)

    def test_at_the_ends_one_exit_sees_nothing(self) -> None:
        model = specc.build(example("two_exits"))
        model.get_layer("early").bias.assign(np.linspace(-1, 1, 10))
        outputs = model({"image": images(), "g": self.SHARES})
        nothing = np.exp(np.linspace(-1, 1, 10))
        np.testing.assert_allclose(outputs["early"][3], nothing / nothing.sum(), rtol=1e-6)
        assert np.abs(outputs["early"][2] - nothing / nothing.sum()).max() > 1e-4
        np.testing.assert_allclose(outputs["late"][0], np.full(10, 0.1), rtol=1e-6)

    def test_it_may_be_left_out(self, tmp_path: Path) -> None:
        specc.compile(example("two_exits"), tmp_path / "saved")
        model = specc.build(example("two_exits"))
        loaded = tf.saved_model.load(str(tmp_path / "saved"))
        x = tf.constant(images())
        given = model({"image": x, "g": tf.fill([BATCH], 0.75)})
        for outputs in (model({"image": x}), loaded.two_exits({"image": x})):
            for name, output in given.items():
                np.testing.assert_allclose(outputs[name], output, rtol=1e-6)

    def test_outside_its_range_it_is_refused(self) -> None:
        model = specc.build(example("two_exits"))
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"input .g. is 1.25, outside 0..1"):
            model({"image": images(), "g": self.SHARES + 0.5})
