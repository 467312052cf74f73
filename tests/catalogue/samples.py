"""Generates arguments and input shapes for every layer: mostly legal ones, some not."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from specc.catalogue import Configured, LayerEntry, StageReference
from specc.catalogue.rules import RULES, images
from tests.catalogue.tensor_samples import Dims, tensor_arguments


@dataclass(frozen=True)
class Sample:
    """A layer with arguments, called on inputs of these per-sample shapes (none: unknown) and dtypes."""

    layer: str
    arguments: dict[str, Any]
    shapes: tuple[Dims, ...]
    dtypes: tuple[str, ...]
    tensors: dict[str, tuple[Dims, str]] = field(default_factory=dict)
    """The per-sample shapes and dtypes of the tensors among the arguments, by port."""

    def __str__(self) -> str:
        return f"{self.layer}({self.arguments}) on {list(zip(self.shapes, self.dtypes, strict=True))}, {self.tensors}"


_LSTM: Final = StageReference("LSTM", {"units": 3})
_SEQUENCES: Final = StageReference("GRU", {"units": 2, "return_sequences": True})
_CELL: Final = StageReference("LSTMCell", {"units": 3})
_SMALL: Final = [1, 2, 3]

VALUES: Final[dict[str, Sequence[Any]]] = {
    "units": [1, 2, 5],
    "filters": [1, 2, 4, 6],
    "groups": [1, 1, 2, 3],
    "depth_multiplier": _SMALL,
    "padding": ["valid", "same", "same"],
    "data_format": ["channels_last", "channels_first"],
    "use_bias": [True, False],
    "kernel_size": _SMALL,
    "strides": _SMALL,
    "dilation_rate": [1, 1, 2],
    "pool_size": _SMALL,
    "size": _SMALL,
    "output_size": _SMALL,
    "output_padding": [0, 1],
    "cropping": [0, 1, 2],
    "axis": [-1, 1, 2, -2, 0, 3, (1, 2), [-1]],
    "axes": [1, 2, -1, (1, 2), [2, 1], (0, 1)],
    "activation": ["relu", "softmax", "tanh", None],
    "recurrent_activation": ["sigmoid", "hard_sigmoid"],
    "trainable": [False, True],
    "dtype": ["float32", "float16", "mixed_float16", "float64", "bfloat16"],
    "rate": [0.0, 0.3, 1.0],
    "noise_shape": [None, (None, 1), (None, 1, 3), (None, None, None, 1)],
    "momentum": [0.9],
    "epsilon": [1e-3],
    "center": [True, False],
    "scale": [True, False],
    "normalize": [True, False],
    "stddev": [0.5],
    "alpha": [0.5, 1.0],
    "l1": [0.1],
    "l2": [0.1],
    "n": _SMALL,
    "dims": [(1,), (2, 1), (1, 2), (2, 3, 1), (3, 2, 1)],
    "target_shape": [(-1,), (2, -1), (3, 4), (-1, 2, 2), (12,), (24,), (5, 5)],
    "input_dim": [4, 7],
    "output_dim": [2, 3],
    "mask_zero": [True, False],
    "max_value": [6.0],
    "negative_slope": [0.1, 0.0],
    "threshold": [0.0, 1.0],
    "shared_axes": [None, [1], [1, 2], 1],
    "keepdims": [True, False],
    "mask_value": [0.0],
    "lora_rank": [None, 2],
    "lora_alpha": [None, 4],
    "equation": ["abc,cd->abd", "ab,bc->ac", "...x,xy->...y", "abcd,cde->abe", "ab...,bc->ac..."],
    "output_shape": [4, (None, 4), (3, 4), (4, 2)],
    "bias_axes": [None, "c", "d", "y", "e"],
    "dropout": [0.0, 0.2],
    "recurrent_dropout": [0.0, 0.1],
    "return_sequences": [True, False],
    "return_state": [True, False],
    "go_backwards": [False, True],
    "unroll": [False, True],
    "reset_after": [True, False],
    "unit_forget_bias": [True, False],
    "merge_mode": ["concat", "sum", "mul", "ave", None],
    "backward_layer": [None],
    "layer": [
        _LSTM,
        StageReference("Dense", {"units": 4}),
        _SEQUENCES,
        StageReference("LSTM", {"units": 2, "return_state": True}),
        StageReference("Conv2D", {"filters": 2, "kernel_size": 2}),
        StageReference("ReLU", {}),
        StageReference("ConvLSTM1D", {"filters": 2, "kernel_size": 2}),
    ],
    "cell": [
        _CELL,
        StageReference("GRUCell", {"units": 2}),
        StageReference("SimpleRNNCell", {"units": 2, "use_bias": False}),
        StageReference("StackedRNNCells", {"cells": [_CELL, StageReference("GRUCell", {"units": 4})]}),
        StageReference("Dense", {"units": 2}),
    ],
    "power_iterations": [1, 2],
    "num_heads": _SMALL,
    "key_dim": _SMALL,
    "value_dim": [None, 2, 4],
    "head_dim": _SMALL,
    "num_query_heads": [2, 4],
    "num_key_value_heads": [1, 2, 3],
    "attention_axes": [None, 1, (1, 2), 2],
    "sliding_window": [None, 2],
    "flash_attention": [None, False],
    "use_gate": [False, True],
    "use_scale": [True, False],
    "score_mode": ["dot", "concat"],
    "renorm": [False, True],
    "return_attention_scores": [False, True],
    "use_causal_mask": [False, True],
    "height": [2, 3, 8],
    "width": [2, 3, 8],
    "crop_to_aspect_ratio": [False, True],
    "pad_to_aspect_ratio": [False, True],
    "antialias": [False, True],
    "fill_mode": ["constant"],
    "offset": [0.0, 1.0, [1.0, 2.0, 3.0]],
    "mean": [None, 0.5, [1.0, 2.0, 3.0]],
    "variance": [None, 2.0, [1.0, 2.0, 3.0]],
    "invert": [False, True],
    "num_tokens": [3, 4, None],
    "output_mode": ["int", "one_hot", "multi_hot", "count"],
    "num_bins": [3, 4],
    "bin_boundaries": [[0.0, 1.0], [0.5], None],
    "salt": [None, 3],
    "num_oov_indices": [0, 1, 2],
    "mask_token": [None],
    "vocabulary": [[1, 5, 7], [3, 4], None],
    "vocabulary_dtype": ["int64"],
    "max_tokens": [None, 3, 9],
    "pad_to_max_tokens": [False, True],
    "mode": ["log", "magnitude", "psd", "real", "imag", "angle", "stft"],
    "frame_length": [2, 4, 5],
    "frame_step": [None, 1, 2, 6],
    "fft_length": [None, 4, 8],
    "window": ["hann", None],
    "expand_dims": [False, True],
    "scaling": ["density", None],
    "sequence_stride": [2, 3],
    "sequence_length": [None, 4],
    "num_mel_bins": [4],
    "sampling_rate": [16000],
    "value_range": [[0, 255], [0, 1]],
    "factor": [0.2, 0.5, 3.0],
    "tie_weights": [True, False],
    "reverse_dtype": [None],
    "logit_soft_cap": [None, 2.0],
    "reverse": [False, True],
    "kernel_initializer": ["he_normal", Configured("HeNormal", "initializer", {"seed": 1})],
    "kernel_regularizer": [None, Configured("L2", "regularizer", {"l2": 1e-3})],
    "kernel_constraint": [None, "non_neg"],
    "sigma": [1.0],
    "x_factor": [0.1],
    "y_factor": [0.1],
    "height_factor": [0.1],
    "width_factor": [0.1],
    "brightness_factor": [0.1],
    "contrast_factor": [0.1],
    "hue_factor": [0.1],
    "saturation_factor": [0.1],
    "threshold_factor": [0.1],
    "addition_factor": [0.1],
    "num_chains": [2],
    "chain_depth": [2],
    "num_ops": [2],
    "activity_regularizer": [None, "l2"],
    "quantization_config": [None],
    "weights": [None],
    "seed": [None, 3],
    "synchronized": [False],
}
"""What may be drawn for an argument of this name; arguments without an entry keep their default."""

OVERRIDES: Final[dict[tuple[str, str], Sequence[Any]]] = {
    ("Concatenate", "axis"): [-1, 1, 2, -2, 0, 5],
    ("BatchNormalization", "axis"): [-1, 1, 2, 0],
    ("GroupNormalization", "axis"): [-1, 1, 2, 0],
    ("GroupNormalization", "groups"): [1, 2, 3, -1],
    ("Normalization", "axis"): [-1, 1, None, (1, 2), 0],
    ("Softmax", "axis"): [-1, 1, 2, 0, (1, 2)],
    ("MultiHeadAttention", "output_shape"): [None, 3, (2, 3)],
    ("Rescaling", "scale"): [2.0, [1.0, 2.0, 3.0]],
    ("StringLookup", "vocabulary"): [["a", "b"], None],
    ("Hashing", "mask_value"): [None, "x"],
    ("RandomGaussianBlur", "kernel_size"): [3],
    ("RandomErasing", "scale"): [(0.1, 0.3)],
    ("RandomElasticTransform", "scale"): [1.0],
    ("RandomPerspective", "scale"): [1.0],
    ("RandomFlip", "mode"): ["horizontal", "vertical"],
    ("CategoryEncoding", "output_mode"): ["one_hot", "multi_hot", "count"],
    ("AugMix", "alpha"): [1.0],
    ("Conv1D", "padding"): ["valid", "same", "causal"],
    ("SpectralNormalization", "layer"): [
        StageReference("Dense", {"units": 4}),
        StageReference("ReLU", {}),
        StageReference("Conv1D", {"filters": 2, "kernel_size": 2}),
    ],
    ("TimeDistributed", "layer"): [
        StageReference("Dense", {"units": 4}),
        StageReference("Flatten", {}),
        StageReference("LSTM", {"units": 2}),
        StageReference("Conv1D", {"filters": 2, "kernel_size": 2}),
    ],
    ("Hashing", "dtype"): [None, "int32", "float32"],
    ("Discretization", "dtype"): [None, "float32"],
    ("BatchNormalization", "renorm"): [False, True],
    ("MelSpectrogram", "fft_length"): [8],
    ("ZeroPadding2D", "padding"): [1, (1, 2), ((1, 0), (2, 1))],
    ("ZeroPadding3D", "padding"): [1, (1, 0, 2)],
    ("ZeroPadding1D", "padding"): [1, (1, 2)],
    ("Cropping1D", "cropping"): [1, (1, 2)],
    ("Cropping2D", "cropping"): [1, (1, 2), ((1, 0), (2, 1))],
    ("Cropping3D", "cropping"): [1, (1, 0, 2)],
    ("ELU", "alpha"): [0.5, 2.0],
    ("RandomFlip", "data_format"): ["channels_last"],
}

RECIPES: Final[dict[str, Sequence[tuple[dict[str, Any], Sequence[Dims]]]]] = {
    "Bidirectional": [
        ({"layer": StageReference("LSTM", {"units": 3, "return_sequences": True})}, [(4, 3)]),
        ({"layer": StageReference("GRU", {"units": 2, "reset_after": False})}, [(None, 3)]),
        ({"layer": StageReference("LSTM", {"units": 2, "return_state": True})}, [(4, 3)]),
        (
            {
                "layer": StageReference("SimpleRNN", {"units": 2}),
                "backward_layer": StageReference("GRU", {"units": 2, "go_backwards": True}),
            },
            [(4, 3)],
        ),
        (
            {
                "layer": StageReference("SimpleRNN", {"units": 2}),
                "backward_layer": StageReference("GRU", {"units": 3, "go_backwards": True}),
            },
            [(4, 3)],
        ),
        (
            {"layer": StageReference("SimpleRNN", {"units": 2}), "backward_layer": StageReference("GRU", {"units": 2})},
            [(4, 3)],
        ),
        ({"layer": StageReference("Dense", {"units": 2})}, [(4, 3)]),
        ({"layer": StageReference("ConvLSTM1D", {"filters": 2, "kernel_size": 2})}, [(4, 5, 3)]),
        ({"layer": StageReference("RNN", {"cell": _CELL})}, [(4, 3)]),
    ],
    "EinsumDense": [
        ({"equation": "abc,cd->abd", "output_shape": (None, 4)}, [(3, 2), (None, 2)]),
        ({"equation": "abc,cd->abd", "output_shape": (3, 4), "bias_axes": "d"}, [(3, 2), (2, 2)]),
        ({"equation": "ab,bc->ac", "output_shape": 4, "bias_axes": "c"}, [(3,)]),
        ({"equation": "...x,xy->...y", "output_shape": 4, "bias_axes": "y"}, [(3,), (2, 3), (5, 2, 3)]),
        ({"equation": "abcd,cde->abe", "output_shape": (None, 4), "bias_axes": "be"}, [(3, 2, 2), (3, None, 2)]),
        ({"equation": "ab...,bc->ac...", "output_shape": 4, "bias_axes": "c"}, [(3, 2), (3, 2, 2)]),
        ({"equation": "abc,bcd->ad", "output_shape": 5}, [(3, 2)]),
        ({"equation": "abc,de->abd", "output_shape": (3, 5)}, [(3, 2)]),
        ({"equation": "abc,cd->abd", "output_shape": 4}, [(3, 2)]),
        ({"equation": "abc,cd->abe", "output_shape": (3, 4)}, [(3, 2)]),
        ({"equation": "abc->ab", "output_shape": (3,)}, [(3, 2)]),
    ],
    "GroupNormalization": [({"groups": groups}, [(4, 4, 6), (2, 6), (6,)]) for groups in (1, 2, 3, 4, -1)],
    "IntegerLookup": [
        ({"vocabulary": [1, 5, 7], "output_mode": mode}, [(3,), (3, 1), (1,)])
        for mode in ("int", "one_hot", "multi_hot", "count")
    ],
    "StringLookup": [
        ({"vocabulary": ["a", "b"], "output_mode": mode}, [(3,), (3, 1), ()])
        for mode in ("int", "one_hot", "multi_hot", "count")
    ],
    "CategoryEncoding": [
        ({"num_tokens": 3, "output_mode": mode}, [(3,), (3, 1), (1,), ()]) for mode in ("one_hot", "multi_hot", "count")
    ],
    "Discretization": [
        ({"bin_boundaries": [0.0, 1.0], "output_mode": mode}, [(3,), (3, 1), (1,)])
        for mode in ("int", "one_hot", "multi_hot", "count")
    ],
    "Permute": [({"dims": (2, 1)}, [(3, 2), (3, None), (3,)]), ({"dims": (3, 1, 2)}, [(3, 2, 4)])],
    "Reshape": [
        ({"target_shape": target}, [(3, 4), (12,), (None, 4), (5, 5), (2, 3, 4)])
        for target in ((3, 4), (-1, 2), (12,), (24, -1))
    ],
    "Normalization": [
        ({"mean": [1.0, 2.0, 3.0], "variance": [1.0, 2.0, 3.0]}, [(2, 3), (3,), (2, 2)]),
        ({"mean": 1.0, "variance": 2.0, "axis": None}, [(2, 3), ()]),
    ],
    "ReversibleEmbedding": [
        ({"input_dim": 5, "output_dim": 3}, [(), (4,), (None,)]),
        ({"input_dim": 5, "output_dim": 3, "reverse": True}, [(4, 3), (3,), (2, 2)]),
    ],
    "RandomColorDegeneration": [({"factor": 0.2}, [(4, 4, 3), (None, None, 3)])],
    "RandomPosterization": [({"factor": 3}, [(4, 4, 3)])],
    "STFTSpectrogram": [({"frame_length": 4}, [(8, 2), (None, 2), (3, 1)])],
    "Dot": [({"axes": axes}, [(3, 3), (3,)]) for axes in (1, 2, (1, 2), -1, 0)],
    "ConvLSTM2D": [({"filters": 2, "kernel_size": 2}, [(2, 4, 4, 1)])],
    "TimeDistributed": [
        ({"layer": StageReference("Dense", {"units": 4})}, [(3, 2), (None, 2), (3,)]),
        ({"layer": StageReference("Conv2D", {"filters": 2, "kernel_size": 3, "padding": "same"})}, [(2, 4, 4, 1)]),
        ({"layer": StageReference("BatchNormalization", {})}, [(2, 4, 3)]),
    ],
}
"""Arguments that depend on each other, with shapes that suit them: half of a layer's samples start from these."""

