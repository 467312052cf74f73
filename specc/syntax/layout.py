"""The lines of a formatted spec: where one ends, how far the next is indented, where comments and blank lines stand.

Statements begin lines, unless their whole body stands on one. Within a statement the lines are the author's, and what
is decided here is their indentation: inside a bracket that ends its line by two more than that line, inside any other
to where its content begins; outside of brackets so that stages stand below what flows into them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from specc.source import Source
from specc.syntax import ast
from specc.syntax.spacing import Bracket, Mark, between

INDENT = 2
ARROW = len("-> ")


@dataclass(slots=True)
class Line:
    """A line without its end; a blank one has neither text nor comment."""

    text: str = ""
    comment: str = ""


@dataclass(slots=True)
class _Open:
    """An open bracket: the column of the lines in it, that of a line that begins with its end, and if it is a body on
    one line.
    """

    bracket: Bracket
    content: int
    closing: int
    one_line: bool = False


class Layout:
    """Lines in the making, token by token."""

    def __init__(self, source: Source, comments: Mapping[int, ast.Comment], marks: Sequence[Mark]) -> None:
        self.source = source
        self.comments = comments
        self.marks = marks
        self.lines: list[Line] = []
        self.one_line_bodies, self.long_items = self._bodies()
        self.open: list[_Open] = []
        self.margin = 0
        """The column of the statement."""
        self.anchor: int | None = None
        """The column at which the expression of the statement begins, as soon as that is known."""
        self.base = 0
        """The column from which a bracket at the end of the line indents."""
        self.after_long_item = False

    def laid_out(self) -> list[Line]:
        """The lines of the whole text."""
        row = 0
        for place, mark in enumerate(self.marks):
            start, end = mark.token.start_pos or 0, mark.token.end_pos or 0
            if self._breaks(place):
                self._begin_line(place, row, self._row(start))
            else:
                self.lines[-1].text += between(self.marks[place - 1], mark, self._gap(place))
            self._write(place)
            row = self._row(end)
        self._comments(row, self._row(len(self.source.text)) + 1, 0, blank=True)
        return self.lines

    def _row(self, offset: int) -> int:
        return self.source.position(offset)[0]

    def _gap(self, place: int) -> str:
        """What the author has put before a token."""
        before = self.marks[place - 1].token.end_pos if place else 0
        return self.source.text[before : self.marks[place].token.start_pos]

    def _bodies(self) -> tuple[set[int], set[int]]:
        """The places of the braces that open a body of one line, and of the items whose body has several."""
        one_line: set[int] = set()
        long: set[int] = set()
        open_: list[tuple[int, int]] = []
        began = 0
        for place, mark in enumerate(self.marks):
            if mark.begins:
                began = place
            if mark.opens:
                open_.append((place, began))
            elif mark.closes:
                opener, item = open_.pop()
                if self._row(mark.token.start_pos or 0) == self._row(self.marks[opener].token.start_pos or 0):
                    one_line.add(opener)
                elif mark.around is Bracket.BODY and not open_:
                    long.add(item)
        return one_line, long

    def _breaks(self, place: int) -> bool:
        """Whether a token begins a line."""
        mark, gap = self.marks[place], self._gap(place)
        if place == 0 or "#" in gap:
            return True
        ends_body = mark.closes and mark.around is Bracket.BODY
        if mark.begins or ends_body:
            empty = ends_body and self.marks[place - 1].opens
            return not (empty or (self.open and self.open[-1].one_line))
        return "\n" in gap and mark.opens is not Bracket.BODY

    def _begin_line(self, place: int, row: int, until: int) -> None:
        """Write the comments between the row of the token before and that of this one, and begin its line."""
        mark = self.marks[place]
        if mark.begins:
            self.margin = self.open[-1].content if self.open else 0
            self.anchor = None
        ends_body = mark.closes and mark.around is Bracket.BODY
        opens_body = place > 0 and self.marks[place - 1].opens is Bracket.BODY
        at = self._indentation(mark)
        blank = (mark.begins or ends_body) and not opens_body
        first = len(self.lines)
        last = self._comments(row, until, self.open[-1].content if ends_body else at, blank)
        if blank and not ends_body and until - last > 1 and self.lines:
            self.lines.append(Line())
        if mark.begins and not self.open:
            self._set_apart(place, first)
        self.lines.append(Line(" " * at))
        self.base = at + (ARROW if mark.token.type == "ARROW" else 0)

    def _set_apart(self, place: int, first: int) -> None:
        """Have a blank line behind an item of several lines, and before one and what is said of it.

        Args:
            first: the number of lines that have been written up to the item before.
        """
        is_long = place in self.long_items
        between_items = self.lines[first:]
        if (self.after_long_item and between_items[:1] != [Line()]) or (is_long and Line() not in between_items):
            self.lines[first:first] = [Line()] if first else []
        self.after_long_item = is_long

    def _comments(self, row: int, until: int, at: int, blank: bool) -> int:
        """Write the comments from a row up to another; the row of the last of them, or the first.

        Args:
            at: the column of those that have a line for themselves.
            blank: whether blank lines before them are kept, one for several.
        """
        for line in range(row, until):
            comment = self.comments.get(line)
            if comment is None:
                continue
            text = _comment(comment)
            if not comment.alone:
                self.lines[-1].comment = text
                continue
            if blank and line - row > 1 and self.lines:
                self.lines.append(Line())
            self.lines.append(Line(" " * at, text))
            row, blank = line, True
        return row

    def _indentation(self, mark: Mark) -> int:
        """The column of a token that begins a line."""
        if mark.begins or mark.opens is Bracket.BODY:
            return self.margin
        if mark.closes:
            return self.open[-1].closing
        if self.open and self.open[-1].bracket is not Bracket.BODY:
            return self.open[-1].content
        anchor = self.margin + 2 * INDENT if self.anchor is None else self.anchor
        return max(anchor - ARROW, self.margin + INDENT) if mark.token.type == "ARROW" else anchor

    def _write(self, place: int) -> None:
        mark = self.marks[place]
        column = len(self.lines[-1].text)
        self.lines[-1].text += mark.token
        if mark.begins:
            self.anchor = None
        elif self.anchor is None and self._begins_expression(place):
            self.anchor = column
        if mark.opens is Bracket.BODY:
            one_line = place in self.one_line_bodies
            self.open.append(_Open(mark.opens, self.margin + INDENT, self.margin, one_line))
        elif mark.opens and place + 1 < len(self.marks) and self._breaks_after(place):
            self.open.append(_Open(mark.opens, self.base + INDENT, self.base))
        elif mark.opens:
            inside = column + len(mark.token) + (mark.opens is Bracket.REPEAT)
            self.open.append(_Open(mark.opens, inside, column))
        elif mark.closes:
            self.open.pop()

    def _breaks_after(self, place: int) -> bool:
        return "\n" in self._gap(place + 1)

    def _begins_expression(self, place: int) -> bool:
        """Whether what a statement is about begins here: behind its equals sign, or what stands for one."""
        before = self.marks[place - 1]
        outside = before.around in (None, Bracket.BODY)
        return outside and before.token.type in ("EQUAL", "EXPECT", "COLON")


def _comment(comment: ast.Comment) -> str:
    text = comment.span.text.rstrip()
    return text if text[1:2] in ("", " ", "#", "!") else f"# {text[1:]}"


def aligned(lines: Sequence[Line]) -> Iterator[str]:
    """The text of lines, in which the comments behind lines that follow each other stand below each other."""
    group: list[Line] = []
    for line in [*lines, Line()]:
        if line.text.strip() and line.comment:
            group.append(line)
            continue
        width = max((len(each.text) for each in group), default=0)
        yield from (f"{each.text:{width}}    {each.comment}" for each in group)
        group = []
        yield (line.text + line.comment).rstrip()
