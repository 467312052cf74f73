"""digit_vae on scikit-learn's digits: its loss by hand, its noise, its training, and what the label does."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from sklearn.datasets import load_digits

import specc
from tests.examples.cases import Arrays, example, weights_of


def digits() -> Arrays:
    """All 1,797 digits: images `[8, 8, 1]` in 0..1, and labels."""
    images, labels = load_digits(return_X_y=True)
    return {"image": (images.reshape(-1, 8, 8, 1) / 16).astype("float32"), "digit": labels.astype("int32")}


def first(count: int) -> Arrays:
    return {name: array[:count] for name, array in digits().items()}


def last(count: int) -> Arrays:
    return {name: array[-count:] for name, array in digits().items()}


def cross_entropy(image: Any, decoded: Any) -> Any:
    """The mean over the pixels of each image, `[B]`."""
    decoded = np.clip(np.asarray(decoded, "float64"), 1e-7, 1 - 1e-7)
    return -np.mean(image * np.log(decoded) + (1 - image) * np.log(1 - decoded), axis=(1, 2, 3))


def test_both_halves_have_the_kernel_of_the_class() -> None:
    """A batch is what each sample is alone, with plain layers that hold the kernel of its class."""
    model = specc.build(example("digit_vae"))
    weights = weights_of(model)
    encoder, decoder = model.get_layer("encoder"), model.get_layer("decoder")
    batch = first(6)
    code = encoder(batch)["mu"].numpy()
    image = decoder({"code": code, "digit": batch["digit"]})["image"]
    scanned = keras.Model(encoder.input, encoder.get_layer("features.conv2d").output)(batch)
    unfinished = keras.Model(decoder.input, decoder.get_layer("image.conv2d_transpose_2").output)(
        {"code": code, "digit": batch["digit"]}
    )
    plain = keras.layers.Conv2D(16, 3, padding="same", activation="relu")
    plain_back = keras.layers.Conv2DTranspose(1, 3, padding="same", activation="sigmoid")
    plain.build((None, 8, 8, 1))
    plain_back.build((None, 8, 8, 16))
    for sample, digit in enumerate(batch["digit"]):
        one = slice(sample, sample + 1)
        plain.set_weights([weights["encoder/kernels/value"][digit], weights["encoder/features.conv2d/bias"]])
        np.testing.assert_allclose(scanned[one], plain(batch["image"][one]), rtol=1e-5, atol=1e-6)
        plain_back.set_weights([weights["decoder/kernels/value"][digit], weights["decoder/image/bias"]])
        np.testing.assert_allclose(image[one], plain_back(unfinished[one]), rtol=1e-5, atol=1e-6)


def test_the_loss_is_the_evidence_lower_bound() -> None:
    model = specc.build(example("digit_vae"))
    batch = first(16)
    seen: dict[str, Any] = {}

    class Seen(keras.losses.Loss):
        """Keeps what the model gave while it was evaluated, with the noise of that call."""

        def call(self, y_true: Any, y_pred: Any) -> Any:
            seen["decoded"] = y_pred.numpy()
            return keras.losses.binary_crossentropy(y_true, y_pred)

    model.compile(loss={"decoded": Seen()}, run_eagerly=True)
    loss = model.evaluate(batch, {"decoded": batch["image"]}, batch_size=16, verbose=0)
    mu, logvar = (model.get_layer("encoder")(batch)[name].numpy().astype("float64") for name in ("mu", "logvar"))
    divergence = 0.5 * np.sum(np.exp(logvar) + mu**2 - 1 - logvar, axis=-1)
    expected = np.mean(cross_entropy(batch["image"], seen["decoded"]) + divergence / 64)
    np.testing.assert_allclose(loss, expected, rtol=1e-5)
    assert np.mean(divergence) > 1e-3


def test_the_code_is_drawn_from_its_normal_distribution() -> None:
    """1,000 codes of one image: each number has the encoder's mean and variance, independently, anew in each call."""
    model = specc.build(example("digit_vae"))
    encoder = model.get_layer("encoder")
    encoder.get_layer("mu").bias.assign([-2, 0, 1, 3])
    encoder.get_layer("logvar").bias.assign([-4, -2, 0, 2])
    one = {name: np.repeat(array, 1000, axis=0) for name, array in first(1).items()}
    drawn = keras.Model(model.input, model.get_layer("code").output)
    codes = [drawn.predict(one, batch_size=500, verbose=0) for _ in range(2)]
    assert not np.isclose(codes[0], codes[1]).all(axis=1).any()
    encoded = encoder(first(1))
    noise = (codes[0] - encoded["mu"].numpy()) / np.exp(encoded["logvar"].numpy() / 2)
    # Five standard errors of a mean and of a variance.
    np.testing.assert_allclose(noise.mean(axis=0), 0, atol=5 / np.sqrt(1000))
    np.testing.assert_allclose(np.cov(noise.T), np.eye(4), atol=5 * np.sqrt(2 / 1000))


@pytest.fixture(scope="module")
def trained() -> tuple[Any, list[float]]:
    """The model after six epochs on the first 800 digits, and its losses."""
    model = specc.build(example("digit_vae"))
    keras.utils.set_random_seed(0)
    batch = first(800)
    history = model.fit(batch, {"decoded": batch["image"]}, batch_size=40, epochs=6, verbose=0).history
    return model, history["loss"]


def test_its_loss_falls(trained: tuple[Any, list[float]]) -> None:
    model, losses = trained
    assert losses[-1] < 0.7 * losses[0]
    rest = last(100)
    loss = model.evaluate(rest, {"decoded": rest["image"]}, verbose=0)
    # Better than the mean image, which is what a decoder could learn without a code or a label.
    mean = np.broadcast_to(first(800)["image"].mean(axis=0), rest["image"].shape)
    assert loss < cross_entropy(rest["image"], mean).mean()


def test_with_the_label_changed_the_same_code_decodes_differently(trained: tuple[Any, list[float]]) -> None:
    model, _ = trained
    rest = last(50)
    code = model.get_layer("encoder")(rest)["mu"].numpy()
    decoder = model.get_layer("decoder")
    errors = []
    images = []
    for shift in range(10):
        digit = (rest["digit"] + shift) % 10
        images.append(decoder.predict({"code": code, "digit": digit}, batch_size=50, verbose=0)["image"])
        errors.append(cross_entropy(rest["image"], images[-1]).mean())
    assert int(np.argmin(errors)) == 0
    for image in images[1:]:
        assert (np.abs(image - images[0]).max(axis=(1, 2, 3)) > 0.05).all()


def test_every_kernel_of_both_banks_has_learned(trained: tuple[Any, list[float]]) -> None:
    model, _ = trained
    before, after = weights_of(specc.build(example("digit_vae"))), weights_of(model)
    for bank in ("encoder/kernels/value", "decoder/kernels/value"):
        assert (before[bank] != after[bank]).any(axis=(1, 2, 3, 4)).all()
