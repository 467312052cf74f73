"""The syntax tree of a spec: frozen, with a span on every node, and nothing but what was written.

Spans do not take part in comparison, so that two texts that differ in layout only have equal trees.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from specc.source import Source, Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    span: Span = field(compare=False)


# Expressions


@dataclass(frozen=True, slots=True, kw_only=True)
class Name(Node):
    """A name in an expression, or a stage without arguments (`x -> encoder`)."""

    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Literal(Node):
    value: int | float | str | bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Argument(Node):
    name: str | None
    value: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Node):
    name: str
    name_span: Span = field(compare=False)
    arguments: tuple[Argument, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuple(Node):
    """`(a, b)`: several tensors side by side."""

    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class List(Node):
    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Range(Node):
    """`low..high`; of integers the high end does not belong, of floats it does."""

    low: Expression
    high: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Comprehension(Node):
    element: Expression
    variable: str
    range: Range


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping(Node):
    pairs: tuple[tuple[str, Expression], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Index(Node):
    value: Expression
    index: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Unary(Node):
    operator: str
    operand: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Binary(Node):
    operator: str
    operator_span: Span = field(compare=False)
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditional(Node):
    test: Expression
    then: Expression
    otherwise: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipe(Node):
    value: Expression
    stages: tuple[Stage, ...]


# Stages: what stands behind an arrow. A `Name` or a `Call` is one too.


@dataclass(frozen=True, slots=True, kw_only=True)
class Parallel(Node):
    """`[A(), B() -> C()]`: one input, a tuple out."""

    branches: tuple[tuple[Stage, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ParallelFor(Node):
    branch: tuple[Stage, ...]
    variable: str
    range: Range


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat(Node):
    """`for i in 0..3 { … }`: one after the other."""

    stages: tuple[Stage, ...]
    variable: str
    range: Range


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice(Node):
    test: Expression
    then: tuple[Stage, ...]
    otherwise: tuple[Stage, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Group(Node):
    """`(A() -> B())` as a stage."""

    stages: tuple[Stage, ...]


Expression: TypeAlias = (
    Name | Literal | Call | Tuple | List | Comprehension | Mapping | Index | Unary | Binary | Conditional | Pipe
)
Stage: TypeAlias = Name | Call | Parallel | ParallelFor | Repeat | Choice | Group


# Statements


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownSize(Node):
    """`?` as a size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeExpression(Node):
    dtype: str
    dtype_span: Span = field(compare=False)
    sizes: tuple[Expression | UnknownSize, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Named(Node):
    """A statement or item that binds `name`."""

    name: str
    name_span: Span = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Input(Named):
    type: TypeExpression | None
    range: Range | None
    default: Expression | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Output(Named):
    value: Expression | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Const(Named):
    type: TypeExpression | None
    value: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight(Named):
    type: TypeExpression
    value: Expression | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Knob(Named):
    value: Expression
    range: Range | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedLayer(Named):
    stages: tuple[Stage, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss(Named):
    value: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric(Named):
    value: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting(Named):
    value: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Train(Node):
    entries: tuple[Loss | Metric | Setting, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expect(Node):
    condition: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Target(Node):
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding(Node):
    targets: tuple[Target, ...]
    value: Expression


Statement: TypeAlias = Input | Output | Const | Weight | Knob | NamedLayer | Train | Expect | Binding


# Items


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported(Named):
    """`name as alias`; `name` is the name in this file, `original` the one in the other."""

    original: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Use(Node):
    """`use "blocks.cnet": …` (a file of the project) or `use std: …` (`library` is true)."""

    origin: str
    origin_span: Span = field(compare=False)
    library: bool
    imports: tuple[Imported, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter(Named):
    default: Expression | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition(Named):
    parameters: tuple[Parameter, ...]
    body: tuple[Statement, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Block(Definition):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Model(Definition):
    pass


Item: TypeAlias = Use | Block | Model | Const | NamedLayer


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment(Node):
    """A comment; `alone` on its line, it documents the item or statement below it."""

    text: str
    alone: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One parsed file.

    `comments` are found by their line. `broken` are the names that statements with a syntax error would have bound:
    whoever uses one of them has no fault of their own.
    """

    source: Source
    items: tuple[Item, ...]
    comments: dict[int, Comment] = field(compare=False)
    broken: frozenset[str] = frozenset()

    def documentation(self, node: Node) -> str:
        """The comment lines directly above a node, joined by newlines."""
        lines: list[str] = []
        line = node.span.line - 1
        while line in self.comments and self.comments[line].alone:
            lines.append(self.comments[line].text)
            line -= 1
        return "\n".join(reversed(lines))
