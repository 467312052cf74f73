"""What is on the other end of a stream, and how findings are shown there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from typing import TextIO

from specc.diagnostics import Diagnostic
from specc.diagnostics.render import FORMATS


def shown(diagnostics: Iterable[Diagnostic], format: str, stream: TextIO) -> str:
    """Findings as a stream gets them: coloured and as wide as the terminal, if it is one."""
    if format != "full" or not stream.isatty():
        return FORMATS[format](diagnostics)
    from specc.diagnostics.render.full import full

    return full(diagnostics, colour(stream), shutil.get_terminal_size().columns)


def colour(stream: TextIO) -> bool:
    """Whether to colour what goes to a stream: on a terminal, unless NO_COLOR is set (https://no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
