"""Where the fault of a block's copy is reported: at its place in the block, or at the use that is to blame.

A place of a block that no use of it gets through is wrong itself, and is reported once, however often the block is
used. A place that some other use gets through is right, and each use that fails there is at fault.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from typing import TypeAlias

from specc.diagnostics import Diagnostic, Kind, Label, Reported, Severity, Sink
from specc.source import Source, Span

Uses: TypeAlias = tuple[Span, ...]
"""The calls of blocks and named layers that lead to a place, the outermost first."""

_FARTHEST = 1_000
"""How many places before a fault are looked at to find those around it."""
_MOST_WAYS = 500
"""How many ways to a place are compared: who is to blame is known long before."""


class BlameSink(Sink):
    """Hands findings on to another sink: those outside of blocks at once, the others when `settle` knows where."""

    def __init__(self, outer: Sink) -> None:
        super().__init__()
        self.uses: Uses = ()
        self._outer = outer
        self._held: list[tuple[Diagnostic, Uses]] = []

    @contextmanager
    def at(self, uses: Uses) -> Iterator[None]:
        """What is found meanwhile was reached through these uses."""
        before, self.uses = self.uses, uses
        try:
            yield
        finally:
            self.uses = before

    def add(self, diagnostic: Diagnostic) -> None:
        super().add(diagnostic)
        if self.uses:
            self._held.append((diagnostic, self.uses))
        else:
            self._outer.add(diagnostic)

    def again(self) -> Reported:
        return super().again() if any(self) else self._outer.again()

    def unknowable(self, kind: Kind, span: Span, message: str) -> Reported:
        """Stands for a value that nobody can know, in a block that is looked at by itself; the user is not told."""
        super().add(Diagnostic(kind=kind, message=message, labels=(Label(span),)))
        return self.again()

    @property
    def has_errors(self) -> bool:
        held = any(diagnostic.severity is Severity.ERROR for diagnostic, _ in self._held)
        return held or self._outer.has_errors

    def settle(self, passed: Iterable[tuple[Span, Uses]]) -> None:
        """Report what is held.

        Args:
            passed: the places that were got through, each with the uses that led there.
        """
        if not self._held:
            return
        around = _Around(passed)
        faulty: dict[tuple[str, Span], set[Uses]] = defaultdict(set)
        for diagnostic, uses in self._held:
            faulty[diagnostic.kind.id, diagnostic.span].add(uses)
        endings = {place: _endings(around.uses_of(place[1], failed)) for place, failed in faulty.items()}
        for diagnostic, uses in self._held:
            right = endings[diagnostic.kind.id, diagnostic.span]
            levels = (level for level in range(len(uses), -1, -1) if uses[len(uses) - level :] in right)
            # The innermost `level` uses are the same as on a way that is right, so the next one makes the difference.
            level = next(levels, -1) + 1
            self._outer.add(_blaming(diagnostic, uses, min(level, len(uses))))
        self._held.clear()


def _endings(ways: list[Uses]) -> set[Uses]:
    return {way[start:] for way in ways for start in range(len(way) + 1)}


def _blaming(diagnostic: Diagnostic, uses: Uses, level: int) -> Diagnostic:
    """A finding at its own place (level 0), or at the use so many levels further out."""
    first, *others = diagnostic.labels
    if level == 0 and uses[-1] == first.span:
        return diagnostic
    if level == 0:
        return replace(diagnostic, labels=(first, *others, Label(uses[-1], "it is used here")))
    inner = replace(first, text=first.text or "here it does not fit")
    return replace(diagnostic, labels=(Label(uses[-level]), inner, *others))


class _Around:
    """Finds the places around a fault."""

    def __init__(self, passed: Iterable[tuple[Span, Uses]]) -> None:
        self._uses: dict[Span, dict[Uses, None]] = defaultdict(dict)
        for span, uses in passed:
            self._uses[span][uses] = None
        self._spans: dict[Source, list[Span]] = defaultdict(list)
        for span in sorted(self._uses, key=lambda span: span.start):
            self._spans[span.source].append(span)

    def uses_of(self, place: Span, failed: set[Uses]) -> list[Uses]:
        """The uses that got through what is written around a place, without those that failed; some, if many."""
        spans = self._spans[place.source]
        end = bisect_right(spans, place.start, key=lambda span: span.start)
        near = (span for span in spans[max(end - _FARTHEST, 0) : end] if span.end >= place.end)
        ways = (uses for span in near for uses in self._uses[span] if uses not in failed)
        return list(islice(ways, _MOST_WAYS))
