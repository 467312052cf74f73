"""Kernels that another leg writes, or that the network chooses: each sample is convolved with its own alone."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import specc
from tests.examples.cases import example, weights_of
from tests.examples.compiled import Array, gradients, random_batch


def variables(model: keras.Model) -> dict[str, tf.Tensor]:
    """A model's own variables by path, for an oracle that reads the same ones and so can be differentiated."""
    return {weight.path: weight.value for weight in model.weights}


def pooled_dense(x: Any, weights: dict[str, Any], name: str) -> Any:
    return tf.reduce_mean(x, (1, 2)) @ weights[f"{name}/kernel"] + weights[f"{name}/bias"]


def convolved(x: Any, kernel: Any, bias: Any = 0.0, padding: str = "SAME") -> Any:
    return tf.nn.conv2d(x, kernel, 1, padding) + bias


def matched_alone(weights: dict[str, Any], template: Any, scene: Any) -> Any:
    """The matcher for one sample, `[1, …]`: an ordinary convolution with the kernel that its template writes."""
    features = tf.nn.relu(convolved(template, weights["kernel.conv2d/kernel"], weights["kernel.conv2d/bias"], "VALID"))
    kernel = tf.reshape(pooled_dense(features, weights, "kernel.dense"), (5, 5, 3, 8))
    return convolved(scene, kernel, weights["match/bias"])


def interleaved_alone(weights: dict[str, Any], template: Any, scene: Any) -> Any:
    """The interleaved legs for one sample, `[1, …]`."""
    own = convolved(template, weights["template_features/kernel"], weights["template_features/bias"], "VALID")
    features = tf.nn.relu(own)
    first = tf.reshape(pooled_dense(features, weights, "first_kernel.dense"), (3, 3, 3, 8))
    found = tf.nn.relu(convolved(scene, first, weights["found/bias"]))
    second = tf.reshape(pooled_dense(found, weights, "second_kernel.dense"), (2, 2, 8, 8))
    compared = tf.nn.relu(convolved(features, second, weights["compared/bias"], "VALID"))
    third = tf.reshape(pooled_dense(compared, weights, "third_kernel.dense"), (3, 3, 8, 1))
    return tf.sigmoid(convolved(found, third, weights["match/bias"]))


HYPERNETWORKS = [("matcher", matched_alone), ("interleaved", interleaved_alone)]
SIZES: dict[str, Any] = {"side": 12, "template_side": 8}


def templates_and_scenes(count: int) -> dict[str, Array]:
    return {"template": random_batch(count, 8, 8, 3), "scene": random_batch(count, 12, 12, 3, seed=1)}


def one_by_one(alone: Any, model: keras.Model, inputs: dict[str, Array]) -> Any:
    rows = zip(inputs["template"], inputs["scene"], strict=True)
    return tf.concat([alone(variables(model), template[None], scene[None]) for template, scene in rows], 0)


