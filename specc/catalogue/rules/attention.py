"""Rules of the attention layers.

Source: Vaswani et al., https://arxiv.org/abs/1706.03762; grouped queries: Ainslie et al., https://arxiv.org/abs/2305.13245
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from specc.catalogue.entries import ArgumentFault
from specc.catalogue.facts import Fault, LayerFacts, WeightFact
from specc.catalogue.ranges import with_zero
from specc.catalogue.rules.base import Call, Rule, known, per_sample_axes, size, unknown_size
from specc.catalogue.rules.tensors import attention_masks, scores_masks
from specc.types import ANYTHING, Dim, Interval, Shape, product, shape_text, surely_different


def _outputs(arguments: Mapping[str, Any]) -> int:
    return 2 if arguments["return_attention_scores"] else 1


def _shares(dropout: float) -> Interval:
    """Where attention scores lie: shares of one, scaled up in training where others are dropped."""
    return Interval(0.0, 1 / (1 - dropout)) if dropout < 1 else Interval(0.0, 1.0)


def _roles(call: Call) -> tuple[Shape, Shape, Shape]:
    """The shapes of query, value and key; without a key the value is it."""
    shapes = [known(entry) for entry in call.inputs]
    return shapes[0], shapes[1], shapes[2] if len(shapes) > 2 else shapes[1]


def _mismatch(call: Call, message: str) -> Fault:
    shapes = " and ".join(shape_text(entry.shape) for entry in call.inputs)
    return Fault("merge-mismatch", f"{call.layer} {message}; they are {shapes}", input=1)


def _unlike(one: Dim, two: Dim) -> bool:
    """Whether Keras takes two sizes for different: one that is known and one that is not are."""
    return surely_different(one, two) or (size(one) is None) != (size(two) is None)


def _dot(call: Call) -> LayerFacts | Fault:
    query, value, key = _roles(call)
    if len({len(query), len(value), len(key)}) > 1:
        return _mismatch(call, "needs query, value and key of the same rank")
    if surely_different(value[-2], key[-2]):
        return _mismatch(call, "needs as many values as keys")
    if surely_different(query[-1], key[-1]):
        return _mismatch(call, "compares query and key along their last axis, so these must be equal")
    if any(surely_different(one, two) for one, two in zip(query[:-2], value[:-2], strict=True)):
        return _mismatch(call, "needs query and value of equal sizes before the last two axes")
    weights = _score_weights(call, query)
    if isinstance(weights, Fault):
        return weights
    scores = (*query[:-1], value[-2])
    # Query times key, then scores times value; the additive scores are no linear map and count nothing.
    comparing: Dim = 0 if _is_additive(call) else product((*scores, query[-1]))
    macs = comparing + product((*scores, value[-1]))
    interval = with_zero(call.inputs[1].interval) if not call.arguments["dropout"] else ANYTHING
    outputs = [call.output((*query[:-1], value[-1]), interval)]
    if call.arguments["return_attention_scores"]:
        outputs.append(call.output(scores, _shares(call.arguments["dropout"])))
    return LayerFacts(tuple(outputs), weights, macs)


def _is_additive(call: Call) -> bool:
    return call.layer == "AdditiveAttention" or call.arguments["score_mode"] == "concat"


def _score_weights(call: Call, query: Shape) -> tuple[WeightFact, ...] | Fault:
    if call.layer == "AdditiveAttention":
        if not call.arguments["use_scale"]:
            return ()
        if size(query[-1]) is None:
            return unknown_size(call, "the size of the last axis of the query", query)
        return (WeightFact("scale", (query[-1],)),)
    scale = (WeightFact("scale", ()),) if call.arguments["use_scale"] else ()
    concat = (WeightFact("concat_score_weight", ()),) if call.arguments["score_mode"] == "concat" else ()
    return scale + concat


def _projection(call: Call, name: str, kernel: Shape, bias: Shape) -> tuple[WeightFact, ...]:
    weights = (WeightFact(f"{name}/kernel", kernel),)
    return (*weights, WeightFact(f"{name}/bias", bias)) if call.arguments["use_bias"] else weights


def _multi_head(call: Call) -> LayerFacts | Fault:
    query, value, key = _roles(call)
    arguments = call.arguments
    heads, key_dim = arguments["num_heads"], arguments["key_dim"]
    value_dim = arguments["value_dim"] or key_dim
    attended = _attended_axes(call, len(query), len(value))
    if isinstance(attended, Fault):
        return attended
    if arguments["use_causal_mask"] and len(query) > 2:
        message = "`use_causal_mask` orders one axis, and needs inputs [length, features]"
        return Fault("argument-shape", message, argument="use_causal_mask", input=0)
    if len(value) != len(key) or any(_unlike(one, two) for one, two in zip(value[:-1], key[:-1], strict=True)):
        return _mismatch(call, "needs value and key of equal shapes up to the last axis")
    for axis in range(len(query) - 1):
        if axis not in attended and surely_different(query[axis], value[axis]):
            return _mismatch(call, "needs query and value to agree along the axes that are not attended")
    if any(size(shape[-1]) is None for shape in (query, value, key)):
        return unknown_size(call, "the last axis of every input", query)
    given = arguments["output_shape"]
    out: Shape = (query[-1],) if given is None else (given,) if isinstance(given, int) else tuple(given)
    weights = (
        *_projection(call, "query", (query[-1], heads, key_dim), (heads, key_dim)),
        *_projection(call, "key", (key[-1], heads, key_dim), (heads, key_dim)),
        *(
            _projection(call, "gate", (query[-1], heads, value_dim), (heads, value_dim))
            if arguments["use_gate"]
            else ()
        ),
        *_projection(call, "value", (value[-1], heads, value_dim), (heads, value_dim)),
        *_projection(call, "attention_output", (heads, value_dim, *out), out),
    )
    free = tuple(query[axis] for axis in range(len(query) - 1) if axis not in attended)
    scores = (*free, heads, *(query[axis] for axis in attended), *(value[axis] for axis in attended))
    macs = _projections(query, value, key, weights) + product((*scores, key_dim + value_dim))
    return _attention_facts(call, (*query[:-1], *out), scores, weights, macs)


def _attention_facts(
    call: Call, output: Shape, scores: Shape, weights: tuple[WeightFact, ...], macs: Dim
) -> LayerFacts:
    outputs = [call.output(output)]
    if call.arguments["return_attention_scores"]:
        outputs.append(call.output(scores, _shares(call.arguments["dropout"])))
    return LayerFacts(tuple(outputs), weights, macs)


def _projections(query: Shape, value: Shape, key: Shape, weights: tuple[WeightFact, ...]) -> Dim:
    """The work of the linear maps before and after the attention."""
    total: Dim = 0
    for weight in weights:
        name, part = weight.name.split("/")
        if part == "kernel":
            places = {"key": key, "value": value}.get(name, query)[:-1]
            total = total + product((*places, *weight.shape))
    return total


def _attended_axes(call: Call, rank: int, value_rank: int) -> tuple[int, ...] | Fault:
    axes = call.arguments["attention_axes"]
    if rank < 2 or value_rank != rank:
        return _mismatch(call, "needs query and value of the same rank, at least 2 per sample")
    if axes is None:
        return tuple(range(rank - 1))
    places = per_sample_axes(axes, rank)
    if isinstance(places, Fault):
        return Fault(places.pattern, places.message, argument="attention_axes")
    if rank - 1 in places:
        return Fault("axis-out-of-range", "`attention_axes` can not hold the last axis, which is projected")
    return places


def _grouped(call: Call) -> LayerFacts | Fault:
    query, value, key = _roles(call)
    arguments = call.arguments
    heads, groups, dim = arguments["num_query_heads"], arguments["num_key_value_heads"], arguments["head_dim"]
    if surely_different(query[-1], value[-1]):
        return _mismatch(call, "needs query and value with equal last axes")
    if _unlike(value[0], key[0]):
        return _mismatch(call, "needs as many values as keys")
    if any(size(shape[-1]) is None for shape in (query, value, key)):
        return unknown_size(call, "the last axis of every input", query)
    weights = (
        *_projection(call, "query", (query[-1], heads, dim), (heads, dim)),
        *_projection(call, "key", (key[-1], groups, dim), (groups, dim)),
        *(_projection(call, "gate", (query[-1], heads, dim), (heads, dim)) if arguments["use_gate"] else ()),
        *_projection(call, "value", (value[-1], groups, dim), (groups, dim)),
        *_projection(call, "attention_output", (heads, dim, query[-1]), (query[-1],)),
    )
    scores = (heads, query[0], value[0])
    macs = _projections(query, value, key, weights) + product((*scores, 2 * dim))
    return _attention_facts(call, query, scores, weights, macs)


def _grouped_legality(arguments: Mapping[str, Any]) -> Iterator[ArgumentFault]:
    if arguments["num_query_heads"] % arguments["num_key_value_heads"]:
        message = "`num_query_heads` must be a multiple of `num_key_value_heads`"
        yield ArgumentFault("num_key_value_heads", "illegal-value", message)
    yield from _flash_legality(arguments)


def _flash_legality(arguments: Mapping[str, Any]) -> Iterator[ArgumentFault]:
    """Flash attention has no dropout and keeps no scores."""
    if not arguments["flash_attention"]:
        return
    if arguments["dropout"] > 0:
        message = "`flash_attention` has no `dropout`"
        yield ArgumentFault("flash_attention", "illegal-value", message)
    elif arguments["return_attention_scores"]:
        message = "`flash_attention` does not keep the scores that `return_attention_scores` asks for"
        yield ArgumentFault("flash_attention", "illegal-value", message)


RULES: Final = {
    **{
        name: Rule(
            infer=_dot,
            style="list",
            least_inputs=2,
            most_inputs=3,
            least_rank=2,
            outputs=_outputs,
            tensors=scores_masks,
        )
        for name in ("AdditiveAttention", "Attention")
    },
    "GroupQueryAttention": Rule(
        takes="booleans",
        infer=_grouped,
        style="positional",
        least_inputs=2,
        most_inputs=3,
        axes=("length", "features"),
        outputs=_outputs,
        legality=_grouped_legality,
        tensors=attention_masks,
    ),
    "MultiHeadAttention": Rule(
        takes="booleans",
        infer=_multi_head,
        style="positional",
        least_inputs=2,
        most_inputs=3,
        least_rank=2,
        outputs=_outputs,
        legality=_flash_legality,
        tensors=attention_masks,
    ),
}
