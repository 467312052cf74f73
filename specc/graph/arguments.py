"""Arguments of calls: from what is written to names and values, and to the faults of each at its own place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from specc import catalogue
from specc.catalogue.entries import ArgumentFault, Entry
from specc.catalogue.values import Configured, StageReference, TensorArgument, Value
from specc.diagnostics import Kind, Label, Reported, suggestion
from specc.graph.kinds import (
    ILLEGAL_VALUE,
    MISSING_ARGUMENT,
    SURPLUS_ARGUMENT,
    UNKNOWN_ARGUMENT,
    UNKNOWN_CONFIGURATION,
    WRONG_KIND,
)
from specc.graph.model import Tensor
from specc.graph.scope import Place, Scope, Taken
from specc.graph.state import Elaboration
from specc.graph.values import Bundle, Result, Unapplied, first_reported
from specc.source import Span
from specc.syntax import ast

KIND_OF: Mapping[str, Kind] = {
    kind.id: kind for kind in (UNKNOWN_ARGUMENT, MISSING_ARGUMENT, WRONG_KIND, ILLEGAL_VALUE)
}

_SUFFIX_ROLES = ("initializer", "regularizer", "constraint", "optimizer", "loss", "metric")


@dataclass(slots=True)
class Arguments:
    """The arguments of a call by name, each with the place where it is written."""

    values: dict[str, Result] = field(default_factory=dict)
    spans: dict[str, Span] = field(default_factory=dict)

    def take(self, name: str) -> Result:
        """Remove an argument and return its value; none when it is not there."""
        return self.values.pop(name, None)


def bind(
    run: Elaboration, call: ast.Call, names: Sequence[str], scope: Scope, place: Place, owner: str | None = None
) -> Arguments | Reported:
    """Match written arguments with names in their positional order and evaluate them."""
    found = Arguments()
    fault: Reported | None = None
    for position, argument in enumerate(call.arguments):
        name = argument.name
        if name is None:
            if position >= len(names):
                message = f"{owner or call.name} takes at most {len(names)} arguments in parentheses"
                fault = run.report(SURPLUS_ARGUMENT, argument.span, message)
                break
            name = names[position]
        if name in found.spans:
            first = Label(found.spans[name], "it is given here")
            fault = run.report(SURPLUS_ARGUMENT, argument.span, f"`{name}` is given twice", first)
            continue
        found.spans[name] = argument.span
        found.values[name] = run.evaluate(argument.value, scope, place.middle())
        fault = first_reported(found.values[name]) or fault
    return found if fault is None else fault


def report(run: Elaboration, faults: Sequence[ArgumentFault], found: Arguments, call: Span) -> Reported:
    """Report what is wrong with arguments, each at its own place, a missing one at the call."""
    reported = None
    for fault in faults:
        span = found.spans.get(fault.argument or "", call)
        reported = run.report(KIND_OF[fault.pattern], span, fault.message, help=fault.help)
    assert reported is not None
    return reported


@dataclass(slots=True)
class Ports:
    """The tensors that stand among arguments, by the port that each arrives at."""

    arriving: dict[str, Tensor] = field(default_factory=dict)

    def argument(self, port: str, tensor: Tensor) -> TensorArgument:
        self.arriving[port] = tensor
        return TensorArgument(port)


def value_of(run: Elaboration, name: str, value: Result, ports: Ports) -> Value | Reported:
    """A result as the catalogue and the constructs take it: tensors become ports, nested calls config objects."""
    match value:
        case Tensor():
            return ports.argument(name, value)
        case Bundle(tensors):
            return [ports.argument(f"{name}.{place}", tensor) for place, tensor in enumerate(tensors)]
        case Unapplied():
            return nested(run, value, name)
        case list():
            return _values(run, {f"{name}.{place}": item for place, item in enumerate(value)}, ports)
        case dict():
            found = _values(run, {f"{name}.{key}": item for key, item in value.items()}, ports)
            return found if isinstance(found, Reported) else dict(zip(value, found, strict=True))
    return value


def _values(run: Elaboration, items: Mapping[str, Result], ports: Ports) -> list[Value] | Reported:
    found = values_of(run, items, ports)
    return found if isinstance(found, Reported) else list(found.values())


def values_of(run: Elaboration, items: Mapping[str, Result], ports: Ports) -> dict[str, Value] | Reported:
    """`value_of` for several; the faults of all of them are reported."""
    values: dict[str, Value] = {}
    reported: Reported | None = None
    for name, item in items.items():
        converted = value_of(run, name, item, ports)
        if isinstance(converted, Reported):
            reported = converted
        else:
            values[name] = converted
    return values if reported is None else reported


def nested(run: Elaboration, value: Unapplied, argument: str) -> Configured | StageReference | Reported:
    """A call among the arguments: a config object, or a layer for a wrapper."""
    call = value.call
    roles = catalogue.roles_of(call.name)
    wanted = next((role for role in _SUFFIX_ROLES if argument.endswith(role)), None)
    layer = catalogue.layer(call.name)
    if layer is not None and wanted is None:
        given = checked(run, layer, value)
        return given if isinstance(given, Reported) else StageReference(layer.name, given)
    if not roles:
        every = [name for role in catalogue.ROLES for name in catalogue.configuration_names(role)]
        known = catalogue.configuration_names(wanted) if wanted else [*every, *catalogue.layer_names()]
        message = f"there is no {wanted or 'config class or layer'} `{call.name}`"
        return run.unknown(UNKNOWN_CONFIGURATION, call.name_span, message, call.name, known)
    role = wanted if wanted in roles else roles[0]
    return configured(run, value, role)


def configured(run: Elaboration, value: Unapplied, role: str) -> Configured | Reported:
    """A call as the config object of a role: `BinaryCrossentropy()` as a loss or as a metric."""
    call = value.call
    entry = catalogue.configuration(role, call.name)
    if entry is None:
        words = role.replace("_", " ")
        return run.unknown(
            UNKNOWN_CONFIGURATION,
            call.name_span,
            f"there is no {words} `{call.name}`",
            call.name,
            catalogue.configuration_names(role),
        )
    given = checked(run, entry, value)
    return given if isinstance(given, Reported) else Configured(entry.name, role, given)


def checked(run: Elaboration, entry: Entry, value: Unapplied) -> dict[str, Value] | Reported:
    """The arguments of a nested call as they are written, once they have been checked."""
    call = value.call
    names = [argument.name for argument in entry.arguments]
    found = bind(run, call, names, value.scope, Place("", Taken()), entry.name)
    if isinstance(found, Reported):
        return found
    values = values_of(run, found.values, Ports())
    if isinstance(values, Reported):
        return values
    read, faults = entry.check(values)
    if faults:
        return report(run, faults, found, call.name_span)
    # Keras' optimizers tell 1 from 1.0.
    return {name: read[name] if isinstance(read[name], float) else value for name, value in values.items()}


def unknown_argument(run: Elaboration, found: Arguments, names: Sequence[str], owner: str) -> Reported | None:
    """Report arguments that a block or model does not have."""
    reported = None
    for name in found.values:
        if name not in names:
            message = f"{owner} has no argument `{name}`"
            reported = run.report(UNKNOWN_ARGUMENT, found.spans[name], message, help=suggestion(name, names))
    return reported
