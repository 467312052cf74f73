"""`# specc: ignore[kind]` at the end of a line silences a warning there. Errors can not be silenced."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from specc.diagnostics import Kind, Severity, Sink
from specc.source import Span
from specc.syntax import ast

UNUSED_IGNORE = Kind(
    id="unused-ignore",
    severity=Severity.WARNING,
    explanation="A comment silences a warning that does not arise on its line, or an error, which can not be silenced.",
    faulty="model m {\n  input x: float32[4]\n  output y = x -> Dense(2)  # specc: ignore[unused-node]\n}\n",
    mended="model m {\n  input x: float32[4]\n  output y = x -> Dense(2)\n}\n",
)

KINDS = (UNUSED_IGNORE,)

_IGNORE = re.compile(r"#\s*specc:\s*ignore\[([^\]\n]*)\]")


def without_ignored(files: Iterable[ast.File], sink: Sink) -> Sink:
    """The findings without the warnings that comments silence, and a warning for each comment that silences none."""
    silenced: dict[tuple[int, int, str], Span | None] = {
        (id(span.source), span.line, kind): span for file in files for kind, span in _ignores(file)
    }
    if not silenced:
        return sink
    kept = Sink()
    for found in sink:
        key = (id(found.source), found.line, found.kind.id)
        if found.severity is Severity.WARNING and key in silenced:
            silenced[key] = None
        else:
            kept.add(found)
    for (_, _, kind), unused in silenced.items():
        if unused is not None:
            kept.report(UNUSED_IGNORE, unused, f"no warning of kind `{kind}` arises on this line")
    return kept


def _ignores(file: ast.File) -> Iterator[tuple[str, Span]]:
    for comment in file.comments.values():
        listed = _IGNORE.search(comment.span.text)
        if listed:
            for kind in re.finditer(r"[^\s,]+", listed[1]):
                start = comment.span.start + listed.start(1) + kind.start()
                yield kind[0], Span(file.source, start, start + len(kind[0]))
