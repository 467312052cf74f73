"""Workflow commands, which GitHub Actions turns into annotations of the changed files.

Source: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands; the escapes are those of
`escapeData` and `escapeProperty` in https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts.
"""

from __future__ import annotations

from collections.abc import Iterable

from specc.diagnostics.model import Diagnostic
from specc.diagnostics.render.escape import visible


def github(diagnostics: Iterable[Diagnostic]) -> str:
    """A `::error …::` or `::warning …::` line for each finding, its help on a further line of the annotation."""
    return "".join(f"{_command(diagnostic)}\n" for diagnostic in diagnostics)


def _command(diagnostic: Diagnostic) -> str:
    line, column = diagnostic.source.position(diagnostic.span.start)
    end_line, end_column = diagnostic.source.position(diagnostic.span.end)
    properties: dict[str, str | int] = {"file": diagnostic.source.name, "line": line}
    if line == end_line:
        properties["col"] = column
    properties["endLine"] = end_line
    if line == end_line:
        properties["endColumn"] = end_column
    properties["title"] = diagnostic.kind.id
    texts = [diagnostic.message, *(f"help: {line}" for line in (diagnostic.help or "").splitlines())]
    arguments = ",".join(f"{name}={_property(str(value))}" for name, value in properties.items())
    return f"::{diagnostic.severity} {arguments}::{'%0A'.join(map(_data, texts))}"


def _data(text: str) -> str:
    # `visible` leaves no line ends, so of what GitHub escapes there remains the sign of the escapes.
    return visible(text).replace("%", "%25")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
