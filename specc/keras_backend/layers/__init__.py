"""The registered Keras layers that a compiled model consists of, beside Keras' own.

A *batched* tensor has a leading batch axis in front of its per-sample shape; an *unbatched* one (a weight, a constant,
a knob) has exactly its own shape and is the same for all samples. Nothing here knows the language or the graph.
"""

from specc.keras_backend.layers.addition import Add, Average
from specc.keras_backend.layers.bank import Mix, Select
from specc.keras_backend.layers.conditioned import (
    Conditioned,
    ConditionedConv1D,
    ConditionedConv2D,
    ConditionedConv2DTranspose,
    ConditionedConv3D,
    ConditionedDense,
    ConditionedDepthwiseConv2D,
    ConditionedEinsumDense,
)
from specc.keras_backend.layers.each_row import EachRow
from specc.keras_backend.layers.gate import Gate
from specc.keras_backend.layers.guard import Guard
from specc.keras_backend.layers.literal import Literal
from specc.keras_backend.layers.loss_term import LossTerm
from specc.keras_backend.layers.merge import WeightedProduct, WeightedSum
from specc.keras_backend.layers.mux import MuxBranches, MuxGroups
from specc.keras_backend.layers.operation import Operation
from specc.keras_backend.layers.routed_branches import RoutedBranches
from specc.keras_backend.layers.routed_dense import Dense as RoutedDense
from specc.keras_backend.layers.sources import Constant, Knob, PerSample, Weight
from specc.keras_backend.layers.split import Split
from specc.keras_backend.layers.validity import AllValid, Clamp

__all__ = [
    "Add",
    "AllValid",
    "Average",
    "Clamp",
    "Conditioned",
    "ConditionedConv1D",
    "ConditionedConv2D",
    "ConditionedConv2DTranspose",
    "ConditionedConv3D",
    "ConditionedDense",
    "ConditionedDepthwiseConv2D",
    "ConditionedEinsumDense",
    "Constant",
    "EachRow",
    "Gate",
    "Guard",
    "Knob",
    "Literal",
    "LossTerm",
    "Mix",
    "MuxBranches",
    "MuxGroups",
    "Operation",
    "PerSample",
    "RoutedBranches",
    "RoutedDense",
    "Select",
    "Split",
    "Weight",
    "WeightedProduct",
    "WeightedSum",
]
