"""Rules of the layers that apply a function to every element, or along an axis."""

from __future__ import annotations

from typing import Final

from specc.catalogue.facts import Fault, LayerFacts, WeightFact
from specc.catalogue.ranges import UNIT, activated, elu, leaky_relu
from specc.catalogue.rules.base import Call, Rule, per_sample_axes, size, unknown_size
from specc.catalogue.rules.tensors import elements_mask
from specc.types import ANYTHING, Interval


def _activation(call: Call) -> LayerFacts | Fault:
    name = call.arguments["activation"]
    if name in ("softmax", "log_softmax", "sparsemax") and not call.shape:
        return Fault("shape-mismatch", f"{name} needs an axis, the input is a scalar per sample", input=0)
    return call.facts(call.shape, activated(call.input.interval, name))


def _relu(call: Call) -> LayerFacts:
    slope, threshold = call.arguments["negative_slope"], call.arguments["threshold"]
    most = call.arguments["max_value"]
    values = call.input.interval
    # Source: keras.layers.ReLU: x from the threshold on, negative_slope * (x - threshold) below.
    high = max(values.high, 0.0) if most is None else min(max(values.high, 0.0), most)
    low = 0.0
    if values.low < threshold and slope > 0:
        low = slope * (values.low - threshold)
    elif values.low >= threshold:
        low = values.low if most is None else min(values.low, most)
    return call.facts(call.shape, Interval(min(low, high), high))


def _leaky_relu(call: Call) -> LayerFacts:
    return call.facts(call.shape, leaky_relu(call.arguments["negative_slope"])(call.input.interval))


def _elu(call: Call) -> LayerFacts:
    return call.facts(call.shape, elu(call.arguments["alpha"])(call.input.interval))


def _softmax(call: Call) -> LayerFacts | Fault:
    axes = per_sample_axes(call.arguments["axis"], len(call.shape))
    return axes if isinstance(axes, Fault) else call.facts(call.shape, UNIT)


def _prelu(call: Call) -> LayerFacts | Fault:
    shape = list(call.shape)
    shared = call.arguments["shared_axes"] or ()
    axes = per_sample_axes(shared, len(shape))
    if isinstance(axes, Fault):
        return Fault(axes.pattern, axes.message, argument="shared_axes")
    for axis in axes:
        shape[axis] = 1
    if any(size(entry) is None for entry in shape):
        return unknown_size(call, "every size that is not in `shared_axes`", call.shape)
    values = call.input.interval
    interval = values if values.low >= 0 else ANYTHING
    return call.facts(call.shape, interval, WeightFact("alpha", tuple(shape)))


RULES: Final = {
    "Activation": Rule(infer=_activation),
    "ELU": Rule(infer=_elu),
    "LeakyReLU": Rule(infer=_leaky_relu),
    "PReLU": Rule(infer=_prelu),
    "ReLU": Rule(infer=_relu),
    "Softmax": Rule(infer=_softmax, least_rank=1, tensors=elements_mask),
}
