"""Generates the tensors among the arguments of a layer's call: masks and initial states."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, Final

from specc.catalogue import LayerEntry, TensorArgument

Dims = tuple[int | None, ...]

STATES: Final[Sequence[Dims]] = [(1,), (2,), (2,), (3,), (3,), (5,), (3, 4), (2, 2, 2)]
"""Shapes of initial states: the sizes are those of `units`, `filters` and the cells above."""


def tensor_arguments(
    entry: LayerEntry, others: dict[str, Any], chosen: tuple[Dims, ...], draw: random.Random
) -> tuple[dict[str, Any], dict[str, tuple[Dims, str]]]:
    """Masks and states for some of the calls on inputs of known sizes, mostly of a shape that suits."""
    given: dict[str, Any] = {}
    tensors: dict[str, tuple[Dims, str]] = {}
    # TensorFlow has no channels-first convolutions on a CPU, and only a real call shows what Keras says of tensors.
    if any(None in shape for shape in chosen) or others.get("data_format") == "channels_first":
        return given, tensors
    for argument in entry.call_arguments:
        if not argument.kind.tensor and argument.name != "mask":
            continue
        if draw.random() < 0.75:
            continue
        name, dtype = argument.name, draw.choice(["bool", "float32", "int32"])
        if name == "initial_state":
            listed = [draw.choice(STATES)] * draw.choice([1, 2, 2, 4])
        elif entry.input_style == "list":
            listed = [draw.choice([shape[:-1], shape[:-1], shape]) for shape in chosen[:2]]
        else:
            shape, pair = chosen[-1 if name in ("value_mask", "key_mask") else 0], chosen[0][:-1] + chosen[-1][:-1]
            suiting = [pair, (1, *pair)] if name == "attention_mask" else [shape[:1], shape[:-1], shape]
            tensors[name] = (draw.choice(suiting), dtype)
            given[name] = TensorArgument(name)
            continue
        tensors |= {f"{name}.{place}": (shape, dtype) for place, shape in enumerate(listed)}
        given[name] = [TensorArgument(f"{name}.{place}") for place in range(len(listed))]
    return given, tensors
