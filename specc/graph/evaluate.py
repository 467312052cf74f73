"""Expressions: what is known now is worked out, what flows later becomes nodes."""

from __future__ import annotations

from typing import Final

from specc import catalogue
from specc.catalogue.values import TensorArgument
from specc.constructs import Select
from specc.diagnostics import Reported
from specc.graph import calls
from specc.graph.arithmetic import Impossible, applies, worked_out
from specc.graph.kinds import (
    DUPLICATE_NAME,
    ILLEGAL_VALUE,
    NO_TENSOR,
    NOT_KNOWN_NOW,
    OUT_OF_BOUNDS,
    WRONG_KIND,
)
from specc.graph.model import ConstructCall, Tensor
from specc.graph.scope import Place, Scope, Taken
from specc.graph.state import MAXIMAL_DEPTH, Elaboration
from specc.graph.values import Bundle, Result, described, first_reported, has_tensor
from specc.syntax import ast

MAXIMAL_RANGE: Final = 100_000


def evaluate(run: Elaboration, expression: ast.Expression, scope: Scope, place: Place) -> Result:
    """The value of an expression; its last node takes the name of `place`."""
    stopped = run.step(expression.span)
    if stopped is not None:
        return stopped
    run.depth += 1
    try:
        if run.depth > MAXIMAL_DEPTH:
            return run.report(OUT_OF_BOUNDS, expression.span, "expressions and blocks are nested too deeply")
        return _evaluate(run, expression, scope, place)
    finally:
        run.depth -= 1


def _evaluate(run: Elaboration, expression: ast.Expression, scope: Scope, place: Place) -> Result:
    match expression:
        case ast.Literal(value=value):
            return value
        case ast.Broken():
            return run.sink.again()
        case ast.Name():
            return run.resolve(expression, scope)
        case ast.Pipe(value=start, stages=stages):
            return run.apply(stages, run.evaluate(start, scope, place.middle()), scope, place)
        case ast.Call():
            return calls.called(run, expression, scope, place)
        case ast.Tuple():
            return _tuple(run, expression, scope, place)
        case ast.List(items=items):
            return _held(run, [run.evaluate(item, scope, place.middle()) for item in items], expression)
        case ast.Mapping(pairs=pairs):
            keys = [key for key, _ in pairs]
            if len(set(keys)) < len(keys):
                twice = next(key for place, key in enumerate(keys) if key in keys[:place])
                return run.report(DUPLICATE_NAME, expression.span, f"`{twice}` is named twice in this mapping")
            return _held(run, {key: run.evaluate(value, scope, place.middle()) for key, value in pairs}, expression)
        case ast.Comprehension(element=element, variable=variable, range=range_):
            indices = bounds(run, range_, scope)
            if isinstance(indices, Reported):
                return indices
            values: list[Result] = []
            with run.round():
                for index in indices:
                    inside = scope.within(variable, index, expression.span)
                    values.append(run.evaluate(element, inside, place.middle()))
                    if run.exhausted is not None:
                        return run.exhausted
            return _held(run, values, expression)
        case ast.Conditional(test=test, then=then, otherwise=otherwise):
            truth = condition(run, test, scope)
            if isinstance(truth, Reported):
                return truth
            return run.evaluate(then if truth else otherwise, scope, place)
        case ast.Index():
            return _index(run, expression, scope, place)
        case ast.Unary():
            return _unary(run, expression, scope, place)
        case ast.Binary():
            return _binary(run, expression, scope, place)


def _held(run: Elaboration, value: list[Result] | dict[str, Result], expression: ast.Expression) -> Result:
    """A list or mapping, unless it is one too many: each may hold those before it, and double with every name."""
    return run.hold(_elements(value), expression.span) or value


def _elements(value: Result) -> int:
    match value:
        case list():
            return 1 + sum(map(_elements, value))
        case dict():
            return 1 + sum(map(_elements, value.values()))
    return 1


def known(run: Elaboration, expression: ast.Expression, scope: Scope, what: str) -> Result:
    """A value that must be known now; tensors are reported."""
    value = run.evaluate(expression, scope, Place("", Taken()))
    if has_tensor(value):
        return run.report(NOT_KNOWN_NOW, expression.span, f"{what} must be known when compiling; this is a tensor")
    return value


def condition(run: Elaboration, expression: ast.Expression, scope: Scope) -> bool | Reported:
    """The truth of a condition, which must be known now."""
    value = known(run, expression, scope, "a condition")
    if isinstance(value, bool | Reported):
        return value
    return run.report(WRONG_KIND, expression.span, f"a condition is true or false, not {described(value)}")


def bounds(run: Elaboration, range_: ast.Range, scope: Scope) -> range | Reported:
    """The indices of a `for`: from low up to, not including, high."""
    low, high = (known(run, end, scope, "the bounds of `for`") for end in (range_.low, range_.high))
    for end, value in ((range_.low, low), (range_.high, high)):
        if isinstance(value, Reported):
            return value
        if type(value) is not int:
            return run.report(WRONG_KIND, end.span, f"the bounds of `for` are integers, not {described(value)}")
    assert isinstance(low, int) and isinstance(high, int)
    if high - low > MAXIMAL_RANGE:
        return run.report(OUT_OF_BOUNDS, range_.span, f"a `for` goes round at most {MAXIMAL_RANGE:,} times")
    return range(low, high)


