"""What a rule says of a call: the types that come out, the weights, the work; or why Keras would refuse it."""

from __future__ import annotations

from typing import TypeAlias

from specc.records import value_object
from specc.types import Dim, Shape, TensorType

FaultPattern: TypeAlias = str
"""The id of a kind of finding: `shape-mismatch`, `gate-shape`, …"""


@value_object
class WeightFact:
    """A variable of a layer under Keras' name for it: `kernel`, `bias`, `moving_mean`, `query/kernel`."""

    name: str
    shape: Shape
    trainable: bool = True


@value_object
class LayerFacts:
    """What is known of a call of a layer or an op.

    Args:
        outputs: the types of the results, per sample.
        weights: the variables that the layer makes.
        macs: multiply-accumulate operations of a forward pass of one sample: the products of the linear maps
            (convolution: positions x kernel volume x channels in / groups x channels out; Dense: in x out x positions;
            recurrent layers: both matrices of a step, times the steps; attention: its projections and its two
            products). Whatever works element by element (biases, activations, normalisation, pooling) counts 0.
        proven: false where no rule exists; then nothing but the number of outputs and dtype is claimed.
    """

    outputs: tuple[TensorType, ...]
    weights: tuple[WeightFact, ...] = ()
    macs: Dim = 0
    proven: bool = True


@value_object
class Fault:
    """Why a call can not be made with these inputs.

    Args:
        argument: the argument to blame, if it is one.
        input: the place of the input to blame, if it is one.
    """

    pattern: FaultPattern
    message: str
    help: str | None = None
    argument: str | None = None
    input: int | None = None
