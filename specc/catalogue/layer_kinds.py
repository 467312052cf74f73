"""The kind of every argument of every layer: by argument name, by spatial rank, and by layer where names are shared."""

from __future__ import annotations

import re
from typing import Final

from specc.catalogue.kinds import (
    ACTIVATION,
    ANY_POLICY,
    AXES,
    AXIS,
    BOOL,
    CONSTRAINT,
    COUNT,
    DATA_FORMAT,
    DENSE_ONLY,
    FLOAT_POLICY,
    FRACTION,
    INITIALIZER,
    INTEGER,
    INTEGERS,
    LAYER,
    LAYERS,
    NON_NEGATIVE,
    NOTHING,
    NUMBER,
    NUMBER_LIST,
    NUMBERS,
    POSITIVE_INTEGER,
    POSITIVE_INTEGERS,
    POSITIVE_NUMBER,
    REGULARIZER,
    SEED,
    STRING,
    STRINGS,
    TENSOR,
    TENSORS,
    Kind,
    checked,
    choice,
    either,
    never,
    number,
    refuse,
    repeated,
    sequence,
    whole,
)

_PAIR: Final = sequence(NUMBER, "a list of 2 numbers", count=2)


def _factor(low: float, high: float) -> Kind:
    """How strongly a random layer changes its images: a number, or the two ends that it is drawn between."""
    one = number("", ge=low, le=high)
    return either(f"a number in {low:g}..{high:g} or a list of 2 of them", one, sequence(one, "", count=2))


def _odd(value: tuple[int, ...]) -> tuple[int, ...]:
    if any(size % 2 == 0 for size in value):
        raise refuse("the sizes of a blur must be odd")
    return value


_BELOW_ONE: Final = number("a number of 0 or more, and below 1", ge=0, lt=1)
_FACTOR: Final = _factor(-1, 1)
_UNIT_FACTOR: Final = _factor(0, 1)
_INTERPOLATION: Final = choice("bilinear", "nearest")
_FILL_MODE: Final = choice("constant", "reflect", "wrap", "nearest")
_OUTPUT_MODE: Final = choice("int", "one_hot", "multi_hot", "count")
_WINDOW: Final = choice("hann", "hamming", none=True)


def _noise_shape(value: tuple[int | None, ...]) -> tuple[int | None, ...]:
    if value[0] is not None:
        raise refuse("its first entry is the batch axis and must be none", "write `noise_shape=[none, …]`")
    return value


_NOISE_SHAPE: Final = checked(
    sequence(POSITIVE_INTEGER.optional(), "a list of positive integers and none, batch axis first", least=1),
    _noise_shape,
)


def _permutation(value: tuple[int, ...]) -> tuple[int, ...]:
    if sorted(value) != list(range(1, len(value) + 1)):
        raise refuse(f"{list(value)} is no order of the axes 1..{len(value)}; axis 0 is the batch")
    return value


def _target_shape(value: tuple[int, ...]) -> tuple[int, ...]:
    if any(size < -1 or size == 0 for size in value):
        raise refuse("a size is a positive integer, or -1 for what is left")
    if value.count(-1) > 1:
        raise refuse("only one size may be -1")
    return value


TARGET_SHAPE: Final = checked(sequence(INTEGER, "a list of sizes, one of which may be -1"), _target_shape)
_SIZES: Final = either("a positive integer or a list of them", POSITIVE_INTEGER, POSITIVE_INTEGERS)

