"""The lines of a spec that a finding speaks of, with the labelled places underlined.

A label over several lines is underlined on each of them (on the first and the last if there are many) and its text
stands on the last. So everything below speaks of marks, which lie on one line. Three measures must not be confused:
an *index* counts the characters of a line from 0, a *column* counts what they take on the screen, and a *number* is a
line's place in its file, from 1.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from itertools import groupby

from specc.diagnostics.model import Diagnostic, Label
from specc.diagnostics.render.escape import visible
from specc.diagnostics.render.style import Paint, Style
from specc.records import value_object
from specc.source import Source

_TAB = "    "
_ELLIPSIS = "…"
_NARROWEST = 20
"""A window smaller than this shows nothing of use, however narrow the terminal is."""
_WHOLE_LABEL = 4
"""A label over at most this many lines is shown whole."""


@value_object
class _Mark:
    """An underlined stretch of one line; `start` and `end` are indexes, or columns once the line has been laid out."""

    start: int
    end: int
    text: str
    primary: bool
    style: Style

    @property
    def size(self) -> int:
        return self.end - self.start


class _Row:
    """A row of the screen, written in any order."""

    def __init__(self) -> None:
        self._cells: dict[int, tuple[str, Style]] = {}

    def put(self, column: int, text: str, style: Style) -> None:
        self._cells.update({column + place: (character, style) for place, character in enumerate(text)})

    def painted(self, paint: Paint) -> str:
        cells = [self._cells.get(column, (" ", None)) for column in range(max(self._cells) + 1)]
        text = ""
        for style, group in groupby(cells, key=lambda cell: cell[1]):
            piece = "".join(character for character, _ in group)
            text += piece if style is None else paint(piece, style)
        return text


def snippet(diagnostic: Diagnostic, paint: Paint, width: int) -> Iterator[str]:
    """The rows below a finding's header: for each file `--> file:line:column` and its labelled lines; then the help.

    Args:
        diagnostic: the finding; its first label is underlined with `^`, the others with `-`.
        paint: colours a text.
        width: columns of the screen. Longer lines are cut to a window around what is marked in them.
    """
    by_source: dict[Source, list[Label]] = {}
    for label in diagnostic.labels:
        by_source.setdefault(label.span.source, []).append(label)
    marks = {source: _by_line(labels, diagnostic) for source, labels in by_source.items()}
    digits = max(len(str(number)) for lines in marks.values() for number in lines)
    room = max(width - digits - len(" | "), _NARROWEST)
    for source, lines in marks.items():
        place = by_source[source][0].span
        arrow = paint(f"{'':{digits}}-->", Style.SECONDARY)
        yield f"{arrow} {visible(source.name)}:{place.line}:{place.column}"
        yield _gutter("", digits, paint)
        yield from _lines(source, lines, digits, room, paint)
    if diagnostic.help:
        yield _gutter("", digits, paint)
        for line in diagnostic.help.splitlines():
            yield f"{'':{digits}} {paint('= help:', Style.HELP)} {visible(line)}".rstrip()


def _gutter(number: int | str, digits: int, paint: Paint) -> str:
    """What stands left of a row: its line number, if it has one, and a bar."""
    return paint(f"{number:>{digits}} |", Style.SECONDARY)


def _lines(source: Source, lines: dict[int, list[_Mark]], digits: int, room: int, paint: Paint) -> Iterator[str]:
    previous = None
    for number in sorted(lines):
        if previous is not None and number - previous == 2:
            between = _View.around(source.line(number - 1), (), room).text
            yield f"{_gutter(number - 1, digits, paint)} {between}".rstrip()
        elif previous is not None and number - previous > 2:
            yield paint("...", Style.SECONDARY)
        view = _View.around(source.line(number), lines[number], room)
        yield f"{_gutter(number, digits, paint)} {view.text}".rstrip()
        for row in _annotations([view.place(mark) for mark in lines[number]]):
            yield f"{_gutter('', digits, paint)} {row.painted(paint)}"
        previous = number


def _by_line(labels: Sequence[Label], diagnostic: Diagnostic) -> dict[int, list[_Mark]]:
    marks: dict[int, list[_Mark]] = {}
    for label in labels:
        primary = label is diagnostic.labels[0]
        style = Style.of(diagnostic.severity) if primary else Style.SECONDARY
        for number, start, end, text in _stretches(label):
            marks.setdefault(number, []).append(_Mark(start, end, text, primary, style))
    return marks


def _stretches(label: Label) -> Iterator[tuple[int, int, int, str]]:
    """The number, the start and end indexes and the text of each line that a label is shown on."""
    source, span = label.span.source, label.span
    first, column = source.position(span.start)
    last, end_column = source.position(span.end)
    if end_column == 1 and last > first:
        # The span takes the end of a line along; nothing of the line below it belongs to it.
        last -= 1
        end_column = len(source.line(last)) + 1
    numbers = range(first, last + 1) if last - first < _WHOLE_LABEL else (first, last)
    for number in numbers:
        line = source.line(number)
        if number not in (first, last) and not line.strip():
            continue
        start = column - 1 if number == first else len(line) - len(line.lstrip())
        end = end_column - 1 if number == last else len(line.rstrip())
        start = min(start, len(line))
        yield number, start, max(start, min(end, len(line))), label.text if number == last else ""


@value_object
class _View:
    """The part of a line that is shown: its text, the index it begins at, and the column of each of its indexes.

    An ellipsis takes the place of the character before or after the part that is shown, so that what is marked out
    there is marked at the ellipsis.
    """

    text: str
    first: int
    columns: list[int]

    @staticmethod
    def around(line: str, marks: Sequence[_Mark], room: int) -> _View:
        """The view of `line` that shows as much of `marks` and of what surrounds them as `room` columns hold."""
        first, last = _window(line, marks, room - 2 * len(_ELLIPSIS))
        text, columns = "", [0]
        if first > 0:
            first -= 1
            text, columns = _ELLIPSIS, [0, 1]
        for character in line[first + len(text) : last]:
            text += _shown(character)
            columns.append(columns[-1] + _columns(character))
        return _View(text + (_ELLIPSIS if last < len(line) else ""), first, columns)

    def place(self, mark: _Mark) -> _Mark:
        """The mark in columns, at least one wide."""
        start, end = self._column(mark.start), self._column(mark.end)
        return _Mark(start, max(end, start + 1), mark.text, mark.primary, mark.style)

    def _column(self, index: int) -> int:
        return self.columns[min(max(index - self.first, 0), len(self.columns) - 1)]


def _window(line: str, marks: Sequence[_Mark], room: int) -> tuple[int, int]:
    """The indexes of the part of a line that takes at most `room` columns: around all marks, or around the first."""
    low = min((mark.start for mark in marks), default=0)
    high = max((mark.end for mark in marks), default=0)
    if sum(map(_columns, line[low:high])) > room:
        low, high = marks[0].start, marks[0].end
    first, last, used = low, low, 0
    while last < high and used + _columns(line[last]) <= room:
        used += _columns(line[last])
        last += 1
    grown = True
    while grown:
        grown = False
        if first > 0 and used + _columns(line[first - 1]) <= room:
            first -= 1
            used += _columns(line[first])
            grown = True
        if last < len(line) and used + _columns(line[last]) <= room:
            used += _columns(line[last])
            last += 1
            grown = True
    return first, last


def _shown(character: str) -> str:
    return _TAB if character == "\t" else visible(character)


def _columns(character: str) -> int:
    """The columns a character takes: none if it combines, two if it is wide (https://www.unicode.org/reports/tr11)."""
    if not character.isprintable():
        return len(_shown(character))
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def _annotations(marks: Sequence[_Mark]) -> Iterator[_Row]:
    """The rows below a line: the underlines, and the labels' texts; only the last text fits beside the underlines."""
    underlines = _Row()
    for mark in sorted(marks, key=lambda mark: (-mark.size, mark.primary)):
        underlines.put(mark.start, ("^" if mark.primary else "-") * mark.size, mark.style)
    hanging = sorted((mark for mark in marks if mark.text), key=lambda mark: (mark.start, mark.end, mark.primary))
    if hanging and hanging[-1].end == max(mark.end for mark in marks):
        beside = hanging.pop()
        underlines.put(beside.end, f" {visible(beside.text)}", beside.style)
    yield underlines
    if hanging:
        yield _bars(hanging)
    while hanging:
        mark = hanging.pop()
        row = _bars(hanging)
        row.put(mark.start, visible(mark.text), mark.style)
        yield row


def _bars(marks: Sequence[_Mark]) -> _Row:
    row = _Row()
    for mark in marks:
        row.put(mark.start, "|", mark.style)
    return row
