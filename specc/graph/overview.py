"""A checked model as a table: what each node is, gives, holds and costs. `specc show` prints it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from specc.graph.infer import CheckedGraph
from specc.graph.model import (
    ConstantTensor,
    ConstructCall,
    InputTensor,
    KnobTensor,
    LayerCall,
    ModelCall,
    Node,
    OperationCall,
    WeightTensor,
)
from specc.graph.routing import RoutedBranches, RoutedDense, Routing, route
from specc.graph.totals import Totals, totals
from specc.types import Dim, product


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One node.

    Args:
        name: its path.
        what: the class of the layer, the op, the construct, or what kind of source it is.
        types: what comes out, as specs write types; `?` where nothing could be proven.
        params: numbers in its own weights; of a shared layer those of its first use, then 0.
        macs: multiply-accumulates for one sample.
        form: how it is lowered, where that is not plain.
        reads: the nodes that it reads.
    """

    name: str
    what: str
    types: tuple[str, ...]
    params: Dim
    macs: Dim
    form: str
    reads: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """One model: its nodes in order, its inputs and outputs with their types, its figures."""

    name: str
    documentation: str
    inputs: dict[str, str]
    outputs: dict[str, str]
    rows: tuple[Row, ...]
    totals: Totals
    unproven: int


def overview(checked: CheckedGraph) -> Overview:
    """The table of a model without errors."""
    routing = route(checked)
    rows = tuple(_rows(checked, routing))
    return Overview(
        name=checked.graph.name,
        documentation=checked.graph.documentation,
        inputs={node.name: str(checked.facts[node].outputs[0]) for node in checked.graph.inputs},
        outputs={name: str(checked.type(output.tensor)) for name, output in checked.graph.outputs.items()},
        rows=rows,
        totals=totals(checked),
        unproven=sum(not facts.proven for facts in checked.facts.values()),
    )


def _rows(checked: CheckedGraph, routing: Routing) -> Iterator[Row]:
    seen: set[str] = set()
    for node in checked.graph:
        facts = checked.facts[node]
        first = node.instance not in seen
        seen.add(node.instance)
        params: Dim = 0
        for weight in facts.weights if first else ():
            params = params + product(weight.shape)
        yield Row(
            name=node.name,
            what=_what(node),
            types=tuple(str(type) if facts.proven else "?" for type in facts.outputs),
            params=params,
            macs=facts.macs,
            form=_form(checked, node, routing),
            reads=tuple(dict.fromkeys(tensor.node.name for tensor in checked.graph.arriving(node).values())),
        )


def _what(node: Node) -> str:
    match node.action:
        case InputTensor():
            return "input"
        case ConstantTensor():
            return "const"
        case WeightTensor():
            return "weight"
        case KnobTensor():
            return "knob"
        case LayerCall(entry=entry):
            return entry.name
        case OperationCall(entry=operation):
            return operation.name
        case ConstructCall(construct=construct):
            return construct.name
        case ModelCall(graph=graph):
            return f"model {graph.name}"
    return "?"


def _form(checked: CheckedGraph, node: Node, routing: Routing) -> str:
    """How a node is lowered, in words; empty where it is what Keras has."""
    match routing.routes.get(node):
        case RoutedDense(dense=dense):
            return f"routed with `{dense.name}`: one group's Dense a sample"
        case RoutedBranches(branches=branches):
            return f"routed: one of {len(branches)} branches a sample"
    if isinstance(node.action, LayerCall) and node.action.conditioned:
        types = checked.arriving(node)
        each = [name for name in node.action.conditioned if types[name].batched]
        return f"{' and '.join(each)} per sample" if each else f"{' and '.join(node.action.conditioned)} given"
    if node in routing.inside:
        return "inside a route"
    return ""
