"""Names that Keras exports and a spec may not use, each with the reason and what to write instead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_RUNS_CODE: Final = "it runs Python code that a spec can not hold"
_ABSTRACT: Final = "it is abstract: name one of its subclasses"

REFUSED: Final[Mapping[str, str]] = {
    "Layer": _ABSTRACT,
    "Wrapper": _ABSTRACT,
    "Lambda": f"{_RUNS_CODE}; write the expression itself",
    "TFSMLayer": "it loads a SavedModel from a path and runs what it finds there",
    "TorchModuleWrapper": _RUNS_CODE,
    "JaxLayer": _RUNS_CODE,
    "FlaxLayer": _RUNS_CODE,
    "InputLayer": "inputs are declared: `input x: float32[28, 28, 1]`",
    "InputSpec": "it is no layer; inputs are declared: `input x: float32[28, 28, 1]`",
    "Pipeline": "chain the layers with arrows instead: `x -> A() -> B()`",
    "CutMix": "it mixes the samples of a batch, and a spec speaks of one sample",
    "MixUp": "it mixes the samples of a batch, and a spec speaks of one sample",
    "MaxNumBoundingBoxes": "it works on dictionaries of bounding boxes, not on tensors",
    "TextVectorization": "its vocabulary is read from a file or learned from data outside the spec",
    "HashedCrossing": "write `Hashing` on a tensor that holds the crossed key",
    "glu": "it halves an axis, which no layer expects of its activation: write the op `glu(x)` behind the layer",
    "threshold": "it needs a threshold and a value: write `where(x > threshold, x, value)` behind the layer",
    "Loss": _ABSTRACT,
    "Metric": _ABSTRACT,
    "MeanMetricWrapper": _RUNS_CODE,
    "Optimizer": _ABSTRACT,
    "MultiOptimizer": "a spec trains with one optimizer",
    "OptimizerMap": "a spec trains with one optimizer",
    "Initializer": _ABSTRACT,
    "Regularizer": _ABSTRACT,
    "Constraint": _ABSTRACT,
    "LearningRateSchedule": _ABSTRACT,
}
"""Layer, config class and activation names with the reason, a clause that follows `… is refused: `."""
