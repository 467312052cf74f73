"""Rules of the convolutions.

Source: Dumoulin and Visin, A guide to convolution arithmetic, https://arxiv.org/abs/1603.07285
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from specc.catalogue.entries import ArgumentFault
from specc.catalogue.facts import Fault, LayerFacts, WeightFact
from specc.catalogue.ranges import activated
from specc.catalogue.rules.base import Call, Rule, size, unknown_size
from specc.catalogue.rules.core import bias
from specc.catalogue.rules.spatial import AXES, arranged, channels, slid, spatial, window_legality
from specc.types import ANYTHING, Dim, Shape, product


def _unknown_channels(call: Call) -> Fault:
    return unknown_size(call, "the number of channels", call.shape)


def _result(call: Call, sizes: Shape, out: int, weights: tuple[WeightFact, ...], macs: Dim) -> LayerFacts:
    values = activated(ANYTHING, call.arguments["activation"])
    return call.facts(arranged(call, sizes, out), values, *weights, *bias(call, (out,)), macs=macs)


def _conv_kernel(call: Call) -> Shape | None:
    into = size(channels(call))
    groups = call.arguments["groups"]
    if into is None or into % groups:
        return None
    return (*call.arguments["kernel_size"], into // groups, call.arguments["filters"])


def _filters(call: Call) -> Shape:
    return (call.arguments["filters"],)


def _conv(call: Call) -> LayerFacts | Fault:
    into, groups = size(channels(call)), call.arguments["groups"]
    if into is None:
        return _unknown_channels(call)
    kernel = _conv_kernel(call)
    if kernel is None:
        message = f"`groups` {groups} does not divide the {into} channels of the input"
        return Fault("argument-shape", message, argument="groups", input=0)
    sizes = slid(call, call.arguments["kernel_size"], call.arguments["strides"], call.arguments["dilation_rate"])
    if isinstance(sizes, Fault):
        return sizes
    return _result(call, sizes, call.arguments["filters"], (WeightFact("kernel", kernel),), product((*sizes, *kernel)))


def _groups_legality(arguments: Mapping[str, Any]) -> Iterator[ArgumentFault]:
    yield from window_legality(arguments)
    filters, groups = arguments["filters"], arguments["groups"]
    if filters % groups:
        message = f"`filters` {filters} is not divisible by `groups` {groups}"
        yield ArgumentFault("groups", "illegal-value", message)


def _transpose_kernel(call: Call) -> Shape | None:
    into = size(channels(call))
    return None if into is None else (*call.arguments["kernel_size"], call.arguments["filters"], into)


def _transpose(call: Call) -> LayerFacts | Fault:
    kernel = _transpose_kernel(call)
    if kernel is None:
        return _unknown_channels(call)
    sizes = tuple(_enlarged(call, axis, size) for axis, size in enumerate(spatial(call)))
    # Every place of the input meets the whole kernel once.
    macs = product((*spatial(call), *kernel))
    return _result(call, sizes, call.arguments["filters"], (WeightFact("kernel", kernel),), macs)


def _enlarged(call: Call, axis: int, length: Dim) -> Dim:
    """The size behind a transposed convolution, as `keras.layers.Conv2DTranspose` documents it."""
    stride: int = call.arguments["strides"][axis]
    width: int = call.arguments["kernel_size"][axis]
    reach: int = (width - 1) * call.arguments["dilation_rate"][axis] + 1
    output_padding = call.arguments["output_padding"]
    if output_padding is None:
        enlarged = length * stride
        return enlarged if call.arguments["padding"] == "same" else enlarged + max(reach - stride, 0)
    added: int = output_padding[axis]
    both = 2 * (reach // 2) if call.arguments["padding"] == "same" else 0
    return (length - 1) * stride + (reach - both + added)


def _transpose_legality(arguments: Mapping[str, Any]) -> Iterator[ArgumentFault]:
    yield from window_legality(arguments)
    padding, strides = arguments["output_padding"], arguments["strides"]
    if padding is not None and any(added >= stride for added, stride in zip(padding, strides, strict=True)):
        message = "`output_padding` must be smaller than `strides`"
        yield ArgumentFault("output_padding", "illegal-value", message)


def _depthwise_kernel(call: Call) -> Shape | None:
    into = size(channels(call))
    return None if into is None else (*call.arguments["kernel_size"], into, call.arguments["depth_multiplier"])


def _depthwise_bias(call: Call) -> Shape | None:
    kernel = _depthwise_kernel(call)
    return None if kernel is None else (product(kernel[-2:]),)


def _depthwise(call: Call) -> LayerFacts | Fault:
    into = size(channels(call))
    kernel = _depthwise_kernel(call)
    if kernel is None or into is None:
        return _unknown_channels(call)
    sizes = slid(call, call.arguments["kernel_size"], call.arguments["strides"], call.arguments["dilation_rate"])
    if isinstance(sizes, Fault):
        return sizes
    out = into * call.arguments["depth_multiplier"]
    return _result(call, sizes, out, (WeightFact("kernel", kernel),), product((*sizes, *kernel)))


def _separable(call: Call) -> LayerFacts | Fault:
    into = size(channels(call))
    depthwise = _depthwise_kernel(call)
    if into is None or depthwise is None:
        return _unknown_channels(call)
    sizes = slid(call, call.arguments["kernel_size"], call.arguments["strides"], call.arguments["dilation_rate"])
    if isinstance(sizes, Fault):
        return sizes
    filters = call.arguments["filters"]
    pointwise = ((1,) * len(sizes)) + (into * call.arguments["depth_multiplier"], filters)
    weights = (WeightFact("depthwise_kernel", depthwise), WeightFact("pointwise_kernel", pointwise))
    macs = product((*sizes, *depthwise)) + product((*sizes, *pointwise))
    return _result(call, sizes, filters, weights, macs)


def _equal_strides(arguments: Mapping[str, Any]) -> Iterator[ArgumentFault]:
    """TensorFlow's depthwise kernel moves equally far along both axes."""
    yield from window_legality(arguments)
    if len(set(arguments["strides"])) > 1:
        yield ArgumentFault("strides", "illegal-value", "`strides` must be the same along every axis here")


def _rules(rank: int) -> dict[str, Rule]:
    axes = AXES[rank]
    return {
        f"Conv{rank}D": Rule(infer=_conv, axes=axes, legality=_groups_legality, kernel=_conv_kernel, bias=_filters),
        f"Conv{rank}DTranspose": Rule(
            infer=_transpose,
            axes=axes,
            legality=_transpose_legality,
            # Only the transposed convolution of images takes its kernel from the graph.
            kernel=_transpose_kernel if rank == 2 else None,
            bias=_filters if rank == 2 else None,
        ),
    }


RULES: Final = {
    **_rules(1),
    **_rules(2),
    **_rules(3),
    "DepthwiseConv1D": Rule(infer=_depthwise, axes=AXES[1], legality=window_legality),
    "DepthwiseConv2D": Rule(
        infer=_depthwise, axes=AXES[2], legality=_equal_strides, kernel=_depthwise_kernel, bias=_depthwise_bias
    ),
    "SeparableConv1D": Rule(infer=_separable, axes=AXES[1], legality=window_legality),
    "SeparableConv2D": Rule(infer=_separable, axes=AXES[2], legality=_equal_strides),
}
