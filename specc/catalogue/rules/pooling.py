"""Rules of the pooling layers."""

from __future__ import annotations

from typing import Final

from specc.catalogue.facts import Fault, LayerFacts
from specc.catalogue.rules.base import Call, Rule, Takes
from specc.catalogue.rules.spatial import AXES, arranged, channels, slid
from specc.catalogue.rules.tensors import averaged_mask
from specc.types import Shape


def _pooled(call: Call) -> LayerFacts | Fault:
    window = call.arguments["pool_size"]
    sizes = slid(call, window, call.arguments["strides"] or window)
    if isinstance(sizes, Fault):
        return sizes
    # Padding takes no part: Keras averages over the true places only, and a maximum never takes the padding.
    return call.facts(arranged(call, sizes, channels(call)), call.input.interval, dtype=call.input.dtype)


def _global(call: Call) -> LayerFacts:
    ones: Shape = (1,) * (len(call.shape) - 1)
    sizes = ones if call.arguments["keepdims"] else ()
    dtype = call.input.dtype if "Max" in call.layer or call.input.is_float else "float32"
    return call.facts(arranged(call, sizes, channels(call)), call.input.interval, dtype=dtype)


def _adaptive(call: Call) -> LayerFacts:
    shape = arranged(call, call.arguments["output_size"], channels(call))
    return call.facts(shape, call.input.interval, dtype=call.input.dtype)


def _takes(prefix: str, kind: str, rank: int) -> Takes:
    """What TensorFlow has kernels for: no averages of integers over windows, no integer volumes."""
    if prefix == "Global":
        return "booleans"
    return "integers" if kind == "Max" and rank < 3 else "floats"


RULES: Final = {
    f"{prefix}{kind}Pooling{rank}D": Rule(
        infer=infer,
        takes=_takes(prefix, kind, rank),
        axes=AXES[rank],
        tensors=averaged_mask if (prefix, kind, rank) == ("Global", "Average", 1) else None,
    )
    for prefix, infer in (("", _pooled), ("Global", _global), ("Adaptive", _adaptive))
    for kind in ("Average", "Max")
    for rank in (1, 2, 3)
}
