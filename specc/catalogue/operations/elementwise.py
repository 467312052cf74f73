"""Ops that work element by element, with broadcasting per sample."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from specc.catalogue import ranges
from specc.catalogue.facts import Fault, LayerFacts
from specc.catalogue.kinds import BOOL, DTYPE, INTEGER, NON_NEGATIVE, NUMBER, POSITIVE_NUMBER, Kind
from specc.catalogue.operations.base import InferOperation, OperandKind, OperationCall, OperationRule, dtype_of_first
from specc.catalogue.promotion import float_dtype, result_dtype
from specc.catalogue.ranges import ACTIVATION_RANGES, NOT_NEGATIVE, UNIT, RangeLaw, fixed, rising
from specc.catalogue.rules.base import Takes
from specc.types import ANYTHING, DTYPES, Interval

_TENSOR: Final[OperandKind] = "tensor"
_DtypeLaw: TypeAlias = Callable[[OperationCall], "str | Fault"]
_JoinLaw: TypeAlias = Callable[..., Interval]


def _float_result(call: OperationCall) -> str | Fault:
    """Integers and booleans become float32."""
    dtype = call.promoted()
    return dtype if isinstance(dtype, Fault) else float_dtype(dtype)


def _weak_float_result(call: OperationCall) -> str | Fault:
    """The promotion of the operands and a float: what division gives."""
    dtype = result_dtype((*(operand.dtype for operand in call.all), "float"))
    return dtype if dtype is not None else call.promoted()


def _promoted(call: OperationCall) -> str | Fault:
    return call.promoted()


def _strong(call: OperationCall) -> str | Fault:
    """The promotion of the operands when Keras makes tensors of numbers first, so that these are int32 and float32."""
    dtype = result_dtype(operand.type.dtype for operand in call.all)
    return dtype if dtype is not None else call.promoted()


def _strong_float(call: OperationCall) -> str | Fault:
    dtype = _strong(call)
    return dtype if isinstance(dtype, Fault) else float_dtype(dtype)


def _signed(call: OperationCall) -> str | Fault:
    dtype = call.promoted()
    if isinstance(dtype, str) and dtype.startswith("uint"):
        message = f"{call.operation} needs numbers with a sign, the operand is {call.first.type}"
        return Fault("dtype-mismatch", message, '`cast(x, "int32")` gives them one', input=0)
    return dtype


def _bool(call: OperationCall) -> str | Fault:
    return "bool"


def _numeric(call: OperationCall) -> str | Fault:
    dtype = call.promoted()
    return "int32" if dtype == "bool" else dtype


def _given(call: OperationCall) -> str | Fault:
    """What `dtype=` says, or the operand's own."""
    return call.arguments["dtype"] or call.promoted()


def _law(dtype: _DtypeLaw, interval: _JoinLaw) -> InferOperation:
    def infer(call: OperationCall) -> LayerFacts | Fault:
        found = dtype(call)
        if isinstance(found, Fault):
            return found
        shape = call.broadcast()
        if isinstance(shape, Fault):
            return shape
        return call.facts(found, shape, interval(*(operand.interval for operand in call.all)))

    return infer


def _nothing(*values: Interval) -> Interval:
    return ANYTHING


def _unit(*values: Interval) -> Interval:
    return UNIT


def unary(
    dtype: _DtypeLaw,
    interval: _JoinLaw = _nothing,
    kinds: Mapping[str, Kind] | None = None,
    takes: Takes = "booleans",
    parameter: str = "x",
) -> OperationRule:
    infer, operands = _law(dtype, interval), {parameter: _TENSOR}
    return OperationRule(infer=infer, operands=operands, kinds=kinds or {}, takes=takes, elementwise=True, dtype=dtype)


def binary(dtype: _DtypeLaw, interval: _JoinLaw = _nothing, takes: Takes = "booleans") -> OperationRule:
    infer, operands = _law(dtype, interval), {"x1": _TENSOR, "x2": _TENSOR}
    return OperationRule(infer=infer, operands=operands, takes=takes, elementwise=True, dtype=dtype)


def _activation(name: str) -> OperationRule:
    return unary(_promoted, ACTIVATION_RANGES[name], takes="floats")


def _rounded(function: Callable[[float], float]) -> RangeLaw:
    return rising(function)


def _minimum(left: Interval, right: Interval) -> Interval:
    return Interval(min(left.low, right.low), min(left.high, right.high))


