"""How tightly operators bind: Python's order, by precedence climbing over the flat run that the grammar gives.

Source: https://docs.python.org/3/reference/expressions.html#operator-precedence
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from lark import Token

from specc.source import Span
from specc.syntax.ast import Binary, Broken, Expression, Unary

COMPARISONS: Final = frozenset({"<", "<=", ">", ">=", "==", "!="})
_COMPARISON: Final = 4
_STRENGTH: Final = {
    "or": 1,
    "and": 2,
    **dict.fromkeys(COMPARISONS, _COMPARISON),
    **dict.fromkeys("+-", 5),
    **dict.fromkeys(("*", "/", "//", "%"), 6),
    "**": 8,
}
_PREFIX_STRENGTH: Final = {"not": 3, "-": 7}


class Complain(Protocol):
    """What `bind` calls with a misplaced operator and what is wrong with it."""

    def __call__(self, token: Token, message: str) -> None: ...


class _Run:
    """A flat run of operands (expressions) and operators (tokens), read from the left."""

    def __init__(self, parts: Sequence[Expression | Token], span_of: SpanOf, complain: Complain) -> None:
        self.parts = parts
        self.place = 0
        self.span_of = span_of
        self.complain = complain

    def expression(self, weakest: int) -> Expression:
        left = self._operand(weakest)
        compared = False
        while self.place < len(self.parts):
            token = self.parts[self.place]
            assert isinstance(token, Token)
            strength = _STRENGTH[token]
            if strength < weakest:
                break
            self.place += 1
            # `**` binds to the right: its right side may hold another one.
            right = self.expression(strength if token == "**" else strength + 1)
            if strength == _COMPARISON and compared:
                self.complain(token, "comparisons do not chain")
                left = Broken(span=left.span)
            compared = strength == _COMPARISON
            left = Binary(
                operator=str(token),
                operator_span=self.span_of(token),
                left=left,
                right=right,
                span=left.span.to(right.span),
            )
        return left

    def _operand(self, weakest: int) -> Expression:
        part = self.parts[self.place]
        self.place += 1
        if not isinstance(part, Token):
            return part
        strength = _PREFIX_STRENGTH[part]
        operand = self.expression(strength)
        if part == "not" and weakest > strength:
            self.complain(part, "`not` needs parentheses here")
            return Broken(span=self.span_of(part).to(operand.span))
        return Unary(operator=str(part), operand=operand, span=self.span_of(part).to(operand.span))


class SpanOf(Protocol):
    """Gives the span of a token."""

    def __call__(self, token: Token) -> Span: ...


def bind(parts: Sequence[Expression | Token], span_of: SpanOf, complain: Complain) -> Expression:
    """The expression that a run of operands, prefix and binary operators means."""
    return _Run(parts, span_of, complain).expression(1)
