"""`specc check`: all findings of some specs, without TensorFlow."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Mapping

from specc import pipeline
from specc.commands.errors import WrongUseError
from specc.commands.files import opened, specs
from specc.commands.terminal import shown
from specc.diagnostics import Diagnostic, Severity
from specc.graph.parameters import Parameters, Text, UnknownParameterError
from specc.source import Source


def run(options: Namespace) -> int:
    """Check files and folders; 1 if there is an error among the findings, otherwise 0."""
    settings = parameters(options.settings)
    runs: dict[str, list[Diagnostic]] = {}
    for file in specs(options.paths):
        source = opened(file)
        if isinstance(source, Diagnostic):
            runs[source.source.name] = [source]
        else:
            runs[source.name] = checked(source, settings).findings.in_order()
    diagnostics = _by_file(runs)
    text = shown(diagnostics, options.format, sys.stdout)
    if not text and sys.stdout.isatty():
        text = f"{len(runs)} file{'s' if len(runs) > 1 else ''}, no findings\n"
    sys.stdout.write(text)
    return int(any(diagnostic.severity is Severity.ERROR for diagnostic in diagnostics))


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
