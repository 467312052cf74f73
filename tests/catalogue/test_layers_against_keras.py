"""The oracle: over generated arguments and inputs, every layer's entry says what Keras says."""

from __future__ import annotations

import random
import re
from collections import Counter
from itertools import starmap
from pathlib import Path
from typing import Final

import keras
import pytest

from specc.catalogue import Fault, LayerFacts, layer
from specc.catalogue.rules import RULES
from specc.types import FLOAT_DTYPES, UNKNOWN, Dim, TensorType
from tests.catalogue.keras_oracle import Truth, ask, run
from tests.catalogue.samples import Sample, sample
from tests.catalogue.tensor_samples import Dims

SAMPLES: Final = 22
MORE_SAMPLES: Final = {"Activation": 60, "EinsumDense": 80, "Hashing": 60, "RNN": 60}
"""Layers whose arguments depend on each other, so that rare combinations are met."""

CALLABLE: Final = sorted(name for name, rule in RULES.items() if rule.style != "cell")

STRICTER: Final = {
    r"computes with (floats|numbers), the input is": "TensorFlow has no such kernel, or cuts the integers silently",
    r"needs( at least)? \d dims? per sample": "the model fails when it runs, or an axis is taken for the batch",
    r"`mask_value` is no value of the input": "the comparison fails when the model runs",
    r"batch axis": "a spec speaks of one sample",
    r"`activity_regularizer` needs float outputs": "the penalty of integers fails when the model runs",
    r"does not exist; the axes are": "Keras looks only when the model runs",
    r"given to the layer within": "Keras' static dtype is the wrapper's and the result's that of the layer within",
    r"takes int32 or int64": "Keras cuts floats silently and has no kernels for small integers",
    r"needs .* channels, the input": "Keras looks only when the model runs",
    r"and below 1": "the noise of rate 1 divides by zero when the model trains",
    r"`use_causal_mask` orders one axis": "Keras' mask then has another rank than the scores",
    r"needs an axis, the input is a scalar": "Keras normalises over the batch",
    r"joins the categories of one axis": "Keras joins those of another axis, of the batch even",
    r"looks up integers|takes float rows": "Keras cuts floats to integers without a word",
    r"(needs as many values as keys|takes strings here|takes integers here)": "Keras looks only when the model runs",
    r"both directions to give the same shape": "Keras' static shape is that of the forward layer alone",
    r"strides` must be the same": "TensorFlow's depthwise kernel refuses it when the model runs",
    r"needs `bin_boundaries`|needs its `vocabulary`": "adapt() is no part of a spec",
    r"noise_shape` has to broadcast": "Keras looks only when the model trains",
    r"numbers, the (last axis of the input|axis that they are for)": "Keras keeps the static shape and fails",
    r"return_state` of stacked cells": "its nest of tensors has no place in a spec",
    r"output_shape` needs \d sizes": "Keras' static shape then has another rank than the result",
    r"`\.\.\.` stands for the axes": "Keras' static shape has them in reverse order",
    r"needs a last axis of 1": "Keras' static shape is not that of the result",
    r"a mask of the value needs inputs|marks places of one axis": "Keras joins the masks of several axes wrongly",
    r"compares query and key along their last axis": "Keras looks only when the model runs",
    r"which is projected": "Keras' axis is then that of the heads",
    r"must have shape .* here": "Keras may align the batch with an axis of the mask, or a mask with another axis",
}
"""Where the catalogue refuses what Keras builds: a pattern of its message, and why."""


def typed(shape: Dims, dtype: str) -> TensorType:
    return TensorType(dtype, tuple(UNKNOWN if size is None else size for size in shape))