BY_NAME: Final[dict[str, Kind]] = {
    "activation": ACTIVATION, "recurrent_activation": ACTIVATION, "activity_regularizer": REGULARIZER,
    "trainable": BOOL, "dtype": FLOAT_POLICY, "data_format": DATA_FORMAT, "use_bias": BOOL, "seed": SEED,
    "units": POSITIVE_INTEGER, "filters": POSITIVE_INTEGER, "groups": POSITIVE_INTEGER,
    "depth_multiplier": POSITIVE_INTEGER, "padding": choice("valid", "same"), "epsilon": POSITIVE_NUMBER,
    "momentum": FRACTION, "center": BOOL, "scale": BOOL, "axis": AXES, "axes": AXES, "normalize": BOOL,
    "rate": FRACTION, "noise_shape": _NOISE_SHAPE, "stddev": NON_NEGATIVE, "alpha": NON_NEGATIVE,
    "l1": NON_NEGATIVE, "l2": NON_NEGATIVE, "n": POSITIVE_INTEGER, "dims": checked(INTEGERS, _permutation),
    "target_shape": TARGET_SHAPE, "input_dim": POSITIVE_INTEGER, "output_dim": POSITIVE_INTEGER, "mask_zero": BOOL,
    "max_value": NON_NEGATIVE, "negative_slope": NON_NEGATIVE, "threshold": NON_NEGATIVE, "shared_axes": AXES,
    "equation": STRING, "bias_axes": STRING, "keepdims": BOOL, "mask_value": NUMBER,
    "lora_rank": POSITIVE_INTEGER, "lora_alpha": POSITIVE_NUMBER, "quantization_config": NOTHING,
    "gptq_unpacked_column_size": NOTHING, "weights": NOTHING,
    # recurrent
    "dropout": FRACTION, "recurrent_dropout": FRACTION, "return_sequences": BOOL, "return_state": BOOL,
    "go_backwards": BOOL,
    "stateful": never("a state that outlives a call needs a fixed batch size"),
    "unroll": BOOL, "unit_forget_bias": BOOL, "reset_after": BOOL,
    "use_cudnn": either('true, false or "auto"', BOOL, choice("auto")), "zero_output_for_mask": BOOL,
    "merge_mode": choice("concat", "sum", "mul", "ave", none=True), "layer": LAYER, "backward_layer": LAYER,
    "cell": LAYER, "cells": LAYERS, "power_iterations": POSITIVE_INTEGER,
    # attention
    "num_heads": POSITIVE_INTEGER, "key_dim": POSITIVE_INTEGER, "value_dim": POSITIVE_INTEGER,
    "head_dim": POSITIVE_INTEGER, "num_query_heads": POSITIVE_INTEGER, "num_key_value_heads": POSITIVE_INTEGER,
    "attention_axes": AXES, "sliding_window": POSITIVE_INTEGER, "flash_attention": BOOL, "use_gate": BOOL,
    "use_scale": BOOL, "score_mode": choice("dot", "concat"),
    # batch normalisation's renormalisation takes a dictionary of clippings
    "renorm": BOOL, "renorm_clipping": NOTHING, "renorm_momentum": FRACTION, "synchronized": BOOL,
    # preprocessing
    "height": POSITIVE_INTEGER, "width": POSITIVE_INTEGER, "interpolation": _INTERPOLATION, "fill_mode": _FILL_MODE,
    "fill_value": NUMBER, "crop_to_aspect_ratio": BOOL, "pad_to_aspect_ratio": BOOL, "antialias": BOOL,
    "offset": NUMBERS, "mean": NUMBERS, "variance": NUMBERS, "invert": BOOL, "num_tokens": POSITIVE_INTEGER,
    "sparse": DENSE_ONLY, "output_mode": _OUTPUT_MODE, "num_bins": POSITIVE_INTEGER, "bin_boundaries": NUMBER_LIST,
    "salt": either("an integer or a list of 2", COUNT, sequence(COUNT, "", count=2)),
    "max_tokens": POSITIVE_INTEGER, "num_oov_indices": COUNT, "mask_token": INTEGER, "oov_token": INTEGER,
    "vocabulary": sequence(INTEGER, "a list of integers", least=1), "vocabulary_dtype": choice("int32", "int64"),
    "idf_weights": NUMBER_LIST, "pad_to_max_tokens": BOOL, "oov_method": choice("floormod", "farmhash"),
    "encoding": choice("utf-8"),
    # spectrograms
    "mode": choice("log", "magnitude", "psd", "real", "imag", "angle", "stft"), "frame_length": POSITIVE_INTEGER,
    "frame_step": POSITIVE_INTEGER, "fft_length": POSITIVE_INTEGER, "window": _WINDOW, "periodic": BOOL,
    "scaling": choice("density", "spectrum", none=True), "expand_dims": BOOL, "sequence_stride": POSITIVE_INTEGER,
    "sequence_length": POSITIVE_INTEGER, "sampling_rate": POSITIVE_INTEGER, "num_mel_bins": POSITIVE_INTEGER,
    "min_freq": NON_NEGATIVE, "max_freq": POSITIVE_NUMBER, "power_to_db": BOOL, "top_db": POSITIVE_NUMBER,
    "mag_exp": POSITIVE_NUMBER, "min_power": POSITIVE_NUMBER, "ref_power": POSITIVE_NUMBER,
    # random images
    "value_range": _PAIR, "factor": _FACTOR, "x_factor": _UNIT_FACTOR, "y_factor": _UNIT_FACTOR,
    "height_factor": _FACTOR, "width_factor": _FACTOR, "brightness_factor": _FACTOR, "contrast_factor": _FACTOR,
    "saturation_factor": _FACTOR, "hue_factor": _FACTOR, "addition_factor": _FACTOR, "threshold_factor": _FACTOR,
    "num_chains": POSITIVE_INTEGER, "chain_depth": POSITIVE_INTEGER, "num_ops": POSITIVE_INTEGER, "all_ops": BOOL,
    "sigma": _FACTOR, "clip_limit": POSITIVE_NUMBER, "bins": POSITIVE_INTEGER,
    "tile_grid_size": repeated(POSITIVE_INTEGER, 2, "a positive integer"),
    # reversible embeddings
    "tie_weights": BOOL, "reverse_dtype": FLOAT_POLICY, "logit_soft_cap": POSITIVE_NUMBER,
    # call arguments
    "mask": TENSOR, "initial_state": TENSORS, "query_mask": TENSOR, "value_mask": TENSOR, "key_mask": TENSOR,
    "attention_mask": TENSOR, "return_attention_scores": BOOL, "use_causal_mask": BOOL, "count_weights": TENSOR,
    "reverse": BOOL,
}  # fmt: skip
"""What an argument of this name is wherever `BY_LAYER` and the spatial rank do not say otherwise."""

