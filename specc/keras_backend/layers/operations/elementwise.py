"""Ops that work element by element, with broadcasting per sample."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from keras import ops

from specc.catalogue import operations
from specc.keras_backend.layers.addition import add
from specc.keras_backend.layers.operations.base import Form, Operand


def elementwise(function: Callable[..., Any]) -> Form:
    """The form of an op that broadcasts: shapes align from the right, without the batch axis.

    Numbers stay numbers: they take the dtype of the tensors beside them.
    """

    def form(**arguments: Any) -> Any:
        rank = max(value.rank for value in arguments.values() if isinstance(value, Operand))
        return function(**{
            name: value.aligned(rank) if isinstance(value, Operand) else value for name, value in arguments.items()
        })  # fmt: skip

    return form


def _clip(x: Any, x_min: Any, x_max: Any) -> Any:
    """The lower limit wins, as in TensorFlow, whose own clip can not widen `x` by limits of each sample's own."""
    return ops.maximum(ops.minimum(x, x_max), x_min)


_OWN: Final[Mapping[str, Callable[..., Any]]] = {"add": add, "clip": _clip}

FORMS: Final[Mapping[str, Form]] = {
    name: elementwise(_OWN.get(name) or getattr(ops, name))
    for name, rule in operations.RULES.items()
    if rule.elementwise
}