def stated(case: Sample) -> LayerFacts | str:
    """What the catalogue says, or why it refuses."""
    entry = layer(case.layer)
    assert entry is not None
    values, faults = entry.check(case.arguments)
    if faults:
        return faults[0].message
    inputs = tuple(starmap(typed, zip(case.shapes, case.dtypes, strict=True)))
    facts = entry.infer(values, inputs, {port: typed(*tensor) for port, tensor in case.tensors.items()})
    if isinstance(facts, Fault):
        return facts.message
    assert facts.proven, case
    assert len(facts.outputs) == entry.number_of_outputs(values), case
    return facts


def asked(case: Sample) -> Truth | Exception:
    entry = layer(case.layer)
    assert entry is not None
    names = frozenset(argument.name for argument in entry.call_arguments)
    try:
        truth = ask(case, entry.input_style, names)
        if case.tensors:
            # Keras looks at the tensors among the arguments only when the model runs.
            run(case, entry.input_style, names)
        return truth
    except Exception as error:  # whatever Keras raises is its refusal
        return error


def agree(size: Dim, truth: int | None) -> bool:
    return truth is None or size == truth


def ran(case: Sample) -> Truth:
    """The shapes and dtypes of a real run: Keras' static ones err for integers and for attention scores."""
    entry = layer(case.layer)
    assert entry is not None
    return run(case, entry.input_style, frozenset(argument.name for argument in entry.call_arguments))


NEEDED: Final[set[str]] = set()
"""The patterns that were met, and the layers that were compared."""
COMPARED: Final[set[str]] = set()


def compare(case: Sample) -> bool:
    """Asserts that catalogue and Keras agree, and says whether both take the call."""
    facts, truth = stated(case), asked(case)
    if isinstance(facts, str):
        reasons = [pattern for pattern in STRICTER if re.search(pattern, facts)]
        NEEDED.update(() if isinstance(truth, Exception) else reasons)
        assert isinstance(truth, Exception) or reasons, f"{case}: refused by the catalogue alone: {facts}"
        return False
    assert not isinstance(truth, Exception), f"{case}: refused by Keras alone: {truth}"
    weights = Counter((weight.name.split("/")[-1], weight.shape, weight.trainable) for weight in facts.weights)
    assert weights == truth.weights, case
    static = all(None not in shape for shape in case.shapes)
    if static and (case.dtypes[0] not in FLOAT_DTYPES or len(facts.outputs) == 2):
        truth = ran(case)
    assert len(facts.outputs) == len(truth.shapes), case
    for output, shape, dtype in zip(facts.outputs, truth.shapes, truth.dtypes, strict=True):
        assert output.shape is not None
        assert len(output.shape) == len(shape) and all(map(agree, output.shape, shape)), (
            f"{case}: {output}, Keras {shape}"
        )
        assert output.dtype == dtype or not (static or case.dtypes[0] in FLOAT_DTYPES), (
            f"{case}: {output}, Keras {dtype}"
        )
    return True


# One process compares them all: the last test asks what was needed for any of them.
pytestmark = pytest.mark.xdist_group("layers against Keras")


@pytest.mark.parametrize("name", CALLABLE)
def test_entry_says_what_keras_says(name: str) -> None:
    """Legality, shapes, dtypes, weights and their number are Keras' own."""
    entry = layer(name)
    assert entry is not None
    draw = random.Random(name)
    count = MORE_SAMPLES.get(name, SAMPLES)
    legal = sum(compare(sample(entry, draw)) for _ in range(count))
    keras.backend.clear_session()
    COMPARED.add(name)
    assert legal >= count // 6, "too few legal samples to prove anything"


def test_every_stricter_rule_is_needed() -> None:
    """A reason that no sample needs is out of date."""
    for name in CALLABLE:
        if name not in COMPARED:
            test_entry_says_what_keras_says(name)
    assert set(STRICTER) == NEEDED


def test_the_readme_states_how_many_pairs_are_compared() -> None:
    pairs = sum(MORE_SAMPLES.get(name, SAMPLES) for name in CALLABLE)
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    assert f"{pairs:,} pairs of a layer and arguments" in readme
