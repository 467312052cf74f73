"""The library that comes with specc: where it is, and who is told of what is found in it.

Its blocks are no business of those who use them: a warning there is about the use, and can be silenced there.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from specc.source import Span

LIBRARY: Final = Path(__file__).parents[1] / "std"


def in_library(span: Span) -> bool:
    """Whether a place is in a file of the library."""
    return span.source.path is not None and span.source.path.is_relative_to(LIBRARY)


def users_place(span: Span, uses: Sequence[Span]) -> Span:
    """A place, or for one in the library the innermost use that is not.

    Args:
        uses: the calls of blocks and named layers that lead there, the outermost first.
    """
    return next((place for place in (span, *reversed(uses)) if not in_library(place)), span)
