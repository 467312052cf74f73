"""Rules of Dense, EinsumDense, Embedding and the layers that pass values on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from specc.catalogue.entries import ArgumentFault
from specc.catalogue.facts import Fault, LayerFacts, WeightFact
from specc.catalogue.ranges import activated, dropped, with_zero
from specc.catalogue.rules.base import Call, Rule, same, size, unchanged, unknown_size
from specc.types import ANYTHING, FLOAT_DTYPES, Shape, product


def lora(arguments: Mapping[str, Any], kernel: Shape, name: str = "kernel") -> tuple[WeightFact, ...]:
    """The kernel, and with `lora_rank` the two factors that are trained in its place.

    Source: Hu et al., https://arxiv.org/abs/2106.09685
    """
    rank = arguments.get("lora_rank")
    if rank is None:
        return (WeightFact(name, kernel),)
    factors = (
        WeightFact(f"lora_{name}_a", (*kernel[:-1], rank)),
        WeightFact(f"lora_{name}_b", (rank, kernel[-1])),
    )
    return (WeightFact(name, kernel, trainable=False), *factors)


def bias(call: Call, shape: Shape) -> tuple[WeightFact, ...]:
    return (WeightFact("bias", shape),) if call.arguments["use_bias"] else ()


def lora_legality(arguments: Mapping[str, Any]) -> Iterator[ArgumentFault]:
    """Keras refuses low-rank updates of a constrained matrix."""
    constraint = "kernel_constraint" if "kernel_constraint" in arguments else "embeddings_constraint"
    if arguments.get("lora_rank") and arguments.get(constraint) is not None:
        yield ArgumentFault("lora_rank", "illegal-value", f"`lora_rank` and `{constraint}` exclude each other")


def _dense_kernel(call: Call) -> Shape | None:
    features = size(call.shape[-1])
    return None if features is None else (features, call.arguments["units"])


def _dense(call: Call) -> LayerFacts | Fault:
    kernel = _dense_kernel(call)
    if kernel is None:
        return unknown_size(call, "the size of the last axis", call.shape)
    units = call.arguments["units"]
    weights = (*lora(call.arguments, kernel), *bias(call, (units,)))
    values = activated(ANYTHING, call.arguments["activation"])
    return call.facts((*call.shape[:-1], units), values, *weights, macs=product(call.shape) * units)


def _units(call: Call) -> Shape:
    return (call.arguments["units"],)


def _embedding(call: Call) -> LayerFacts | Fault:
    rows, columns = call.arguments["input_dim"], call.arguments["output_dim"]
    if call.input.dtype in (*FLOAT_DTYPES, "string", "bool"):
        message = f"{call.layer} looks up integers, the input is {call.input}"
        return Fault("dtype-mismatch", message, 'declare the input as int32, or `cast(x, "int32")`', input=0)
    if call.input.interval.outside(0, rows - 1):
        message = f"{call.layer} has rows 0..{rows - 1}, the input's values are {call.input.interval}"
        return Fault("argument-shape", message, argument="input_dim", input=0)
    weights = lora(call.arguments, (rows, columns), "embeddings")
    return call.facts((*call.shape, columns), ANYTHING, *weights)


def _dropout(call: Call) -> LayerFacts | Fault:
    noise = call.arguments.get("noise_shape")
    if noise is not None:
        refused = _refused_noise(call, noise[1:])
        if refused is not None:
            return refused
    # Alpha dropout shifts what it keeps, so that mean and variance stay (https://arxiv.org/abs/1706.02515).
    values = ANYTHING if call.layer == "AlphaDropout" else dropped(call.input.interval, call.arguments["rate"])
    return call.facts(call.shape, values, dtype=call.input.dtype)


def _refused_noise(call: Call, noise: tuple[int | None, ...]) -> Fault | None:
    fits = len(noise) == len(call.shape) and all(
        entry in (None, 1) or size(dim) in (None, entry) for entry, dim in zip(noise, call.shape, strict=True)
    )
    if fits:
        return None
    message = f"`noise_shape` has to broadcast into the input {call.input}"
    return Fault("argument-shape", message, argument="noise_shape")


def _masking(call: Call) -> LayerFacts:
    return call.facts(call.shape, with_zero(call.input.interval), dtype=call.input.dtype)


RULES: Final = {
    "ActivityRegularization": Rule(infer=unchanged),
    "AlphaDropout": Rule(infer=_dropout),
    "Dense": Rule(
        takes="booleans", infer=_dense, least_rank=1, legality=lora_legality, kernel=_dense_kernel, bias=_units
    ),
    "Dropout": Rule(infer=_dropout),
    "Embedding": Rule(takes="strings", infer=_embedding, legality=lora_legality),
    "GaussianDropout": Rule(infer=same),
    "GaussianNoise": Rule(infer=same),
    "Identity": Rule(takes="strings", infer=unchanged),
    "Masking": Rule(takes="integers", infer=_masking, least_rank=1),
    "SpatialDropout1D": Rule(infer=_dropout, axes=("steps", "channels")),
    "SpatialDropout2D": Rule(infer=_dropout, axes=("height", "width", "channels")),
    "SpatialDropout3D": Rule(infer=_dropout, axes=("depth", "height", "width", "channels")),
}