IMAGES: Final = frozenset(images.RULES)
_LISTED: Final = frozenset({"kernel_size", "strides", "pool_size", "size", "dilation_rate", "output_size"})


def arguments(entry: LayerEntry, draw: random.Random) -> dict[str, Any]:
    """All required arguments and some of the others."""
    drawn: dict[str, Any] = {}
    rank = next((int(name) for name in entry.name if name in "123"), 0)
    for argument in entry.accepted:
        pool = OVERRIDES.get((entry.name, argument.name), VALUES.get(argument.name))
        if pool is None:
            assert not argument.required, (entry.name, argument.name)
            continue
        if argument.required or draw.random() < 0.25:
            value = draw.choice(pool)
            if rank and argument.name in _LISTED and draw.random() < 0.3:
                value = [draw.choice(pool) for _ in range(rank)]
            drawn[argument.name] = value
    if "dtype" in drawn and draw.random() < 0.6:
        del drawn["dtype"]
    return drawn


def shapes(entry: LayerEntry, draw: random.Random) -> tuple[Dims, ...]:
    """Input shapes that mostly suit the layer: equal ones for merges, a sequence or an image where one is wanted."""
    rule = RULES[entry.name]
    most = rule.most_inputs or 3
    count = draw.randint(rule.least_inputs, max(most, rule.least_inputs))
    if entry.name in IMAGES and draw.random() < 0.9:
        return (draw.choice([(8, 8, 3), (6, 6, 3), (None, None, 3), (9, 8, 1)]),)
    rank = len(rule.axes) if rule.axes else draw.choice([0, 1, 1, 2, 2, 3, 3])
    if draw.random() < 0.06:
        rank = draw.choice([0, 1, 2, 3, 4])
    first = tuple(draw.choice([1, 2, 3, 4, 6, 6]) for _ in range(rank))
    result = []
    for _ in range(count):
        shape: list[int | None] = list(first)
        if shape and draw.random() < 0.12:
            shape[draw.randrange(len(shape))] = draw.choice([None, None, 1, 5])
        result.append(tuple(shape))
    return tuple(result)


def sample(entry: LayerEntry, draw: random.Random) -> Sample:
    chosen, given = shapes(entry, draw), arguments(entry, draw)
    if entry.name in RECIPES and draw.random() < 0.5:
        fixed, fitting = draw.choice(RECIPES[entry.name])
        given = {**given, **fixed}
        chosen = (draw.choice(fitting),) * len(chosen)
    dtype = "float32"
    if entry.name in ("Embedding", "CategoryEncoding", "IntegerLookup"):
        dtype = draw.choice(["int32", "int64", "int32", "float32"])
    elif entry.name == "StringLookup":
        dtype = draw.choice(["string", "string", "int32"])
    elif entry.name == "ReversibleEmbedding":
        dtype = draw.choice(["int32", "float32"])
    elif draw.random() < 0.2:
        dtype = draw.choice(["int32", "uint8", "float16", "float64", "bfloat16", "bool"])
    among, tensors = tensor_arguments(entry, given, chosen, draw)
    return Sample(entry.name, {**given, **among}, chosen, (dtype,) * len(chosen), tensors)
