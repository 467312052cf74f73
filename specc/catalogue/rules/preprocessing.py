"""Rules of the layers that scale, bin and encode features."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from specc.catalogue.entries import ArgumentFault
from specc.catalogue.facts import Fault, LayerFacts, WeightFact
from specc.catalogue.ranges import UNIT, linear
from specc.catalogue.rules.base import Call, Rule, per_sample_axes, size, unknown_size
from specc.catalogue.rules.core import RULES as CORE
from specc.catalogue.rules.tensors import count_weights
from specc.types import ANYTHING, FLOAT_DTYPES, Interval, Shape, product, shape_text


def _rescaling(call: Call) -> LayerFacts | Fault:
    scale, offset = call.arguments["scale"], call.arguments["offset"]
    for name, value in (("scale", scale), ("offset", offset)):
        if isinstance(value, tuple) and not (call.shape and size(call.shape[-1]) in (None, len(value))):
            message = f"`{name}` has {len(value)} numbers, the last axis of the input {shape_text(call.shape)} has not"
            return Fault("argument-shape", message, argument=name, input=0)
    known = isinstance(scale, float) and isinstance(offset, float)
    return call.facts(call.shape, linear(scale, offset)(call.input.interval) if known else ANYTHING)


def _normalization(call: Call) -> LayerFacts | Fault:
    axes = per_sample_axes(() if call.arguments["axis"] is None else call.arguments["axis"], len(call.shape))
    if isinstance(axes, Fault):
        return axes
    kept = tuple(call.shape[axis] for axis in sorted(axes))
    if any(size(entry) is None for entry in kept):
        return unknown_size(call, "the sizes of the axes that it keeps apart", call.shape)
    mean = call.arguments["mean"]
    if mean is None:
        statistics = tuple(WeightFact(name, kept, trainable=False) for name in ("mean", "variance"))
        return call.facts(call.shape, ANYTHING, *statistics, WeightFact("count", (), trainable=False))
    if isinstance(mean, tuple) and len(mean) not in (1, size(kept[-1])):
        message = f"`mean` has {len(mean)} numbers, the axis that they are for has {kept[-1]}"
        return Fault("argument-shape", message, argument="mean", input=0)
    return call.facts(call.shape)


def _normalization_legality(arguments: Mapping[str, Any]) -> Iterator[ArgumentFault]:
    mean, variance, axis = arguments["mean"], arguments["variance"], arguments["axis"]
    counts = [len(value) if isinstance(value, tuple) else 0 for value in (mean, variance)]
    if (mean is None) != (variance is None):
        yield ArgumentFault("variance", "illegal-value", "`mean` and `variance` belong together: give both or neither")
    elif counts[0] != counts[1]:
        yield ArgumentFault("variance", "illegal-value", "`mean` and `variance` must have as many numbers")
    elif counts[0] and axis in (None, ()):
        yield ArgumentFault("mean", "illegal-value", "`mean` must be one number when no axis is kept apart")


def _encoded(call: Call, depth: int, dtype: str, integer: str) -> LayerFacts | Fault:
    """Categories as indices, as one row each, or as one row a sample that counts or marks them."""
    mode, shape = call.arguments["output_mode"], call.shape
    if mode == "int":
        return call.facts(shape, Interval(0.0, depth - 1), dtype=integer)
    if mode == "one_hot":
        kept: Shape = shape[:-1] if shape and shape[-1] == 1 else shape
        return call.facts((*kept, depth), UNIT, dtype=dtype)
    if len(shape) != 1:
        message = (
            f'`output_mode` "{mode}" joins the categories of one axis per sample, the input is {shape_text(shape)}'
        )
        return Fault("shape-mismatch", message, '`output_mode="one_hot"` encodes one', "output_mode", 0)
    if dtype in ("float16", "bfloat16") and not call.layer.endswith("Lookup"):
        message = f'`output_mode` "{mode}" counts in float32 or float64, not in {dtype}'
        return Fault("argument-shape", message, '`cast(x, "float16")` behind it makes them small', "dtype")
    values = UNIT if mode == "multi_hot" else Interval(0.0)
    return call.facts((depth,), values, dtype=dtype)


def _category_encoding(call: Call) -> LayerFacts | Fault:
    if call.input.dtype not in ("int32", "int64"):
        help = "`StringLookup` makes them" if call.input.dtype == "string" else '`cast(x, "int32")` makes them'
        return Fault(
            "dtype-mismatch", f"CategoryEncoding takes int32 or int64, the input is {call.input}", help, input=0
        )
    depth = call.arguments["num_tokens"]
    if call.input.interval.outside(0, depth - 1):
        message = f"`num_tokens` {depth} means categories 0..{depth - 1}, the input's values are {call.input.interval}"
        return Fault("argument-shape", message, argument="num_tokens", input=0)
    return _encoded(call, depth, call.dtype, call.dtype)


def _category_legality(arguments: Mapping[str, Any]) -> Iterator[ArgumentFault]:
    if arguments["num_tokens"] is None:
        yield ArgumentFault("num_tokens", "missing-argument", "CategoryEncoding needs `num_tokens`")
    if arguments["count_weights"] is not None and arguments["output_mode"] != "count":
        message = '`count_weights` belongs to `output_mode="count"`'
        yield ArgumentFault("count_weights", "illegal-value", message)


def _discretization(call: Call) -> LayerFacts | Fault:
    if call.input.dtype == "string":
        return Fault("dtype-mismatch", "Discretization takes numbers, the input is string")
    return _encoded(call, len(call.arguments["bin_boundaries"]) + 1, call.dtype, "int32")


def _discretization_legality(arguments: Mapping[str, Any]) -> Iterator[ArgumentFault]:
    boundaries = arguments["bin_boundaries"]
    if boundaries is None:
        message = "Discretization needs `bin_boundaries`: a spec can not learn them from data"
        yield ArgumentFault("bin_boundaries", "missing-argument", message)
    elif arguments["num_bins"] is not None:
        yield ArgumentFault("num_bins", "illegal-value", "`num_bins` and `bin_boundaries` exclude each other")
    elif list(boundaries) != sorted(boundaries):
        yield ArgumentFault("bin_boundaries", "illegal-value", "`bin_boundaries` must rise")


def _hashing(call: Call) -> LayerFacts | Fault:
    shape, mode = call.shape, call.arguments["output_mode"]
    if mode == "one_hot" and shape[-1:] != (1,):
        # Keras' static shape of this case is not that of the values it computes.
        message = f'`output_mode="one_hot"` needs a last axis of 1, the input is {shape_text(shape)}'
        return Fault("shape-mismatch", message, "`Reshape` gives it one", "output_mode", 0)
    mask = call.arguments["mask_value"]
    if mask is not None and isinstance(mask, str) != (call.input.dtype == "string"):
        message = f"`mask_value` is no value of the input {call.input}"
        return Fault("dtype-mismatch", message, argument="mask_value", input=0)
    integer = call.arguments["dtype"] or "int64"
    return _encoded(call, call.arguments["num_bins"], call.dtype, integer)


def _hashing_legality(arguments: Mapping[str, Any]) -> Iterator[ArgumentFault]:
    dtype, mode = arguments["dtype"], arguments["output_mode"]
    if mode == "int" and dtype not in (None, "int32", "int64"):
        yield ArgumentFault("dtype", "illegal-value", '`dtype` must be "int32" or "int64" when `output_mode` is "int"')


def _lookup(call: Call) -> LayerFacts | Fault:
    takes_strings = (call.layer == "StringLookup") != call.arguments["invert"]
    if not (call.input.dtype == "string" if takes_strings else call.input.is_integer):
        wanted = "strings" if takes_strings else "integers"
        return Fault("dtype-mismatch", f"{call.layer} takes {wanted} here, the input is {call.input}", input=0)
    if call.arguments["invert"]:
        dtype = "string" if call.layer == "StringLookup" else call.arguments["vocabulary_dtype"]
        return call.facts(call.shape, dtype=dtype)
    return _encoded(call, _vocabulary_size(call.arguments), "int64", "int64")


def _vocabulary_size(arguments: Mapping[str, Any]) -> int:
    if arguments["pad_to_max_tokens"] and arguments["output_mode"] != "int":
        return int(arguments["max_tokens"])
    extra = 1 if arguments["mask_token"] is not None and arguments["output_mode"] == "int" else 0
    return len(arguments["vocabulary"]) + int(arguments["num_oov_indices"]) + extra


def _lookup_legality(arguments: Mapping[str, Any]) -> Iterator[ArgumentFault]:
    vocabulary, most = arguments["vocabulary"], arguments["max_tokens"]
    if vocabulary is None:
        yield ArgumentFault("vocabulary", "missing-argument", "a lookup needs its `vocabulary`")
        return
    if len(set(vocabulary)) < len(vocabulary):
        yield ArgumentFault("vocabulary", "illegal-value", "`vocabulary` holds a token twice")
    elif {arguments["mask_token"], arguments["oov_token"]} & set(vocabulary):
        message = "`vocabulary` must not hold `mask_token` or `oov_token`, which are added to it"
        yield ArgumentFault("vocabulary", "illegal-value", message)
    if arguments["salt"] is not None and arguments.get("oov_method") == "floormod":
        yield ArgumentFault("salt", "illegal-value", '`salt` belongs to `oov_method="farmhash"`')
    if arguments["invert"] and arguments["output_mode"] != "int":
        yield ArgumentFault("output_mode", "illegal-value", '`output_mode` must be "int" when `invert` is true')
    if arguments["pad_to_max_tokens"] and most is None:
        yield ArgumentFault("max_tokens", "missing-argument", "`pad_to_max_tokens` needs `max_tokens`")
    elif most is not None and most < _vocabulary_size(arguments):
        yield ArgumentFault("max_tokens", "illegal-value", "`max_tokens` is smaller than the vocabulary")


def _reversible(call: Call) -> LayerFacts | Fault:
    rows, columns = call.arguments["input_dim"], call.arguments["output_dim"]
    weights = [WeightFact("embeddings", (rows, columns))]
    if not call.arguments["tie_weights"]:
        weights.append(WeightFact("reverse_embeddings", (columns, rows)))
    if not call.arguments["reverse"]:
        facts = CORE["Embedding"].infer(call)
        return facts if isinstance(facts, Fault) else call.facts((*call.shape, columns), ANYTHING, *weights)
    if not call.shape or size(call.shape[-1]) not in (None, columns) or call.input.dtype not in FLOAT_DTYPES:
        message = f"with `reverse` {call.layer} takes float rows of {columns}, the input is {call.input}"
        return Fault("shape-mismatch", message, argument="reverse", input=0)
    cap = call.arguments["logit_soft_cap"]
    values = ANYTHING if cap is None else Interval(-cap, cap)
    shape = (*call.shape[:-1], rows)
    return call.facts(shape, values, *weights, macs=product((*shape, columns)))


RULES: Final = {
    "CategoryEncoding": Rule(
        takes="strings", infer=_category_encoding, legality=_category_legality, tensors=count_weights
    ),
    "Discretization": Rule(takes="strings", infer=_discretization, legality=_discretization_legality),
    "Hashing": Rule(takes="strings", infer=_hashing, legality=_hashing_legality),
    "IntegerLookup": Rule(takes="strings", infer=_lookup, legality=_lookup_legality),
    "Normalization": Rule(takes="booleans", infer=_normalization, legality=_normalization_legality),
    "Rescaling": Rule(takes="booleans", infer=_rescaling),
    "ReversibleEmbedding": Rule(takes="strings", infer=_reversible),
    "StringLookup": Rule(takes="strings", infer=_lookup, legality=_lookup_legality),
}
