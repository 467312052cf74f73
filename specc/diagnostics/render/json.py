"""For programs: everything that is known of the findings, as one JSON object (RFC 8259) in ASCII.

    {"version": 1,
     "counts": {"error": 1, "warning": 0},
     "diagnostics": [{"kind": …, "severity": "error" | "warning", "message": …, "help": … | null,
                      "labels": [{"path": …, "text": …, "start": PLACE, "end": PLACE}, …]}, …]}

The first label is where the finding is reported. A PLACE is `{"offset": …, "line": …, "column": …}`: the offset counts
characters (Unicode code points) of the file from 0, lines and columns count from 1, and `end` is the place behind the
last character. `version` changes when a field changes its meaning or goes; new fields may come without that.
"""

from __future__ import annotations

import json as codec
from collections.abc import Iterable
from typing import Any

from specc.diagnostics.model import Diagnostic, Label, Severity
from specc.diagnostics.render.escape import encodable
from specc.source import Source


def json(diagnostics: Iterable[Diagnostic]) -> str:
    """The findings in the form that the module's docstring gives."""
    found = list(diagnostics)
    report = {
        "version": 1,
        "counts": {severity: sum(one.severity is severity for one in found) for severity in Severity},
        "diagnostics": [_finding(diagnostic) for diagnostic in found],
    }
    return codec.dumps(report, indent=2) + "\n"


def _finding(diagnostic: Diagnostic) -> dict[str, Any]:
    return {
        "kind": diagnostic.kind.id,
        "severity": diagnostic.severity,
        "message": encodable(diagnostic.message),
        "help": None if diagnostic.help is None else encodable(diagnostic.help),
        "labels": [_label(label) for label in diagnostic.labels],
    }


def _label(label: Label) -> dict[str, Any]:
    span = label.span
    return {
        "path": encodable(span.source.name),
        "text": encodable(label.text),
        "start": _place(span.source, span.start),
        "end": _place(span.source, span.end),
    }


def _place(source: Source, offset: int) -> dict[str, int]:
    line, column = source.position(offset)
    return {"offset": offset, "line": line, "column": column}
