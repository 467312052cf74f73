"""Rules of the layers that change images, at random or not: all keep the shape, but those that crop and resize."""

from __future__ import annotations

from typing import Final

from specc.catalogue.facts import Fault, LayerFacts
from specc.catalogue.rules.base import Call, Infer, Rule, Takes, same, size
from specc.catalogue.rules.spatial import AXES, arranged, channels
from specc.types import ANYTHING, shape_text


def _kept(call: Call) -> LayerFacts:
    return call.facts(call.shape)


def _coloured(call: Call) -> LayerFacts | Fault:
    """The law of a layer that mixes red, green and blue."""
    if size(channels(call)) not in (None, 3):
        message = f"{call.layer} needs 3 channels, the input is {shape_text(call.shape)}"
        return Fault("shape-mismatch", message, input=0)
    return _kept(call)


def _moved(call: Call) -> LayerFacts:
    """Flips and crops move values without changing them."""
    return call.facts(call.shape, call.input.interval)


def _sized(call: Call) -> LayerFacts:
    sizes = (call.arguments["height"], call.arguments["width"])
    return call.facts(arranged(call, sizes, channels(call)), ANYTHING)


def _resized(call: Call) -> LayerFacts:
    sizes = (call.arguments["height"], call.arguments["width"])
    # Other interpolations overshoot, and padding brings in a value of its own.
    exact = call.arguments["interpolation"] in ("nearest", "bilinear") and not call.arguments["pad_to_aspect_ratio"]
    return call.facts(arranged(call, sizes, channels(call)), call.input.interval if exact else ANYTHING, dtype=call.input.dtype)


_COLOURS_AND_SHAPES: Final = (
    "AugMix", "AutoContrast", "Equalization", "RandAugment",
    "RandomColorJitter", "RandomElasticTransform",
    "RandomErasing", "RandomGaussianBlur", "RandomHue", "RandomInvert", "RandomPerspective",
    "RandomPosterization", "RandomRotation", "RandomSharpness", "RandomShear", "RandomTranslation",
    "RandomZoom", "Solarization",
)  # fmt: skip


def _image(infer: Infer, takes: Takes = "booleans") -> Rule:
    return Rule(infer=infer, takes=takes, axes=AXES[2])


RULES: Final = {
    **{name: _image(_kept) for name in _COLOURS_AND_SHAPES},
    **{name: _image(_kept, "floats") for name in ("RandomBrightness", "RandomContrast", "RandomSaturation")},
    **{name: _image(same) for name in ("ContrastLimitedAdaptiveHistogramEqualization", "RandomGrayscale")},
    **{name: _image(_coloured) for name in ("RandomColorDegeneration",)},
    "CenterCrop": _image(_sized),
    "RandomCrop": _image(_sized),
    "RandomFlip": _image(_moved),
    "Resizing": _image(_resized, "integers"),
}
