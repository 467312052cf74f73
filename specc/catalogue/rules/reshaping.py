"""Rules of the layers that rearrange, repeat, pad or cut."""

from __future__ import annotations

import math
from typing import Final

from specc.catalogue.facts import Fault, LayerFacts
from specc.catalogue.ranges import with_zero
from specc.catalogue.rules.base import Call, Rule
from specc.catalogue.rules.spatial import AXES, arranged, channels, spatial
from specc.types import ANYTHING, Dim, Shape, product, shape_text, surely_different


def reshaped(shape: Shape, target: tuple[int, ...], who: str, argument: str = "target_shape") -> Shape | Fault:
    """A shape with its elements counted anew; `-1` in the target is what is left."""
    count, rest = product(shape), math.prod(size for size in target if size != -1)
    inferred = -1 in target
    if (isinstance(count, int) and count % rest) if inferred else surely_different(count, rest):
        needs = f"a multiple of {rest}" if inferred else rest
        message = f"{who} to {shape_text(target)} needs {needs} elements, the input {shape_text(shape)} has {count}"
        return Fault("shape-mismatch", message, argument=argument, input=0)
    return tuple(count // rest if size == -1 else size for size in target)


def _reshape(call: Call) -> LayerFacts | Fault:
    shape = reshaped(call.shape, call.arguments["target_shape"], call.layer)
    if isinstance(shape, Fault):
        return shape
    return call.facts(shape, call.input.interval, dtype=call.input.dtype)


def _flatten(call: Call) -> LayerFacts:
    return call.facts((product(call.shape),), call.input.interval, dtype=call.input.dtype)


def _permute(call: Call) -> LayerFacts | Fault:
    dims = call.arguments["dims"]
    if len(dims) != len(call.shape):
        message = f"Permute orders {len(dims)} axes, the input is {shape_text(call.shape)}"
        return Fault("shape-mismatch", message, argument="dims", input=0)
    return call.facts(tuple(call.shape[axis - 1] for axis in dims), call.input.interval, dtype=call.input.dtype)


def _repeat_vector(call: Call) -> LayerFacts:
    return call.facts((call.arguments["n"], *call.shape), call.input.interval, dtype=call.input.dtype)


def _borders(call: Call, argument: str) -> tuple[tuple[int, int], ...]:
    """What `padding` or `cropping` says of both ends of every spatial axis."""
    value = call.arguments[argument]
    rank = len(call.shape) - 1
    if rank == 1:
        return (value,)
    if isinstance(value, int):
        return ((value, value),) * rank
    return tuple((entry, entry) if isinstance(entry, int) else entry for entry in value)


def _padded(call: Call) -> LayerFacts:
    sizes = tuple(
        size + (before + after) for size, (before, after) in zip(spatial(call), _borders(call, "padding"), strict=True)
    )
    return call.facts(arranged(call, sizes, channels(call)), with_zero(call.input.interval), dtype=call.input.dtype)


def _cropped(call: Call) -> LayerFacts | Fault:
    sizes: list[Dim] = []
    for size, (before, after) in zip(spatial(call), _borders(call, "cropping"), strict=True):
        left = size - (before + after)
        if isinstance(left, int) and left <= 0:
            message = f"`cropping` cuts {before + after} of {size} places, the input is {shape_text(call.shape)}"
            return Fault("argument-shape", message, argument="cropping", input=0)
        sizes.append(left)
    return call.facts(arranged(call, tuple(sizes), channels(call)), call.input.interval, dtype=call.input.dtype)


def _enlarged(call: Call) -> LayerFacts:
    factors = call.arguments["size"]
    factors = (factors,) if isinstance(factors, int) else factors
    sizes = tuple(size * factor for size, factor in zip(spatial(call), factors, strict=True))
    # Cubic and Lanczos interpolation overshoot.
    exact = call.arguments.get("interpolation", "nearest") in ("nearest", "bilinear")
    return call.facts(
        arranged(call, sizes, channels(call)), call.input.interval if exact else ANYTHING, dtype=call.input.dtype
    )


RULES: Final = {
    **{f"Cropping{rank}D": Rule(takes="booleans", infer=_cropped, axes=AXES[rank]) for rank in AXES},
    "Flatten": Rule(takes="strings", infer=_flatten),
    "Permute": Rule(takes="strings", infer=_permute),
    "RepeatVector": Rule(takes="strings", infer=_repeat_vector, axes=("features",)),
    "Reshape": Rule(takes="strings", infer=_reshape),
    **{f"UpSampling{rank}D": Rule(takes="booleans", infer=_enlarged, axes=AXES[rank]) for rank in AXES},
    **{f"ZeroPadding{rank}D": Rule(takes="booleans", infer=_padded, axes=AXES[rank]) for rank in AXES},
}
