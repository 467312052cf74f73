"""`specc check`: all findings of some specs, without TensorFlow."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Mapping

from specc import pipeline
from specc.commands.errors import WrongUseError
from specc.commands.files import opened, specs
from specc.commands.tensorflow import load_tensorflow
from specc.commands.terminal import shown
from specc.diagnostics import Diagnostic, Severity
from specc.graph.parameters import Parameters, Text, UnknownParameterError
from specc.source import Source


def run(options: Namespace) -> int:
    """Check files and folders; 1 if an error, or what `--fail-on` names, is among the findings, otherwise 0."""
    settings = parameters(options.settings)
    runs: dict[str, list[Diagnostic]] = {}
    found: list[pipeline.Checked] = []
    for file in specs(options.paths):
        source = opened(file)
        if isinstance(source, Diagnostic):
            runs[source.source.name] = [source]
        else:
            found.append(checked(source, settings))
            runs[source.name] = found[-1].findings.in_order()
    if options.deep:
        _build(found)
    diagnostics = _by_file(runs)
    text = shown(diagnostics, options.format, sys.stdout)
    unproven = 0 if options.deep else sum(spec.unproven for spec in found)
    if options.format == "full" and unproven:
        text += f"{unproven} node{'s' if unproven > 1 else ''} could not be proven; `specc check --deep` builds them\n"
    elif not text and sys.stdout.isatty():
        text = f"{len(runs)} file{'s' if len(runs) > 1 else ''}, no findings\n"
    sys.stdout.write(text)
    failing = set(Severity) if options.fail_on == "warning" else {Severity.ERROR}
    return int(any(diagnostic.severity in failing for diagnostic in diagnostics))


def _build(checked_specs: list[pipeline.Checked]) -> None:
    """Build what has no errors in Keras, which holds every shape against what was proven of it."""
    load_tensorflow()
    for spec in checked_specs:
        if not spec.findings.has_errors:
            pipeline.build(spec, list(spec.program.graphs), seed=0)


def parameters(settings: list[tuple[str, str]]) -> Parameters:
    """The values that `--set` gives, as they were typed; of two for one parameter the last counts."""
    return {name: Text(value) for name, value in settings}


def checked(source: Source, settings: Parameters) -> pipeline.Checked:
    """A spec, checked.

    Raises:
        WrongUseError: for a parameter that the spec does not have.
    """
    try:
        return pipeline.check(source, settings)
    except UnknownParameterError as error:
        raise WrongUseError(f"{source.name}: {error}") from error


def _by_file(runs: Mapping[str, list[Diagnostic]]) -> list[Diagnostic]:
    """The findings of the runs for some files, in the order of the files and their lines.

    A file that others use may be found fault with in several runs: the same finding is kept once, in its own file's
    place, or in that of the first user if the file was not asked for itself.
    """
    places = {name: place for place, name in enumerate(runs)}
    found: dict[tuple[int, str, int, str], Diagnostic] = {}
    seen: set[tuple[str, int, str]] = set()
    for user, diagnostics in runs.items():
        for diagnostic in diagnostics:
            name = diagnostic.source.name
            key = (name, diagnostic.span.start, diagnostic.kind.id)
            if key not in seen:
                seen.add(key)
                found[places.get(name, places[user]), *key] = diagnostic
    return [found[key] for key in sorted(found)]
