"""What the parts of the elaborator share: the graph under construction and the way to each other."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from specc.diagnostics import Kind, Label, Reported, Sink, suggestion
from specc.graph.infer import Foresight
from specc.graph.kinds import OUT_OF_BOUNDS
from specc.graph.model import Action, Graph, Missing, Node, Tensor
from specc.graph.scope import Entry, Item, Place, Scope
from specc.graph.values import Bundle, Result
from specc.source import Span
from specc.syntax import ast

if TYPE_CHECKING:
    from specc.graph.arguments import Arguments

NOWHERE: Mapping[str, Span] = MappingProxyType({})
MAXIMAL_NODES = 200_000
MAXIMAL_BLOCKS = 48
"""How deep blocks may stand in blocks."""
MAXIMAL_CHAIN = 500
"""How many names may wait for names that stand further down."""
MAXIMAL_DEPTH = 2_000
"""How deep expressions may be nested, blocks and waiting names included."""


class Elaboration(ABC):
    """The elaboration of one model. Its parts call each other through this class, and so need not import each other."""

    def __init__(self, graph: Graph, sink: Sink) -> None:
        self.graph = graph
        self.sink = sink
        self.foresight = Foresight(graph, sink)
        self.taken: set[str] = set()
        self.depth = 0
        self.blocks = 0

    @abstractmethod
    def evaluate(self, expression: ast.Expression, scope: Scope, place: Place) -> Result:
        """The value of an expression; its last node takes the name of `place`."""

    @abstractmethod
    def apply(self, stages: Sequence[ast.Stage], value: Result, scope: Scope, place: Place) -> Result:
        """What comes out of stages that a value is sent through."""

    @abstractmethod
    def resolve(self, name: ast.Name, scope: Scope) -> Result:
        """The value that a name is bound to."""

    @abstractmethod
    def declare(self, body: Sequence[ast.Statement], scope: Scope) -> None:
        """Make the names of a body known, so that the order of its statements does not matter."""

    @abstractmethod
    def bind(self, name: str, value: Result, span: Span, scope: Scope) -> None:
        """Make a parameter or an arriving tensor known in a body."""

    @abstractmethod
    def value(self, entry: Entry, name: str, scope: Scope) -> Result:
        """What a name of a body is bound to."""

    @abstractmethod
    def instantiate(self, item: Item, found: Arguments, value: Result, place: Place, call: ast.Call) -> Result:
        """A fresh copy of a block, fed with a value."""

    @abstractmethod
    def call_model(self, item: Item, value: Result, place: Place, span: Span) -> Result:
        """A model of the file called on a value."""

    def report(
        self, kind: Kind, span: Span, message: str, *more: Label, label: str = "", help: str | None = None
    ) -> Reported:
        return self.sink.report(kind, span, message, *more, label=label, help=help)

    def unknown(self, kind: Kind, span: Span, message: str, name: str, candidates: Iterable[str]) -> Reported:
        """Report a name that nothing is called, with the nearest that something is."""
        return self.report(kind, span, message, help=suggestion(name, candidates))

    def missing(self, reported: Reported, span: Span) -> Tensor:
        """A tensor that stands for one that could not be made."""
        name = f"?{len(self.graph)}"
        node = Node(name=name, instance=name, span=span, action=Missing(reported=reported))
        self.graph.add(node, {})
        return Tensor(node)

    def add(
        self,
        action: Action,
        names: tuple[str, str],
        place: Place,
        span: Span,
        arriving: Mapping[str, Tensor],
        outputs: int = 1,
        spans: Mapping[str, Span] = NOWHERE,
    ) -> Result:
        """Put a node into the graph; its output, or all of them side by side."""
        if len(self.graph) >= MAXIMAL_NODES:
            return self.report(OUT_OF_BOUNDS, span, f"the model has more than {MAXIMAL_NODES:,} nodes")
        node = Node(
            name=names[0],
            instance=names[1],
            span=span,
            action=action,
            shared=place.shared,
            outputs=outputs,
            trainable=place.trainable,
            spans=spans,
        )
        self.graph.add(node, arriving)
        if outputs == 1:
            return Tensor(node)
        return Bundle(tuple(Tensor(node, output) for output in range(outputs)))
