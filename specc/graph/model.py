"""The graph that a model means: nodes, the wires between them, and what each node does.

A node is what one layer, op, construct or source of values does at one place. NetworkX carries the objects themselves:
`Node` is the key of a node, `Wire` the key of an edge, so that `(x, x) -> Add()` keeps two edges.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import networkx as nx

from specc.catalogue.layers import LayerEntry
from specc.catalogue.ops import OperationEntry
from specc.catalogue.values import Configured, Value
from specc.constructs.base import Construct
from specc.diagnostics import Reported
from specc.graph.arrays import Array
from specc.graph.blame import BlameSink
from specc.graph.library import users_place
from specc.records import record, value_object
from specc.source import Span
from specc.syntax import ast
from specc.types import Dim, Interval, TensorType

if TYPE_CHECKING:
    from specc.graph.values import Result

# What a node does


@record
class InputTensor:
    """An input of the model. `type` is none for the input of a block that is checked by itself.

    `interval` is what the spec declares with `in`; the compiled model guards it.
    """

    type: TensorType | None
    interval: Interval | None = None
    default: Any = None


@record
class ConstantTensor:
    array: Array


@record
class WeightTensor:
    """A trainable tensor; its first value comes from an initializer (`None`: Keras' default) or an array."""

    type: TensorType
    initial: Array | Configured | None


@record
class KnobTensor:
    value: float
    interval: Interval | None


@record
class LayerCall:
    """A Keras layer. `written` is what Keras is called with, `checked` what the rules read.

    `conditioned` are the weights that come from the graph: `("kernel",)`, `("bias",)` or both.
    """

    entry: LayerEntry
    written: Mapping[str, Value]
    checked: Mapping[str, Any]
    conditioned: tuple[str, ...] = ()


@record
class OperationCall:
    entry: OperationEntry
    written: Mapping[str, Value]
    checked: Mapping[str, Any]


@record
class ConstructCall:
    construct: Construct


@record
class ModelCall:
    graph: Graph


@record
class Missing:
    """Stands where a fault has been reported, so that what comes after it can still be read."""

    reported: Reported


Action: TypeAlias = (
    InputTensor
    | ConstantTensor
    | WeightTensor
    | KnobTensor
    | LayerCall
    | OperationCall
    | ConstructCall
    | ModelCall
    | Missing
)


@record
class Node:
    """One place of the graph.

    Args:
        name: the path that the file gives it, unique in its model: `h`, `h.conv2d`, `stem.body.conv2d`.
        instance: the name of the Keras layer that serves it; nodes with the same instance share weights.
        shared: whether the instance belongs to the file, and so to all models of it.
        outputs: how many tensors come out.
        trainable: false in a frozen block.
    """

    name: str
    span: Span = field(repr=False)
    action: Action
    instance: str
    shared: bool = False
    outputs: int = 1
    trainable: bool = True
    spans: Mapping[str, Span] = field(default_factory=dict, repr=False)
    """Where each argument is written."""
    uses: tuple[Span, ...] = field(default=(), repr=False)
    """The calls of blocks and named layers that it was made through, the outermost first."""

    @property
    def place(self) -> Span:
        """Where a warning about it is told: its own place, or the use of the library that it comes from."""
        return users_place(self.span, self.uses)


@value_object
class Tensor:
    """What comes out of a node at one of its outputs."""

    node: Node
    output: int = 0


@value_object
class Wire:
    """An edge's key: from which output to which port, and the port's place among the destination's ports."""

    port: str
    output: int
    place: int


# The graph


@record
class OutputTensor:
    name: str
    tensor: Tensor
    span: Span


@record
class LossOnOutput:
    """A Keras loss or metric on the output of that name."""

    output: str
    value: Value
    span: Span


@record
class LossTerm:
    """A tensor of the graph whose mean over the batch is added to the loss."""

    name: str
    tensor: Tensor
    span: Span


@record
class Constraint:
    """What the input of a block says of the tensor that arrives there.

    `sizes` are what the symbols stand for in this copy of the block, which all of its inputs have in common.
    """

    tensor: Tensor
    type: TensorType
    name: str
    span: Span
    used: Span
    sizes: dict[str, Dim] = field(repr=False)
    uses: tuple[Span, ...] = field(default=(), repr=False)
    """What the use stands in, as for a node."""


@record
class Expectation:
    """A contract: its condition, and how the names in it are read."""

    condition: ast.Expression
    evaluate: Callable[[ast.Expression], Result] = field(repr=False)


@dataclass(slots=True, kw_only=True)
class Training:
    """What a `train` block says."""

    span: Span
    settings: dict[str, Value] = field(default_factory=dict)
    losses: list[LossOnOutput] = field(default_factory=list)
    terms: list[LossTerm] = field(default_factory=list)
    metrics: list[LossOnOutput] = field(default_factory=list)


class Graph:
    """One model (or a block that is checked by itself). Nodes stand in an order in which each follows its inputs."""

    def __init__(self, name: str, span: Span, documentation: str = "") -> None:
        self.name = name
        self.span = span
        self.documentation = documentation
        self.outputs: dict[str, OutputTensor] = {}
        self.training: Training | None = None
        self.constraints: list[Constraint] = []
        self.expectations: list[Expectation] = []
        self._network: nx.MultiDiGraph[Node] = nx.MultiDiGraph()

    def add(self, node: Node, arriving: Mapping[str, Tensor]) -> None:
        """Add a node and the wires that arrive at its ports."""
        self._network.add_node(node)
        for place, (port, tensor) in enumerate(arriving.items()):
            self._network.add_edge(tensor.node, node, key=Wire(port, tensor.output, place))

    def __iter__(self) -> Iterator[Node]:
        return iter(self._network)

    def __len__(self) -> int:
        return len(self._network)

    @property
    def inputs(self) -> list[Node]:
        return [node for node in self if isinstance(node.action, InputTensor)]

    def arriving(self, node: Node) -> dict[str, Tensor]:
        """The tensors that arrive at a node, by port, in the order of the ports."""
        edges = sorted(self._network.in_edges(node, keys=True), key=lambda edge: edge[2].place)
        return {wire.port: Tensor(source, wire.output) for source, _, wire in edges}

    def readers(self, node: Node) -> list[tuple[Node, Wire]]:
        """Who reads a node's outputs."""
        return [(reader, wire) for _, reader, wire in self._network.out_edges(node, keys=True)]

    def ends(self) -> list[Tensor]:
        """What the model is computed for: its outputs and the terms of its loss."""
        terms = self.training.terms if self.training else []
        return [output.tensor for output in self.outputs.values()] + [term.tensor for term in terms]

    def useful(self) -> set[Node]:
        """The nodes that some output or loss term depends on."""
        reversed_network = self._network.reverse(copy=False)
        starts = {tensor.node for tensor in self.ends()}
        found = set(starts)
        for start in starts:
            found |= nx.descendants(reversed_network, start)
        return found


@record
class Program:
    """All models of a file, in its order."""

    graphs: dict[str, Graph]
    alone: list[Graph]
    """Blocks that no model uses, each looked at by itself."""
    sink: BlameSink
