"""The syntax tree of a spec: frozen, with a span on every node, and nothing but what was written.

Spans do not take part in comparison, so that two texts that differ in layout only have equal trees.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, TypeAlias

from specc.records import record
from specc.source import Source, Span


@record
class Node:
    """A part of the tree; two are equal if they are of one class and agree in everything but spans."""

    span: Span = field(compare=False)

    def _compared(self) -> tuple[Any, ...]:
        return tuple(getattr(self, each.name) for each in fields(self) if each.compare)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and isinstance(other, Node) and self._compared() == other._compared()

    def __hash__(self) -> int:
        return hash((type(self), self._compared()))

    def __repr__(self) -> str:
        listed = ", ".join(f"{each.name}={getattr(self, each.name)!r}" for each in fields(self) if each.compare)
        return f"{type(self).__name__}({listed})"


# Expressions


@record
class Name(Node):
    """A name in an expression, or a stage without arguments (`x -> encoder`)."""

    id: str


@record
class Literal(Node):
    value: int | float | str | bool | None


@record
class Broken(Node):
    """An expression that can not be read and has been reported."""


@record
class Argument(Node):
    name: str | None
    value: Expression


@record
class Call(Node):
    name: str
    name_span: Span = field(compare=False)
    arguments: tuple[Argument, ...]


@record
class Tuple(Node):
    """`(a, b)`: several tensors side by side."""

    items: tuple[Expression, ...]


@record
class List(Node):
    items: tuple[Expression, ...]


@record
class Range(Node):
    """`low..high`; of integers the high end does not belong, of floats it does."""

    low: Expression
    high: Expression


@record
class Comprehension(Node):
    element: Expression
    variable: str
    range: Range


@record
class Mapping(Node):
    pairs: tuple[tuple[str, Expression], ...]


@record
class Index(Node):
    value: Expression
    index: Expression


@record
class Unary(Node):
    operator: str
    operand: Expression


@record
class Binary(Node):
    operator: str
    operator_span: Span = field(compare=False)
    left: Expression
    right: Expression


@record
class Conditional(Node):
    test: Expression
    then: Expression
    otherwise: Expression


@record
class Pipe(Node):
    value: Expression
    stages: tuple[Stage, ...]


# Stages: what stands behind an arrow. A `Name` or a `Call` is one too.


@record
class Parallel(Node):
    """`[A(), B() -> C()]`: one input, a tuple out."""

    branches: tuple[tuple[Stage, ...], ...]


@record
class ParallelFor(Node):
    branch: tuple[Stage, ...]
    variable: str
    range: Range


@record
class Repeat(Node):
    """`for i in 0..3 { … }`: one after the other."""

    stages: tuple[Stage, ...]
    variable: str
    range: Range


@record
class Choice(Node):
    test: Expression
    then: tuple[Stage, ...]
    otherwise: tuple[Stage, ...]


@record
class Group(Node):
    """`(A() -> B())` as a stage."""

    stages: tuple[Stage, ...]


Expression: TypeAlias = (
    Name
    | Literal
    | Broken
    | Call
    | Tuple
    | List
    | Comprehension
    | Mapping
    | Index
    | Unary
    | Binary
    | Conditional
    | Pipe
)
Stage: TypeAlias = Name | Call | Parallel | ParallelFor | Repeat | Choice | Group


# Statements


@record
class UnknownSize(Node):
    """`?` as a size."""


@record
class TypeExpression(Node):
    dtype: str
    dtype_span: Span = field(compare=False)
    sizes: tuple[Expression | UnknownSize, ...]


@record
class Named(Node):
    """A statement or item that binds `name`."""

    name: str
    name_span: Span = field(compare=False)


@record
class Input(Named):
    type: TypeExpression | None
    range: Range | None
    default: Expression | None


@record
class Output(Named):
    value: Expression | None


@record
class Const(Named):
    type: TypeExpression | None
    value: Expression


@record
class Weight(Named):
    type: TypeExpression
    value: Expression | None


@record
class Knob(Named):
    value: Expression
    range: Range | None


@record
class NamedLayer(Named):
    stages: tuple[Stage, ...]


@record
class Loss(Named):
    value: Expression


@record
class Metric(Named):
    value: Expression


@record
class Setting(Named):
    value: Expression


@record
class Train(Node):
    entries: tuple[Loss | Metric | Setting, ...]


@record
class Expect(Node):
    condition: Expression


@record
class Target(Node):
    name: str


@record
class Binding(Node):
    targets: tuple[Target, ...]
    value: Expression


Statement: TypeAlias = Input | Output | Const | Weight | Knob | NamedLayer | Train | Expect | Binding


# Items


@record
class Imported(Named):
    """`name as alias`; `name` is the name in this file, `original` the one in the other."""

    original: str


@record
class Use(Node):
    """`use "blocks.cnet": …` (a file of the project) or `use std: …` (`library` is true)."""

    origin: str
    origin_span: Span = field(compare=False)
    library: bool
    imports: tuple[Imported, ...]


@record
class Parameter(Named):
    default: Expression | None


@record
class Definition(Named):
    parameters: tuple[Parameter, ...]
    body: tuple[Statement, ...]


@record
class Block(Definition):
    pass


@record
class Model(Definition):
    pass


Item: TypeAlias = Use | Block | Model | Const | NamedLayer


@record
class Comment(Node):
    """A comment; `alone` on its line, it documents the item or statement below it."""

    text: str
    alone: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One parsed file.

    `comments` are found by their line. `broken` are the names that statements with a syntax error would have bound:
    whoever uses one of them has no fault of their own. `whole` is false if something could not be read.
    """

    source: Source
    items: tuple[Item, ...]
    comments: dict[int, Comment] = field(compare=False)
    broken: frozenset[str] = frozenset()
    whole: bool = True

    def documentation(self, node: Node) -> str:
        """The comment lines directly above a node, joined by newlines."""
        lines: list[str] = []
        line = node.span.line - 1
        while line in self.comments and self.comments[line].alone:
            lines.append(self.comments[line].text)
            line -= 1
        return "\n".join(reversed(lines))