def _tuple(run: Elaboration, expression: ast.Tuple, scope: Scope, place: Place) -> Result:
    places = place.side_by_side(len(expression.items))
    values = [run.evaluate(item, scope, each) for item, each in zip(expression.items, places, strict=True)]
    for value in values:
        if isinstance(value, Reported):
            return value
    if not any(isinstance(value, Tensor | Bundle) for value in values):
        return _held(run, values, expression)
    width = sum(len(value.items) if isinstance(value, Bundle) else 1 for value in values)
    stopped = run.hold(width, expression.span)
    if stopped is not None:
        return stopped
    tensors: list[Tensor] = []
    for item, value in zip(expression.items, values, strict=True):
        if isinstance(value, Tensor):
            tensors.append(value)
        elif isinstance(value, Bundle):
            tensors += value.items
        else:
            return run.report(NO_TENSOR, item.span, f"a tuple of tensors can not hold {described(value)}")
    return Bundle(tuple(tensors))


def _index(run: Elaboration, expression: ast.Index, scope: Scope, place: Place) -> Result:
    value = run.evaluate(expression.value, scope, place.middle())
    index = run.evaluate(expression.index, scope, place.middle())
    reported = first_reported([value, index])
    if reported is not None:
        return reported
    span = expression.index.span
    if isinstance(value, Tensor) and isinstance(index, Tensor):
        select = Select(bank=TensorArgument("bank"), index=TensorArgument("index"))
        names = place.names("select")
        arriving = {"bank": value, "index": index}
        return run.add(ConstructCall(construct=select), names, place, expression.span, arriving)
    if type(index) is not int:
        return run.report(WRONG_KIND, span, f"an index is an integer, not {described(index)}")
    if isinstance(value, Tensor):
        entry = catalogue.operation("take")
        assert entry is not None
        arguments: dict[str, Result] = {"x": value, "indices": index, "axis": 1}
        return calls.operate(run, entry, arguments, {}, expression.span, place)
    items = value.items if isinstance(value, Bundle) else value
    if not isinstance(items, tuple | list):
        return run.report(WRONG_KIND, expression.value.span, f"{described(value)} has no parts to index")
    if not -len(items) <= index < len(items):
        return run.report(ILLEGAL_VALUE, span, f"there are {len(items)} parts, counted from 0; {index} is none of them")
    return items[index]


def _unary(run: Elaboration, expression: ast.Unary, scope: Scope, place: Place) -> Result:
    value = run.evaluate(expression.operand, scope, place.middle())
    reported = first_reported(value)
    if reported is not None:
        return reported
    if isinstance(value, Tensor):
        return _operate(run, expression.operator, (value,), expression, place)
    if expression.operator == "not" and isinstance(value, bool):
        return not value
    if expression.operator == "-" and isinstance(value, int | float) and not isinstance(value, bool):
        return -value
    return run.report(WRONG_KIND, expression.span, f"`{expression.operator}` does not apply to {described(value)}")


def _binary(run: Elaboration, expression: ast.Binary, scope: Scope, place: Place) -> Result:
    left = run.evaluate(expression.left, scope, place.middle())
    if expression.operator in {"and", "or"} and isinstance(left, bool):
        # As in Python, the right side of a decided `and` or `or` is not looked at.
        if left is (expression.operator == "or"):
            return left
        return run.evaluate(expression.right, scope, place)
    right = run.evaluate(expression.right, scope, place.middle())
    reported = first_reported([left, right])
    if reported is not None:
        return reported
    if isinstance(left, Tensor) or isinstance(right, Tensor):
        for side, value in ((expression.left, left), (expression.right, right)):
            if not isinstance(value, Tensor | int | float):
                message = f"arithmetic with a tensor takes numbers, not {described(value)}"
                return run.report(WRONG_KIND, side.span, message)
        return _operate(run, expression.operator, (left, right), expression, place)
    return _known_binary(run, expression, left, right)


def _operate(
    run: Elaboration, symbol: str, operands: tuple[Result, ...], expression: ast.Unary | ast.Binary, place: Place
) -> Result:
    table = catalogue.BINARY_OPERATORS if len(operands) == 2 else catalogue.UNARY_OPERATORS
    entry = catalogue.operation(table[symbol])
    assert entry is not None
    names = [argument.name for argument in entry.arguments]
    return calls.operate(run, entry, dict(zip(names, operands, strict=False)), {}, expression.span, place)


def _known_binary(run: Elaboration, expression: ast.Binary, left: Result, right: Result) -> Result:
    symbol = expression.operator
    if symbol in {"==", "!="}:
        return (left == right) is (symbol == "==")
    if not applies(symbol, left, right):
        message = f"`{symbol}` does not apply to {described(left)} and {described(right)}"
        return run.report(WRONG_KIND, expression.span, message)
    result = worked_out(symbol, left, right, exponent=31)
    if isinstance(result, Impossible):
        return run.report(ILLEGAL_VALUE, (expression.right if result.right else expression).span, result.message)
    return result
