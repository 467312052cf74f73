"""What Keras offers for a model works for one that was built from a spec: files, pictures, mixed precision."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import specc
from tests.examples.cases import FOLDER, Arrays, example, rng, set_weights, weights_of
from tests.examples.test_gate_examples import gated_skip

DIGITS = np.array([3, 0, 9, 3], "int32")


def images() -> np.ndarray[Any, Any]:
    return rng(1).uniform(size=(4, 28, 28, 1)).astype("float32")


def inputs_of(name: str) -> Arrays:
    if name == "knob_gate":
        return {"features": rng(1).normal(size=(4, 16)).astype("float32")}
    return {"image": images()} if name == "gated_skip" else {"image": images(), "digit": DIGITS}


@pytest.fixture(params=["mixed_float16", "mixed_bfloat16"])
def policy(request: pytest.FixtureRequest) -> Iterator[str]:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(request.param)
    yield request.param
    keras.config.set_dtype_policy(before)


class TestFiles:
    @pytest.mark.parametrize("name", ["gated_skip", "digit_features", "knob_gate"])
    def test_a_trained_model_is_saved_and_loaded(self, name: str, tmp_path: Path) -> None:
        model = specc.build(example(name))
        for weight in model.trainable_weights:
            weight.assign_add(rng(5).normal(size=weight.shape))
        if name == "knob_gate":
            specc.set_knobs(model, g=0.875)
        model.save(tmp_path / "model.keras")
        loaded = keras.models.load_model(tmp_path / "model.keras")
        for path, value in weights_of(model).items():
            np.testing.assert_array_equal(weights_of(loaded)[path], value)
        given = inputs_of(name)
        for output, value in model(given).items():
            np.testing.assert_array_equal(loaded(given)[output], value)

    def test_a_loaded_model_goes_on_training_where_it_was(self, tmp_path: Path) -> None:
        """Optimizer, loss and all: the next step of the loaded model is that of the model."""
        model = specc.build(example("class_autoencoder"))
        given = inputs_of("class_autoencoder")
        target = {"decoded": given["image"]}
        model.run_eagerly = True
        model.train_on_batch(given, target)
        model.save(tmp_path / "model.keras")
        loaded = keras.models.load_model(tmp_path / "model.keras")
        loaded.run_eagerly = True
        np.testing.assert_allclose(loaded.train_on_batch(given, target), model.train_on_batch(given, target), rtol=1e-6)
        for path, value in weights_of(model).items():
            np.testing.assert_allclose(weights_of(loaded)[path], value, rtol=1e-6, atol=1e-7)

    def test_weights_go_from_one_build_to_another(self, tmp_path: Path) -> None:
        first, second = (specc.build(example("gated_unit"), seed=seed) for seed in (0, 1))
        first.save_weights(tmp_path / "first.weights.h5")
        second.load_weights(tmp_path / "first.weights.h5")
        np.testing.assert_array_equal(second(images())["probs"], first(images())["probs"])


class TestMixedPrecision:
    def test_a_gate_computes_as_plain_layers_do(self, policy: str) -> None:
        model, expected = specc.build(example("gated_skip")), gated_skip()
        set_weights(expected, weights_of(model))
        probs = model(images())["probs"]
        assert probs.dtype == keras.config.dtype_policy().compute_dtype
        np.testing.assert_array_equal(np.asarray(probs, "float32"), np.asarray(expected(images()), "float32"))

    def test_it_trains_in_it(self, policy: str) -> None:
        model = specc.build(example("gated_skip"))
        model.compile("adam", {"probs": "sparse_categorical_crossentropy"})
        model.run_eagerly = True
        before = weights_of(model)
        losses = model.fit(images(), {"probs": DIGITS}, epochs=4, verbose=0).history["loss"]
        assert np.isfinite(losses).all() and losses[-1] < losses[0]
        for path, value in weights_of(model).items():
            assert value.dtype == np.float32
            assert (value != before[path]).any()

    def test_a_kernel_for_each_class_is_cast_like_any_kernel(self, policy: str) -> None:
        model = specc.build(example("digit_features"))
        given = inputs_of("digit_features")
        features = model(given)["features"]
        plain = keras.layers.Conv2D(1, 3, strides=2, padding="same", activation="relu")
        plain.build((None, 28, 28, 1))
        stencils = np.load(FOLDER / "stencils.npy")
        for sample, digit in enumerate(DIGITS):
            plain.set_weights([stencils[digit], np.zeros(1)])
            expected = plain(given["image"][sample : sample + 1])[0]
            found = np.asarray(features[sample, ..., 32:], "float32")
            np.testing.assert_array_equal(found, np.asarray(expected, "float32"))

    def test_a_model_with_its_own_arithmetic_trains_in_it(self, policy: str) -> None:
        """Sampling, exponentials and a loss term of its own, in two models inside a third."""
        model = specc.build(example("digit_vae"))
        image = rng(1).uniform(size=(8, 8, 8, 1)).astype("float32")
        given = {"image": image, "digit": np.arange(8, dtype="int32")}
        before = weights_of(model)
        model.run_eagerly = True
        assert np.isfinite(model.train_on_batch(given, {"decoded": image}))
        after = weights_of(model)
        moved = [path for path in before if (before[path] != after[path]).any()]
        assert {"encoder/mu/kernel", "decoder/image/bias", "encoder/kernels/value"} <= set(moved)
        assert all(np.isfinite(value).all() for value in after.values())


class TestPictures:
    def test_the_graph_of_a_picture_has_every_layer_and_wire(self) -> None:
        model = specc.build(example("gated_skip"))
        dot = keras.utils.model_to_dot(model)
        labels = "".join(node.get_label() or "" for node in dot.get_nodes())
        assert all(layer.name in labels for layer in model.layers)
        # image to value and g, both to the gate, near to deep, both to the join, and on to the end.
        assert len(dot.get_edges()) == 9
