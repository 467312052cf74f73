"""class_autoencoder and modulated_autoencoder against the same networks written in plain Keras."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, ops

import specc
from tests.examples.cases import Arrays, assert_same_training, example, rng, set_weights, weights_of

DIGITS = np.array([3, 0, 9, 3, 7, 1], "int32")
BATCH = len(DIGITS)


def given() -> Arrays:
    return {"image": rng(1).uniform(size=(BATCH, 28, 28, 1)).astype("float32"), "digit": DIGITS}


def inputs() -> dict[str, Any]:
    return {"image": keras.Input((28, 28, 1), name="image"), "digit": keras.Input((), dtype="int32", name="digit")}


def normalised(x: Any, name: str) -> Any:
    return ops.relu(layers.BatchNormalization(name=name)(x))


def conv(x: Any, filters: int, name: str) -> Any:
    return layers.Conv2D(filters, 3, padding="same", use_bias=False, name=name)(x)


def decoded(code: Any) -> Any:
    hidden = layers.Dense(64, activation="relu", name="decoded.dense")(code)
    flat = layers.Dense(28 * 28, activation="sigmoid", name="decoded.dense_2")(hidden)
    return layers.Reshape((28, 28, 1))(flat)


def class_autoencoder(concatenated: bool) -> keras.Model:
    """Ten convolutions, each masked with its column of the one-hot label, then summed or concatenated."""
    given = inputs()
    image, one_hot = given["image"], ops.one_hot(given["digit"], 10)
    for_all = normalised(conv(image, 8, "for_all.conv2d"), "for_all.batch_normalization")
    masked = [conv(image, 1, f"class_{k}") * ops.reshape(one_hot[:, k], (-1, 1, 1, 1)) for k in range(10)]
    joined = layers.Concatenate()(masked) if concatenated else layers.Add()(masked)
    for_class = normalised(joined, "for_class.batch_normalization")
    x = layers.AveragePooling2D(2)(layers.Concatenate()([for_all, for_class]))
    x = layers.AveragePooling2D(2)(normalised(conv(x, 8, "code.conv2d"), "code.batch_normalization"))
    code = layers.Dense(2, activation="tanh", name="code")(layers.Flatten()(x))
    return keras.Model(given, {"code": code, "decoded": decoded(code)})


def ten_kernels(weights: Arrays) -> Arrays:
    """The bank as the kernels of ten layers."""
    bank = weights["kernels/value"]
    ten = {f"class_{k}/kernel": kernel for k, kernel in enumerate(bank)}
    return {path: value for path, value in weights.items() if path != "kernels/value"} | ten


@pytest.mark.parametrize("concatenated", [False, True], ids=["summed", "concatenated"])
class TestOneKernelForEachClass:
    def test_it_is_ten_masked_convolutions(self, concatenated: bool) -> None:
        model = specc.build(example("class_autoencoder"), concatenated=concatenated)
        expected = class_autoencoder(concatenated)
        set_weights(expected, ten_kernels(weights_of(model)))
        for training in (False, True):
            outputs = model(given(), training=training)
            for name, output in expected(given(), training=training).items():
                np.testing.assert_allclose(outputs[name], output, rtol=1e-5, atol=1e-6)

    def test_it_trains_like_ten_masked_convolutions(self, concatenated: bool) -> None:
        """Adam, batch statistics and all: an unused kernel gets no gradient, and rests."""
        model = specc.build(example("class_autoencoder"), concatenated=concatenated)
        expected = class_autoencoder(concatenated)
        expected.compile(keras.optimizers.Adam(1e-2), {"decoded": "binary_crossentropy"})
        before = weights_of(model)["kernels/value"]
        assert_same_training(model, expected, [(given(), {"decoded": given()["image"]})] * 3, ten_kernels)
        moved = (weights_of(model)["kernels/value"] != before).any(axis=(1, 2, 3, 4))
        assert set(np.flatnonzero(moved)) == set(DIGITS.tolist())


def test_the_other_form_is_clean_too() -> None:
    assert specc.check(example("class_autoencoder"), concatenated=True) == []


def test_the_code_is_two_numbers_and_its_loss_falls() -> None:
    model = specc.build(example("class_autoencoder"))
    model.run_eagerly = True
    history = model.fit(given(), {"decoded": given()["image"] > 0.5}, epochs=12, verbose=0).history
    assert history["loss"][-1] < 0.9 * history["loss"][0]
    code = model(given())["code"].numpy()
    assert code.shape == (BATCH, 2) and np.abs(code).max() <= 1


def modulated_autoencoder() -> keras.Model:
    given = inputs()
    label = ops.one_hot(given["digit"], 10)
    scale = layers.Dense(2, activation="exponential", use_bias=False, name="scale")(label)
    shift = layers.Dense(2, name="shift")(label)
    x = given["image"]
    for name, filters in (("features.conv2d", 8), ("features.conv2d_2", 16)):
        x = layers.Conv2D(filters, 3, strides=2, padding="same", activation="relu", name=name)(x)
    regularizer = keras.regularizers.L2(1e-2)
    features = layers.Dense(2, activity_regularizer=regularizer, name="features")(layers.Flatten()(x))
    code = ops.tanh(scale * features + shift)
    return keras.Model(given, {"code": code, "decoded": decoded(code)})


class TestModulatedCode:
    def test_forward(self) -> None:
        model, expected = specc.build(example("modulated_autoencoder")), modulated_autoencoder()
        set_weights(expected, weights_of(model))
        for name, output in expected(given()).items():
            np.testing.assert_array_equal(model(given())[name], output)

    def test_each_class_scales_and_shifts(self) -> None:
        """tanh(a * x + b) in NumPy, with rows a and b of the sample's class."""
        model = specc.build(example("modulated_autoencoder"))
        model.get_layer("shift").bias.assign([0.5, -0.5])
        weights = weights_of(model)
        features = keras.Model(model.input, model.get_layer("features").output)(given()).numpy()
        scale = np.exp(weights["scale/kernel"])[DIGITS]
        shift = weights["shift/kernel"][DIGITS] + weights["shift/bias"]
        np.testing.assert_allclose(model(given())["code"], np.tanh(scale * features + shift), rtol=1e-5, atol=1e-6)

    def test_the_regularizer_is_part_of_the_loss(self) -> None:
        model = specc.build(example("modulated_autoencoder"))
        image = given()["image"]
        features = keras.Model(model.input, model.get_layer("features").output)(given()).numpy()
        error = np.mean(np.square(model(given())["decoded"].numpy() - image))
        penalty = 1e-2 * np.sum(np.square(features)) / BATCH
        loss = model.evaluate(given(), {"decoded": image}, verbose=0)
        np.testing.assert_allclose(loss, error + penalty, rtol=1e-5)
        assert penalty > 1e-4

    def test_training(self) -> None:
        model, expected = specc.build(example("modulated_autoencoder")), modulated_autoencoder()
        expected.compile(keras.optimizers.SGD(0.1), {"decoded": "mse"})
        steps = [(given(), {"decoded": given()["image"]})] * 3
        assert_same_training(model, expected, steps)
