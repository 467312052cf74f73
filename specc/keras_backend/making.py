"""The Keras layer that serves a node, made from what the file says of it; where it is called, `lower` knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import keras
import numpy as np

from specc.catalogue.values import TensorArgument, Value
from specc.constructs.base import Construct, Tensors
from specc.constructs.mux import Mux
from specc.graph.arrays import Array
from specc.graph.model import (
    Action,
    ConstantTensor,
    ConstructCall,
    KnobTensor,
    LayerCall,
    Node,
    OperationCall,
    WeightTensor,
)
from specc.keras_backend import layers
from specc.keras_backend.configure import all_configured, configured
from specc.types import TensorType


def mux_settings(mux: Node, guarded: bool) -> dict[str, Any]:
    """What the routed layers of a mux are told of it."""
    construct = cast(Mux, cast(ConstructCall, mux.action).construct)
    settings = {"otherwise": construct.otherwise, "subject": f"mux `{mux.name}`", "guarded": guarded}
    return settings if construct.of is None else {"of": construct.of, **settings}


def source(name: str, action: Action) -> keras.layers.Layer:
    """The layer of a const or a knob."""
    match action:
        case ConstantTensor(array=array):
            return layers.Constant(array.numpy(), value_dtype=array.dtype, name=name)
        case KnobTensor(value=value, interval=interval):
            low, high = (interval.low, interval.high) if interval is not None else (None, None)
            return layers.Knob(value, low=low, high=high, name=name)
    raise AssertionError(f"{type(action).__name__} is no source")


def weight(name: str, action: WeightTensor, bank: bool) -> keras.layers.Layer:
    """The layer of a weight; of a bank every row is initialized as a weight of its own."""
    shape = cast(tuple[int, ...], action.type.shape)
    initializer: Any
    if isinstance(action.initial, Array):
        initializer = layers.Literal(action.initial.numpy())
    else:
        initializer = "glorot_uniform" if action.initial is None else configured(action.initial)
        initializer = layers.EachRow(initializer) if bank else initializer
    return layers.Weight(shape, initializer, weight_dtype=action.type.dtype, name=name)


def keras_layer(name: str, action: LayerCall) -> keras.layers.Layer:
    """A layer of Keras as it is."""
    own = {argument.name for argument in action.entry.arguments}
    arguments = all_configured({key: value for key, value in action.written.items() if key in own})
    home = layers if action.entry.name in {"Add", "Average"} else keras.layers
    return getattr(home, action.entry.name)(name=name, **{**_layout(action), **arguments})


def conditioned(name: str, action: LayerCall, batched: list[bool], portable: bool) -> keras.layers.Layer:
    """A layer of Keras whose kernel or bias comes from the graph."""
    make = getattr(layers, f"Conditioned{action.entry.name}")
    arguments = {**_layout(action), **all_configured(action.written)}
    return make(name=name, conditioned=list(action.conditioned), batched=batched, portable=portable, **arguments)


def _layout(action: LayerCall) -> dict[str, str]:
    """The layout that a spec means where it names none; Keras would take it from the user's own configuration file."""
    return {"data_format": "channels_last"} if action.entry.argument("data_format") is not None else {}


def construct(
    name: str, construct: Construct, inputs: tuple[TensorType, ...], arguments: Tensors, guarded: bool
) -> keras.layers.Layer:
    """The layer of a construct, without its guard if that is not needed."""
    layer = construct.layer(name, inputs, arguments)
    if guarded or "guarded" not in layer.get_config():
        return layer
    return type(layer).from_config({**layer.get_config(), "guarded": False})


def operation(name: str, action: OperationCall, ports: Mapping[str, int], batched: list[bool]) -> keras.layers.Layer:
    """The layer of an op; `ports` are the places of the tensors among what it is called on."""
    arguments = {key: _placed(value, ports) for key, value in action.written.items()}
    return layers.Operation(action.entry.name, arguments, batched, name=name)


def _placed(value: Value, ports: Mapping[str, int]) -> Any:
    """An argument of an op with the place of each tensor in the layer's list of inputs."""
    if isinstance(value, TensorArgument):
        return {"input": ports[value.port]}
    if isinstance(value, list | tuple):
        return [_placed(item, ports) for item in value]
    return value


def repeated(default: Any, type: TensorType | None) -> Any:
    """A default as nested lists of the input's own shape; a number stands for all of its elements."""
    assert type is not None and type.shape is not None
    return np.broadcast_to(np.asarray(default, dtype=type.dtype), cast(tuple[int, ...], type.shape)).tolist()
