"""What a whole model amounts to: parameters, multiply-accumulates, depth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Final

from specc.catalogue.facts import WeightFact
from specc.graph.infer import CheckedGraph, total_macs
from specc.graph.model import ConstantTensor, InputTensor, KnobTensor, ModelCall, Node, WeightTensor
from specc.types import Dim, product


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """The figures of a model.

    Args:
        params: numbers in all weights, each counted once; as `keras.Model.count_params` says.
        trainable_params: those of them that training changes.
        macs: multiply-accumulates of a forward pass of one sample.
        depth: the largest number of layers, ops and constructs on a way from an input to an output; those inside a
            called model count.
    """

    params: Dim
    trainable_params: Dim
    macs: Dim
    depth: int


FIGURES: Final = tuple(figure.name for figure in fields(Totals))
"""What a contract can speak of."""


def totals(checked: CheckedGraph) -> Totals:
    """The figures of a model whose every node has facts."""
    weights = dict(_weights(checked))
    params: Dim = 0
    trainable: Dim = 0
    for weight in weights.values():
        size = product(weight.shape)
        params = params + size
        if weight.trainable:
            trainable = trainable + size
    return Totals(params=params, trainable_params=trainable, macs=total_macs(checked), depth=depth(checked))


def _weights(checked: CheckedGraph) -> Iterator[tuple[tuple[int, str, int], WeightFact]]:
    """Every weight under a key that is the same wherever it is shared."""
    useful = checked.graph.useful()
    for node, facts in checked.facts.items():
        if node not in useful:
            continue
        if isinstance(node.action, ModelCall):
            yield from _weights(checked.called[id(node.action.graph)])
        home = 0 if node.shared else id(checked.graph)
        for place, weight in enumerate(facts.weights):
            yield (home, node.instance, place), weight


def depth(checked: CheckedGraph) -> int:
    """The length of the longest way through a model."""
    reached: dict[Node, int] = {}
    for node in checked.graph:
        before = max((reached[tensor.node] for tensor in checked.graph.arriving(node).values()), default=0)
        match node.action:
            case InputTensor() | ConstantTensor() | WeightTensor() | KnobTensor():
                own = 0
            case ModelCall(graph=graph):
                own = depth(checked.called[id(graph)])
            case _:
                own = 1
        reached[node] = before + own
    return max((reached[tensor.node] for tensor in checked.graph.ends()), default=0)
