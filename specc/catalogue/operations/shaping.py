"""Ops that rearrange, join, repeat and pad, with per-sample shapes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from specc.catalogue import ranges
from specc.catalogue.facts import Fault, LayerFacts
from specc.catalogue.kinds import AXES, AXIS, COUNT, INTEGERS, NUMBER, POSITIVE_INTEGER, choice, either, sequence
from specc.catalogue.layer_kinds import TARGET_SHAPE
from specc.catalogue.operations.base import OperandKind, OperationCall, OperationRule
from specc.catalogue.rules.base import per_sample_axes, per_sample_axis
from specc.catalogue.rules.reshaping import reshaped
from specc.types import Dim, Interval, Shape, broadcast_shapes, shape_text, surely_different


def _kept(call: OperationCall, shape: Shape) -> LayerFacts:
    """The same values in another shape."""
    return call.facts(call.first.type.dtype, shape, call.first.interval)


def _reshape(call: OperationCall) -> LayerFacts | Fault:
    shape = reshaped(call.first.shape, call.arguments["newshape"], "reshape", "newshape")
    return shape if isinstance(shape, Fault) else _kept(call, shape)


def _transpose(call: OperationCall) -> LayerFacts | Fault:
    shape, axes = call.first.shape, call.arguments["axes"]
    if axes is None:
        message = "transpose without `axes` moves the batch axis"
        return Fault("batch-axis", message, "write the whole order, batch first: `axes=[0, 2, 1]`", "axes")
    order = [axis + len(shape) + 1 if axis < 0 else axis for axis in axes]
    if sorted(order) != list(range(len(shape) + 1)):
        message = (
            f"`axes` {shape_text(axes)} is no order of the axes 0..{len(shape)} of the batch of {shape_text(shape)}"
        )
        return Fault("axis-out-of-range", message, argument="axes", input=0)
    if order[0] != 0:
        return Fault("batch-axis", "`axes` has to leave the batch axis 0 in its place", argument="axes")
    return _kept(call, tuple(shape[axis - 1] for axis in order[1:]))


def _swapaxes(call: OperationCall) -> LayerFacts | Fault:
    shape = list(call.first.shape)
    places = [per_sample_axis(call.arguments[name], len(shape)) for name in ("axis1", "axis2")]
    for place in places:
        if isinstance(place, Fault):
            return place
    one, two = (place for place in places if isinstance(place, int))
    shape[one], shape[two] = shape[two], shape[one]
    return _kept(call, tuple(shape))


def _moveaxis(call: OperationCall) -> LayerFacts | Fault:
    shape = call.first.shape
    sources = per_sample_axes(call.arguments["source"], len(shape))
    targets = per_sample_axes(call.arguments["destination"], len(shape))
    if isinstance(sources, Fault):
        return sources
    if isinstance(targets, Fault):
        return targets
    if len(sources) != len(targets):
        return Fault("argument-shape", "`source` and `destination` must name as many axes", argument="destination")
    order = [axis for axis in range(len(shape)) if axis not in sources]
    for target, source in sorted(zip(targets, sources, strict=True)):
        order.insert(target, source)
    return _kept(call, tuple(shape[axis] for axis in order))


def _expand_dims(call: OperationCall) -> LayerFacts | Fault:
    given = call.arguments["axis"]
    axes = (given,) if isinstance(given, int) else given
    places = per_sample_axes(axes, len(call.first.shape) + len(axes))
    if isinstance(places, Fault):
        return places
    shape = list(call.first.shape)
    for place in sorted(places):
        shape.insert(place, 1)
    return _kept(call, tuple(shape))


def _squeeze(call: OperationCall) -> LayerFacts | Fault:
    shape, axis = call.first.shape, call.arguments["axis"]
    if axis is None:
        if any(not isinstance(entry, int) for entry in shape):
            message = f"squeeze takes away the axes of 1, and which those of {shape_text(shape)} are is not known"
            return Fault("unknown-size", message, "say which: `axis=…`", input=0)
        return _kept(call, tuple(entry for entry in shape if entry != 1))
    places = per_sample_axes(axis, len(shape))
    if isinstance(places, Fault):
        return places
    for place in places:
        if surely_different(shape[place], 1):
            message = f"squeeze takes away an axis of 1, and {shape_text(shape)} has {shape[place]} there"
            return Fault("shape-mismatch", message, argument="axis", input=0)
    return _kept(call, tuple(entry for place, entry in enumerate(shape) if place not in places))


def _repeat(call: OperationCall) -> LayerFacts | Fault:
    shape, axis = list(call.first.shape), call.arguments["axis"]
    if axis is None:
        message = "repeat without `axis` flattens the batch"
        return Fault("batch-axis", message, "name an axis of a sample: `axis=-1`", "axis")
    place = per_sample_axis(axis, len(shape))
    if isinstance(place, Fault):
        return place
    shape[place] = shape[place] * call.arguments["repeats"]
    return _kept(call, tuple(shape))


def _tile(call: OperationCall) -> LayerFacts | Fault:
    shape, repeats = call.first.shape, call.arguments["repeats"]
    if len(repeats) > len(shape):
        message = f"`repeats` has {len(repeats)} entries, {shape_text(shape)} has {len(shape)} dims per sample"
        return Fault("argument-shape", message, argument="repeats", input=0)
    factors = (1,) * (len(shape) - len(repeats)) + tuple(repeats)
    return _kept(call, tuple(entry * factor for entry, factor in zip(shape, factors, strict=True)))


def _broadcast_to(call: OperationCall) -> LayerFacts | Fault:
    shape, target = call.first.shape, call.arguments["shape"]
    joined = broadcast_shapes(shape, target)
    if joined is None or len(shape) > len(target) or any(map(surely_different, joined, target)):
        message = f"{shape_text(shape)} does not broadcast to {shape_text(target)}"
        return Fault("shape-mismatch", message, argument="shape", input=0)
    return _kept(call, target)


def _pad(call: OperationCall) -> LayerFacts | Fault:
    shape, width = call.first.shape, call.arguments["pad_width"]
    mode, value = call.arguments["mode"], call.arguments["constant_values"]
    if mode != "constant" and value is not None:
        message = f'`constant_values` belongs to `mode="constant"`, not to "{mode}"'
        return Fault("argument-shape", message, argument="constant_values")
    pairs = ((width, width),) * len(shape) if isinstance(width, int) else width
    if len(pairs) != len(shape):
        message = f"`pad_width` has {len(pairs)} pairs, {shape_text(shape)} has {len(shape)} dims per sample"
        return Fault("argument-shape", message, "the batch axis is not counted", "pad_width", 0)
    if mode != "constant":
        most = -1 if mode == "reflect" else 0
        for entry, pair in zip(shape, pairs, strict=True):
            if isinstance(entry, int) and max(pair) > entry + most:
                message = f'`mode="{mode}"` can pad an axis of {entry} by {entry + most} at most'
                return Fault("argument-shape", message, argument="pad_width", input=0)
    padded = tuple(entry + sum(pair) for entry, pair in zip(shape, pairs, strict=True))
    filler = Interval(value or 0.0, value or 0.0)
    values = call.first.interval.join(filler) if mode == "constant" else call.first.interval
    return call.facts(call.first.type.dtype, padded, values)


def _concatenate(call: OperationCall) -> LayerFacts | Fault:
    dtype, shapes = call.promoted(), [operand.shape for operand in call.all]
    if isinstance(dtype, Fault):
        return dtype
    axis = per_sample_axis(call.arguments["axis"], len(shapes[0]))
    if isinstance(axis, Fault):
        return axis
    sizes, total = list(shapes[0]), 0 * shapes[0][axis]
    for place, shape in enumerate(shapes):
        fits = len(shape) == len(sizes) and not any(
            surely_different(one, two) for at, (one, two) in enumerate(zip(sizes, shape, strict=True)) if at != axis
        )
        if not fits:
            return _unequal(call, "concatenate needs equal sizes beside its axis", place)
        sizes = [one if isinstance(one, int) else two for one, two in zip(sizes, shape, strict=True)]
        total = total + shape[axis]
    sizes[axis] = total
    return call.facts(dtype, tuple(sizes), ranges.join(operand.interval for operand in call.all))


def _stack(call: OperationCall) -> LayerFacts | Fault:
    dtype, shapes = call.promoted(), [operand.shape for operand in call.all]
    if isinstance(dtype, Fault):
        return dtype
    sizes: list[Dim] = list(shapes[0])
    for place, shape in enumerate(shapes):
        if len(shape) != len(sizes) or any(map(surely_different, shape, sizes)):
            return _unequal(call, "stack needs equal shapes", place)
        sizes = [one if isinstance(one, int) else two for one, two in zip(sizes, shape, strict=True)]
    axis = per_sample_axis(call.arguments["axis"], len(sizes) + 1)
    if isinstance(axis, Fault):
        return axis
    sizes.insert(axis, len(shapes))
    return call.facts(dtype, tuple(sizes), ranges.join(operand.interval for operand in call.all))


def _unequal(call: OperationCall, needs: str, place: int) -> Fault:
    texts = " and ".join(shape_text(operand.shape) for operand in call.all)
    return Fault("merge-mismatch", f"{needs}; these are {texts}", input=place)


def _promoted(call: OperationCall) -> str | Fault:
    return call.promoted()


_X: Final[Mapping[str, OperandKind]] = {"x": "tensor"}
_SHAPE: Final = sequence(POSITIVE_INTEGER, "a list of positive integers")
_PAIRS: Final = sequence(sequence(COUNT, "", count=2), "a list of pairs")

RULES: Final[Mapping[str, OperationRule]] = {
    "broadcast_to": OperationRule(infer=_broadcast_to, operands=_X, kinds={"shape": _SHAPE}),
    "concatenate": OperationRule(infer=_concatenate, operands={"xs": "tensors"}, kinds={"axis": AXIS}, dtype=_promoted),
    "expand_dims": OperationRule(infer=_expand_dims, operands=_X, kinds={"axis": AXES}),
    "moveaxis": OperationRule(infer=_moveaxis, operands=_X, kinds={"source": AXES, "destination": AXES}),
    "pad": OperationRule(
        infer=_pad,
        operands=_X,
        kinds={
            "pad_width": either("an integer of 0 or more or a list of pairs", COUNT, _PAIRS),
            "mode": choice("constant", "reflect", "symmetric"),
            "constant_values": NUMBER,
        },
    ),
    "repeat": OperationRule(infer=_repeat, operands=_X, kinds={"repeats": POSITIVE_INTEGER, "axis": AXIS}),
    "reshape": OperationRule(infer=_reshape, operands=_X, kinds={"newshape": TARGET_SHAPE}),
    "squeeze": OperationRule(infer=_squeeze, operands=_X, kinds={"axis": AXES}),
    "stack": OperationRule(infer=_stack, operands={"x": "tensors"}, kinds={"axis": AXIS}, dtype=_promoted),
    "swapaxes": OperationRule(infer=_swapaxes, operands=_X, kinds={"axis1": AXIS, "axis2": AXIS}),
    "tile": OperationRule(infer=_tile, operands=_X, kinds={"repeats": _SHAPE}),
    "transpose": OperationRule(infer=_transpose, operands=_X, kinds={"axes": INTEGERS}),
}
