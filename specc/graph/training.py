"""The `train` block: settings of Keras' `compile`, losses and metrics on outputs, and terms of the graph's own."""

from __future__ import annotations

from typing import Final

from specc import catalogue
from specc.catalogue.values import Value
from specc.diagnostics import Label, Reported, suggestion
from specc.graph.arguments import configured
from specc.graph.kinds import ILLEGAL_VALUE, UNFIT_FOR_TRAINING, WRONG_KIND
from specc.graph.model import LossOnOutput, LossTerm, Tensor, Training
from specc.graph.scope import Place, Scope, Taken
from specc.graph.state import Elaboration
from specc.graph.values import Result, Unapplied, described
from specc.source import Span
from specc.syntax import ast

SETTINGS: Final = ("optimizer", "jit_compile", "steps_per_execution", "run_eagerly", "auto_scale_loss")
"""The arguments of `keras.Model.compile` that a `train` block may set."""


def train(run: Elaboration, statement: ast.Train, scope: Scope, place: Place) -> Training:
    """What the block says; faults are reported, and the rest is kept."""
    training = Training(span=statement.span)
    _complete(run, statement)
    for entry in statement.entries:
        match entry:
            case ast.Setting():
                _setting(run, entry, training, scope)
            case ast.Loss():
                value = run.evaluate(entry.value, scope, place.inside(entry.name))
                _loss(run, entry, value, training)
            case ast.Metric():
                value = run.evaluate(entry.value, scope, place.inside(entry.name))
                found = _on_output(run, entry, value, "metric")
                if found is not None:
                    training.metrics.append(found)
    return training


def _complete(run: Elaboration, statement: ast.Train) -> None:
    """Report what is missing; a setting with an unknown name may be the optimizer that is meant."""
    settings = [entry.name for entry in statement.entries if isinstance(entry, ast.Setting)]
    if "optimizer" not in settings and all(name in SETTINGS for name in settings):
        run.report(
            UNFIT_FOR_TRAINING, statement.span, "a `train` block needs an optimizer", help='`optimizer = "adam"`'
        )
    elif not any(isinstance(entry, ast.Loss) for entry in statement.entries):
        run.report(UNFIT_FOR_TRAINING, statement.span, "a `train` block needs a loss")
    losses: dict[str, Span] = {}
    for entry in statement.entries:
        if isinstance(entry, ast.Loss) and losses.setdefault(entry.name, entry.name_span) is not entry.name_span:
            first = Label(losses[entry.name], "it has one here")
            run.report(UNFIT_FOR_TRAINING, entry.name_span, f"`{entry.name}` has two losses", first, help="add them up")


def _setting(run: Elaboration, entry: ast.Setting, training: Training, scope: Scope) -> None:
    if entry.name not in SETTINGS:
        help = suggestion(entry.name, SETTINGS)
        run.report(UNFIT_FOR_TRAINING, entry.name_span, f"Keras' `compile` has no `{entry.name}` here", help=help)
        return
    if entry.name in training.settings:
        run.report(UNFIT_FOR_TRAINING, entry.name_span, f"`{entry.name}` is set twice")
        return
    value = run.evaluate(entry.value, scope, Place("", Taken()))
    if isinstance(value, Reported):
        return
    if entry.name != "optimizer":
        wanted = int if entry.name == "steps_per_execution" else bool
        if type(value) is not wanted:
            message = f"`{entry.name}` is {'an integer' if wanted is int else 'true or false'}, not {described(value)}"
            run.report(WRONG_KIND, entry.value.span, message)
            return
        training.settings[entry.name] = value
        return
    optimizer = _optimizer(run, entry, value)
    if not isinstance(optimizer, Reported):
        training.settings["optimizer"] = optimizer


def _optimizer(run: Elaboration, entry: ast.Setting, value: Result) -> Value | Reported:
    if isinstance(value, Unapplied):
        return configured(run, value, "optimizer")
    names = catalogue.strings("optimizer")
    if isinstance(value, str) and value in names:
        return value
    help = suggestion(value, names) if isinstance(value, str) else "`Adam(learning_rate=1e-3)`"
    return run.report(ILLEGAL_VALUE, entry.value.span, f"there is no optimizer {described(value)}", help=help)


def _loss(run: Elaboration, entry: ast.Loss, value: Result, training: Training) -> None:
    if isinstance(value, Tensor):
        training.terms.append(LossTerm(name=entry.name, tensor=value, span=entry.span))
        return
    found = _on_output(run, entry, value, "loss")
    if found is not None:
        training.losses.append(found)


def _on_output(run: Elaboration, entry: ast.Loss | ast.Metric, value: Result, role: str) -> LossOnOutput | None:
    if isinstance(value, Reported):
        return None
    made: Value | Reported
    if isinstance(value, str) and value in catalogue.strings(role):
        made = value
    elif isinstance(value, Unapplied):
        made = configured(run, value, role)
    else:
        wants = "a Keras loss or a term of the graph" if role == "loss" else "a Keras metric"
        run.report(WRONG_KIND, entry.value.span, f"a {role} is {wants}, not {described(value)}")
        return None
    if isinstance(made, Reported):
        return None
    if entry.name not in run.graph.outputs:
        help = suggestion(entry.name, run.graph.outputs)
        run.report(UNFIT_FOR_TRAINING, entry.name_span, f"there is no output `{entry.name}`", help=help)
        return None
    return LossOnOutput(output=entry.name, value=made, span=entry.name_span)
