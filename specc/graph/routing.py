"""Which muxes compute one branch a sample instead of all of them. A pass between checking and lowering.

    x -> Dense(6) -> mux(c, of=3)          one group's Dense, when nothing else reads the Dense
    [A(), B() -> C()] -> mux(c)            samples go to their own branch, when the branches are private to the mux

A branch is what leads to one port of the mux and to nothing else; it begins at its boundary, the tensors that others
read as well. Where a condition fails the mux keeps its plain form, which computes everything and then selects. Results
and gradients are the same either way, but for a branch with batch statistics: only a routed one keeps them to its own
samples.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import field
from typing import Final, TypeAlias

from specc.catalogue.values import Configured
from specc.constructs.mux import Mux
from specc.graph.infer import CheckedGraph
from specc.graph.model import (
    ConstantTensor,
    ConstructCall,
    Graph,
    InputTensor,
    KnobTensor,
    LayerCall,
    ModelCall,
    Node,
    Tensor,
    WeightTensor,
)
from specc.records import value_object

_ACROSS_FEATURES: Final = frozenset({"softmax", "log_softmax", "sparsemax", "glu"})
"""Activations whose result depends on other features, and so on the other groups."""
_WEIGHTWISE: Final = frozenset({"L1", "L2", "L1L2", "l1", "l2", "l1_l2"})
"""Regularizers that do not depend on how the weights are arranged."""
_OF_THE_WHOLE: Final = (
    "activity_regularizer",
    "kernel_constraint",
    "bias_constraint",
    "lora_rank",
    "quantization_config",
)
"""Arguments that speak of the whole Dense, not of a group."""


@value_object
class RoutedDense:
    """A Dense whose groups a mux selects from: only the selected group is computed."""

    mux: Node
    dense: Node

    @property
    def inside(self) -> tuple[Node, ...]:
        return (self.dense,)


@value_object
class Branch:
    """What leads to one port of a mux: its nodes in order, the tensor at its end, and what flows in from outside."""

    nodes: tuple[Node, ...]
    end: Tensor
    boundary: tuple[Tensor, ...]


@value_object
class RoutedBranches:
    """A mux that sends each sample through its own branch only."""

    mux: Node
    branches: tuple[Branch, ...]

    @property
    def inside(self) -> tuple[Node, ...]:
        return tuple(node for branch in self.branches for node in branch.nodes)


Route: TypeAlias = RoutedDense | RoutedBranches


@value_object
class Routing:
    """The routes of a graph by their mux, and the nodes that they take in."""

    routes: dict[Node, Route] = field(default_factory=dict)
    inside: frozenset[Node] = frozenset()


def route(checked: CheckedGraph) -> Routing:
    """The routes of a checked graph, outer muxes before those inside their branches."""
    order = {node: place for place, node in enumerate(checked.graph)}
    useful = checked.graph.useful()
    routes: dict[Node, Route] = {}
    for node in reversed(list(order)):
        if node in useful and isinstance(node.action, ConstructCall) and isinstance(node.action.construct, Mux):
            found = _dense(checked, node) or _branches(checked, node, order)
            if found is not None:
                routes[node] = found
    return Routing(routes, frozenset(node for found in routes.values() for node in found.inside))


def _dense(checked: CheckedGraph, mux: Node) -> RoutedDense | None:
    tensors = checked.graph.arriving(mux)
    if "1" in tensors or not checked.type(tensors["control"]).is_integer:
        return None
    dense = tensors["0"].node
    action = dense.action
    if not isinstance(action, LayerCall) or action.entry.name != "Dense" or action.conditioned:
        return None
    if dense.instance != dense.name or len(checked.graph.readers(dense)) != 1 or _is_end(checked.graph, dense):
        return None
    if any(action.checked.get(name) is not None for name in _OF_THE_WHOLE):
        return None
    if action.checked.get("activation") in _ACROSS_FEATURES:
        return None
    regularizers = (action.checked.get("kernel_regularizer"), action.checked.get("bias_regularizer"))
    if any(found is not None and _name(found) not in _WEIGHTWISE for found in regularizers):
        return None
    return RoutedDense(mux, dense)


def _name(regularizer: object) -> str:
    return regularizer.name if isinstance(regularizer, Configured) else str(regularizer)


def _branches(checked: CheckedGraph, mux: Node, order: dict[Node, int]) -> RoutedBranches | None:
    tensors = checked.graph.arriving(mux)
    if "1" not in tensors or not checked.type(tensors["control"]).is_integer:
        return None
    ends = {port: tensor for port, tensor in tensors.items() if port.isdigit()}
    branches = tuple(_branch(checked, mux, port, end, order) for port, end in ends.items())
    if not any(branch.nodes for branch in branches):
        return None
    for branch in branches:
        if not checked.type(branch.end).batched:
            return None
        if not any(checked.type(tensor).batched for tensor in branch.boundary):
            return None
    return RoutedBranches(mux, branches)


def _branch(checked: CheckedGraph, mux: Node, port: str, end: Tensor, order: dict[Node, int]) -> Branch:
    """The nodes that lead to this port alone, found from the end backwards; each after all of its readers."""
    graph = checked.graph
    private: set[Node] = set()
    waiting = [(-order[end.node], id(end.node), end.node)]
    seen = {end.node}
    boundary: dict[Tensor, None] = {}
    while waiting:
        _, _, node = heapq.heappop(waiting)
        here = all(reader in private or (reader is mux and wire.port == port) for reader, wire in graph.readers(node))
        if here and not _is_end(graph, node) and _may_be_inside(node):
            private.add(node)
            for tensor in graph.arriving(node).values():
                if tensor.node not in seen:
                    seen.add(tensor.node)
                    heapq.heappush(waiting, (-order[tensor.node], id(tensor.node), tensor.node))
    nodes = tuple(sorted(private, key=order.__getitem__))
    for tensor in _read(graph, nodes, end):
        if tensor.node not in private:
            boundary[tensor] = None
    return Branch(nodes, end, tuple(boundary))


def _read(graph: Graph, nodes: tuple[Node, ...], end: Tensor) -> Iterator[Tensor]:
    for node in nodes:
        yield from graph.arriving(node).values()
    yield end


def _is_end(graph: Graph, node: Node) -> bool:
    return any(tensor.node is node for tensor in graph.ends())


def _may_be_inside(node: Node) -> bool:
    """Whether a node does the same for a sample when it sees only some of the samples, and its losses do not change."""
    match node.action:
        case InputTensor() | ConstantTensor() | WeightTensor() | KnobTensor():
            return False
        case LayerCall(entry=entry, checked=checked):
            if node.instance != node.name or entry.name == "ActivityRegularization":
                return False
            return checked.get("activity_regularizer") is None
        case ModelCall(graph=graph):
            terms = graph.training is not None and bool(graph.training.terms)
            return not terms and all(_may_be_inside(inner) or _is_source(inner) for inner in graph)
    return True


def _is_source(node: Node) -> bool:
    return isinstance(node.action, InputTensor | ConstantTensor | WeightTensor | KnobTensor)
