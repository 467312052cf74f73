"""The oracle of the ops: what is said of a sample is what Keras computes from that sample's operands alone."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from typing import Any, Final

import keras
import numpy as np
import pytest

from specc.catalogue import Fault, OperationEntry, TensorArgument, operation, operation_names
from specc.types import TensorType

SAMPLES: Final = 40
DTYPES: Final = (
    "float32",
    "float32",
    "float32",
    "float16",
    "bfloat16",
    "float64",
    "int32",
    "int64",
    "uint8",
    "int8",
    "bool",
)

STRICTER: Final = {
    r"batch axis|mixes the samples|flattens the batch|moves the batch": "a spec speaks of one sample",
    r"looks up integers|encodes integers": "Keras cuts floats to integers without a word",
    r"does not exist; the axes are": "Keras repeats a scalar along any axis",
    r"`repeats` has \d entries": "Keras adds axes in front, where the batch is",
    r"computes with": "TensorFlow has no kernel for it on every device",
}
"""Where the catalogue refuses what Keras computes: a pattern of its message, and why."""

VALUES: Final[dict[str, Sequence[Any]]] = {
    "axis": [-1, 1, 2, -2, None],
    "keepdims": [True, False],
    "newshape": [(-1,), (2, -1), (6,), (3, 2), (4,)],
    "axes": [(0, 1), (0, 2, 1), (0, 1, 2), (0, 3, 1, 2)],
    "shape": [(2, 3), (4, 2, 3), (3,)],
    "repeats": [2, 3],
    "source": [1, 2],
    "destination": [1, 2, -1],
    "axis1": [1],
    "axis2": [2, -1],
    "pad_width": [1, ((1, 2),), ((0, 1), (1, 1))],
    "mode": ["constant", "reflect", "symmetric"],
    "constant_values": [None, 2.0],
    "num_classes": [4, 5],
    "dtype": ["float32", "int32", "bool"],
    "k": [1, 2, 3],
    "decimals": [0, 1],
    "approximate": [True, False],
    "negative_slope": [0.1],
    "alpha": [0.5],
    "threshold": [0.5],
    "b": [4],
    "shift": [1, 2],
    "order": [2],
    "subscripts": ["ij,jk->ik", "i,i->", "ij->ji", "ij,kj->ik", "ij->i"],
}

OVERRIDES: Final[dict[tuple[str, str], Sequence[Any]]] = {
    ("tile", "repeats"): [(2,), (2, 3)],
    ("expand_dims", "axis"): [1, -1, 2, (1, 2)],
    ("argmax", "axis"): [-1, 1, None],
    ("argmin", "axis"): [-1, 1, None],
    ("concatenate", "axis"): [1, -1, 2],
    ("stack", "axis"): [1, -1, 2],
    ("one_hot", "axis"): [-1, 1],
    ("squeeze", "axis"): [1, -1, None, (1, 2)],
    ("transpose", "axes"): VALUES["axes"],
    ("ones_like", "dtype"): [None, "int32"],
    ("zeros_like", "dtype"): [None, "float32"],
    ("cumsum", "dtype"): [None, "float32"],
    ("prod", "dtype"): [None],
    ("sort", "axis"): [-1, 1],
    ("argsort", "axis"): [-1, 1],
    ("log_softmax", "axis"): [-1, 1],
    ("softmax", "axis"): [-1, 1, (1, 2)],
    ("sparsemax", "axis"): [-1, 1],
    ("normalize", "axis"): [-1, 1, 2],
    ("glu", "axis"): [-1, 1],
    ("cumprod", "dtype"): [None, "int32"],
    ("one_hot", "dtype"): [None, "int32"],
}

RANDOM: Final = {"normal", "uniform"}
SHIFTED: Final = {"axis", "source", "destination", "axis1", "axis2"}


def drawn(entry: OperationEntry, draw: random.Random) -> tuple[dict[str, Any], dict[str, Any]]:
    """The arguments of a call, and the operands as arrays by parameter (a list of them for a list)."""
    shape = tuple(draw.choice([1, 2, 3]) for _ in range(draw.choice([0, 1, 2, 2, 3])))
    dtype = draw.choice(DTYPES)
    if entry.name in ("matmul", "einsum", "transpose"):
        shape = draw.choice([(3, 3), (2, 2), (3,), (2, 3)])
    shape = shape or (2,) if entry.name == "pad" else shape
    arguments: dict[str, Any] = {}
    operands: dict[str, Any] = {}
    for parameter in entry.parameters:
        name = parameter.name
        if parameter.operand == "tensor":
            if operands and draw.random() < 0.3:
                arguments[name] = draw.choice([1, 2, 0.5])
                continue
            operands[name] = array(entry.name, name, shape, dtype, draw)
            arguments[name] = TensorArgument(name)
        elif parameter.operand == "tensors":
            count = 2 if entry.name != "einsum" else draw.choice([1, 2])
            operands[name] = [array(entry.name, name, shape, dtype, draw) for _ in range(count)]
            arguments[name] = [TensorArgument(f"{name}{place}") for place in range(count)]
        elif parameter.required or draw.random() < 0.5:
            pool = OVERRIDES.get((entry.name, name), VALUES.get(name))
            assert pool is not None or not parameter.required, (entry.name, name)
            if pool is not None:
                arguments[name] = draw.choice(pool)
    return arguments, operands


def array(operation: str, parameter: str, shape: tuple[int, ...], dtype: str, draw: random.Random) -> Any:
    if draw.random() < 0.3 and parameter not in ("x", "variable"):
        dtype = draw.choice(DTYPES)
    if draw.random() < 0.2:
        shape = shape[1:] if draw.random() < 0.5 else tuple(1 if draw.random() < 0.5 else size for size in shape)
    if operation in ("take", "take_along_axis", "one_hot") and parameter != "x" and draw.random() < 0.8:
        dtype = "int32"
    if parameter == "condition":
        dtype = "bool"
    return keras.ops.ones(shape, dtype) if parameter != "indices" else keras.ops.zeros(shape, dtype)


def stated(entry: OperationEntry, arguments: dict[str, Any], operands: dict[str, Any]) -> tuple[TensorType, ...] | str:
    values, faults = entry.check(arguments)
    if faults:
        return faults[0].message
    facts = entry.infer(values, {name: described(value) for name, value in operands.items()})
    if isinstance(facts, Fault):
        return facts.message
    assert facts.proven and len(facts.outputs) == entry.number_of_outputs(values)
    return facts.outputs


def described(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(described(entry) for entry in value)
    return TensorType(keras.backend.standardize_dtype(value.dtype), tuple(value.shape))


def computed(entry: OperationEntry, arguments: dict[str, Any], operands: dict[str, Any]) -> list[Any] | Exception:
    """What Keras makes of one sample: axes count one less there, and all axes are the sample's."""
    given = {**arguments, **operands}
    for name in SHIFTED & given.keys():
        given[name] = shifted(given[name])
    if entry.name == "transpose" and given.get("axes") is not None:
        given["axes"] = [axis - 1 for axis in given["axes"][1:]]
    if entry.name == "pad" and isinstance(given["pad_width"], int):
        given["pad_width"] = ((given["pad_width"],) * 2,) * len(operands["x"].shape)
    try:
        if entry.name == "einsum":
            return [keras.ops.einsum(given["subscripts"], *given["operands"])]
        return list(keras.tree.flatten(getattr(keras.ops, entry.name)(**given)))
    except Exception as error:  # whatever Keras raises is its refusal
        return error


