"""What convolutions and pooling share: spatial axes, channels and the sizes that a sliding window leaves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from specc.catalogue.entries import ArgumentFault
from specc.catalogue.facts import Fault
from specc.catalogue.rules.base import Call
from specc.types import Dim, Shape, ceil_div, shape_text

AXES: Final = {
    1: ("steps", "channels"),
    2: ("height", "width", "channels"),
    3: ("depth", "height", "width", "channels"),
}
"""The axes per sample of a layer of that spatial rank, channels last."""


def spatial(call: Call) -> Shape:
    """The sizes of the spatial axes of the input."""
    return call.shape[1:] if call.channels_first else call.shape[:-1]


def channels(call: Call) -> Dim:
    return call.shape[0] if call.channels_first else call.shape[-1]


def arranged(call: Call, sizes: Shape, channels: Dim) -> Shape:
    """Sizes and channels in the order of the layer's data format."""
    return (channels, *sizes) if call.channels_first else (*sizes, channels)


def slid(
    call: Call, window: tuple[int, ...], strides: tuple[int, ...], dilation: tuple[int, ...] | None = None
) -> Shape | Fault:
    """The spatial sizes behind a sliding window.

    Source: Dumoulin and Visin, A guide to convolution arithmetic, https://arxiv.org/abs/1603.07285
    """
    sizes = spatial(call)
    if call.arguments["padding"] != "valid":
        return tuple(ceil_div(size, stride) for size, stride in zip(sizes, strides, strict=True))
    result: list[Dim] = []
    for axis, (size, width, stride) in enumerate(zip(sizes, window, strides, strict=True)):
        reach = (width - 1) * (dilation[axis] if dilation else 1) + 1
        if isinstance(size, int) and size < reach:
            return _too_large(call, window, reach, size)
        result.append((size - reach) // stride + 1)
    return tuple(result)


def _too_large(call: Call, window: tuple[int, ...], reach: int, size: int) -> Fault:
    argument = "pool_size" if "pool_size" in call.arguments else "kernel_size"
    message = (
        f"`{argument}` {shape_text(window)} reaches over {reach} places,"
        f" but the input {shape_text(call.shape)} has {size} there"
    )
    return Fault("argument-shape", message, '`padding="same"` keeps small inputs legal', argument, input=0)


def window_legality(arguments: Mapping[str, Any]) -> Iterator[ArgumentFault]:
    """Keras has no windows that are both strided and dilated."""
    if max(arguments["strides"]) > 1 and max(arguments["dilation_rate"]) > 1:
        message = "`strides` and `dilation_rate` can not both be larger than 1"
        yield ArgumentFault("dilation_rate", "illegal-value", message)
