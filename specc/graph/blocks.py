"""Blocks: every use is a fresh copy of the body, with its own arguments, tensors and weights."""

from __future__ import annotations

from specc.diagnostics import Reported
from specc.graph import sources
from specc.graph.arguments import Arguments, unknown_argument
from specc.graph.calls import tensors_of
from specc.graph.evaluate import known
from specc.graph.kinds import (
    ARITY,
    ILLEGAL_STATEMENT,
    MISSING_ARGUMENT,
    NO_OUTPUT,
    NO_TENSOR,
    WRONG_KIND,
)
from specc.graph.model import Constraint, InputTensor, Missing, Tensor
from specc.graph.scope import ArrivingSize, Bound, Item, Place, Scope
from specc.graph.state import MAXIMAL_BLOCKS, STEPS_OF_A_BLOCK, Elaboration
from specc.graph.values import Bundle, Result, described, first_reported
from specc.syntax import ast
from specc.types import Dim, TensorType


def instantiate(run: Elaboration, item: Item, found: Arguments, value: Result, place: Place, call: ast.Call) -> Result:
    """A copy of a block fed with a value: its output, or all of them side by side."""
    block = item.node
    assert isinstance(block, ast.Block)
    frozen = found.values.pop("trainable", None)
    if frozen is not None and not isinstance(frozen, bool):
        return run.report(WRONG_KIND, found.spans["trainable"], "`trainable` is true or false")
    names = [parameter.name for parameter in block.parameters]
    reported = unknown_argument(run, found, names, f"block `{block.name}`")
    if reported is not None:
        return reported
    if len(run.sink.uses) >= MAXIMAL_BLOCKS:
        message = f"blocks are nested more than {MAXIMAL_BLOCKS} deep; does `{block.name}` use itself?"
        return run.exhaust(call.span, message)
    stopped = run.step(call.span, STEPS_OF_A_BLOCK)
    if stopped is not None:
        return stopped
    inside = place.instanced(block.name)
    with run.sink.at((*run.sink.uses, call.span)):
        return _body(run, item, block, found, value, inside.frozen() if frozen is False else inside, call)


def _body(
    run: Elaboration, item: Item, block: ast.Block, found: Arguments, value: Result, place: Place, call: ast.Call
) -> Result:
    scope = Scope(item.home, place=place)
    for parameter in block.parameters:
        argument: Result
        if parameter.name in found.values:
            argument = found.values[parameter.name]
        elif parameter.default is None:
            message = f"block `{block.name}` needs `{parameter.name}`"
            argument = run.report(MISSING_ARGUMENT, call.span, message)
        else:
            argument = known(run, parameter.default, scope, "the default of a parameter")
        run.bind(parameter.name, argument, parameter.name_span, scope)
    reported = first_reported([scope.entries[parameter.name].value for parameter in block.parameters])  # type: ignore[union-attr]
    if reported is not None:
        return reported
    inputs = [statement for statement in block.body if isinstance(statement, ast.Input)]
    tensors = tensors_of(run, value, call.span)
    if isinstance(tensors, Reported):
        return tensors
    if len(tensors) != len(inputs):
        if any(isinstance(tensor.node.action, Missing) for tensor in tensors):
            return run.sink.again()
        listed = f" ({', '.join(statement.name for statement in inputs)})" if inputs else ""
        message = f"block `{block.name}` takes {len(inputs) or 'no'} tensors{listed}, not {len(tensors)}"
        return run.report(ARITY, call.span, message)
    run.declare([statement for statement in block.body if not isinstance(statement, ast.Input)], scope)
    sizes: dict[str, Dim] = {}
    symbols: dict[str, ArrivingSize] = {}
    for statement, tensor in zip(inputs, tensors, strict=True):
        run.bind(statement.name, tensor, statement.name_span, scope)
        symbols = _constrain(run, statement, tensor, scope, call, sizes) | symbols
    # A symbol becomes a name once every input has been declared with it.
    scope.entries.update(symbols)
    return _outputs(run, block, scope)


