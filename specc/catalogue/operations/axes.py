"""Ops along an axis that keep the shape, and gated ones that halve it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from specc.catalogue import ranges
from specc.catalogue.facts import Fault, LayerFacts
from specc.catalogue.kinds import AXES, AXIS, BOOL, DTYPE, INTEGER, POSITIVE_INTEGER, POSITIVE_NUMBER
from specc.catalogue.operations.base import OperationCall, OperationRule
from specc.catalogue.promotion import float_dtype
from specc.catalogue.ranges import NOT_NEGATIVE, UNIT
from specc.catalogue.rules.base import Takes, per_sample_axes, per_sample_axis, size
from specc.types import ANYTHING, Dim, Interval


def _float(call: OperationCall) -> str | Fault:
    return float_dtype(call.first.type.dtype)


def _same(call: OperationCall) -> str | Fault:
    return call.first.type.dtype


def _given(call: OperationCall) -> str | Fault:
    """What `dtype=` says, or the operand's own; booleans are counted as int32."""
    given = call.arguments["dtype"] or call.first.type.dtype
    return "int32" if given == "bool" else str(given)


def _int32(call: OperationCall) -> str | Fault:
    return "int32"


def _kept(
    dtype: Callable[[OperationCall], str | Fault],
    interval: Callable[[Interval], Interval],
    kinds: Mapping[str, Any],
    takes: Takes = "booleans",
) -> OperationRule:
    """An op that keeps the shape; `axis=none` means all elements of the batch, which is refused."""

    def infer(call: OperationCall) -> LayerFacts | Fault:
        axis = call.arguments["axis"]
        if axis is None:
            message = f"{call.operation} without `axis` mixes the samples of the batch"
            return Fault("batch-axis", message, "name an axis of a sample: `axis=-1`", "axis")
        axes = per_sample_axes(axis, len(call.first.shape))
        found = dtype(call)
        if isinstance(axes, Fault):
            return axes
        if isinstance(found, Fault):
            return found
        return call.facts(found, call.first.shape, interval(call.first.interval))

    return OperationRule(infer=infer, operands={"x": "tensor"}, kinds=kinds, takes=takes, dtype=dtype)


def _glu(call: OperationCall) -> LayerFacts | Fault:
    """Source: Dauphin et al., https://arxiv.org/abs/1612.08083"""
    shape = list(call.first.shape)
    axis = per_sample_axis(call.arguments["axis"], len(shape))
    if isinstance(axis, Fault):
        return axis
    length = size(shape[axis])
    if length is not None and length % 2:
        message = f"glu halves an axis, and axis {call.arguments['axis']} has {length} places"
        return Fault("shape-mismatch", message, argument="axis", input=0)
    shape[axis] = shape[axis] // 2
    dtype = float_dtype(call.first.type.dtype)
    return call.facts(dtype, tuple(shape), ranges.multiply(call.first.interval, UNIT))


def _top_k(call: OperationCall) -> LayerFacts | Fault:
    shape, k = call.first.shape, call.arguments["k"]
    if not shape:
        return Fault("shape-mismatch", "top_k works along the last axis, and this is a scalar per sample", input=0)
    length = size(shape[-1])
    if length is not None and length < k:
        return Fault("argument-shape", f"top_k can not take {k} of {length}", argument="k", input=0)
    kept: tuple[Dim, ...] = (*shape[:-1], k)
    values = call.facts(call.first.type.dtype, kept, call.first.interval)
    places = call.facts("int32", kept, Interval(0.0, length - 1) if length else ANYTHING)
    return LayerFacts(values.outputs + places.outputs)


_AXIS: Final = {"axis": AXIS}

RULES: Final[Mapping[str, OperationRule]] = {
    "argsort": _kept(_int32, lambda values: Interval(0.0), _AXIS),
    "cumprod": _kept(_given, lambda values: ANYTHING, {"axis": AXIS, "dtype": DTYPE}),
    "cumsum": _kept(_given, lambda values: ANYTHING, {"axis": AXIS, "dtype": DTYPE}),
    "flip": _kept(_same, ranges.keep, {"axis": AXES}),
    "glu": OperationRule(infer=_glu, operands={"x": "tensor"}, kinds=_AXIS, takes="floats", dtype=_float),
    "log_softmax": _kept(_float, lambda values: Interval(high=0.0), {"axis": AXES}, "floats"),
    "normalize": _kept(
        _float, lambda values: ANYTHING, {"axis": AXIS, "order": POSITIVE_INTEGER, "epsilon": POSITIVE_NUMBER}, "floats"
    ),
    "roll": _kept(_same, ranges.keep, {"axis": AXIS, "shift": INTEGER}),
    "softmax": _kept(_float, lambda values: UNIT, {"axis": AXES}, "floats"),
    "sort": _kept(_same, ranges.keep, _AXIS),
    "sparsemax": _kept(_float, lambda values: NOT_NEGATIVE, _AXIS, "floats"),
    "top_k": OperationRule(
        infer=_top_k,
        operands={"x": "tensor"},
        kinds={"k": POSITIVE_INTEGER, "sorted": BOOL},
        takes="integers",
        outputs=lambda arguments: 2,
    ),
}
