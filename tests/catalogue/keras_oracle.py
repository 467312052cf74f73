"""Asks Keras itself what a layer makes of its inputs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from specc.catalogue import Configured, StageReference, TensorArgument
from tests.catalogue.samples import Sample
from tests.catalogue.tensor_samples import Dims

MODULES = {
    "initializer": keras.initializers,
    "regularizer": keras.regularizers,
    "constraint": keras.constraints,
    "optimizer": keras.optimizers,
    "learning_rate_schedule": keras.optimizers.schedules,
    "loss": keras.losses,
    "metric": keras.metrics,
}


BATCH = 2


@dataclass(frozen=True)
class Truth:
    """Shapes per sample and dtypes of the outputs, and the weights as (name, shape, trainable)."""

    shapes: tuple[Dims, ...]
    dtypes: tuple[str, ...]
    weights: Counter[tuple[str, Dims, bool]]


def built(value: Any) -> Any:
    """An argument as Keras takes it."""
    match value:
        case Configured():
            return getattr(MODULES[value.role], value.name)(
                **{name: built(each) for name, each in value.arguments.items()}
            )
        case StageReference():
            return make(value.layer, value.arguments)
        case list():
            return [built(each) for each in value]
        case tuple():
            return tuple(built(each) for each in value)
    return value


def make(layer: str, arguments: Mapping[str, Any]) -> Any:
    return getattr(keras.layers, layer)(**{name: built(value) for name, value in arguments.items()})


def call(layer: Any, style: str, inputs: list[Any], arguments: Mapping[str, Any]) -> list[Any]:
    """The outputs as a flat list."""
    outputs = layer(inputs, **arguments) if style == "list" else layer(*inputs, **arguments)
    return list(keras.tree.flatten(outputs))


def with_tensors(sample: Sample, names: frozenset[str], tensor: Callable[[Dims, str], Any]) -> dict[str, Any]:
    """The arguments of the call, with tensors where they are wanted."""

    def filled(value: Any) -> Any:
        if isinstance(value, list):
            return [filled(item) for item in value]
        return tensor(*sample.tensors[value.port]) if isinstance(value, TensorArgument) else value

    return {name: filled(value) for name, value in sample.arguments.items() if name in names}


def ask(sample: Sample, style: str, call_names: frozenset[str]) -> Truth:
    """What Keras says; raises what Keras raises."""
    layer = make(sample.layer, {name: value for name, value in sample.arguments.items() if name not in call_names})

    def symbolic(shape: Dims, dtype: str) -> keras.KerasTensor:
        return keras.KerasTensor((None, *shape), dtype)

    inputs = [symbolic(shape, dtype) for shape, dtype in zip(sample.shapes, sample.dtypes, strict=True)]
    outputs = call(layer, style, inputs, with_tensors(sample, call_names, symbolic))
    weights = Counter(
        (weight.name, tuple(weight.shape), trainable)
        for trainable, group in ((True, layer.trainable_weights), (False, layer.non_trainable_weights))
        for weight in group
    )
    return Truth(
        tuple(tuple(output.shape[1:]) for output in outputs), tuple(output.dtype for output in outputs), weights
    )


def _batch(shape: Dims, dtype: str) -> Any:
    if dtype == "string":
        return keras.ops.convert_to_tensor(np.full((BATCH, *(size or 1 for size in shape)), "a"))
    return keras.ops.ones((BATCH, *shape), dtype)


def run(sample: Sample, style: str, call_names: frozenset[str]) -> Truth:
    """What comes out when the layer is really called on a batch."""
    layer = make(sample.layer, {name: value for name, value in sample.arguments.items() if name not in call_names})
    inputs = [_batch(shape, dtype) for shape, dtype in zip(sample.shapes, sample.dtypes, strict=True)]
    outputs = call(layer, style, inputs, with_tensors(sample, call_names, _batch))
    return Truth(
        tuple(tuple(output.shape[1:]) for output in outputs),
        tuple(keras.backend.standardize_dtype(output.dtype) for output in outputs),
        Counter(),
    )
