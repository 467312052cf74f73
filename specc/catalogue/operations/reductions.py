"""Ops that reduce axes to one value, and ops along an axis."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from specc.catalogue.facts import Fault, LayerFacts
from specc.catalogue.kinds import AXES, AXIS, BOOL, NOTHING, Kind
from specc.catalogue.operations.base import OperationCall, OperationRule
from specc.catalogue.promotion import float_dtype
from specc.catalogue.ranges import NOT_NEGATIVE, UNIT, scaled_by_count
from specc.catalogue.rules.base import Takes, per_sample_axes
from specc.types import ANYTHING, Dim, Interval, Shape, product

_DtypeLaw: TypeAlias = Callable[[OperationCall], "str | Fault"]
_ReducedRange: TypeAlias = Callable[[Interval, Dim], Interval]


_KINDS: Final[Mapping[str, Kind]] = {"axis": AXES, "keepdims": BOOL}


def _axes(call: OperationCall) -> tuple[int, ...] | Fault:
    """The axes that are reduced, as places of the per-sample shape; all of them when none is named."""
    rank, axis = len(call.first.shape), call.arguments["axis"]
    return tuple(range(rank)) if axis is None else per_sample_axes(axis, rank)


def _reduced(shape: Shape, axes: tuple[int, ...], keepdims: bool) -> Shape:
    if keepdims:
        return tuple(1 if place in axes else size for place, size in enumerate(shape))
    return tuple(size for place, size in enumerate(shape) if place not in axes)


def _mean_dtype(call: OperationCall) -> str | Fault:
    return float_dtype(call.first.type.dtype)


def _sum_dtype(call: OperationCall) -> str | Fault:
    """Small integers are summed as int32 and uint32."""
    dtype = call.first.type.dtype
    return {"bool": "int32", "int8": "int32", "int16": "int32", "uint8": "uint32", "uint16": "uint32"}.get(dtype, dtype)


def _bool(call: OperationCall) -> str | Fault:
    return "bool"


def _int32(call: OperationCall) -> str | Fault:
    return "int32"


def _same(call: OperationCall) -> str | Fault:
    return call.first.type.dtype


def _reduction(
    dtype: _DtypeLaw, interval: _ReducedRange, kinds: Mapping[str, Kind] = _KINDS, takes: Takes = "booleans"
) -> OperationRule:
    def infer(call: OperationCall) -> LayerFacts | Fault:
        axes = _axes(call)
        found = dtype(call)
        if isinstance(axes, Fault):
            return axes
        if isinstance(found, Fault):
            return found
        shape = call.first.shape
        count = product(shape[axis] for axis in axes)
        result = _reduced(shape, axes, bool(call.arguments.get("keepdims")))
        return call.facts(found, result, interval(call.first.interval, count))

    return OperationRule(infer=infer, operands={"x": "tensor"}, kinds=kinds, takes=takes, dtype=dtype)


def _keep(values: Interval, count: Dim) -> Interval:
    return values


def _squares(values: Interval, count: Dim) -> Interval:
    """Popoviciu's inequality: a variance is at most a quarter of the range's square."""
    width = values.high - values.low
    return Interval(0.0, width * width / 4) if math.isfinite(width) else NOT_NEGATIVE


def _deviation(values: Interval, count: Dim) -> Interval:
    width = values.high - values.low
    return Interval(0.0, width / 2) if math.isfinite(width) else NOT_NEGATIVE


def _places(values: Interval, count: Dim) -> Interval:
    return Interval(0.0, count - 1 if isinstance(count, int) else math.inf)


def _counts(values: Interval, count: Dim) -> Interval:
    return Interval(0.0, count if isinstance(count, int) else math.inf)


def _unit(values: Interval, count: Dim) -> Interval:
    return UNIT


def _log_sum(values: Interval, count: Dim) -> Interval:
    if not isinstance(count, int) or count < 1:
        return ANYTHING
    return Interval(values.low, values.high + math.log(count))


def _anything(values: Interval, count: Dim) -> Interval:
    return ANYTHING


RULES: Final[Mapping[str, OperationRule]] = {
    "all": _reduction(_bool, _unit),
    "amax": _reduction(_same, _keep),
    "amin": _reduction(_same, _keep),
    "any": _reduction(_bool, _unit),
    "argmax": _reduction(_int32, _places, {"axis": AXIS, "keepdims": BOOL}),
    "argmin": _reduction(_int32, _places, {"axis": AXIS, "keepdims": BOOL}),
    "count_nonzero": _reduction(_int32, _counts, {"axis": AXES}),
    "logsumexp": _reduction(_mean_dtype, _log_sum, takes="floats"),
    "max": _reduction(_same, _keep, {**_KINDS, "initial": NOTHING}),
    "mean": _reduction(_mean_dtype, _keep),
    "median": _reduction(_mean_dtype, _keep),
    "min": _reduction(_same, _keep, {**_KINDS, "initial": NOTHING}),
    "prod": _reduction(_sum_dtype, _anything, {**_KINDS, "dtype": NOTHING}),
    "std": _reduction(_mean_dtype, _deviation),
    "sum": _reduction(_sum_dtype, scaled_by_count),
    "var": _reduction(_mean_dtype, _squares),
}
