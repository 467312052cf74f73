"""Source texts and places in them. Only here offsets become lines and columns."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import NamedTuple


@dataclass(frozen=True, eq=False)
class Source:
    """One spec's text, the name it is reported under, and its file if it has one."""

    text: str = field(repr=False)
    name: str = "<spec>"
    path: Path | None = None

    @cached_property
    def _line_starts(self) -> list[int]:
        starts = [0]
        starts.extend(index + 1 for index, character in enumerate(self.text) if character == "\n")
        return starts

    def position(self, offset: int) -> tuple[int, int]:
        """The line and column of an offset, both counted from 1, columns in characters."""
        line = bisect_right(self._line_starts, offset)
        return line, offset - self._line_starts[line - 1] + 1

    def line(self, number: int) -> str:
        """The text of a line (counted from 1) without its end."""
        start = self._line_starts[number - 1]
        end = self.text.find("\n", start)
        return self.text[start : len(self.text) if end < 0 else end].removesuffix("\r")


class Span(NamedTuple):
    """A stretch of a source: offsets `start` up to but not including `end`.

    A tuple, because every node of a syntax tree has one and nothing immutable is made faster.
    """

    source: Source
    start: int
    end: int

    @property
    def line(self) -> int:
        return self.source.position(self.start)[0]

    @property
    def column(self) -> int:
        return self.source.position(self.start)[1]

    @property
    def text(self) -> str:
        return self.source.text[self.start : self.end]

    def to(self, other: Span) -> Span:
        """From the start of this span to the end of another one."""
        return span((self.source, self.start, max(self.end, other.end)))


span: Callable[[tuple[Source, int, int]], Span] = partial(tuple.__new__, Span)
"""A span of its three parts, made twice as quickly as by calling `Span`: a parse makes two for every token."""
