"""One way to write a spec: the same tokens and comments, spaced and indented by rule."""

from __future__ import annotations

from collections.abc import Iterator

from specc.diagnostics import Sink
from specc.source import Source
from specc.syntax import ast
from specc.syntax.layout import Layout, aligned
from specc.syntax.parse import parse, tokens_of
from specc.syntax.spacing import marked


def formatted(source: Source, sink: Sink) -> str | None:
    """A spec's text, formatted; none if it has faults of syntax, which go to the sink."""
    file = parse(source, sink)
    if not file.whole or sink.has_errors:
        return None
    marks = marked(tokens_of(source), frozenset(node.span.start for node in _beginnings(file)))
    lines = list(aligned(Layout(source, file.comments, marks).laid_out()))
    return "\n".join(lines[:-1]) + "\n" if any(lines) else ""


def _beginnings(file: ast.File) -> Iterator[ast.Node]:
    """The items of a file, and the statements in them."""
    for item in file.items:
        yield item
        if isinstance(item, ast.Definition):
            for statement in item.body:
                yield statement
                if isinstance(statement, ast.Train):
                    yield from statement.entries
