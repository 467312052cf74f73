"""What `specc explain ID` shows of a kind of finding."""

from __future__ import annotations

from collections.abc import Iterable
from textwrap import dedent, indent

from specc.diagnostics.model import Diagnostic, Kind
from specc.diagnostics.render.full import finding
from specc.diagnostics.render.style import Style, painter

_INDENT = "    "


def explanation(kind: Kind, reported: Iterable[Diagnostic] = (), colour: bool = False) -> str:
    """The kind's id, severity and explanation, the faulty spec, what is reported of it, and the mended spec.

    Args:
        kind: what is explained.
        reported: the findings in `kind.faulty`. They are handed in because checking is above this room.
        colour: whether to colour with ANSI sequences.
    """
    paint = painter(colour)
    parts = [
        paint(f"{kind.severity}[{kind.id}]", Style.of(kind.severity)) + "\n",
        dedent(kind.explanation).strip() + "\n",
        _section("This spec has the fault:", dedent(kind.faulty)),
    ]
    if findings := "\n".join(finding(diagnostic, colour, width=100) for diagnostic in reported):
        parts.append(_section("What is reported:", findings))
    parts.append(_section("This one does not:", dedent(kind.mended)))
    return "\n".join(parts)


def _section(title: str, text: str) -> str:
    return f"{title}\n\n{indent(text.strip(), _INDENT)}\n"
