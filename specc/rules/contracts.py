"""Law: what a model promises with `expect` is true."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from specc.diagnostics import Kind, Reported, Sink, suggestion
from specc.graph.arithmetic import Impossible, applies, worked_out
from specc.graph.infer import CheckedGraph
from specc.graph.model import Expectation, Tensor
from specc.graph.totals import FIGURES, Totals, totals
from specc.syntax import ast
from specc.types import SymbolicDim, UnknownDim, shape_text

CONTRACT = Kind(
    id="contract",
    explanation="A model does not keep what it promises with `expect`, or nothing can be said because a size is not "
    "known. The message holds the true figure. A contract compares `params`, `trainable_params`, `macs`, `depth`, "
    "`shape(name)` and `dtype(name)`, or arithmetic on them, with values.",
    faulty="model m {\n  input x: float32[4]\n  output y = x -> Dense(2)\n  expect params <= 8\n}\n",
    mended="model m {\n  input x: float32[4]\n  output y = x -> Dense(2)\n  expect params <= 10\n}\n",
)

KINDS = (CONTRACT,)

_COMPARE: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


def check(checked: CheckedGraph, sink: Sink) -> None:
    if checked.graph.expectations:
        figures = totals(checked)
        for expectation in checked.graph.expectations:
            _Contract(checked, figures, expectation, sink).judge(expectation.condition)


class _Contract:
    """One `expect`; its parts are judged one by one, so that the message speaks of the part that fails."""

    def __init__(self, checked: CheckedGraph, figures: Totals, expectation: Expectation, sink: Sink) -> None:
        self.checked = checked
        self.figures = figures
        self.expectation = expectation
        self.sink = sink

    def judge(self, condition: ast.Expression) -> None:
        """Report a condition that does not hold; the parts of an `and` each for itself."""
        if isinstance(condition, ast.Binary) and condition.operator == "and":
            self.judge(condition.left)
            self.judge(condition.right)
        elif self._holds(condition) is False:
            figures = " and ".join(dict.fromkeys(self._figures(condition)))
            self.sink.report(CONTRACT, condition.span, f"this does not hold: {figures}")

    def _holds(self, condition: ast.Expression) -> bool | Reported:
        match condition:
            case ast.Unary(operator="not", operand=operand):
                held = self._holds(operand)
                return held if isinstance(held, Reported) else not held
            case ast.Binary(operator="and" | "or" as operator_, left=left, right=right):
                first, second = self._holds(left), self._holds(right)
                if isinstance(first, Reported) or isinstance(second, Reported):
                    return first if isinstance(first, Reported) else second
                return first and second if operator_ == "and" else first or second
            case ast.Binary(operator=operator_) if operator_ in _COMPARE:
                return self._compared(condition)
        help = "`expect params <= 50_000`, `expect shape(features) == [14, 14, 33]`"
        return self.sink.report(CONTRACT, condition.span, "a contract compares a figure with a value", help=help)

    def _compared(self, condition: ast.Binary) -> bool | Reported:
        values = [self._known(condition.left), self._known(condition.right)]
        for value in values:
            if isinstance(value, Reported):
                return value
        try:
            return _COMPARE[condition.operator](*values)
        except TypeError:
            message = f"{_shown(values[0])} and {_shown(values[1])} can not be compared"
            return self.sink.report(CONTRACT, condition.span, message)

    def _figures(self, condition: ast.Expression) -> Iterator[str]:
        """The two sides of each comparison with their values; what is written as a value says it itself."""
        match condition:
            case ast.Unary(operand=operand):
                yield from self._figures(operand)
            case ast.Binary(operator="and" | "or", left=left, right=right):
                yield from (*self._figures(left), *self._figures(right))
            case ast.Binary(left=left, right=right):
                for side in (left, right):
                    if not isinstance(side, ast.Literal | ast.List):
                        yield f"`{side.span.text}` is {_shown(self._value(side))}"
                        yield from self._within(side)

    def _within(self, expression: ast.Expression) -> Iterator[str]:
        """The figures that arithmetic is made of."""
        match expression:
            case ast.Unary(operand=operand):
                yield from self._operand(operand)
            case ast.Binary(left=left, right=right):
                yield from (*self._operand(left), *self._operand(right))

    def _operand(self, expression: ast.Expression) -> Iterator[str]:
        match expression:
            case ast.Unary() | ast.Binary():
                yield from self._within(expression)
            case ast.Name() | ast.Index() | ast.Call():
                yield f"`{expression.span.text}` is {_shown(self._value(expression))}"

    def _value(self, expression: ast.Expression) -> Any:
        match expression:
            case ast.Name(id=name) if name in FIGURES:
                return getattr(self.figures, name)
            case ast.Call(name="shape" | "dtype" as what, arguments=(ast.Argument(name=None, value=value),)):
                tensor = self.expectation.evaluate(value)
                if isinstance(tensor, Reported):
                    return tensor
                if not isinstance(tensor, Tensor) or tensor.node not in self.checked.facts:
                    return self.sink.report(CONTRACT, value.span, f"`{what}` is asked of a tensor that has a name")
                type = self.checked.type(tensor)
                return type.dtype if what == "dtype" else None if type.shape is None else list(type.shape)
            case ast.Call(name="shape" | "dtype" as what):
                return self.sink.report(CONTRACT, expression.span, f"`{what}` is asked of one tensor: `{what}(x)`")
            case ast.Index(value=ast.Call(name="shape") as shape, index=index):
                sizes, place = self._value(shape), self._value(index)
                if isinstance(sizes, list) and isinstance(place, int) and -len(sizes) <= place < len(sizes):
                    return sizes[place]
                message = f"`{shape.span.text}` has no part of this index"
                return sizes if isinstance(sizes, Reported) else self.sink.report(CONTRACT, index.span, message)
            case ast.Call(name=name):
                help = suggestion(name, ("shape", "dtype"))
                return self.sink.report(CONTRACT, expression.span, f"there is no figure `{name}(…)`", help=help)
            case ast.List(items=items):
                return [self._value(item) for item in items]
            case ast.Unary(operator="-", operand=operand):
                return self._worked_out("-", 0, self._known(operand), expression, operand)
            case ast.Unary(operator="not") | ast.Binary(operator="and" | "or"):
                return self._holds(expression)
            case ast.Binary(operator=symbol) if symbol in _COMPARE:
                return self._compared(expression)
            case ast.Binary(operator=symbol, left=left, right=right):
                return self._worked_out(symbol, self._known(left), self._known(right), expression, right)
        found = self.expectation.evaluate(expression)
        if isinstance(found, Tensor):
            return self.sink.report(CONTRACT, expression.span, "a tensor has no value before the model runs")
        return found

    def _known(self, expression: ast.Expression) -> Any:
        """The value of a part; a size that only the model will know is reported."""
        value = self._value(expression)
        if not _unknown(value):
            return value
        message = f"`{expression.span.text}` is {_shown(value)}, which is not known before the model runs"
        return self.sink.report(CONTRACT, expression.span, message)

    def _worked_out(self, symbol: str, left: Any, right: Any, whole: ast.Expression, right_side: ast.Expression) -> Any:
        for value in (left, right):
            if isinstance(value, Reported):
                return value
        if not applies(symbol, left, right):
            message = f"`{symbol}` does not apply to {_shown(left)} and {_shown(right)}"
            return self.sink.report(CONTRACT, whole.span, message)
        # Multiply-accumulates are counted in billions, which the sizes of a spec never are.
        result = worked_out(symbol, left, right, exponent=63)
        if isinstance(result, Impossible):
            return self.sink.report(CONTRACT, (right_side if result.right else whole).span, result.message)
        return result


def _unknown(value: Any) -> bool:
    if isinstance(value, list):
        return any(isinstance(size, UnknownDim) for size in value)
    return value is None or isinstance(value, SymbolicDim | UnknownDim)


def _shown(value: Any) -> str:
    if value is None:
        return shape_text(None)
    if isinstance(value, list):
        return shape_text(tuple(value))
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:,}" if type(value) is int else f'"{value}"' if isinstance(value, str) else str(value)
