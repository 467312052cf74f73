"""The oracle: over generated arguments and inputs, every layer's entry says what Keras says."""

from __future__ import annotations

import random
from collections import Counter

import keras
import pytest

from specc.catalogue import Fault, LayerFacts, layer
from specc.catalogue.rules import RULES
from specc.types import UNKNOWN, Dim, TensorType
from tests.catalogue.keras_oracle import Truth, ask
from tests.catalogue.samples import Sample, sample

SAMPLES = 30
CALLABLE = sorted(name for name, rule in RULES.items() if rule.style != "cell")


def stated(case: Sample) -> LayerFacts | str:
    """What the catalogue says, or why it refuses."""
    entry = layer(case.layer)
    assert entry is not None
    values, faults = entry.check(case.arguments)
    if faults:
        return faults[0].message
    inputs = tuple(
        TensorType(dtype, tuple(UNKNOWN if size is None else size for size in shape))
        for shape, dtype in zip(case.shapes, case.dtypes, strict=True)
    )
    facts = entry.infer(values, inputs)
    if isinstance(facts, Fault):
        return facts.message
    assert facts.proven, case
    assert len(facts.outputs) == entry.number_of_outputs(values), case
    return facts


def asked(case: Sample) -> Truth | Exception:
    entry = layer(case.layer)
    assert entry is not None
    try:
        return ask(case, entry.input_style, frozenset(argument.name for argument in entry.call_arguments))
    except Exception as error:  # whatever Keras raises is its refusal
        return error


def agree(size: Dim, truth: int | None) -> bool:
    return truth is None or size == truth
