"""Convolutions with a kernel for each sample in operations that every runtime has: slices, reshapes, matrix products.

The window of a kernel slides over `x` as a slice for each of its places; the slices side by side are the patches, and
the patches times the kernel are a product of matrices for each sample. It costs several times as much as
`apply_per_sample`, and holds as many copies of `x` as a kernel has places; but ONNX and LiteRT have neither an
efficient loop over samples nor a convolution that takes a kernel for each.

Here x is `[B, *space, C]`, with sizes that are known but for the batch, and a kernel `[B, *window, C / groups, F]`.
"""

from collections.abc import Sequence
from math import ceil, prod
from typing import Any, Literal

import numpy as np
import tensorflow as tf

Pads = Sequence[tuple[int, int]]
"""For each axis of space, how many zeros go before and behind it."""


def pads_of(
    padding: Literal["valid", "same", "causal"],
    space: Sequence[int],
    window: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
) -> Pads:
    """The zeros that a padding stands for, by TensorFlow's rule, which puts an odd one behind.

    https://www.tensorflow.org/api_docs/python/tf/nn#notes_on_padding_2
    """
    spans = [dilation * (places - 1) for places, dilation in zip(window, dilations, strict=True)]
    if padding == "valid":
        return [(0, 0)] * len(space)
    if padding == "causal":
        return [(span, 0) for span in spans]
    totals = [
        max((ceil(size / stride) - 1) * stride + span + 1 - size, 0)
        for size, span, stride in zip(space, spans, strides, strict=True)
    ]
    return [(total // 2, total - total // 2) for total in totals]


def convolve(
    x: tf.Tensor, kernel: tf.Tensor, strides: Sequence[int], dilations: Sequence[int], pads: Pads, groups: int = 1
) -> tf.Tensor:
    """Return the convolution `[B, *out, F]` of `x` with pads, sample by sample with its own kernel."""
    x = tf.pad(x, [(0, 0), *pads, (0, 0)])
    window = kernel.shape[1:-2]
    spans = [dilation * (places - 1) for places, dilation in zip(window, dilations, strict=True)]
    out = [(size - 1 - span) // stride + 1 for size, span, stride in zip(x.shape[1:-1], spans, strides, strict=True)]
    begins = [[at * dilation for at, dilation in zip(place, dilations, strict=True)] for place in np.ndindex(*window)]
    return _multiplied(_slices(x, begins, out, strides), kernel, out, groups)


def convolve_transposed(
    x: tf.Tensor, kernel: tf.Tensor, strides: Sequence[int], dilations: Sequence[int], pads: Pads, out: Sequence[int]
) -> tf.Tensor:
    """Return the transpose `[B, *out, F]` of the convolution that takes `out`, with these pads, to the space of `x`.

    The kernel is `[B, *window, F, C]`. Input i meets place k of the window at output `i * stride + k * dilation - pad`;
    so each place is a slice of x with `stride - 1` zeros between its elements.
    """
    window = kernel.shape[1:-2]
    spans = [dilation * (places - 1) for places, dilation in zip(window, dilations, strict=True)]
    x = _spread(x, strides)
    ends = [
        max(size + before - length, 0)
        for size, (before, _), length in zip(out, pads, x.shape[1:-1], strict=True)
    ]  # fmt: skip
    x = tf.pad(x, [(0, 0), *zip(spans, ends, strict=True), (0, 0)])
    firsts = [span + before for span, (before, _) in zip(spans, pads, strict=True)]
    begins = [
        [first - at * dilation for first, at, dilation in zip(firsts, place, dilations, strict=True)]
        for place in np.ndindex(*window)
    ]
    swapped = tf.transpose(kernel, [*range(len(window) + 1), len(window) + 2, len(window) + 1])
    return _multiplied(_slices(x, begins, out, [1] * len(out)), swapped, out, 1)


def _spread(x: tf.Tensor, strides: Sequence[int]) -> tf.Tensor:
    """Put `stride - 1` zeros behind each element of each axis of space."""
    sizes = list(x.shape[1:])
    for axis, stride in enumerate(strides):
        if stride > 1:
            columns = tf.reshape(x, [-1, prod(sizes[: axis + 1]), 1, prod(sizes[axis + 1 :])])
            sizes[axis] *= stride
            x = tf.reshape(tf.pad(columns, [(0, 0), (0, 0), (0, stride - 1), (0, 0)]), [-1, *sizes])
    return x


def _slices(
    x: tf.Tensor, begins: Sequence[Sequence[int]], out: Sequence[int], strides: Sequence[int]
) -> list[tf.Tensor]:
    """For each beginning the `out` elements of `x` from there on, a stride apart."""
    return [
        x[
            (
                slice(None),
                *(
                    slice(start, start + (size - 1) * stride + 1, stride)
                    for start, size, stride in zip(begin, out, strides, strict=True)
                ),
            )
        ]
        for begin in begins
    ]


def _multiplied(slices: Sequence[tf.Tensor], kernel: Any, out: Sequence[int], groups: int) -> tf.Tensor:
    """Return `[B, *out, F]`: the slices, one `[B, *out, C]` for each place of the window, times the kernels."""
    places, points = len(slices), prod(out)
    channels, filters = slices[0].shape[-1], kernel.shape[-1]
    # Flat before they are joined: not every runtime joins tensors of six axes.
    joined = tf.stack([tf.reshape(each, [-1, points, channels]) for each in slices], axis=2)
    kernels = tf.reshape(kernel, [-1, places, channels // groups, groups, filters // groups])
    if groups > 1:
        joined = tf.transpose(tf.reshape(joined, [-1, points, places, groups, channels // groups]), [0, 3, 1, 2, 4])
        kernels = tf.transpose(kernels, [0, 3, 1, 2, 4])
    patches = tf.reshape(joined, [-1, groups, points, places * (channels // groups)])
    products = patches @ tf.reshape(kernels, [-1, groups, places * (channels // groups), filters // groups])
    return tf.reshape(tf.transpose(products, [0, 2, 1, 3]), [-1, *out, filters])
