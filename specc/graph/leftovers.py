"""What nothing reads is looked at all the same, in a graph that is thrown away: it may be wrong too."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from specc.graph import blocks
from specc.graph.kinds import UNKNOWN_NAME
from specc.graph.model import Graph
from specc.graph.scope import Binding, FileScope, Item, Place, Scope, Taken
from specc.graph.state import Elaboration
from specc.syntax import ast


def of_body(run: Elaboration, scope: Scope) -> None:
    """The second statements of names that are bound twice, and named layers that nothing is sent through."""
    layers = [
        (name, entry.statement)
        for name, entry in scope.entries.items()
        if isinstance(entry, Binding) and isinstance(entry.statement, ast.NamedLayer) and not entry.used
    ]
    if not layers and not scope.repeated:
        return
    kept, run.graph = run.graph, Graph("", run.graph.span)
    for name, binding in scope.repeated:
        if not isinstance(binding.statement, ast.NamedLayer):
            run.value(binding, name, scope)
    for name, layer in layers:
        _layer(run, layer, scope, Place(name, Taken()))
    run.graph = kept


def of_file(scope: FileScope, instantiated: Collection[int]) -> Iterator[Item]:
    """The items that no model of a file uses. Blocks come from the back, where those stand that use the others.

    Args:
        instantiated: the blocks, by identity, that are used somewhere.
    """
    yield from (item for item in scope.repeated if item.home is scope)
    for item in reversed(scope.items.values()):
        used = id(item.node) in instantiated if isinstance(item.node, ast.Block) else item.used
        if item.home is scope and not used and not isinstance(item.node, ast.Model):
            yield item


def alone(run: Elaboration, item: Item) -> None:
    """A block, const or layer that no model uses, looked at by itself."""
    match item.node:
        case ast.Block() as block:
            blocks.alone(run, item, block)
        case ast.Const():
            run.shared_constant(item)
        case ast.NamedLayer() as layer:
            _layer(run, layer, Scope(item.home), Place(layer.name, run.taken))


def _layer(run: Elaboration, layer: ast.NamedLayer, scope: Scope, place: Place) -> None:
    nothing = run.sink.unknowable(UNKNOWN_NAME, layer.span, "nothing is sent through this layer")
    run.apply(layer.stages, nothing, scope, place)
