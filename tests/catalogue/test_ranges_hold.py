"""No value that Keras computes leaves the range that the catalogue states, in training or in inference."""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specc.catalogue import ACTIVATIONS, Fault, layer, ranges
from specc.catalogue.ranges import activated
from specc.catalogue.rules import RULES, images, spectra
from specc.types import Interval, TensorType
from tests.catalogue.keras_oracle import call, make, with_tensors
from tests.catalogue.samples import sample
from tests.catalogue.tensor_samples import Dims

PASSED_BY: Final = ("dtype", "trainable", "data_format")
"""What makes no difference to values, and needs kernels that a CPU may not have."""

LOW, HIGH = -3.0, 2.0
ROUNDING = 1e-4
SLOW: Final = frozenset(images.RULES) | frozenset(spectra.RULES)
SAMPLED: Final = sorted(name for name, rule in RULES.items() if rule.style != "cell" and name not in SLOW)


def bounded(interval: Interval, values: Any) -> bool:
    numbers = np.asarray(keras.ops.cast(values, "float64"))
    return bool(np.all((numbers >= interval.low - ROUNDING) & (numbers <= interval.high + ROUNDING)))


def drawn(numbers: np.random.Generator, shape: Dims, dtype: str) -> Any:
    """A batch of four: floats in the range of the inputs; of masks, truth values or integers, about half are 1."""
    values: Any = numbers.uniform(LOW, HIGH, (4, *(size or 1 for size in shape)))
    if dtype != "float32":
        values = values > 0
        # Something is left in every sample: the average of nothing is no number.
        values[:, :1] = True
    return keras.ops.convert_to_tensor(values.astype(dtype))


@pytest.mark.parametrize("name", SAMPLED)
def test_layers_stay_in_their_range(name: str) -> None:
    entry = layer(name)
    assert entry is not None
    names = frozenset(argument.name for argument in entry.call_arguments)
    draw, numbers = random.Random(name), np.random.default_rng(0)
    for _ in range(6):
        case = sample(entry, draw)
        given = {key: value for key, value in case.arguments.items() if key not in PASSED_BY}
        values, faults = entry.check(given)
        if faults or set(case.dtypes) != {"float32"}:
            continue
        shapes = [tuple(3 if size is None else size for size in shape) for shape in case.shapes]
        inputs = tuple(TensorType("float32", shape, interval=Interval(LOW, HIGH)) for shape in shapes)
        among = {
            port: TensorType(dtype, tuple(size or 1 for size in shape), interval=Interval(LOW, HIGH))
            for port, (shape, dtype) in case.tensors.items()
        }
        facts = entry.infer(values, inputs, among)
        if isinstance(facts, Fault):
            continue
        made = make(name, {key: value for key, value in given.items() if key not in names})
        arrays = [drawn(numbers, shape, "float32") for shape in shapes]
        tensors = with_tensors(case, names, partial(drawn, numbers))
        modes: list[dict[str, Any]] = [{}]
        if "training" in inspect.signature(made.call).parameters and entry.input_style == "single":
            modes = [{"training": True}, {"training": False}]
        for mode in modes:
            outputs = call(made, entry.input_style, arrays, {**tensors, **mode})
            for output, stated in zip(outputs, facts.outputs, strict=True):
                assert bounded(stated.interval, output), f"{case} leaves {stated.interval} with {mode}"


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_stay_in_their_range(name: str) -> None:
    function = keras.activations.get(name)
    for low, high in ((-4.0, 4.0), (-3.0, -1.0), (-0.5, 0.5), (0.5, 3.0), (-30.0, 30.0), (0.0, 0.0)):
        values = np.linspace(low, high, 4002, dtype="float32").reshape(2, -1)
        assert bounded(activated(Interval(low, high), name), function(keras.ops.convert_to_tensor(values))), (low, high)


ends = st.floats(-50, 50, allow_nan=False).map(lambda value: round(value, 3)) | st.sampled_from([0.0, 1.0, -1.0])
intervals = st.tuples(ends, ends).map(lambda pair: Interval(min(pair), max(pair)))
parts = st.floats(0, 1)


@settings(max_examples=300, deadline=None)
@given(intervals, intervals, parts, parts)
def test_arithmetic_of_ranges_holds_every_result(left: Interval, right: Interval, first: float, second: float) -> None:
    one = min(max(left.low + first * (left.high - left.low), left.low), left.high)
    two = min(max(right.low + second * (right.high - right.low), right.low), right.high)
    results: dict[Callable[[Interval, Interval], Interval], float] = {
        ranges.add: one + two,
        ranges.subtract: one - two,
        ranges.multiply: one * two,
    }
    if two != 0:
        results[ranges.divide] = one / two
    if one > 1e-6 and abs(two) < 20:
        results[ranges.power] = one**two
    for law, result in results.items():
        stated = law(left, right)
        slack = 1e-9 * max(1.0, abs(result))
        assert stated.low - slack <= result <= stated.high + slack, (law, one, two)
    assert ranges.square(left).low - 1e-9 <= one * one <= ranges.square(left).high + 1e-9
    assert ranges.absolute(left).low <= abs(one) <= ranges.absolute(left).high
