"""Which names are visible where, and what nodes are called.

Names resolve when they are first read, so the order of statements does not matter; a name that is read while it is
being resolved closes a cycle.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

from specc.records import value_object
from specc.source import Span
from specc.syntax import ast

if TYPE_CHECKING:
    from pathlib import Path

    from specc.graph.model import Constraint
    from specc.graph.values import Result


@dataclass(slots=True)
class Binding:
    """A statement that binds a name; `value` is there once it has been resolved."""

    statement: ast.Statement
    place: int
    span: Span
    used: bool = False


@value_object
class Bound:
    """A parameter or the index of a `for`: its value is known."""

    value: Result
    span: Span


@value_object
class ArrivingSize:
    """A symbol in the type of a block's input: the size of one axis of the tensor that arrives there."""

    constraint: Constraint
    axis: int

    @property
    def span(self) -> Span:
        return self.constraint.span


@dataclass(slots=True)
class Item:
    """A block, model, layer or const of a file, with the file whose names it sees."""

    node: ast.Block | ast.Model | ast.NamedLayer | ast.Const
    home: FileScope
    used: bool = False

    @property
    def span(self) -> Span:
        return self.node.name_span


Entry: TypeAlias = "Binding | Bound | ArrivingSize | Item"


@dataclass(slots=True)
class FileScope:
    """The names of a file: its items, and what it uses of others. `folder` bounds what it may read."""

    file: ast.File
    folder: Path
    items: dict[str, Item] = field(default_factory=dict)
    spans: dict[str, Span] = field(default_factory=dict)
    imported: list[ast.Imported] = field(default_factory=list)
    repeated: list[Item] = field(default_factory=list)
    """Items that have the name of an earlier one."""
    broken: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Scope:
    """The names of a body, an instance of a block, or a `for`; then those around it."""

    home: FileScope
    around: Scope | None = None
    entries: dict[str, Entry] = field(default_factory=dict)
    place: Place | None = None
    repeated: list[tuple[str, Binding]] = field(default_factory=list)
    """Statements that bind a name for the second time: nobody reads them, and they may be wrong all the same."""
    values: dict[int, Result] = field(default_factory=dict)
    """What statements of this body gave, by their place."""

    def lookup(self, name: str) -> tuple[Entry, Scope] | None:
        """What a name stands for and the scope that binds it."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.entries:
                return scope.entries[name], scope
            scope = scope.around
        item = self.home.items.get(name)
        return (item, self) if item is not None else None

    def names(self) -> Iterator[str]:
        """Every visible name, the nearest first."""
        scope: Scope | None = self
        while scope is not None:
            yield from scope.entries
            scope = scope.around
        yield from self.home.items

    def within(self, name: str, value: Result, span: Span) -> Scope:
        """This scope with one more name known, as inside a `for`."""
        return Scope(self.home, self, {name: Bound(value, span)}, self.place)


def snake_case(name: str) -> str:
    """`GlobalAveragePooling2D` as Keras names its layers: `global_average_pooling2d`."""
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


class Taken:
    """The names of a graph that are in use."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def claim(self, wanted: str) -> str:
        """A name that is free from now on no longer: `h`, then `h_2`, `h_3`."""
        found, number = wanted, self._numbers.get(wanted, 0)
        while found in self._numbers:
            number += 1
            found = f"{wanted}_{number}"
        # The search goes on from there next time: a thousand layers of one sort take a thousand steps, not a million.
        self._numbers[wanted] = number
        self._numbers[found] = 1
        return found

    def release(self, name: str) -> None:
        """Free a name, for what is put in the place that it was claimed for."""
        del self._numbers[name]


@value_object
class Place:
    """Where the next node stands, and so what it is called.

    `h = x -> A() -> B()` makes the nodes `h.a` and, at its end, `h`. Inside a layer that the file shares, `instance`
    names the Keras layer that several nodes have in common.
    """

    path: str
    taken: Taken
    final: bool = True
    targets: tuple[str, ...] = ()
    instance: Place | None = None
    shared: bool = False
    trainable: bool = True

    def middle(self) -> Place:
        """The same statement, before its last stage."""
        if not self.final and not self.targets and (self.instance is None or not self.instance.final):
            return self
        return replace(self, final=False, targets=(), instance=self.instance and self.instance.middle())

    def side_by_side(self, count: int) -> list[Place]:
        """The places of parallel branches: `a, b = x -> [A(), B()]` makes the nodes `a` and `b`."""
        if self.final and count == len(self.targets) and self.instance is None:
            return [replace(self, path=target, targets=()) for target in self.targets]
        return [self.middle()] * count

    def inside(self, name: str) -> Place:
        """A statement called `name` of the block instance that this place stands for."""
        path = f"{self.path}.{name}" if self.path else name
        return replace(self, path=path, final=True, targets=(), instance=self.instance and self.instance.inside(name))

    def inside_as(self, names: list[str]) -> Place:
        """A statement that binds several names; a node that serves all of them is called like the first."""
        within = self.inside(names[0])
        return replace(within, targets=tuple(self.inside(name).path for name in names))

    def frozen(self) -> Place:
        return replace(self, trainable=False)

    def sharing(self, instance: str, shared: bool) -> Place:
        """The same place, served by the layers of a shared instance; each use numbers them alike from the start."""
        if self.instance is not None:
            return self
        return replace(self, instance=Place(instance, Taken()), shared=shared)

    def name(self, what: str) -> str:
        """A name for a node that does `what`, marked as taken."""
        wanted = self.path if self.final else f"{self.path}.{snake_case(what)}"
        return self.taken.claim(wanted)

    def names(self, what: str) -> tuple[str, str]:
        """The name of a node and of the Keras layer that serves it."""
        name = self.name(what)
        return name, self.instance.name(what) if self.instance else name

    def instanced(self, what: str) -> Place:
        """The place of a whole block that is put here; its statements stand inside."""
        name, instance = self.names(what)
        within = replace(self.instance, path=instance) if self.instance else None
        return replace(self, path=name, final=True, targets=(), instance=within)