@pytest.mark.parametrize(("name", "alone"), HYPERNETWORKS)
@pytest.mark.parametrize("count", [1, 4])
def test_each_scene_is_scanned_by_the_kernel_of_its_own_template(name: str, alone: Any, count: int) -> None:
    model = specc.build(example(name), **SIZES)
    inputs = templates_and_scenes(count)
    expected = one_by_one(alone, model, inputs)
    np.testing.assert_allclose(model(inputs)["match"], expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(model.predict(inputs, verbose=0)["match"], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("name", "alone"), HYPERNETWORKS)
def test_gradients_reach_both_legs_and_are_those_of_the_loop(name: str, alone: Any) -> None:
    model = specc.build(example(name), **SIZES)
    inputs = templates_and_scenes(3)
    upstream = random_batch(*model(inputs)["match"].shape, seed=2)
    found = gradients(model, lambda: tf.reduce_sum(upstream * model(inputs)["match"]))
    expected = gradients(model, lambda: tf.reduce_sum(upstream * one_by_one(alone, model, inputs)))
    for path, slope in expected.items():
        assert slope.any(), path
        np.testing.assert_allclose(found[path], slope, rtol=1e-3, atol=1e-5 * np.abs(slope).max(), err_msg=path)


@pytest.mark.parametrize("name", ["matcher", "interleaved"])
def test_another_template_leaves_the_other_samples_alone(name: str) -> None:
    model = specc.build(example(name), **SIZES)
    inputs = templates_and_scenes(3)
    before = model(inputs)["match"].numpy()
    inputs["template"][1] += 1
    changed = (model(inputs)["match"].numpy() != before).any((1, 2, 3))
    assert changed.tolist() == [False, True, False]


def test_the_matcher_has_the_parameters_of_its_two_legs_and_no_scanning_kernel() -> None:
    model = specc.build(example("matcher"))
    assert model.count_params() == (3 * 3 * 3 * 16 + 16) + (16 * 600 + 600) + 8
    assert model.output["match"].shape == (None, 96, 96, 8)


# A kernel that the network chooses by an earlier layer's output

STENCILS = np.array(
    [
        [[-1, -1, -1], [2, 2, 2], [-1, -1, -1]],
        [[-1, -1, 2], [-1, 2, -1], [2, -1, -1]],
        [[-1, 2, -1], [-1, 2, -1], [-1, 2, -1]],
        [[2, -1, -1], [-1, 2, -1], [-1, -1, 2]],
    ],
    "float32",
)


def oriented_alone(weights: dict[str, Any], image: Any) -> tuple[Any, Any]:
    """Orientation and length for one sample, `[1, …]`; the choice is a Python number, and so no gradient passes it."""
    features = tf.nn.relu(convolved(image, weights["features.conv2d/kernel"], weights["features.conv2d/bias"], "VALID"))
    pooled = tf.reduce_mean(features, (1, 2))
    orientation = tf.nn.softmax(pooled @ weights["orientation/kernel"] + weights["orientation/bias"])
    stencil = STENCILS[int(np.argmax(orientation[0]))][:, :, None, None]
    lines = tf.nn.relu(convolved(image, stencil, weights["lines/bias"]))
    both = tf.concat([tf.reduce_mean(lines, (1, 2)), pooled], -1)
    return orientation, both @ weights["length/kernel"] + weights["length/bias"]


def oriented_one_by_one(model: keras.Model, images: Array) -> tuple[Any, Any]:
    rows = [oriented_alone(variables(model), image[None]) for image in images]
    return tf.concat([row[0] for row in rows], 0), tf.concat([row[1] for row in rows], 0)


@pytest.fixture
def oriented() -> tuple[keras.Model, Array]:
    """The model and images of which it does not choose the same stencil for all."""
    model, images = specc.build(example("oriented_lines")), random_batch(6, 16, 16, 1)
    scores = tf.math.log(model(images)["orientation"])
    model.get_layer("orientation").bias.assign(-tf.reduce_mean(scores, 0))
    assert len(set(np.argmax(model(images)["orientation"], -1))) > 2
    return model, images


def test_each_sample_is_convolved_with_the_stencil_that_it_chose(oriented: tuple[keras.Model, Array]) -> None:
    model, images = oriented
    orientation, length = oriented_one_by_one(model, images)
    for found in (model(images), model.predict(images, verbose=0)):
        np.testing.assert_allclose(found["orientation"], orientation, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(found["length"], length, rtol=1e-5, atol=1e-5)


def test_the_choice_is_constant_to_backpropagation(oriented: tuple[keras.Model, Array]) -> None:
    model, images = oriented
    found = gradients(model, lambda: tf.reduce_sum(model(images)["length"] ** 2))
    expected = gradients(model, lambda: tf.reduce_sum(oriented_one_by_one(model, images)[1] ** 2))
    for path, slope in expected.items():
        np.testing.assert_allclose(found[path], slope, rtol=1e-4, atol=1e-4, err_msg=path)
    # The classifier chooses the kernel of `length`, and learns nothing from it.
    assert not found["orientation/kernel"].any()
    assert found["features.conv2d/kernel"].any()
    assert found["lines/bias"].any()


def test_training_teaches_the_classifier_and_never_the_stencils(oriented: tuple[keras.Model, Array]) -> None:
    model, images = oriented
    before = weights_of(model)
    targets = {"orientation": np.array([0, 1, 2, 3, 0, 1]), "length": np.ones((6, 1), "float32")}
    for _ in range(3):
        model.train_on_batch(images, targets)
    after = weights_of(model)
    unchanged = {path for path, value in after.items() if np.array_equal(value, before[path])}
    assert unchanged == {"stencils/value"}
    assert np.array_equal(after["stencils/value"], STENCILS.reshape(4, 9))


def test_a_kernel_behind_stop_gradient_is_constant_to_backpropagation() -> None:
    text = """
    model held {
      input x: float32[6, 2]
      written = x -> Flatten() -> Dense(12) -> Reshape([3, 2, 2])
      output y = x -> Conv1D(2, 3, padding="same", kernel=stop_gradient(written))
    }
    """
    held, learning = specc.build(text), specc.build(text.replace("stop_gradient(written)", "written"))
    x = random_batch(3, 6, 2)
    assert np.array_equal(held(x)["y"], learning(x)["y"])
    of_held, of_learning = (gradients(m, lambda m=m: tf.reduce_sum(m(x)["y"] ** 2)) for m in (held, learning))
    assert not of_held["written.dense/kernel"].any()
    assert of_learning["written.dense/kernel"].any()
    np.testing.assert_array_equal(of_held["y/bias"], of_learning["y/bias"])
