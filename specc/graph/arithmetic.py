"""Arithmetic on numbers that are known when compiling."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

_OPERATORS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": operator.pow,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_MAXIMAL_EXPONENT: Final = 64


@dataclass(frozen=True, slots=True)
class Impossible:
    """Why an operation can not be worked out, and whether its right side alone is to blame."""

    message: str
    right: bool = False


def applies(symbol: str, left: object, right: object) -> bool:
    """Whether there is such an operation, and both sides are numbers; `true` is none."""
    return symbol in _OPERATORS and _is_number(left) and _is_number(right)


def worked_out(symbol: str, left: Any, right: Any, exponent: int) -> int | float | bool | Impossible:
    """The result of an operation that applies; a whole one is below 2**exponent."""
    if symbol == "**" and abs(right) > _MAXIMAL_EXPONENT:
        return Impossible("an exponent known when compiling lies in -64..64", right=True)
    try:
        result = _OPERATORS[symbol](left, right)
    except (ZeroDivisionError, OverflowError) as error:
        return Impossible(f"this can not be worked out: {error}")
    if isinstance(result, complex) or (isinstance(result, int) and abs(result) >= 2**exponent):
        return Impossible(f"the result is no number below 2**{exponent}")
    return result  # type: ignore[no-any-return]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