BY_LAYER: Final[dict[tuple[str, str], Kind]] = {
    ("BatchNormalization", "axis"): AXIS, ("Concatenate", "axis"): AXIS, ("GroupNormalization", "axis"): AXIS,
    ("Normalization", "axis"): AXES.optional(), ("GroupNormalization", "groups"): whole("a positive integer or -1", -1),
    ("EinsumDense", "output_shape"): either(
        "a positive integer or a list of sizes, where none is a size to be inferred",
        POSITIVE_INTEGER, sequence(POSITIVE_INTEGER.optional(), "", least=1),
    ),
    ("MultiHeadAttention", "output_shape"): _SIZES,
    ("Masking", "mask_value"): NUMBER, ("Hashing", "mask_value"): either("an integer or a string", INTEGER, STRING),
    ("Rescaling", "scale"): NUMBERS, ("RandomElasticTransform", "scale"): _UNIT_FACTOR,
    ("RandomPerspective", "scale"): FRACTION, ("RandomErasing", "scale"): _UNIT_FACTOR,
    ("RandomGaussianBlur", "kernel_size"): checked(repeated(POSITIVE_INTEGER, 2, "an odd positive integer"), _odd),
    ("RandomPosterization", "factor"): _factor(1, 8), ("Solarization", "addition_factor"): _factor(0, 255),
    ("Solarization", "threshold_factor"): _factor(0, 255),
    **{
        (layer, "factor"): _UNIT_FACTOR
        for layer in (
            "AugMix", "RandAugment", "RandomContrast", "RandomElasticTransform", "RandomErasing", "RandomGaussianBlur",
            "RandomGrayscale", "RandomHue", "RandomInvert", "RandomPerspective", "RandomSaturation", "RandomSharpness",
            "RandomColorDegeneration",
        )
    },
   
    ("ELU", "alpha"): NUMBER, ("AugMix", "alpha"): POSITIVE_NUMBER,
    ("GaussianDropout", "rate"): _BELOW_ONE, ("AlphaDropout", "rate"): _BELOW_ONE,
    ("UpSampling2D", "interpolation"): choice("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"),
    ("Resizing", "interpolation"): choice("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5", "area"),
    ("RandomFlip", "mode"): choice("horizontal", "vertical", "horizontal_and_vertical"),
    ("CategoryEncoding", "output_mode"): choice("multi_hot", "one_hot", "count"),
    ("Hashing", "output_mode"): _OUTPUT_MODE, ("Discretization", "output_mode"): _OUTPUT_MODE,
    ("StringLookup", "output_mode"): _OUTPUT_MODE, ("IntegerLookup", "output_mode"): _OUTPUT_MODE,
    ("StringLookup", "mask_token"): STRING, ("StringLookup", "oov_token"): STRING,
    ("StringLookup", "vocabulary"): STRINGS,
    ("UpSampling1D", "size"): POSITIVE_INTEGER,
    ("Conv1D", "padding"): choice("valid", "same", "causal"),
    ("SeparableConv1D", "padding"): choice("valid", "same", "causal"),
    ("GroupQueryAttention", "dropout"): FRACTION,
    **{
        (layer, "dtype"): ANY_POLICY
        for layer in ("CategoryEncoding", "Discretization", "Hashing", "IntegerLookup", "StringLookup")
    },
    **{
        (layer, "dtype"): Kind(None, "left out and given to the layer within, or none")
        for layer in ("Bidirectional", "SpectralNormalization", "TimeDistributed")
    },
    **{
        (layer, "mask"): sequence(TENSOR.optional(), "a list of tensors, one for each input", least=2)
        for layer in ("Attention", "AdditiveAttention")
    },
}  # fmt: skip
"""Where the same name means something else in one layer."""

