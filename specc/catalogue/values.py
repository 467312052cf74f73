"""The argument values that the elaborator hands to the catalogue, and the dataclasses among them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from specc.records import value_object


@value_object
class Configured:
    """A nested config object such as `L2(1e-4)`: the class name, its role and its arguments as written."""

    name: str
    role: str
    arguments: Mapping[str, Value]


@value_object
class StageReference:
    """A layer given to a wrapper, as in `Bidirectional(LSTM(64))`, with its arguments as written."""

    layer: str
    arguments: Mapping[str, Value]


@value_object
class TensorArgument:
    """A tensor of the graph stands here; `port` names the end of the wire that brings it."""

    port: str


Value: TypeAlias = (
    "int | float | str | bool | list[Value] | tuple[Value, ...] | Mapping[str, Value]"
    " | Configured | StageReference | TensorArgument | None"
)


def spelled(value: Value) -> str:
    """A value as a spec would write it."""
    match value:
        case None:
            return "none"
        case bool():
            return "true" if value else "false"
        case str():
            return f'"{value}"'
        case list() | tuple():
            return f"[{', '.join(map(spelled, value))}]"
        case Configured():
            return f"{value.name}({_spelled_arguments(value.arguments)})"
        case StageReference():
            return f"{value.layer}({_spelled_arguments(value.arguments)})"
        case TensorArgument():
            return "a tensor"
        case Mapping():
            return "{" + ", ".join(f"{key}: {spelled(entry)}" for key, entry in value.items()) + "}"
    return str(value)


def _spelled_arguments(arguments: Mapping[str, Value]) -> str:
    return ", ".join(f"{name}={spelled(value)}" for name, value in arguments.items())
