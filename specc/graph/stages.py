"""Stages: what stands behind an arrow, applied to what flows in."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from specc import catalogue
from specc.constructs import BY_NAME
from specc.diagnostics import Reported
from specc.graph import calls
from specc.graph.arguments import bind
from specc.graph.evaluate import bounds, condition
from specc.graph.kinds import CYCLE, REFUSED_LAYER, SURPLUS_ARGUMENT, UNKNOWN_LAYER
from specc.graph.model import Tensor
from specc.graph.scope import ArrivingSize, Binding, Bound, Entry, Item, Place, Scope
from specc.graph.state import Elaboration
from specc.graph.values import Bundle, Result, Unapplied, described
from specc.syntax import ast


def apply(run: Elaboration, stages: Sequence[ast.Stage], value: Result, scope: Scope, place: Place) -> Result:
    """What comes out of stages that a value is sent through; the last one takes the name of `place`."""
    for number, stage in enumerate(stages, 1):
        stopped = run.step(stage.span)
        if stopped is not None:
            return stopped
        if isinstance(value, Reported):
            # What stands behind a fault is still read: its own names and arguments may be wrong too.
            value = run.missing(value, stage.span)
        value = _stage(run, stage, value, scope, place if number == len(stages) else place.middle())
    return value


def _stage(run: Elaboration, stage: ast.Stage, value: Result, scope: Scope, place: Place) -> Result:
    match stage:
        case ast.Name(id=name):
            call = ast.Call(name=name, name_span=stage.span, arguments=(), span=stage.span)
            return _called(run, call, value, scope, place, bare=True)
        case ast.Call():
            return _called(run, stage, value, scope, place, bare=False)
        case ast.Group(stages=stages):
            return run.apply(stages, value, scope, place)
        case ast.Choice(test=test, then=then, otherwise=otherwise):
            truth = condition(run, test, scope)
            if isinstance(truth, Reported):
                return truth
            return run.apply(then if truth else otherwise, value, scope, place)
        case ast.Parallel(branches=branches):
            places = place.side_by_side(len(branches))
            return _side_by_side(
                run,
                stage,
                [run.apply(branch, value, scope, each) for branch, each in zip(branches, places, strict=True)],
            )
        case ast.ParallelFor(branch=branch, variable=variable, range=range_):
            indices = bounds(run, range_, scope)
            if isinstance(indices, Reported):
                return indices
            places = place.side_by_side(len(indices))
            results: list[Result] = []
            with run.round():
                for index, each in zip(indices, places, strict=True):
                    results.append(run.apply(branch, value, scope.within(variable, index, stage.span), each))
                    if run.exhausted is not None:
                        return run.exhausted
            return _side_by_side(run, stage, results)
        case ast.Repeat(stages=stages, variable=variable, range=range_):
            indices = bounds(run, range_, scope)
            if isinstance(indices, Reported):
                return indices
            for index in indices:
                last = index == indices[-1]
                inside = scope.within(variable, index, stage.span)
                with run.round():
                    value = run.apply(stages, value, inside, place if last else place.middle())
                if run.exhausted is not None:
                    break
            return value


def _side_by_side(run: Elaboration, stage: ast.Stage, results: list[Result]) -> Result:
    """The results of parallel branches as one tuple."""
    stopped = run.hold(sum(len(result.items) if isinstance(result, Bundle) else 1 for result in results), stage.span)
    if stopped is not None:
        return stopped
    tensors: list[Tensor] = []
    for result in results:
        if isinstance(result, Tensor):
            tensors.append(result)
        elif isinstance(result, Bundle):
            tensors += result.items
        elif isinstance(result, Reported):
            return result
    return Bundle(tuple(tensors))


def _called(run: Elaboration, call: ast.Call, value: Result, scope: Scope, place: Place, bare: bool) -> Result:
    found = scope.lookup(call.name)
    if found is not None:
        return _named(run, call, value, scope, place, *found, bare=bare)
    inputs = calls.tensors_of(run, value, call.span)
    if isinstance(inputs, Reported):
        return inputs
    if call.name in catalogue.REFUSED:
        return run.report(REFUSED_LAYER, call.name_span, f"`{call.name}` {catalogue.REFUSED[call.name]}")
    layer = catalogue.layer(call.name)
    if layer is not None:
        return calls.layer_stage(run, layer, call, inputs, scope, place)
    construct = BY_NAME.get(call.name)
    if construct is not None:
        return calls.construct_call(run, construct, call, inputs, scope, place)
    entry = catalogue.operation(call.name)
    if entry is not None:
        return calls.operation_stage(run, entry, call, inputs, scope, place)
    if call.name in scope.home.broken:
        return run.sink.again()
    stages = chain(scope.names(), catalogue.layer_names(), BY_NAME, catalogue.operation_names())
    what = "layer" if call.name[:1].isupper() else "layer, op, construct, block or model"
    return run.unknown(UNKNOWN_LAYER, call.name_span, f"there is no {what} `{call.name}`", call.name, stages)


def _named(
    run: Elaboration,
    call: ast.Call,
    value: Result,
    scope: Scope,
    place: Place,
    entry: Entry,
    home: Scope,
    bare: bool,
) -> Result:
    """A stage that the file names: a block, a model, a layer, or a parameter that holds a stage."""
    match entry:
        case Bound(value=Unapplied(call=passed, scope=around)) if bare:
            return run.apply([passed], value, around, place)
        case Binding(statement=ast.NamedLayer() as layer):
            entry.used = True
            return _shared(run, layer, call, value, home, place, home.place.path if home.place else "", bare)
        case Item(node=ast.NamedLayer() as layer):
            entry.used = True
            return _shared(run, layer, call, value, Scope(entry.home), place, "", bare)
        case Item(node=ast.Model()):
            entry.used = True
            if not bare and call.arguments:
                message = f"model `{call.name}` is one network and takes no arguments here"
                return run.report(SURPLUS_ARGUMENT, call.span, message, help="a block is a fresh copy with arguments")
            return run.call_model(entry, value, place, call.span)
        case Item(node=ast.Block() as block):
            entry.used = True
            names = [parameter.name for parameter in block.parameters]
            arguments = bind(run, call, [*names, "trainable"], scope, place)
            if isinstance(arguments, Reported):
                return arguments
            return run.instantiate(entry, arguments, value, place, call)
    return _no_stage(run, call, entry, home)


def _no_stage(run: Elaboration, call: ast.Call, entry: Entry, home: Scope) -> Reported:
    """Report a name that is known and can not stand behind an arrow."""
    help = None
    if isinstance(entry, ArrivingSize):
        kind = "a size"
    else:
        value = run.shared_constant(entry) if isinstance(entry, Item) else run.value(entry, call.name, home)
        if isinstance(value, Reported):
            return value
        kind = described(value)
        if isinstance(value, Unapplied):
            help = f"`layer {call.name} = …` names a layer"
    message = f"`{call.name}` is {kind}, not a layer, block or model"
    return run.report(UNKNOWN_LAYER, call.name_span, message, help=help)


def _shared(
    run: Elaboration,
    layer: ast.NamedLayer,
    call: ast.Call,
    value: Result,
    scope: Scope,
    place: Place,
    path: str,
    bare: bool,
) -> Result:
    """A named layer: its stages, served by the same Keras layers wherever it is used."""
    if not bare and call.arguments:
        message = f"layer `{call.name}` has its arguments where it is named, and takes none here"
        return run.report(SURPLUS_ARGUMENT, call.span, message)
    instance = f"{path}.{layer.name}" if path else run.shared_name(layer)
    if instance in run.layers:
        names = [*run.layers[run.layers.index(instance) :], instance]
        return run.report(CYCLE, call.span, f"layer `{layer.name}` is made of itself: {' → '.join(names)}")
    own = place.names(layer.name)[0]
    from_here = Place(own, run.taken, instance=place.instance, shared=place.shared, trainable=place.trainable).sharing(
        instance, shared=not path
    )
    run.taken.release(own)
    run.layers.append(instance)
    with run.sink.at((*run.sink.uses, call.span)):
        result = run.apply(layer.stages, value, scope, from_here)
    run.layers.pop()
    return result