_INITIALIZERS: Final = re.compile(r"\w+_initializer$")
_REGULARIZERS: Final = re.compile(r"\w+_regularizer$")
_CONSTRAINTS: Final = re.compile(r"\w+_constraint$")
_SPATIAL: Final = re.compile(r"([123])D")
_SPATIAL_SIZES: Final = frozenset({"kernel_size", "strides", "dilation_rate", "pool_size", "size", "output_size"})


def kind_of(layer: str, argument: str) -> Kind:
    """The kind of an argument of a layer.

    Raises:
        KeyError: the tables do not know the argument: Keras has got a new one.
    """
    if (layer, argument) in BY_LAYER:
        return BY_LAYER[layer, argument]
    if spatial := _SPATIAL.search(layer):
        kind = _spatial_kind(layer, argument, int(spatial[1]))
        if kind is not None:
            return kind
    for pattern, kind in ((_INITIALIZERS, INITIALIZER), (_REGULARIZERS, REGULARIZER), (_CONSTRAINTS, CONSTRAINT)):
        if pattern.match(argument):
            return kind
    return BY_NAME[argument]


def _spatial_kind(layer: str, argument: str, rank: int) -> Kind | None:
    if argument in _SPATIAL_SIZES:
        return repeated(POSITIVE_INTEGER, rank, "a positive integer")
    if argument == "output_padding":
        return repeated(COUNT, rank, "an integer of 0 or more")
    if (layer.startswith("ZeroPadding") and argument == "padding") or argument == "cropping":
        return _borders(rank)
    return None


def _borders(rank: int) -> Kind:
    """`1`, `[1, 2]` or `[[1, 2], [3, 4]]`: what is added to or cut from the two ends of each spatial axis."""
    pair = sequence(COUNT, "", count=2)
    if rank == 1:
        return repeated(COUNT, 2, "an integer of 0 or more")
    ends = sequence(pair, f"{rank} pairs", count=rank)
    wants = f"an integer of 0 or more, a list of {rank}, or {rank} pairs of them"
    return either(wants, ends, COUNT, sequence(COUNT, "", count=rank))
