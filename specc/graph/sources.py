"""Statements that bring values into a model: inputs, consts, weights, knobs, and the types they are declared with."""

from __future__ import annotations

from math import inf
from typing import Any

from specc.catalogue.values import Configured
from specc.diagnostics import Reported, suggestion
from specc.graph.arguments import Ports, bind, configured, value_of
from specc.graph.arrays import Array, ArrayError, from_file, literal
from specc.graph.evaluate import known
from specc.graph.kinds import ARRAY, ILLEGAL_TYPE, ILLEGAL_VALUE, WRONG_KIND
from specc.graph.model import ConstantTensor, InputTensor, KnobTensor, WeightTensor
from specc.graph.scope import Place, Scope, Taken
from specc.graph.state import Elaboration
from specc.graph.values import Result, Unapplied, described, first_reported
from specc.source import Span
from specc.syntax import ast
from specc.types import DTYPES, INTEGER_LIMIT, UNKNOWN, Dim, Interval, SymbolicDim, TensorType, surely_different


def declared_type(run: Elaboration, written: ast.TypeExpression, scope: Scope) -> TensorType | Reported:
    """The type that a statement declares; names that are bound nowhere are symbols."""
    if written.dtype not in DTYPES:
        help = suggestion(written.dtype, DTYPES)
        return run.report(ILLEGAL_TYPE, written.dtype_span, f"there is no dtype `{written.dtype}`", help=help)
    sizes: list[Dim] = []
    reported: Reported | None = None
    for size in written.sizes:
        found = _size(run, size, scope)
        if isinstance(found, Reported):
            reported = found
        else:
            sizes.append(found)
    return reported or TensorType(written.dtype, tuple(sizes))


def _size(run: Elaboration, size: ast.Expression | ast.UnknownSize, scope: Scope) -> Dim | Reported:
    if isinstance(size, ast.UnknownSize):
        return UNKNOWN
    if isinstance(size, ast.Name) and scope.lookup(size.id) is None:
        return SymbolicDim.symbol(size.id)
    if isinstance(size, ast.Binary) and size.operator in {"+", "-", "*", "//"}:
        left, right = _size(run, size.left, scope), _size(run, size.right, scope)
        if isinstance(left, SymbolicDim) or isinstance(right, SymbolicDim):
            return _symbolic(run, size, left, right)
    value = known(run, size, scope, "a size")
    if isinstance(value, Reported):
        return value
    if type(value) is not int or not 0 < value < INTEGER_LIMIT:
        return run.report(ILLEGAL_TYPE, size.span, f"a size is a positive integer, not {described(value)}")
    return value


def _symbolic(run: Elaboration, size: ast.Binary, left: Dim | Reported, right: Dim | Reported) -> Dim | Reported:
    for side in (left, right):
        if isinstance(side, Reported):
            return side
    assert not isinstance(left, Reported) and not isinstance(right, Reported)
    match size.operator:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
    if isinstance(left, SymbolicDim) and isinstance(right, int):
        return left // right
    return run.report(ILLEGAL_TYPE, size.span, "a symbol is divided by whole numbers only")


def interval(run: Elaboration, written: ast.Range, scope: Scope, whole: bool) -> Interval | Reported:
    """The values that `in low..high` allows; of integers the high end does not belong."""
    ends: list[float] = []
    for end in (written.low, written.high):
        value = known(run, end, scope, "the end of a range")
        if isinstance(value, Reported):
            return value
        if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
            wants = "an integer" if whole else "a number"
            return run.report(WRONG_KIND, end.span, f"the end of this range is {wants}, not {described(value)}")
        ends.append(value)
    low, high = ends[0], ends[1] - 1 if whole else ends[1]
    if high < low:
        return run.report(ILLEGAL_VALUE, written.span, "no value lies in this range")
    return Interval(low, high)


def input_node(run: Elaboration, statement: ast.Input, type: TensorType, scope: Scope, place: Place) -> Result:
    """The node of a model's input."""
    declared: Interval | None = None
    if statement.range is not None:
        if not (type.is_integer or type.is_float):
            return run.report(ILLEGAL_TYPE, statement.range.span, f"values of {type.dtype} have no range")
        found = interval(run, statement.range, scope, type.is_integer)
        if isinstance(found, Reported):
            return found
        declared = found
    default: Any = None
    if statement.default is not None:
        default = known(run, statement.default, scope, "the default of an input")
        if isinstance(default, Reported):
            return default
        fault = _default_fault(run, statement, type, declared, default)
        if fault is not None:
            return fault
    full = TensorType(type.dtype, type.shape, True, declared or Interval(-inf, inf))
    action = InputTensor(type=full, interval=declared, default=default)
    return run.add(action, place.names(statement.name), place, statement.name_span, {})


def _default_fault(
    run: Elaboration, statement: ast.Input, type: TensorType, declared: Interval | None, default: Any
) -> Reported | None:
    assert statement.default is not None
    span = statement.default.span
    try:
        array = literal(default, type.dtype)
    except ArrayError as fault:
        return run.report(ARRAY, span, str(fault), help=fault.help)
    shape = type.shape or ()
    if any(not isinstance(size, int) for size in shape) or array.shape not in (shape, ()):
        return run.report(ARRAY, span, f"the default has shape {list(array.shape)}, the input is {type}")
    whole = array.interval.low.is_integer() and array.interval.high.is_integer()
    if type.is_integer and not whole:
        return run.report(WRONG_KIND, span, f"the default of an input of {type.dtype} is a whole number")
    if declared is not None and not array.interval.within(declared.low, declared.high):
        return run.report(ILLEGAL_VALUE, span, f"the default lies outside the input's own range, {declared}")
    return None


