"""Laws that hold for every network, over small random specs.

`SPECC_LAW_EXAMPLES=500` draws that many specs for each law, others at each run, and shrinks one that
fails; without it a few are drawn, always the same.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy
from numpy.typing import NDArray

import specc
from specc import pipeline
from specc.catalogue.facts import WeightFact
from specc.forms import Form
from specc.graph.infer import CheckedGraph
from specc.keras_backend.lower import lower
from specc.source import Source
from specc.types import Shape
from tests.examples.compiled import as_dense, gradients
from tests.laws.specs import CHOICES, MUXES, Spec, specs

THOROUGH = os.environ.get("SPECC_LAW_EXAMPLES")
EXAMPLES = int(THOROUGH or 12)


def law(
    examples: int, drawn: SearchStrategy[Spec] | None = None
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A test over drawn specs."""
    drawing = settings(
        max_examples=examples,
        deadline=None,
        derandomize=not THOROUGH,
        # To find a smaller spec that fails too takes minutes.
        phases=[phase for phase in Phase if THOROUGH or phase is not Phase.shrink],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
    )

    def over_specs(test: Callable[..., None]) -> Callable[..., None]:
        return drawing(given(specs() if drawn is None else drawn)(test))

    return over_specs


def batch(size: int) -> dict[str, NDArray[Any]]:
    draw = np.random.default_rng(3)
    return {
        "image": draw.normal(size=(size, 4, 4, 3)).astype("float32"),
        "vector": draw.normal(size=(size, 3)).astype("float32"),
        "control": draw.integers(0, CHOICES, size).astype("int32"),
        "share": draw.uniform(size=size).astype("float32"),
    }


def assert_close(found: Any, expected: Any, name: str) -> None:
    scale = max(1.0, float(np.abs(expected).max(initial=0)))
    np.testing.assert_allclose(found, expected, rtol=2e-5, atol=2e-6 * scale, err_msg=name)


def by_the_oracles(spec: Spec, tensors: Mapping[str, Any], model: keras.Model, size: int) -> dict[str, Any]:
    """What each construct claims, put together from the samples, on the operands that the model computed."""
    weights = {weight.path: weight.value for weight in model.weights}
    samples = [{name: tensor[i] for name, tensor in tensors.items()} for i in range(size)]
    return {claim.result: tf.stack([claim.oracle(sample, weights) for sample in samples]) for claim in spec.claims}


@law(EXAMPLES)
def test_every_construct_computes_for_each_sample_what_it_does_alone(spec: Spec) -> None:
    model, size = specc.build(spec.text()), 3
    inputs = {name: tf.constant(value) for name, value in batch(size).items()}
    trained = [weight.value for weight in model.trainable_weights]
    with tf.GradientTape(persistent=True) as tape:
        found = model(inputs)
        expected = by_the_oracles(spec, {**inputs, **found}, model, size)
        draw = np.random.default_rng(4)
        upstream = {name: draw.normal(size=value.shape).astype("float32") for name, value in expected.items()}
        loss, oracle = (
            tf.add_n([tf.reduce_sum(weights * values[name]) for name, weights in upstream.items()])
            for values in (found, expected)
        )
    for claim in spec.claims:
        if claim.exact:
            np.testing.assert_array_equal(found[claim.result], expected[claim.result], err_msg=claim.result)
        assert_close(found[claim.result], expected[claim.result].numpy(), claim.result)
    slopes, wanted = (tape.gradient(value, trained, unconnected_gradients="zero") for value in (loss, oracle))
    for weight, slope, want in zip(model.trainable_weights, slopes, wanted, strict=True):
        assert_close(tf.convert_to_tensor(slope), tf.convert_to_tensor(want).numpy(), weight.path)


@law(EXAMPLES)
def test_a_batch_is_its_samples_one_by_one(spec: Spec) -> None:
    model, inputs = specc.build(spec.text()), batch(3)
    found = model(inputs)
    alone = [model({name: value[i : i + 1] for name, value in inputs.items()}) for i in range(3)]
    empty = model({name: value[:0] for name, value in inputs.items()})
    for name, value in found.items():
        assert_close(value, np.concatenate([each[name] for each in alone]), name)
        assert empty[name].shape == (0, *value.shape[1:])


def static(shape: Shape | None) -> tuple[int | None, ...]:
    assert shape is not None
    return tuple(size if isinstance(size, int) else None for size in shape)


def counted(weights: Iterable[WeightFact], trainable: bool) -> int:
    return sum(prod(size or 0 for size in static(w.shape)) for w in weights if w.trainable is trainable)


def assert_as_checked(checked: CheckedGraph, model: keras.Model) -> None:
    for node in checked.graph:
        facts, layer = checked.facts[node], model.get_layer(node.instance)
        found = keras.tree.flatten(layer.output)
        assert len(found) == len(facts.outputs) == node.outputs
        for tensor, type in zip(found, facts.outputs, strict=True):
            expected = (None, *static(type.shape)) if type.batched else static(type.shape)
            assert (tensor.shape, tensor.dtype) == (expected, type.dtype), node.name
        for trainable in (True, False):
            own = layer.trainable_weights if trainable else layer.non_trainable_weights
            of_keras = sum(prod(weight.shape) for weight in own if "seed_generator" not in weight.path)
            assert counted(facts.weights, trainable) == of_keras, node.name


@law(EXAMPLES)
def test_the_checker_knows_the_types_and_weights_of_keras(spec: Spec) -> None:
    checked = pipeline.check(Source(spec.text()))
    assert not checked.findings.has_errors
    assert_as_checked(checked.program.graphs["drawn"], pipeline.build(checked, ["drawn"], 0)["drawn"])


@law(EXAMPLES, specs(last=MUXES))
def test_a_mux_that_routes_its_samples_is_the_one_that_computes_all(spec: Spec) -> None:
    # What only the mux reads can be routed; in the drawn specs everything else is an output and so is read twice.
    program = pipeline.check(Source(spec.text(*(spec.muxes or ["t3"])))).program
    routed, plain = (lower(program, ["drawn"], 0, form)["drawn"] for form in (Form.ROUTED, Form.PLAIN))
    # Samples for several branches, all of them for one and so none for the others, and no samples at all.
    for arrays in (batch(4), {**batch(4), "control": np.ones(4, "int32")}, batch(0)):
        inputs = {name: tf.constant(value) for name, value in arrays.items()}
        found, expected = routed(inputs), plain(inputs)
        for name, value in expected.items():
            assert_close(found[name], value.numpy(), name)
        slopes, wanted = (gradients(model, partial(_squares, model, inputs)) for model in (routed, plain))
        assert slopes.keys() == wanted.keys()
        for path, want in wanted.items():
            slope = as_dense(slopes[path]) if want.ndim == 2 else slopes[path]
            assert_close(slope, want, path)


def _squares(model: keras.Model, inputs: Mapping[str, Any]) -> Any:
    return tf.add_n([tf.reduce_sum(y**2) for y in model(inputs).values()])


@law(max(2, EXAMPLES // 4))
def test_the_saved_model_is_the_keras_model(spec: Spec) -> None:
    model = specc.build(spec.text())
    with tempfile.TemporaryDirectory() as folder:
        specc.compile(spec.text(), Path(folder) / "served")
        served = tf.saved_model.load(f"{folder}/served").signatures["drawn"]
        for size in (0, 1, 4):
            inputs = batch(size)
            found, expected = served(**{name: tf.constant(value) for name, value in inputs.items()}), model(inputs)
            assert found.keys() == expected.keys()
            for name, value in expected.items():
                assert_close(found[name], value.numpy(), name)