def _maximum(left: Interval, right: Interval) -> Interval:
    return Interval(max(left.low, right.low), max(left.high, right.high))


def _logarithm(function: Callable[[float], float]) -> RangeLaw:
    law = rising(lambda value: -math.inf if value <= 0 else function(value))
    return lambda values: ANYTHING if values.low < 0 else law(values)


def _log1p(values: Interval) -> Interval:
    return rising(math.log1p)(values) if values.low > -1 else ANYTHING


def _square_root(values: Interval) -> Interval:
    return rising(math.sqrt, low=0.0)(values.clip(0.0, math.inf))


def _modulo(left: Interval, right: Interval) -> Interval:
    """The sign of the divisor, as in Python."""
    if right.low > 0:
        return Interval(0.0, right.high)
    return Interval(right.low, 0.0) if right.high < 0 else ANYTHING


def _clip(call: OperationCall) -> LayerFacts | Fault:
    x, low, high = call["x"], call["x_min"], call["x_max"]
    dtype, shape = x.type.dtype, call.broadcast()
    # Keras makes numbers of the operand's dtype of the limits, but leaves tensors what they are.
    tensors = [limit.dtype for limit in (low, high) if limit.dtype in DTYPES]
    if set(tensors) - {dtype} or any(result_dtype((dtype, limit.dtype)) != dtype for limit in (low, high)):
        message = f"the limits of clip must have the dtype of its operand {x.type}; they are {low.type} and {high.type}"
        return Fault("dtype-mismatch", message, input=0)
    if shape != x.shape:
        message = f"the limits of clip have to broadcast into its operand {x.type}; they are {low.type} and {high.type}"
        return Fault("merge-mismatch", message, input=0)
    # Backends differ in which limit wins where the lower one is the larger.
    upper_wins = _minimum(_maximum(x.interval, low.interval), high.interval)
    lower_wins = _maximum(_minimum(x.interval, high.interval), low.interval)
    return call.facts(dtype, shape, upper_wins.join(lower_wins))


def _where(call: OperationCall) -> LayerFacts | Fault:
    shape = call.broadcast()
    dtype = _where_dtype(call)
    if isinstance(shape, Fault):
        return shape
    if isinstance(dtype, Fault):
        return dtype
    return call.facts(dtype, shape, call["x1"].interval.join(call["x2"].interval))


def _where_dtype(call: OperationCall) -> str | Fault:
    dtype = result_dtype((call["x1"].dtype, call["x2"].dtype))
    return dtype if dtype is not None else call.promoted()


_FLOATS: Final[Mapping[str, RangeLaw]] = {
    "arccos": fixed(0.0, math.pi),
    "arccosh": fixed(0.0, math.inf),
    "arcsin": fixed(-math.pi / 2, math.pi / 2),
    "arcsinh": rising(math.asinh),
    "arctan": rising(math.atan, -math.pi / 2, math.pi / 2),
    "arctanh": fixed(-math.inf, math.inf),
    "cbrt": rising(lambda value: math.copysign(abs(value) ** (1 / 3), value)),
    "cos": fixed(-1.0, 1.0),
    "cosh": fixed(1.0, math.inf),
    "erf": rising(math.erf, -1.0, 1.0),
    "exp": rising(math.exp, low=0.0),
    "exp2": rising(lambda value: math.pow(2.0, value), low=0.0),
    "expm1": rising(math.expm1, low=-1.0),
    "log": _logarithm(math.log),
    "log10": _logarithm(math.log10),
    "log1p": _log1p,
    "log2": _logarithm(math.log2),
    "reciprocal": lambda values: ranges.divide(Interval(1.0, 1.0), values),
    "rsqrt": fixed(0.0, math.inf),
    "sin": fixed(-1.0, 1.0),
    "sinh": rising(math.sinh),
    "sqrt": _square_root,
    "tan": fixed(-math.inf, math.inf),
    "tanh": ACTIVATION_RANGES["tanh"],
}

