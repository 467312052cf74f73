"""Rules of the layers that merge several inputs."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Final

from specc.catalogue import ranges
from specc.catalogue.facts import Fault, LayerFacts
from specc.catalogue.promotion import result_dtype
from specc.catalogue.rules.base import Call, Infer, Rule, Takes, known, per_sample_axis, size
from specc.types import (
    ANYTHING,
    Interval,
    Shape,
    TensorType,
    broadcast_shapes,
    product,
    shape_text,
    summed,
    surely_different,
)


def _texts(inputs: tuple[TensorType, ...]) -> str:
    return " and ".join(shape_text(entry.shape) for entry in inputs)


def _elementwise(join: Callable[[list[Interval]], Interval]) -> Infer:
    def infer(call: Call) -> LayerFacts | Fault:
        shape: Shape | None = known(call.inputs[0])
        for place, entry in enumerate(call.inputs[1:], start=1):
            joined = broadcast_shapes(shape or (), known(entry))
            if joined is None:
                message = f"{call.layer} needs equal shapes, the inputs are {_texts(call.inputs)}"
                return Fault("merge-mismatch", message, _merge_advice(call.inputs), input=place)
            shape = joined
        return call.facts(shape, join([entry.interval for entry in call.inputs]), dtype=_dtype(call))

    return infer


def _dtype(call: Call) -> str | None:
    """What the inputs are promoted to: Keras' static dtype says float32 even where integers stay what they are."""
    return result_dtype(entry.dtype for entry in call.inputs)


def _merge_advice(inputs: tuple[TensorType, ...]) -> str | None:
    shapes = [known(entry) for entry in inputs]
    if len({len(shape) for shape in shapes}) == 1 and len({shape[:-1] for shape in shapes}) == 1:
        return "`Concatenate()` joins along the last axis; a 1x1 convolution or `Dense` makes the sizes equal"
    return None


def _concatenate(call: Call) -> LayerFacts | Fault:
    first = known(call.inputs[0])
    axis = per_sample_axis(call.arguments["axis"], len(first))
    if isinstance(axis, Fault):
        return axis
    sizes = list(first)
    for place, entry in enumerate(call.inputs):
        shape = known(entry)
        fits = len(shape) == len(first) and not any(
            surely_different(size, other)
            for at, (size, other) in enumerate(zip(first, shape, strict=True))
            if at != axis
        )
        if not fits:
            axis_text = call.arguments["axis"]
            message = f"Concatenate needs equal sizes beside axis {axis_text}, the inputs are {_texts(call.inputs)}"
            return Fault("merge-mismatch", message, input=place)
        sizes = [size if isinstance(size, int) else other for size, other in zip(sizes, shape, strict=True)]
    sizes[axis] = summed(known(entry)[axis] for entry in call.inputs)
    dtype = _dtype(call)
    if dtype is None:
        return Fault("dtype-mismatch", f"Concatenate can not join {' and '.join(map(str, call.inputs))}")
    return call.facts(tuple(sizes), ranges.join(entry.interval for entry in call.inputs), dtype=dtype)


def _average(values: list[Interval]) -> Interval:
    return ranges.multiply(reduce(ranges.add, values), Interval(1 / len(values), 1 / len(values)))


def _extreme(choose: Callable[[float, float], float]) -> Callable[[list[Interval]], Interval]:
    def join(values: list[Interval]) -> Interval:
        return reduce(lambda one, two: Interval(choose(one.low, two.low), choose(one.high, two.high)), values)

    return join


def _dot(call: Call) -> LayerFacts | Fault:
    left, right = map(known, call.inputs)
    axes = call.arguments["axes"]
    first, second = (axes, axes) if isinstance(axes, int) else axes
    places = (per_sample_axis(first, len(left)), per_sample_axis(second, len(right)))
    for place, found in enumerate(places):
        if isinstance(found, Fault):
            return Fault(found.pattern, found.message, argument="axes", input=place)
    one, two = (place for place in places if isinstance(place, int))
    if size(left[one]) != size(right[two]):
        message = f"Dot needs equal sizes along its axes, these are {left[one]} and {right[two]}"
        return Fault("merge-mismatch", message, argument="axes", input=1)
    rest = left[:one] + left[one + 1 :] + right[:two] + right[two + 1 :]
    values = Interval(-1.0, 1.0) if call.arguments["normalize"] else ANYTHING
    return call.facts(rest or (1,), values, macs=product((*rest, left[one])), dtype=_dtype(call))


def _list(infer: Infer, least: int, most: int | None, takes: Takes = "integers") -> Rule:
    return Rule(infer=infer, takes=takes, style="list", least_inputs=least, most_inputs=most)


RULES: Final = {
    "Add": _list(_elementwise(lambda values: reduce(ranges.add, values)), 1, None),
    "Average": _list(_elementwise(_average), 1, None, takes="floats"),
    "Concatenate": Rule(
        takes="strings", infer=_concatenate, style="list", least_inputs=1, most_inputs=None, least_rank=1
    ),
    "Dot": Rule(takes="integers", infer=_dot, style="list", least_inputs=2, most_inputs=2, least_rank=1),
    "Maximum": _list(_elementwise(_extreme(max)), 1, None),
    "Minimum": _list(_elementwise(_extreme(min)), 1, None),
    "Multiply": _list(_elementwise(lambda values: reduce(ranges.multiply, values)), 1, None),
    "Subtract": _list(_elementwise(lambda values: reduce(ranges.subtract, values)), 2, 2),
}
