"""Rules of the layers that make spectrograms."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

from specc.catalogue.entries import ArgumentFault
from specc.catalogue.facts import Fault, LayerFacts, WeightFact
from specc.catalogue.rules.base import Call, Rule
from specc.catalogue.rules.spatial import AXES
from specc.types import ANYTHING, Dim, Shape, ceil_div, product, shape_text


def _frequencies(arguments: Mapping[str, Any]) -> int:
    length = arguments["fft_length"] or 2 ** math.ceil(math.log2(arguments["frame_length"]))
    return int(length // 2 + 1)


def _stft(call: Call) -> LayerFacts | Fault:
    arguments = call.arguments
    steps, channels = (call.shape[1], call.shape[0]) if call.channels_first else call.shape
    frame, stride = arguments["frame_length"], arguments["frame_step"] or arguments["frame_length"] // 2
    if call.input.dtype not in ("float16", "float32", "float64"):
        return Fault("dtype-mismatch", f"STFTSpectrogram takes a float signal, the input is {call.input}", input=0)
    if arguments["padding"] == "valid" and isinstance(steps, int) and steps < frame:
        message = f"`frame_length` {frame} is longer than the signal, the input is {shape_text(call.shape)}"
        return Fault("argument-shape", message, argument="frame_length", input=0)
    count: Dim = ceil_div(steps, stride) if arguments["padding"] == "same" else (steps - frame) // stride + 1
    bins = _frequencies(arguments)
    parts = [name for name, unless in (("real_kernel", "imag"), ("imag_kernel", "real")) if arguments["mode"] != unless]
    weights = [WeightFact(name, (frame, 1, bins)) for name in parts]
    macs = product((count, channels, frame, bins)) * len(parts)
    shown = bins * (2 if arguments["mode"] == "stft" else 1)
    shape: Shape
    if arguments["expand_dims"]:
        shape = (channels, count, shown) if call.channels_first else (count, shown, channels)
    else:
        shape = (channels * shown, count) if call.channels_first else (count, channels * shown)
    return call.facts(shape, ANYTHING, *weights, macs=macs)


def _stft_legality(arguments: Mapping[str, Any]) -> Iterator[ArgumentFault]:
    frame, stride, length = arguments["frame_length"], arguments["frame_step"], arguments["fft_length"]
    if frame < 2 and stride is None:
        yield ArgumentFault("frame_length", "illegal-value", "`frame_length` must be 2 or more")
    if stride is not None and stride > frame:
        yield ArgumentFault("frame_step", "illegal-value", "`frame_step` must not be larger than `frame_length`")
    if length is not None and length < frame:
        yield ArgumentFault("fft_length", "illegal-value", "`fft_length` must not be smaller than `frame_length`")


def _mel(call: Call) -> LayerFacts:
    stride = call.arguments["sequence_stride"]
    return call.facts((call.arguments["num_mel_bins"], (call.shape[0] + (stride + 1)) // stride))


def _mel_legality(arguments: Mapping[str, Any]) -> Iterator[ArgumentFault]:
    sequence = arguments["sequence_length"]
    if sequence is not None and sequence > arguments["fft_length"]:
        yield ArgumentFault("sequence_length", "illegal-value", "`sequence_length` is larger than `fft_length`")


RULES: Final = {
    "MelSpectrogram": Rule(infer=_mel, axes=("steps",), legality=_mel_legality),
    "STFTSpectrogram": Rule(infer=_stft, axes=AXES[1], legality=_stft_legality),
}