def shifted(axis: Any) -> Any:
    if isinstance(axis, tuple):
        return tuple(map(shifted, axis))
    return axis - 1 if isinstance(axis, int) and axis > 0 else axis


@pytest.mark.parametrize("name", sorted(set(operation_names()) - RANDOM))
def test_op_says_what_keras_computes(name: str) -> None:
    """Legality, shapes and dtypes are those of Keras run on one sample."""
    entry = operation(name)
    assert entry is not None
    draw = random.Random(name)
    legal = 0
    for _ in range(SAMPLES):
        arguments, operands = drawn(entry, draw)
        case = f"{name}({arguments}) on { {key: described(value) for key, value in operands.items()} }"
        said, truth = stated(entry, arguments, operands), computed(entry, arguments, operands)
        if isinstance(said, str):
            allowed = isinstance(truth, Exception) or any(re.search(pattern, said) for pattern in STRICTER)
            assert allowed, f"{case}: refused by the catalogue alone: {said}"
            continue
        assert not isinstance(truth, Exception), f"{case}: refused by Keras alone: {truth}"
        legal += 1
        assert [output.shape for output in said] == [tuple(output.shape) for output in truth], case
        assert [output.dtype for output in said] == [
            keras.backend.standardize_dtype(output.dtype) for output in truth
        ], case
        for output, array in zip(said, truth, strict=True):
            values = np.asarray(keras.ops.cast(array, "float64"))
            rounding = 1e-2 if output.dtype in ("float16", "bfloat16") else 1e-6
            low, high = output.interval.low - rounding, output.interval.high + rounding
            assert np.all((values >= low) & (values <= high) | np.isnan(values)), f"{case}: {output.interval}, {values}"
    assert legal >= SAMPLES // 10, "too few legal samples to prove anything"
