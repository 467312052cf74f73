"""Ops that look up, encode and convert, and specc's own random ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from specc.catalogue.facts import Fault, LayerFacts
from specc.catalogue.kinds import AXIS, DENSE_ONLY, DTYPE, NON_NEGATIVE, NUMBER, POSITIVE_INTEGER, SEED
from specc.catalogue.operations.base import Operand, OperationCall, OperationRule
from specc.catalogue.promotion import float_dtype
from specc.catalogue.ranges import UNIT
from specc.catalogue.rules.base import per_sample_axis, size
from specc.types import ANYTHING, FLOAT_DTYPES, Interval, broadcast_shapes, shape_text


def _refused_indices(call: OperationCall, indices: Operand, length: int | None) -> Fault | None:
    if indices.type.dtype in (*FLOAT_DTYPES, "bool", "string"):
        message = f"{call.operation} looks up integers, the indices are {indices.type}"
        return Fault("dtype-mismatch", message, '`cast(x, "int32")` makes them', "indices")
    if length is not None and indices.interval.outside(-length, length - 1):
        message = f"the axis has {length} places, the indices lie in {indices.interval}"
        return Fault("argument-shape", message, argument="indices")
    return None


def _take(call: OperationCall) -> LayerFacts | Fault:
    """Sample i's rows of sample i's operand."""
    x, indices, axis = call["x"], call["indices"], call.arguments["axis"]
    if axis is None:
        return Fault("batch-axis", "take without `axis` flattens the batch", "name an axis: `axis=-1`", "axis")
    place = per_sample_axis(axis, len(x.shape))
    if isinstance(place, Fault):
        return place
    refused = _refused_indices(call, indices, size(x.shape[place]))
    if refused is not None:
        return refused
    shape = x.shape[:place] + indices.shape + x.shape[place + 1 :]
    return call.facts(x.type.dtype, shape, x.interval)


def _take_along_axis(call: OperationCall) -> LayerFacts | Fault:
    x, indices, axis = call["x"], call["indices"], call.arguments["axis"]
    if axis is None:
        return Fault(
            "batch-axis", "take_along_axis without `axis` flattens the batch", "name an axis: `axis=-1`", "axis"
        )
    place = per_sample_axis(axis, len(x.shape))
    if isinstance(place, Fault):
        return place
    refused = _refused_indices(call, indices, size(x.shape[place]))
    if refused is not None:
        return refused
    if len(x.shape) != len(indices.shape):
        texts = f"{shape_text(x.shape)} and {shape_text(indices.shape)}"
        message = f"take_along_axis needs operands of the same rank; these are {texts}"
        return Fault("merge-mismatch", message, argument="indices")
    rest = broadcast_shapes(
        (*x.shape[:place], 1, *x.shape[place + 1 :]), (*indices.shape[:place], 1, *indices.shape[place + 1 :])
    )
    if rest is None:
        message = f"the shapes {shape_text(x.shape)} and {shape_text(indices.shape)} must broadcast beside axis {axis}"
        return Fault("merge-mismatch", message, argument="indices")
    return call.facts(x.type.dtype, (*rest[:place], indices.shape[place], *rest[place + 1 :]), x.interval)


def _one_hot(call: OperationCall) -> LayerFacts | Fault:
    x, classes = call.first, call.arguments["num_classes"]
    if x.type.dtype in (*FLOAT_DTYPES, "string"):
        message = f"one_hot encodes integers, the operand is {x.type}"
        return Fault("dtype-mismatch", message, '`cast(x, "int32")` makes them', input=0)
    if x.interval.outside(0, classes - 1):
        message = f"`num_classes` {classes} means 0..{classes - 1}, the operand lies in {x.interval}"
        return Fault("argument-shape", message, argument="num_classes", input=0)
    place = per_sample_axis(call.arguments["axis"], len(x.shape) + 1)
    if isinstance(place, Fault):
        return place
    shape = (*x.shape[:place], classes, *x.shape[place:])
    return call.facts(_given(call), shape, UNIT)


def _given(call: OperationCall) -> str:
    return call.arguments["dtype"] or "float32"


def _cast(call: OperationCall) -> LayerFacts | Fault:
    source, target, values = call.first.type.dtype, call.arguments["dtype"], call.first.interval
    if (source == "string") != (target == "string"):
        return Fault("dtype-mismatch", f"{source} can not be cast to {target}", argument="dtype")
    if target == "bool":
        values = UNIT
    elif target not in FLOAT_DTYPES:
        # A cast to integers cuts towards 0, and wraps around where the target is too small for the values.
        small = Interval(-128.0, 127.0) if target.startswith("int") else Interval(0.0, 255.0)
        kept = values.within(small.low, small.high) or source == target
        values = Interval(float(int(values.low)), float(int(values.high))) if kept and source != target else values
        values = values if kept else ANYTHING
    return call.facts(target, call.first.shape, values)


def _random(interval: Interval) -> OperationRule:
    names = ("mean", "stddev") if interval is ANYTHING else ("minval", "maxval")
    defaults = (0.0, 1.0)

    def infer(call: OperationCall) -> LayerFacts | Fault:
        low, high = (call.arguments[name] for name in names)
        values = ANYTHING if interval is ANYTHING else Interval(low, high)
        return call.facts(float_dtype(call.first.type.dtype), call.first.shape, values)

    kinds = {"mean": NUMBER, "stddev": NON_NEGATIVE, "minval": NUMBER, "maxval": NUMBER, "seed": SEED}
    return OperationRule(
        infer=infer,
        operands={"like": "tensor"},
        kinds={name: kinds[name] for name in (*names, "seed")},
        dtype=lambda call: float_dtype(call.first.type.dtype),
        own=(("like",), (names[0], defaults[0]), (names[1], defaults[1]), ("seed", None)),
    )


RULES: Final[Mapping[str, OperationRule]] = {
    "cast": OperationRule(
        infer=_cast, operands={"x": "tensor"}, kinds={"dtype": DTYPE}, dtype=lambda call: str(call.arguments["dtype"])
    ),
    "normal": _random(ANYTHING),
    "one_hot": OperationRule(
        infer=_one_hot,
        operands={"x": "tensor"},
        kinds={"num_classes": POSITIVE_INTEGER, "axis": AXIS, "dtype": DTYPE, "sparse": DENSE_ONLY},
        dtype=_given,
    ),
    "take": OperationRule(infer=_take, operands={"x": "tensor", "indices": "tensor"}, kinds={"axis": AXIS}),
    "take_along_axis": OperationRule(
        infer=_take_along_axis, operands={"x": "tensor", "indices": "tensor"}, kinds={"axis": AXIS}
    ),
    "uniform": _random(UNIT),
}