def constant(run: Elaboration, statement: ast.Const, scope: Scope, place: Place) -> Result:
    """A const: a number stays a number, known when compiling; lists and files are tensors that never train."""
    dtype: str | None = None
    declared: TensorType | None = None
    if statement.type is not None:
        found = declared_type(run, statement.type, scope)
        if isinstance(found, Reported):
            return found
        declared, dtype = found, found.dtype
    value = _array_or_value(run, statement.value, scope, dtype)
    if isinstance(value, Reported):
        return value
    if not isinstance(value, Array | list):
        if declared is None and (value is None or isinstance(value, int | float | str)):
            return value
        if not isinstance(value, int | float):
            return run.report(WRONG_KIND, statement.value.span, f"a const is numbers, not {described(value)}")
    array = _literal(run, statement.value.span, value, dtype)
    if isinstance(array, Reported):
        return array
    if declared is not None:
        fault = _shape_fault(run, statement.value.span, array, declared)
        if fault is not None:
            return fault
    return run.add(ConstantTensor(array=array), place.names(statement.name), place, statement.name_span, {})


def weight(run: Elaboration, statement: ast.Weight, scope: Scope, place: Place) -> Result:
    """A trainable tensor, from a literal, an array file or an initializer."""
    type = declared_type(run, statement.type, scope)
    if isinstance(type, Reported):
        return type
    if not type.is_float:
        return run.report(ILLEGAL_TYPE, statement.type.dtype_span, f"a weight is a float, not {type.dtype}")
    if any(not isinstance(size, int) for size in type.shape or ()):
        return run.report(ILLEGAL_TYPE, statement.type.span, f"a weight has a known size, this is {type}")
    initial = None if statement.value is None else _initial(run, statement.value, scope, type)
    if isinstance(initial, Reported):
        return initial
    own = TensorType(type.dtype, type.shape, batched=False)
    return run.add(WeightTensor(type=own, initial=initial), place.names(statement.name), place, statement.name_span, {})


def _initial(
    run: Elaboration, expression: ast.Expression, scope: Scope, type: TensorType
) -> Array | Configured | Reported:
    value = _array_or_value(run, expression, scope, type.dtype)
    if isinstance(value, Reported):
        return value
    if isinstance(value, Unapplied):
        return configured(run, value, "initializer")
    array = _literal(run, expression.span, value, type.dtype)
    if isinstance(array, Reported):
        return array
    return _shape_fault(run, expression.span, array, type) or array


def knob(run: Elaboration, statement: ast.Knob, scope: Scope, place: Place) -> Result:
    """A scalar that is set while the model runs."""
    value = known(run, statement.value, scope, "the value of a knob")
    if isinstance(value, Reported):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return run.report(WRONG_KIND, statement.value.span, f"a knob is a number, not {described(value)}")
    limits = None if statement.range is None else interval(run, statement.range, scope, whole=False)
    if isinstance(limits, Reported):
        return limits
    if limits is not None and not limits.low <= value <= limits.high:
        return run.report(ILLEGAL_VALUE, statement.value.span, f"{value} lies outside the knob's own range, {limits}")
    action = KnobTensor(value=float(value), interval=limits)
    return run.add(action, place.names(statement.name), place, statement.name_span, {})


def _array_or_value(run: Elaboration, expression: ast.Expression, scope: Scope, dtype: str | None) -> Array | Result:
    """A value known now, or the array that `load` names."""
    if isinstance(expression, ast.Call) and expression.name == "load" and scope.lookup("load") is None:
        return _loaded(run, expression, scope, dtype)
    value = known(run, expression, scope, "a const or the first value of a weight")
    return first_reported(value) or value


def _loaded(run: Elaboration, call: ast.Call, scope: Scope, dtype: str | None) -> Array | Reported:
    found = bind(run, call, ["file", "key"], scope, Place("", Taken()))
    if isinstance(found, Reported):
        return found
    file, key = found.values.get("file"), found.values.get("key")
    if not isinstance(file, str) or not isinstance(key, str | None) or found.values.keys() - {"file", "key"}:
        message = 'load takes a file and, for .npz, a key: `load("kernels.npz", "sobel")`'
        return run.report(WRONG_KIND, call.span, message)
    try:
        return from_file(file, key, scope.home.folder, dtype)
    except ArrayError as fault:
        return run.report(ARRAY, call.span, str(fault), help=fault.help)


def _literal(run: Elaboration, span: Span, value: Array | Result, dtype: str | None) -> Array | Reported:
    if isinstance(value, Array):
        return value
    converted = value_of(run, "", value, Ports())
    try:
        return literal(converted, dtype)
    except ArrayError as fault:
        return run.report(ARRAY, span, str(fault), help=fault.help)


def _shape_fault(run: Elaboration, span: Span, array: Array, type: TensorType) -> Reported | None:
    shape = type.shape or ()
    if len(shape) == len(array.shape) and not any(map(surely_different, array.shape, shape)):
        return None
    return run.report(ARRAY, span, f"the array has shape {list(array.shape)}, and {type} is declared")
