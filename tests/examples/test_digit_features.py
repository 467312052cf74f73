"""digit_features against a loop over the samples in NumPy: one fixed stencil for each class."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

import specc
from tests.examples.cases import FOLDER, example, rng, weights_of

STENCILS = np.load(FOLDER / "stencils.npy")
DIGITS = np.array([7, 0, 1, 4, 7, 9, 2, 3, 5, 6, 8], "int32")


def images() -> np.ndarray[Any, Any]:
    return rng(1).normal(size=(len(DIGITS), 28, 28, 1)).astype("float32")


def convolved(image: np.ndarray[Any, Any], stencil: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """`[28, 28]` and `[3, 3]` to `[14, 14]`: stride 2, and zeros on the far side, as `padding="same"` has it."""
    padded = np.pad(image.astype("float64"), ((0, 1), (0, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3))[::2, ::2]
    return np.asarray(np.einsum("hwij,ij->hw", windows, stencil))


def test_each_sample_is_convolved_with_the_stencil_of_its_class() -> None:
    model = specc.build(example("digit_features"))
    model.get_layer("fixed").bias.assign([0.25])
    outputs = np.array(model({"image": images(), "digit": DIGITS})["features"])
    assert outputs.shape == (len(DIGITS), 14, 14, 33)
    for image, digit, output in zip(images(), DIGITS, outputs, strict=True):
        expected = np.maximum(convolved(image[..., 0], STENCILS[digit, :, :, 0, 0]) + 0.25, 0)
        np.testing.assert_allclose(output[..., 32], expected, rtol=1e-5, atol=1e-6)


def test_the_other_channels_are_an_ordinary_convolution() -> None:
    model = specc.build(example("digit_features"))
    plain = keras.layers.Conv2D(32, 3, strides=2, padding="same", activation="relu")
    plain.build((None, 28, 28, 1))
    plain.set_weights(model.get_layer("learned").get_weights())
    outputs = model({"image": images(), "digit": DIGITS})["features"]
    np.testing.assert_array_equal(outputs[..., :32], plain(images()))


def test_training_leaves_the_stencils_bit_for_bit_and_moves_the_learned_filters() -> None:
    model = specc.build(example("digit_features"))
    before = weights_of(model)
    model.compile(keras.optimizers.Adam(1e-2, weight_decay=0.1), {"features": "mse"})
    inputs = {"image": images(), "digit": DIGITS}
    history = model.fit(inputs, {"features": np.ones((len(DIGITS), 14, 14, 33))}, batch_size=4, epochs=3, verbose=0)
    after = weights_of(model)
    assert history.history["loss"][-1] < history.history["loss"][0]
    assert after["stencils/value"].tobytes() == STENCILS.tobytes()
    assert (after["learned/kernel"] != before["learned/kernel"]).all()
    assert after["fixed/bias"] != before["fixed/bias"]
    assert "fixed/kernel" not in after


def test_the_stencils_see_what_they_are_named_for() -> None:
    """Each detector answers its own line, through the middle of a 3 x 3 patch, more strongly than any other does."""
    assert STENCILS.shape == (10, 3, 3, 1, 1) and STENCILS.dtype == np.float32
    np.testing.assert_allclose(np.abs(STENCILS).sum(axis=(1, 2, 3, 4)), 1, rtol=1e-6)
    upright, level = np.zeros((3, 3)), np.zeros((3, 3))
    upright[:, 1], level[1] = 1, 1
    patches = {1: upright, 2: level, 7: np.eye(3)[::-1], 9: np.eye(3)}
    detectors = STENCILS[list(patches), :, :, 0, 0]
    for place, patch in enumerate(patches.values()):
        assert np.einsum("kij,ij->k", detectors, patch).argmax() == place
