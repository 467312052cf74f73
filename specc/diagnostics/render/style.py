"""The colours of what is shown to people, as ANSI SGR sequences (ECMA-48, 8.3.117)."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import TypeAlias

from specc.diagnostics.model import Severity


class Style(StrEnum):
    """What a piece of text is; the value is the SGR parameter that shows it."""

    ERROR = "1;31"
    WARNING = "1;33"
    SECONDARY = "1;34"
    STRONG = "1"
    HELP = "1;36"

    @staticmethod
    def of(severity: Severity) -> Style:
        """How the id of a finding of that severity, and its primary label, are shown."""
        return Style.ERROR if severity is Severity.ERROR else Style.WARNING


Paint: TypeAlias = Callable[[str, Style], str]


def painter(colour: bool) -> Paint:
    """What colours a text, or leaves it as it is when no colour is wanted."""
    if colour:
        return lambda text, style: f"\x1b[{style}m{text}\x1b[0m"
    return lambda text, style: text
