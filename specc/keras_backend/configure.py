"""Argument values of the catalogue as what Keras' constructors take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

from specc.catalogue.values import Configured, StageReference, TensorArgument, Value

_HOMES = {
    "initializer": keras.initializers,
    "regularizer": keras.regularizers,
    "constraint": keras.constraints,
    "optimizer": keras.optimizers,
    "learning_rate_schedule": keras.optimizers.schedules,
    "loss": keras.losses,
    "metric": keras.metrics,
}


def configured(value: Value) -> Any:
    """A value as Keras takes it: config objects and wrapped layers are made, lists and mappings gone through."""
    match value:
        case Configured(name, role, arguments):
            return getattr(_HOMES[role], name)(**all_configured(arguments))
        case StageReference(layer, arguments):
            return getattr(keras.layers, layer)(**all_configured(arguments))
        case list() | tuple():
            return [configured(item) for item in value]
        case Mapping():
            return all_configured(value)
    return value


def all_configured(arguments: Mapping[str, Value]) -> dict[str, Any]:
    """Arguments as keyword arguments; tensors among them belong to the call of the layer, not to its making."""
    return {name: configured(value) for name, value in arguments.items() if not _is_tensor(value)}


def _is_tensor(value: Value) -> bool:
    return isinstance(value, TensorArgument) or (isinstance(value, list | tuple) and any(map(_is_tensor, value)))