_UNARY: Final[Mapping[str, OperationRule]] = {
    **{
        name: unary(
            _float_result, law, takes="floats" if name in ("cbrt", "erf", "reciprocal", "rsqrt") else "booleans"
        )
        for name, law in _FLOATS.items()
    },
    "abs": unary(_numeric, ranges.absolute, takes="integers"),
    "absolute": unary(_numeric, ranges.absolute, takes="integers"),
    "ceil": unary(_float_result, _rounded(math.ceil)),
    "floor": unary(_float_result, _rounded(math.floor)),
    "isfinite": unary(_bool, _unit),
    "isinf": unary(_bool, _unit),
    "isnan": unary(_bool, _unit),
    "logical_not": unary(_bool, _unit),
    "negative": unary(_signed, ranges.negate, takes="integers"),
    "ones_like": unary(_given, lambda values: Interval(1.0, 1.0), {"dtype": DTYPE}),
    "round": unary(_promoted, kinds={"decimals": INTEGER}, takes="integers"),
    "sign": unary(_promoted, rising(lambda value: float(value > 0) - float(value < 0), -1.0, 1.0), takes="integers"),
    "square": unary(_numeric, ranges.square, takes="integers"),
    "stop_gradient": unary(_promoted, ranges.keep, parameter="variable"),
    "trunc": unary(_promoted, _rounded(math.trunc)),
    "zeros_like": unary(_given, lambda values: Interval(0.0, 0.0), {"dtype": DTYPE}),
}

_ACTIVATIONS: Final[Mapping[str, OperationRule]] = {
    **{
        name: _activation(name)
        for name in (
            "hard_sigmoid", "hard_silu", "hard_tanh", "log_sigmoid", "relu", "relu6", "selu", "sigmoid", "silu",
            "softplus", "softsign", "sparse_plus", "swish", "tanh_shrink",
        )
    },
    "celu": unary(_promoted, kinds={"alpha": POSITIVE_NUMBER}, takes="floats"),
    "elu": unary(_promoted, kinds={"alpha": NUMBER}, takes="floats"),
    "gelu": unary(_promoted, ACTIVATION_RANGES["gelu"], {"approximate": BOOL}, takes="floats"),
    "hard_shrink": unary(_promoted, ranges.shrink, {"threshold": NON_NEGATIVE}, takes="floats"),
    "leaky_relu": unary(_promoted, kinds={"negative_slope": NUMBER}, takes="floats"),
    "soft_shrink": unary(_promoted, ranges.shrink, {"threshold": NON_NEGATIVE}, takes="floats"),
    "squareplus": unary(_promoted, lambda values: NOT_NEGATIVE, {"b": NON_NEGATIVE}, takes="floats"),
}  # fmt: skip

_BINARY: Final[Mapping[str, OperationRule]] = {
    "add": binary(_promoted, ranges.add, takes="integers"),
    "arctan2": binary(_float_result, lambda left, right: Interval(-math.pi, math.pi)),
    "divide": binary(_weak_float_result, ranges.divide),
    "divide_no_nan": binary(_weak_float_result),
    "equal": binary(_bool, _unit),
    "floor_divide": binary(_numeric, takes="integers"),
    "greater": binary(_bool, _unit, takes="integers"),
    "greater_equal": binary(_bool, _unit, takes="integers"),
    "less": binary(_bool, _unit, takes="integers"),
    "less_equal": binary(_bool, _unit, takes="integers"),
    "logaddexp": binary(_strong_float),
    "logical_and": binary(_bool, _unit),
    "logical_or": binary(_bool, _unit),
    "logical_xor": binary(_bool, _unit),
    "maximum": binary(_promoted, _maximum, takes="integers"),
    "minimum": binary(_promoted, _minimum, takes="integers"),
    "mod": binary(_strong, _modulo, takes="integers"),
    "multiply": binary(_promoted, ranges.multiply, takes="integers"),
    "not_equal": binary(_bool, _unit),
    "power": binary(_promoted, ranges.power, takes="integers"),
    "subtract": binary(_promoted, ranges.subtract, takes="integers"),
    "true_divide": binary(_weak_float_result, ranges.divide),
}

RULES: Final[Mapping[str, OperationRule]] = {
    **_UNARY,
    **_ACTIVATIONS,
    **_BINARY,
    "clip": OperationRule(
        infer=_clip,
        operands={"x": "tensor", "x_min": "tensor", "x_max": "tensor"},
        takes="integers",
        elementwise=True,
        dtype=dtype_of_first,
    ),
    "where": OperationRule(
        infer=_where,
        operands={"condition": "tensor", "x1": "tensor", "x2": "tensor"},
        # Without x1 and x2 Keras gives the places where the condition holds, whose number nobody knows.
        own=(("condition",), ("x1",), ("x2",)),
        elementwise=True,
        dtype=_where_dtype,
    ),
}