def alone(run: Elaboration, item: Item, block: ast.Block) -> None:
    """A block that nothing uses, with inputs and arguments that nobody knows."""
    place = Place("", run.taken)
    scope = Scope(item.home, place=place)
    unknown = run.sink.unknowable(MISSING_ARGUMENT, block.name_span, "nothing gives this block its arguments")
    for parameter in block.parameters:
        given = parameter.default is not None
        value = known(run, parameter.default, scope, "the default of a parameter") if parameter.default else unknown
        run.bind(parameter.name, value if given else unknown, parameter.name_span, scope)
    run.declare([statement for statement in block.body if not isinstance(statement, ast.Input)], scope)
    symbols: set[str] = set()
    for statement in block.body:
        if isinstance(statement, ast.Input):
            _refuse_range(run, statement)
            type = None if statement.type is None else sources.declared_type(run, statement.type, scope)
            # What asks for a size that only a use can give is not at fault.
            known_type = type if isinstance(type, TensorType) and _is_static(type) else None
            action = InputTensor(type=known_type)
            tensor = run.add(action, place.names(statement.name), place, statement.name_span, {})
            run.bind(statement.name, tensor, statement.name_span, scope)
            sizes = () if statement.type is None else statement.type.sizes
            symbols |= {size.id for size in sizes if isinstance(size, ast.Name) and scope.lookup(size.id) is None}
    scope.entries.update({name: Bound(unknown, block.name_span) for name in symbols})
    _outputs(run, block, scope)


def _is_static(type: TensorType) -> bool:
    return all(isinstance(size, int) for size in type.shape or ())


def _refuse_range(run: Elaboration, statement: ast.Input) -> None:
    for part in (statement.range, statement.default):
        if part is not None:
            run.report(ILLEGAL_STATEMENT, part.span, "the input of a block takes what comes: no range, no default")


def _constrain(
    run: Elaboration, statement: ast.Input, tensor: Tensor, scope: Scope, call: ast.Call, sizes: dict[str, Dim]
) -> dict[str, ArrivingSize]:
    """Note what the block says of the tensor that arrives; the symbols of its type, which the body may read."""
    _refuse_range(run, statement)
    if statement.type is None:
        return {}
    type = sources.declared_type(run, statement.type, scope)
    if isinstance(type, Reported):
        return {}
    constraint = Constraint(
        tensor=tensor,
        type=type,
        name=statement.name,
        span=statement.type.span,
        used=call.span,
        sizes=sizes,
        uses=run.sink.uses[:-1],
    )
    run.graph.constraints.append(constraint)
    symbols = [(axis, size.id) for axis, size in enumerate(statement.type.sizes) if isinstance(size, ast.Name)]
    return {name: ArrivingSize(constraint, axis) for axis, name in symbols if scope.lookup(name) is None}


def _outputs(run: Elaboration, block: ast.Block, scope: Scope) -> Result:
    results: list[Tensor] = []
    reported: Reported | None = None
    for statement in block.body:
        match statement:
            case ast.Input() | ast.NamedLayer():
                continue
            case ast.Train() | ast.Expect():
                what = type(statement).__name__.lower()
                reported = run.report(ILLEGAL_STATEMENT, statement.span, f"`{what}` belongs into a model, not a block")
            case ast.Output(value=None, name=name):
                value = run.resolve(ast.Name(id=name, span=statement.name_span), scope)
                reported = _collect(run, statement, value, results) or reported
            case ast.Output(name=name):
                value = run.value(scope.entries[name], name, scope)
                reported = _collect(run, statement, value, results) or reported
            case ast.Binding(targets=targets):
                for target in targets:
                    run.value(scope.entries[target.name], target.name, scope)
            case _:
                run.value(scope.entries[statement.name], statement.name, scope)
    run.leftovers(scope)
    if reported is not None:
        return reported
    if not results:
        return run.report(NO_OUTPUT, block.name_span, f"block `{block.name}` has no output")
    return results[0] if len(results) == 1 else Bundle(tuple(results))


def _collect(run: Elaboration, statement: ast.Output, value: Result, results: list[Tensor]) -> Reported | None:
    match value:
        case Tensor():
            results.append(value)
            return None
        case Bundle(items):
            results += items
            return None
        case Reported():
            return value
    return run.report(NO_TENSOR, statement.span, f"an output is a tensor, not {described(value)}")
