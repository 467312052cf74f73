"""How a tensor came by its shape: the stages that it has passed, each with the type that came out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from specc.catalogue.facts import LayerFacts
from specc.diagnostics import Label
from specc.graph.model import Graph, Node, Tensor
from specc.source import Span

TRACED: Final = frozenset(
    {"shape-mismatch", "merge-mismatch", "argument-shape", "kernel-shape", "unknown-size", "gate-shape", "mux-law"}
)
"""The kinds of findings that a shape further up explains."""

_STEPS: Final = 6


def origin(tensor: Tensor, facts: Mapping[Node, LayerFacts]) -> Label:
    """Where a tensor is made, with its type."""
    return Label(tensor.node.span, f"this is {facts[tensor.node].outputs[tensor.output]}")


def trail(graph: Graph, tensor: Tensor, facts: Mapping[Node, LayerFacts]) -> list[Label]:
    """The last stages before a tensor on its way from an input or from where several tensors met, the nearest first."""
    labels: dict[Span, Label] = {}
    seen = {tensor.node.span}
    while len(labels) < _STEPS:
        before = list(graph.arriving(tensor.node).values())
        if len(before) != 1:
            break
        (tensor,) = before
        # In a `for`, one place makes several tensors: the last one is what matters.
        if tensor.node.span not in seen:
            labels[tensor.node.span] = Label(tensor.node.span, str(facts[tensor.node].outputs[tensor.output]))
            seen.add(tensor.node.span)
    return list(labels.values())
