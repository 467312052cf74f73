"""Law: shapes align from the right without the batch axis, which never meets a feature axis.

Every size here is the same, batch included, so that a batch axis taken for a feature axis would go unnoticed by shapes
alone. The oracle is NumPy on one sample at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import specc

Array = NDArray[Any]

SIZE = 3
"""The batch, the height, the width and the number of channels."""

SCALAR, CHANNELS, ROWS, IMAGE = (), (SIZE,), (SIZE, SIZE), (SIZE, SIZE, SIZE)
SHAPES = [SCALAR, CHANNELS, ROWS, IMAGE]

OPERATORS: dict[str, Callable[[Array, Array], Array]] = {
    "a + b": np.add,
    "a - b": np.subtract,
    "a * b": np.multiply,
    "a / b": np.divide,
    "a ** b": np.power,
    "maximum(a, b)": np.maximum,
    'cast(a < b, "float32")': lambda a, b: np.less(a, b).astype("float32"),
    "where(a < b, a, 2 * b)": lambda a, b: np.where(a < b, a, 2 * b),
}


def positive(*shape: int, seed: int) -> Array:
    return np.random.default_rng(seed).uniform(0.5, 2, shape).astype("float32")


def declared(shape: tuple[int, ...]) -> str:
    return f"float32[{', '.join(map(str, shape))}]" if shape else "float32"


@pytest.mark.parametrize("operator", OPERATORS)
def test_operands_of_any_rank_align_within_each_sample(operator: str) -> None:
    pairs = list(product(range(len(SHAPES)), repeat=2))
    inputs = "\n".join(f"  input {name}{i}: {declared(shape)}" for i, shape in enumerate(SHAPES) for name in "xy")
    block = f"block apply {{\n  input a\n  input b\n  output c = {operator}\n}}\n"
    outputs = "\n".join(f"  output z{i}{j} = (x{i}, y{j}) -> apply()" for i, j in pairs)
    model = specc.build(f"{block}model m {{\n{inputs}\n{outputs}\n}}\n")

    given = {f"x{i}": positive(SIZE, *shape, seed=i) for i, shape in enumerate(SHAPES)}
    given |= {f"y{i}": positive(SIZE, *shape, seed=i + 9) for i, shape in enumerate(SHAPES)}
    found = model(given)
    for i, j in pairs:
        samples = zip(given[f"x{i}"], given[f"y{j}"], strict=True)
        expected = np.stack([OPERATORS[operator](a, b) for a, b in samples])
        np.testing.assert_allclose(found[f"z{i}{j}"], expected, rtol=1e-6, err_msg=f"{SHAPES[i]} with {SHAPES[j]}")


@pytest.mark.parametrize("own", SHAPES)
def test_a_weight_is_the_same_for_every_sample(own: tuple[int, ...]) -> None:
    value = positive(*own, seed=1)
    inputs = "\n".join(f"  input x{i}: {declared(shape)}" for i, shape in enumerate(SHAPES))
    outputs = "\n".join(f"  output left{i} = w - x{i}\n  output right{i} = x{i} - w" for i in range(len(SHAPES)))
    spec = f"model m {{\n{inputs}\n  weight w: {declared(own)} = {value.tolist()}\n{outputs}\n}}\n"
    model = specc.build(spec)
    given = {f"x{i}": positive(SIZE, *shape, seed=i + 2) for i, shape in enumerate(SHAPES)}
    found = model(given)
    for i in range(len(SHAPES)):
        left = np.stack([value - x for x in given[f"x{i}"]])
        assert np.array_equal(found[f"left{i}"], left)
        assert np.array_equal(found[f"right{i}"], -left)


def test_a_modulation_is_channel_wise() -> None:
    model = specc.build(
        "model film {\n  input x: float32[3, 3, 3]\n  input scale: float32[3]\n  input shift: float32[3]\n"
        "  output y = scale * x + shift\n}"
    )
    x, scale, shift = positive(3, 3, 3, 3, seed=1), positive(3, 3, seed=2), positive(3, 3, seed=3)
    expected = np.empty_like(x)
    for sample, channel in product(range(SIZE), repeat=2):
        expected[sample, :, :, channel] = scale[sample, channel] * x[sample, :, :, channel] + shift[sample, channel]
    np.testing.assert_allclose(model({"x": x, "scale": scale, "shift": shift})["y"], expected, rtol=1e-6)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_scalar_per_sample_scales_and_gates_its_own_sample(shape: tuple[int, ...]) -> None:
    model = specc.build(
        f"model m {{\n  input x: {declared(shape)}\n  input g: float32 in 0..1\n  output y = g * x\n"
        "  near, far = x -> gate(g)\n  output kept = near\n  output sent = far\n"
        "  output merged = (near, 2 * far) -> weighted_sum(g)\n}"
    )
    x, g = positive(SIZE, *shape, seed=1), np.array([0, 0.25, 1], "float32")
    scaled = np.stack([g[i] * x[i] for i in range(SIZE)])
    found = model({"x": x, "g": g})
    assert np.array_equal(found["y"], scaled)
    assert np.array_equal(found["kept"], scaled)
    assert np.array_equal(found["sent"], x - scaled)
    merged = np.stack([g[i] * scaled[i] + (1 - g[i]) * 2 * (x - scaled)[i] for i in range(SIZE)])
    np.testing.assert_allclose(found["merged"], merged, rtol=1e-6)


@pytest.mark.parametrize("gate", [CHANNELS, IMAGE])
def test_a_gate_of_channels_meets_the_channels(gate: tuple[int, ...]) -> None:
    model = specc.build(
        f"model m {{\n  input x: float32[3, 3, 3]\n  input g: {declared(gate)} in 0..1\n"
        "  near, far = x -> gate(g)\n  output kept = near\n  output sent = far\n}"
    )
    x, g = positive(3, 3, 3, 3, seed=1), positive(SIZE, *gate, seed=2) / 2
    found = model({"x": x, "g": g})
    kept = np.stack([g[i] * x[i] for i in range(SIZE)])
    assert np.array_equal(found["kept"], kept)
    assert np.array_equal(found["sent"], x - kept)


MERGING: dict[str, Callable[[Array, Array], Array]] = {
    "Add": np.add,
    "Average": lambda a, b: (a + b) / 2,
    "Subtract": np.subtract,
    "Multiply": np.multiply,
    "Maximum": np.maximum,
    "Minimum": np.minimum,
}


@pytest.mark.parametrize(("first", "second"), [((3,), (1,)), ((1,), (3,)), ((3, 3), (3, 1)), ((3, 3), (1, 3))])
def test_merging_layers_broadcast_axes_of_one(first: tuple[int, ...], second: tuple[int, ...]) -> None:
    outputs = "\n".join(f"  output {layer.lower()} = (a, b) -> {layer}()" for layer in MERGING)
    model = specc.build(f"model m {{\n  input a: {declared(first)}\n  input b: {declared(second)}\n{outputs}\n}}")
    given = {"a": positive(SIZE, *first, seed=1), "b": positive(SIZE, *second, seed=2)}
    for found in (model(given), model.predict(given, verbose=0)):
        for layer, merge in MERGING.items():
            expected = np.stack([merge(a, b) for a, b in zip(given["a"], given["b"], strict=True)])
            np.testing.assert_allclose(found[layer.lower()], expected, rtol=1e-6, err_msg=layer)


def test_shapes_that_do_not_align_are_refused() -> None:
    (finding,) = specc.check("model m {\n  input x: float32[4, 3]\n  input y: float32[4]\n  output z = x + y\n}")
    assert finding.severity.value == "error"
