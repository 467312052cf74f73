"""Names that are bound and never read, found in the text itself: a name in a branch that is not taken is read too."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import fields
from functools import cache
from typing import Any

from specc.diagnostics import Sink
from specc.graph.kinds import UNUSED_BINDING
from specc.graph.scope import FileScope
from specc.syntax import ast


def report(scope: FileScope, carrying: Collection[int], sink: Sink) -> None:
    """Warn about names of a file that nothing reads.

    Args:
        carrying: the statements, by identity, whose tensors are in a model: the graph tells what is unused of those.
    """
    items = scope.file.items
    unread = {item.name for item in items if isinstance(item, ast.Const | ast.NamedLayer)}
    for item in items:
        read = set(_read(item))
        if isinstance(item, ast.Definition):
            _definition(item, read, carrying, sink)
        unread -= read
    # A file of nothing but parts is there to be used by others.
    if any(isinstance(item, ast.Model) for item in items):
        for item in items:
            if isinstance(item, ast.Const | ast.NamedLayer) and item.name in unread:
                _report(item, "is never used", sink)


def _definition(item: ast.Definition, read: set[str], carrying: Collection[int], sink: Sink) -> None:
    for parameter in item.parameters:
        if parameter.name not in read:
            _report(parameter, "is a parameter and never read", sink)
    for statement in item.body:
        match statement:
            case ast.Binding(targets=targets) if id(statement) not in carrying:
                if not read.intersection(target.name for target in targets):
                    sink.report(UNUSED_BINDING, targets[0].span, f"`{targets[0].name}` is never read")
            case ast.Input(name=name) if isinstance(item, ast.Block) and name not in read:
                _report(statement, "is an input of the block and never read", sink)
            case ast.NamedLayer(name=name) if name not in read:
                _report(statement, "is a layer and never used", sink)
            case ast.Const(name=name) | ast.Weight(name=name) | ast.Knob(name=name):
                if name not in read and id(statement) not in carrying:
                    _report(statement, "is never read", sink)


def _report(named: ast.Named, what: str, sink: Sink) -> None:
    sink.report(UNUSED_BINDING, named.name_span, f"`{named.name}` {what}")


def names(node: ast.Node) -> Iterator[ast.Name]:
    """Every name that stands in a node as an expression or a bare stage."""
    return (part for part in _parts(node) if isinstance(part, ast.Name))


def _read(node: ast.Node) -> Iterator[str]:
    """The names that are read somewhere in a node."""
    for part in _parts(node):
        match part:
            case ast.Name(id=name) | ast.Call(name=name) | ast.Output(name=name, value=None):
                yield name


def _parts(node: ast.Node) -> Iterator[ast.Node]:
    waiting: list[Any] = [node]
    while waiting:
        part = waiting.pop()
        if isinstance(part, tuple):
            waiting += part
        elif isinstance(part, ast.Node):
            yield part
            kind: Any = type(part)
            waiting += [getattr(part, field) for field in _children(kind)]


@cache
def _children(node: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(node) if field.compare)
