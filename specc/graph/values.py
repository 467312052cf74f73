"""What an expression can be while a spec is elaborated: a value known now, or tensors that flow later."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from specc.diagnostics import Reported
from specc.graph.model import Tensor
from specc.records import value_object
from specc.syntax import ast

if TYPE_CHECKING:
    from specc.graph.scope import Scope


@value_object
class Bundle:
    """Several tensors side by side: `(a, b)`, or what a stage with several outputs gives."""

    items: tuple[Tensor, ...]


@value_object
class Unapplied:
    """A call whose meaning its reader decides: `L2(1e-4)` is a regularizer, `LSTM(64)` a layer for a wrapper."""

    call: ast.Call
    scope: Scope


Known: TypeAlias = "int | float | str | bool | list[Result] | dict[str, Result] | None"
Result: TypeAlias = "Known | Tensor | Bundle | Unapplied | Reported"


def described(value: Result) -> str:
    """A value in the words of a message."""
    match value:
        case Tensor():
            return "a tensor"
        case Bundle(items):
            return f"a tuple of {len(items)} tensors"
        case Unapplied(call):
            return f"`{call.name}(…)`"
        case bool():
            return "true" if value else "false"
        case None:
            return "none"
        case str():
            return f'"{value}"'
        case list():
            return "a list"
        case dict():
            return "a mapping"
    return str(value)


def has_tensor(value: Result) -> bool:
    """Whether a value holds a tensor anywhere inside."""
    match value:
        case Tensor() | Bundle():
            return True
        case list():
            return any(has_tensor(item) for item in value)
    return False


def first_reported(value: Result) -> Reported | None:
    """The token of a fault inside a value that has been reported already."""
    match value:
        case Reported():
            return value
        case list():
            return next((found for found in map(first_reported, value) if found is not None), None)
        case dict():
            return first_reported(list(value.values()))
    return None
