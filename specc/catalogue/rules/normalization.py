"""Rules of the normalisation layers."""

from __future__ import annotations

from typing import Final

from specc.catalogue.facts import Fault, LayerFacts, WeightFact
from specc.catalogue.rules.base import Call, Rule, per_sample_axes, per_sample_axis, size, unknown_size
from specc.catalogue.rules.tensors import places_mask
from specc.types import ANYTHING, Interval, Shape


def _scaled(call: Call, shape: Shape) -> tuple[WeightFact, ...]:
    scale = (WeightFact("gamma", shape),) if call.arguments["scale"] else ()
    center = (WeightFact("beta", shape),) if call.arguments["center"] else ()
    return scale + center


def _batch(call: Call) -> LayerFacts | Fault:
    axis = per_sample_axis(call.arguments["axis"], len(call.shape))
    if isinstance(axis, Fault):
        return axis
    features = size(call.shape[axis])
    if features is None:
        return unknown_size(call, f"the size of axis {call.arguments['axis']}", call.shape)
    names = ["moving_mean", "moving_variance"]
    if call.arguments["renorm"]:
        # Source: Ioffe 2017, https://arxiv.org/abs/1702.03275; training corrects by moving figures of its own.
        names += ["moving_stddev", "renorm_mean", "renorm_stddev"]
    moving = tuple(WeightFact(name, (features,), trainable=False) for name in names)
    return call.facts(call.shape, ANYTHING, *_scaled(call, (features,)), *moving)


def _layer(call: Call) -> LayerFacts | Fault:
    axes = per_sample_axes(call.arguments["axis"], len(call.shape))
    if isinstance(axes, Fault):
        return axes
    shape = tuple(call.shape[axis] for axis in axes)
    if any(size(entry) is None for entry in shape):
        return unknown_size(call, "the sizes of the axes that it normalises", call.shape)
    if call.layer == "RMSNormalization":
        return call.facts(call.shape, ANYTHING, WeightFact("scale", shape))
    return call.facts(call.shape, ANYTHING, *_scaled(call, shape))


def _group(call: Call) -> LayerFacts | Fault:
    axis = per_sample_axis(call.arguments["axis"], len(call.shape))
    if isinstance(axis, Fault):
        return axis
    features, groups = size(call.shape[axis]), call.arguments["groups"]
    if features is None:
        return unknown_size(call, f"the size of axis {call.arguments['axis']}", call.shape)
    if groups != -1 and features % groups:
        message = f"`groups` {groups} does not divide the {features} channels of the input"
        return Fault("argument-shape", message, argument="groups", input=0)
    return call.facts(call.shape, ANYTHING, *_scaled(call, (features,)))


def _unit(call: Call) -> LayerFacts | Fault:
    axes = per_sample_axes(call.arguments["axis"], len(call.shape))
    return axes if isinstance(axes, Fault) else call.facts(call.shape, Interval(-1.0, 1.0))


RULES: Final = {
    "BatchNormalization": Rule(takes="booleans", infer=_batch, least_rank=1, tensors=places_mask),
    "GroupNormalization": Rule(takes="booleans", infer=_group, least_rank=1),
    "LayerNormalization": Rule(takes="booleans", infer=_layer, least_rank=1),
    "RMSNormalization": Rule(infer=_layer, least_rank=1),
    "UnitNormalization": Rule(infer=_unit, least_rank=1),
}
