"""Where the fault of a block's copy is reported: at its place in the block, or at the use that is to blame.

A place of a block that no use of it gets through is wrong itself, and is reported once, however often the block is
used. A place that some other use gets through is right, and each use that fails there is at fault.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TypeAlias

from specc.diagnostics import Diagnostic, Kind, Label, Reported, Sink
from specc.graph.model import Node
from specc.source import Source, Span

Uses: TypeAlias = tuple[Span, ...]
"""The calls of blocks and named layers that lead to a place, the outermost first."""

MAXIMAL_SPANS = 1_000
"""How many places of a text are looked at to find those around a fault."""


@dataclass(frozen=True, slots=True)
class _Held:
    diagnostic: Diagnostic
    uses: Uses


class BlameSink(Sink):
    """Hands findings on to another sink at once, those from inside blocks when it is settled who is to blame."""

    def __init__(self, outer: Sink) -> None:
        super().__init__()
        self.outer = outer
        self.uses: Uses = ()
        self._held: list[_Held] = []

    def add(self, diagnostic: Diagnostic) -> None:
        super().add(diagnostic)
        if self.uses:
            self._held.append(_Held(diagnostic, self.uses))
        else:
            self.outer.add(diagnostic)

    def again(self) -> Reported:
        return super().again() if self._found else self.outer.again()

    def unknowable(self, kind: Kind, span: Span, message: str) -> Reported:
        """The token of a fault that is none: in a block that is looked at by itself, nobody knows this value."""
        return BlameSink(self._aside()).report(kind, span, message)

    def _aside(self) -> Sink:
        aside = Sink()
        return aside

    @property
    def has_errors(self) -> bool:
        return super().has_errors or self.outer.has_errors
