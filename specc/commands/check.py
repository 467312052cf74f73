"""`specc check`: all findings of some specs, without TensorFlow."""

from __future__ import annotations

import sys
from argparse import Namespace

from specc import pipeline
from specc.commands.errors import WrongUse
from specc.commands.files import opened, specs
from specc.commands.terminal import shown
from specc.diagnostics import Diagnostic, Severity
from specc.graph.parameters import Parameters, Text, UnknownParameter
from specc.source import Source


def run(options: Namespace) -> int:
    files = specs(options.paths)
    diagnostics = _in_order([checked(opened(file), parameters(options.settings)) for file in files])
    text = shown(diagnostics, options.format, sys.stdout)
    if not text and sys.stdout.isatty():
        text = f"{len(files)} file{'s' if len(files) > 1 else ''}, no findings\n"
    sys.stdout.write(text)
    return int(any(diagnostic.severity is Severity.ERROR for diagnostic in diagnostics))


def parameters(settings: list[tuple[str, str]]) -> Parameters:
    """The values that `--set` gives, as they were typed; of two for one parameter the last counts."""
    return {name: Text(value) for name, value in settings}


def checked(source: Source | Diagnostic, parameters: Parameters) -> list[Diagnostic]:
    """The findings of a spec, or the one that it can not be read.

    Raises:
        WrongUse: for a parameter that the spec does not have.
    """
    if isinstance(source, Diagnostic):
        return [source]
    try:
        return pipeline.check(source, parameters).findings.in_order()
    except UnknownParameter as error:
        raise WrongUse(f"{source.name}: {error}") from error


def _in_order(runs: list[list[Diagnostic]]) -> list[Diagnostic]:
    """The findings of several runs, file by file; what two runs found in a file that both use is there once."""
    found: dict[tuple[str, str, int], Diagnostic] = {}
    for diagnostic in (diagnostic for run in runs for diagnostic in run):
        found.setdefault((diagnostic.source.name, diagnostic.kind.id, diagnostic.span.start), diagnostic)
    return list(found.values())
