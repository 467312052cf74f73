"""What the parts of the elaborator share: the graph under construction and the way to each other."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from specc.diagnostics import Kind, Label, Reported, suggestion
from specc.graph.blame import BlameSink
from specc.graph.infer import Foresight
from specc.graph.kinds import OUT_OF_BOUNDS
from specc.graph.model import Action, Graph, Missing, Node, Tensor
from specc.graph.scope import Entry, Item, Place, Scope, Taken
from specc.graph.values import Bundle, Result
from specc.source import Span
from specc.syntax import ast

if TYPE_CHECKING:
    from specc.graph.arguments import Arguments

NOWHERE: Mapping[str, Span] = MappingProxyType({})
MAXIMAL_NODES = 10_000
"""How many nodes `for`, blocks and named layers may make; what is written out node by node is bounded by the text."""
MAXIMAL_STEPS = 200_000
"""How many expressions and stages are worked out inside `for`, blocks and named layers."""
STEPS_OF_A_BLOCK = 10
"""What a copy of a block counts for beside what is in it."""
MAXIMAL_ELEMENTS = 1_000_000
"""How many elements the lists and tuples of a file may have in all, those inside of others counted again."""
MAXIMAL_SUGGESTIONS = 100
"""How many unknown names are compared with all known ones; whoever has more has another trouble."""
MAXIMAL_OUTPUTS = 10_000
"""How many tensors may come out of one node."""
MAXIMAL_BLOCKS = 48
"""How deep blocks may stand in blocks."""
MAXIMAL_CHAIN = 500
"""How many names may wait for names that stand further down."""
MAXIMAL_DEPTH = 2_000
"""How deep expressions may be nested, blocks and waiting names included."""


@dataclass(slots=True)
class Spent:
    """The work that a run has put into what is written once and done many times."""

    nodes: int = 0
    steps: int = 0
    elements: int = 0
    suggestions: int = 0
    reported: Reported | None = None
    """There once one of them has become too much."""


class Elaboration(ABC):
    """The elaboration of one model. Its parts call each other through this class, and so need not import each other."""

    def __init__(self, graph: Graph, sink: BlameSink, spent: Spent) -> None:
        self.graph = graph
        self.sink = sink
        self.spent = spent
        self.exhausted: Reported | None = None
        """There once a bound has been passed; nothing more is worked out then."""
        self.rounds = 0
        """How many `for` the present place is inside of."""
        self.layers: list[str] = []
        """The instances of the named layers whose stages are being put here."""
        self.foresight = Foresight(graph, sink)
        self.taken = Taken()
        self.depth = 0

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
    def shared_constant(self, item: Item) -> Result:
        """A const of a file: one node in each model that reads it, one tensor for all of them."""

    @abstractmethod
    def leftovers(self, scope: Scope) -> None:
        """Look at what a body says and nothing reads."""

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
    def shared_name(self, node: ast.NamedLayer | ast.Const) -> str:
        """What a layer or const that belongs to a file is called in Keras: two files may have one of the same name."""

    @abstractmethod
    def call_model(self, item: Item, value: Result, place: Place, span: Span) -> Result:
        """A model of the file called on a value."""

    def report(
        self, kind: Kind, span: Span, message: str, *more: Label, label: str = "", help: str | None = None
    ) -> Reported:
        return self.sink.report(kind, span, message, *more, label=label, help=help)

    def unknown(self, kind: Kind, span: Span, message: str, name: str, candidates: Iterable[str]) -> Reported:
        """Report a name that nothing is called, with the nearest that something is."""
        self.spent.suggestions += 1
        help = suggestion(name, candidates) if self.spent.suggestions <= MAXIMAL_SUGGESTIONS else None
        return self.report(kind, span, message, help=help)

    @property
    def _multiplied(self) -> bool:
        return self.rounds > 0 or bool(self.sink.uses)

    @contextmanager
    def round(self) -> Iterator[None]:
        """What is worked out meanwhile is written once and done several times."""
        self.rounds += 1
        try:
            yield
        finally:
            self.rounds -= 1

    def step(self, span: Span, count: int = 1) -> Reported | None:
        """Count a piece of work; the token that takes its place once a bound has been passed."""
        if self.exhausted is None and self._multiplied:
            self.spent.steps += count
            if self.spent.steps > MAXIMAL_STEPS:
                return self._spent(span, f"`for` and blocks take more than {MAXIMAL_STEPS:,} steps to expand")
        return self.exhausted

    def hold(self, elements: int, span: Span) -> Reported | None:
        """Count the elements of a list or tuple; a token once there are too many to go on."""
        self.spent.elements += elements
        if self.exhausted is None and self.spent.elements > MAXIMAL_ELEMENTS:
            return self._spent(span, f"lists and tuples have more than {MAXIMAL_ELEMENTS:,} elements in all")
        return self.exhausted

    def exhaust(self, span: Span, message: str) -> Reported:
        """Report a bound that has been passed, and stop."""
        self.exhausted = self.report(OUT_OF_BOUNDS, span, message)
        return self.exhausted

    def _spent(self, span: Span, message: str) -> Reported:
        """Stop in this model and, without another word, in those that come after it."""
        if self.spent.reported is None:
            self.spent.reported = self.report(OUT_OF_BOUNDS, span, message)
        self.exhausted = self.spent.reported
        return self.exhausted

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
        if outputs > MAXIMAL_OUTPUTS:
            return self.report(OUT_OF_BOUNDS, span, f"more than {MAXIMAL_OUTPUTS:,} tensors come out of this")
        if self._multiplied:
            self.spent.nodes += 1
            if self.spent.nodes > MAXIMAL_NODES:
                return self._spent(span, f"`for` and blocks make more than {MAXIMAL_NODES:,} nodes")
        node = Node(
            name=names[0],
            instance=names[1],
            span=span,
            action=action,
            shared=place.shared,
            outputs=outputs,
            trainable=place.trainable,
            spans=spans,
            uses=self.sink.uses,
        )
        self.graph.add(node, arriving)
        if outputs == 1:
            return Tensor(node)
        return Bundle(tuple(Tensor(node, output) for output in range(outputs)))
