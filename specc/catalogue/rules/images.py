"""Rules of the layers that change images, at random or not: all keep the shape, but those that crop and resize."""

from __future__ import annotations

from typing import Final

from specc.catalogue.facts import Fault, LayerFacts
from specc.catalogue.rules.base import Call, Infer, Rule, Takes, size
from specc.catalogue.rules.spatial import AXES, arranged, channels
from specc.types import ANYTHING, Dim, shape_text

_CHANNELS: Final = {
    "AugMix": (1, 3),
    "RandAugment": (1, 3),
    "RandomColorDegeneration": (3,),
    "RandomGrayscale": (1, 3),
    "RandomHue": (3,),
    "RandomSaturation": (3,),
}
"""The numbers of channels that layers take which mix red, green and blue."""


def _kept(call: Call) -> LayerFacts | Fault:
    wanted = _CHANNELS.get(call.layer)
    if call.layer == "RandomColorJitter" and (call.arguments["saturation_factor"] or call.arguments["hue_factor"]):
        wanted = (3,)
    if wanted is not None and size(channels(call)) not in (None, *wanted):
        counts = " or ".join(map(str, wanted))
        message = f"{call.layer} needs {counts} channels, the input is {shape_text(call.shape)}"
        return Fault("shape-mismatch", message, input=0)
    return call.facts(call.shape)


def _flipped(call: Call) -> LayerFacts:
    return call.facts(call.shape, call.input.interval)


def _sized(call: Call) -> LayerFacts:
    sizes = (call.arguments["height"], call.arguments["width"])
    shape = arranged(call, sizes, channels(call))
    # Integers are cast where they are cropped, and made float32 by the resizing of images that are too small.
    cropped = all(_surely_at_most(one, other) for one, other in zip(shape, call.shape, strict=True))
    return call.facts(shape, ANYTHING, dtype=call.dtype if call.input.is_float or cropped else "float32")


def _surely_at_most(one: Dim, other: Dim) -> bool:
    difference = other - one
    return isinstance(difference, int) and difference >= 0


def _resized(call: Call) -> LayerFacts:
    sizes = (call.arguments["height"], call.arguments["width"])
    # Other interpolations overshoot, and padding brings in a value of its own.
    exact = call.arguments["interpolation"] in ("nearest", "bilinear") and not call.arguments["pad_to_aspect_ratio"]
    values = call.input.interval if exact else ANYTHING
    return call.facts(arranged(call, sizes, channels(call)), values, dtype=call.input.dtype)


_MAKE_FLOATS: Final = (
    "AutoContrast", "RandomElasticTransform", "RandomErasing", "RandomGaussianBlur", "RandomPerspective",
    "RandomRotation", "RandomSharpness", "RandomShear", "RandomTranslation", "RandomZoom", "Solarization",
)  # fmt: skip
"""Whatever the image's dtype was."""

_KEEP_FLOATS: Final = (
    "AugMix", "ContrastLimitedAdaptiveHistogramEqualization", "Equalization", "RandAugment", "RandomBrightness",
    "RandomColorDegeneration", "RandomColorJitter", "RandomContrast", "RandomGrayscale", "RandomHue", "RandomInvert",
    "RandomPosterization", "RandomSaturation",
)  # fmt: skip
"""Of integers these make floats in training and integers in inference, or fail."""


def _image(infer: Infer, takes: Takes = "floats") -> Rule:
    return Rule(infer=infer, takes=takes, axes=AXES[2])


RULES: Final = {
    **{name: _image(_kept, "booleans") for name in _MAKE_FLOATS},
    **{name: _image(_kept) for name in _KEEP_FLOATS},
    "CenterCrop": _image(_sized, "booleans"),
    "RandomCrop": _image(_sized),
    "RandomFlip": _image(_flipped, "booleans"),
    "Resizing": _image(_resized, "integers"),
}
