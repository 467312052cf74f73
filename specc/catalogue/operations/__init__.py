"""Keras' ops, and specc's own random ones: operands, arguments, dtypes, shapes and ranges.

The listed set is the union of the tables of the families.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from specc.catalogue.operations import axes, elementwise, indexing, linear, reductions, shaping
from specc.catalogue.operations.base import OperationRule

FAMILIES: Final = (elementwise, reductions, axes, shaping, linear, indexing)

RULES: Final[Mapping[str, OperationRule]] = {name: rule for family in FAMILIES for name, rule in family.RULES.items()}
"""The rule of every listed op."""

KERAS_OPERATION_NAMES: Final = tuple(sorted(name for name, rule in RULES.items() if rule.own is None))
"""The listed ops whose parameters are those of `keras.ops` of the same name."""

BINARY_OPERATORS: Final[Mapping[str, str]] = {
    "+": "add",
    "-": "subtract",
    "*": "multiply",
    "/": "divide",
    "//": "floor_divide",
    "%": "mod",
    "**": "power",
    "<": "less",
    "<=": "less_equal",
    ">": "greater",
    ">=": "greater_equal",
    "==": "equal",
    "!=": "not_equal",
    "and": "logical_and",
    "or": "logical_or",
}
"""The op of each operator between two operands."""

UNARY_OPERATORS: Final[Mapping[str, str]] = {"-": "negative", "not": "logical_not"}
"""The op of each operator before one operand."""
