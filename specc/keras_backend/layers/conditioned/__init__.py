"""Keras' kernel layers with the kernel or the bias taken from the graph, the same for all samples or one for each.

`base` holds what they share, `dense` and `convolution` the layers, `per_sample` how a convolution with a kernel for
each sample is computed.
"""

from specc.keras_backend.layers.conditioned.base import Conditioned
from specc.keras_backend.layers.conditioned.convolution import (
    ConditionedConv1D,
    ConditionedConv2D,
    ConditionedConv2DTranspose,
    ConditionedConv3D,
    ConditionedDepthwiseConv2D,
)
from specc.keras_backend.layers.conditioned.dense import ConditionedDense, ConditionedEinsumDense

__all__ = [
    "Conditioned",
    "ConditionedConv1D",
    "ConditionedConv2D",
    "ConditionedConv2DTranspose",
    "ConditionedConv3D",
    "ConditionedDense",
    "ConditionedDepthwiseConv2D",
    "ConditionedEinsumDense",
]
