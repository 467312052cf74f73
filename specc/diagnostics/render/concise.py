"""One line per finding, `path:line:column: severity[kind]: message`, as editors and `grep` expect it."""

from __future__ import annotations

from collections.abc import Iterable

from specc.diagnostics.model import Diagnostic
from specc.diagnostics.render.escape import log_line


def concise(diagnostics: Iterable[Diagnostic]) -> str:
    """A line for each finding; help and labels are left out."""
    return "".join(f"{log_line(str(diagnostic))}\n" for diagnostic in diagnostics)
