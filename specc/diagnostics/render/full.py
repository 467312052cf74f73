"""For people: each finding with the lines of the spec it speaks of, as compilers show them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from specc.diagnostics.model import Diagnostic, Severity
from specc.diagnostics.render.escape import visible
from specc.diagnostics.render.snippet import snippet
from specc.diagnostics.render.style import Style, painter


def full(diagnostics: Iterable[Diagnostic], colour: bool = False, width: int = 120) -> str:
    """All findings, how many there are, and where to read more.

    Args:
        diagnostics: what was found, in the order it is to be shown.
        colour: whether to colour with ANSI sequences.
        width: columns of the screen; longer lines of a spec are cut to a window around what is marked in them.
    """
    found = list(diagnostics)
    if not found:
        return ""
    findings = "\n".join(finding(diagnostic, colour, width) for diagnostic in found)
    return f"{findings}\n{_counts(found)}\nFor more, run `specc explain {found[0].kind.id}`.\n"


def finding(diagnostic: Diagnostic, colour: bool = False, width: int = 120) -> str:
    """One finding: `severity[kind]: message`, the labelled lines, and a `= help:` row for each line of help."""
    paint = painter(colour)
    head = paint(f"{diagnostic.severity}[{diagnostic.kind.id}]", Style.of(diagnostic.severity))
    rows = [f"{head}{paint(f': {visible(diagnostic.message)}', Style.STRONG)}"]
    rows.extend(snippet(diagnostic, paint, width))
    return "".join(f"{row}\n" for row in rows)


def _counts(diagnostics: Iterable[Diagnostic]) -> str:
    counts = Counter(diagnostic.severity for diagnostic in diagnostics)
    present = ((severity, counts[severity]) for severity in Severity if counts[severity])
    return ", ".join(f"{count} {severity}{'s' if count > 1 else ''}" for severity, count in present)
