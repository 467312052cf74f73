"""Calls of layers, ops and constructs: arguments are checked, and a node is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from specc import catalogue
from specc.catalogue.layers import LayerEntry
from specc.catalogue.values import StageReference
from specc.constructs import BY_NAME, Construct, check
from specc.diagnostics import Reported
from specc.graph.arguments import Arguments, Ports, bind, report, values_of
from specc.graph.kinds import ARITY, ARRAY, NO_TENSOR, WRONG_KIND
from specc.graph.model import ConstructCall, LayerCall, Missing, OperationCall, Tensor
from specc.graph.scope import Place, Scope
from specc.graph.state import Elaboration
from specc.graph.values import Bundle, Result, Unapplied, described, first_reported, has_tensor
from specc.source import Span
from specc.syntax import ast

if TYPE_CHECKING:
    from specc.catalogue.ops import OperationEntry

CONDITIONED = ("kernel", "bias")
"""The weights of a layer that may come from the graph."""


def called(run: Elaboration, call: ast.Call, scope: Scope, place: Place) -> Result:
    """A call in an expression: an op or a construct on tensors, or something whose reader decides what it is."""
    if scope.lookup(call.name) is None:
        entry = catalogue.operation(call.name)
        if entry is not None:
            found = bind(run, call, [argument.name for argument in entry.arguments], scope, place)
            if isinstance(found, Reported):
                return found
            return operate(run, entry, found.values, found.spans, call.span, place)
        construct = BY_NAME.get(call.name)
        if construct is not None and construct.most_inputs == 0:
            return construct_call(run, construct, call, (), scope, place)
        if call.name == "load":
            return run.report(ARRAY, call.span, "`load` gives its array a name: `const kernels = load(…)`")
    return Unapplied(call, scope)


def tensors_of(run: Elaboration, value: Result, span: Span) -> tuple[Tensor, ...] | Reported:
    """The tensors that flow into a stage."""
    match value:
        case Reported():
            return value
        case Tensor():
            return (value,)
        case Bundle(items):
            return items
    several = "several tensors stand in parentheses: `(a, b) -> …`" if has_tensor(value) else None
    return run.report(NO_TENSOR, span, f"an arrow carries tensors, not {described(value)}", help=several)


# Ops


def operate(
    run: Elaboration,
    entry: OperationEntry,
    values: Mapping[str, Result],
    spans: Mapping[str, Span],
    span: Span,
    place: Place,
) -> Result:
    """A node that applies an op to arguments, tensors among them."""
    ports = Ports()
    written = values_of(run, values, ports)
    if isinstance(written, Reported):
        return written
    checked, faults = entry.check(written)
    if faults:
        return report(run, faults, Arguments(dict(values), dict(spans)), span)
    if not ports.arriving:
        return run.report(NO_TENSOR, span, f"`{entry.name}` works on tensors, and none is given")
    action = OperationCall(entry=entry, written=written, checked=checked)
    outputs = entry.number_of_outputs(checked)
    return run.add(action, place.names(entry.name), place, span, ports.arriving, outputs, spans)


def operation_stage(
    run: Elaboration, entry: OperationEntry, call: ast.Call, inputs: tuple[Tensor, ...], scope: Scope, place: Place
) -> Result:
    """`x -> tanh()` is `tanh(x)`; a tuple fills a list of tensors, or the operands in their order."""
    names = [parameter.name for parameter in entry.parameters]
    takes = [parameter.name for parameter in entry.parameters if parameter.operand == "tensor"]
    operands: dict[str, Result]
    if entry.parameters[0].operand == "tensors":
        operands = {names[0]: Bundle(inputs)}
    else:
        operands = dict(zip(takes, inputs, strict=False))
        if len(inputs) > len(takes):
            return run.report(ARITY, call.span, f"`{entry.name}` takes {len(takes)} tensors, not {len(inputs)}")
    found = bind(run, call, names[len(operands) :], scope, place)
    if isinstance(found, Reported):
        return found
    return operate(run, entry, {**operands, **found.values}, found.spans, call.span, place)


# Layers


def layer_stage(
    run: Elaboration, entry: LayerEntry, call: ast.Call, inputs: tuple[Tensor, ...], scope: Scope, place: Place
) -> Result:
    """A Keras layer called on tensors."""
    found = bind(run, call, [argument.name for argument in entry.arguments], scope, place, entry.name)
    if isinstance(found, Reported):
        return found
    return call_layer(run, entry, found, inputs, call, place)


def call_layer(
    run: Elaboration, entry: LayerEntry, found: Arguments, inputs: tuple[Tensor, ...], call: ast.Call, place: Place
) -> Result:
    """A node for a layer whose arguments have been evaluated."""
    conditioned: dict[str, Tensor] = {}
    if entry.takes_kernel:
        for name in CONDITIONED:
            value = found.take(name)
            if isinstance(value, Tensor):
                conditioned[name] = value
            elif value is not None:
                message = f"`{name}` is a tensor of the graph, not {described(value)}"
                return run.report(WRONG_KIND, found.spans[name], message)
    ports = Ports()
    written = values_of(run, found.values, ports)
    if isinstance(written, Reported):
        return written
    checked, faults = entry.check(written)
    if faults:
        return report(run, faults, found, call.name_span)
    action = LayerCall(entry=entry, written=written, checked=checked, conditioned=tuple(conditioned))
    arriving = {str(position): tensor for position, tensor in enumerate(inputs)} | conditioned | ports.arriving
    outputs = entry.number_of_outputs(checked)
    return run.add(action, place.names(entry.name), place, call.span, arriving, outputs, found.spans)


def leg(
    run: Elaboration, reference: StageReference, inputs: tuple[Tensor, ...], call: ast.Call, place: Place
) -> Result:
    """A layer that a construct puts before itself."""
    entry = catalogue.layer(reference.layer)
    assert entry is not None
    values: dict[str, Result] = dict(reference.arguments)  # type: ignore[arg-type]
    checked, faults = entry.check(reference.arguments)
    found = Arguments(values, {name: call.span for name in values})
    if faults:
        return report(run, faults, found, call.name_span)
    action = LayerCall(entry=entry, written=reference.arguments, checked=checked)
    arriving = {str(position): tensor for position, tensor in enumerate(inputs)}
    return run.add(action, place.names(entry.name), place, call.span, arriving)


# Constructs


def construct_call(
    run: Elaboration,
    construct: type[Construct],
    call: ast.Call,
    inputs: tuple[Tensor, ...],
    scope: Scope,
    place: Place,
) -> Result:
    """A construct applied to tensors."""
    found = bind(run, call, list(construct.model_fields), scope, place)
    if isinstance(found, Reported):
        return found
    ports = Ports()
    values = values_of(run, found.values, ports)
    if isinstance(values, Reported):
        return values
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    instance = check(construct, values)
    if not isinstance(instance, Construct):
        return report(run, instance, found, call.name_span)
    if legs := instance.legs():
        results = [leg(run, reference, inputs, call, place.middle()) for reference in legs]
        reported = first_reported(results)
        if reported is not None:
            return reported
        inputs = tuple(result for result in results if isinstance(result, Tensor))
    if not _accepts(instance, len(inputs)):
        if any(isinstance(tensor.node.action, Missing) for tensor in inputs):
            return run.sink.again()
        return run.report(ARITY, call.span, f"{construct.name} takes {_wanted(instance)}, not {len(inputs)}")
    arriving = {str(position): tensor for position, tensor in enumerate(inputs)} | ports.arriving
    action = ConstructCall(construct=instance)
    return run.add(
        action, place.names(construct.name), place, call.span, arriving, instance.outputs(len(inputs)), found.spans
    )


def _accepts(construct: Construct, count: int) -> bool:
    return construct.least_inputs <= count and (construct.most_inputs is None or count <= construct.most_inputs)


def _wanted(construct: Construct) -> str:
    if construct.most_inputs == construct.least_inputs:
        return "one tensor" if construct.least_inputs == 1 else f"{construct.least_inputs} tensors"
    return f"{construct.least_inputs} tensors or more"
