"""Text to syntax tree. Lark stays inside this room.

Tokens are made first, then fed to Lark's LALR automaton one by one. At a token that does not fit, the automaton is
wound back to the last place where a statement may begin and parsing goes on at the next line that begins one, so that
one run finds every broken statement.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from functools import cache, cached_property
from typing import Any, Final

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedCharacters, UnexpectedToken
from lark.parsers.lalr_analysis import Shift
from lark.parsers.lalr_interactive_parser import InteractiveParser

from specc.collecting import without_collecting
from specc.diagnostics import Label, Sink
from specc.source import Source, Span
from specc.syntax import ast
from specc.syntax.automaton import Table, feed, table_of
from specc.syntax.build import Builder
from specc.syntax.kinds import SYNTAX, TOO_LARGE
from specc.syntax.tables import parser

MAXIMAL_TEXT = 16 * 2**20
MAXIMAL_NESTING = 64

_OPENING: Final = {"LEFT_PARENTHESIS", "LEFT_BRACKET", "LEFT_BRACE"}
_CLOSING: Final = {"RIGHT_PARENTHESIS", "RIGHT_BRACKET", "RIGHT_BRACE"}
_BRACKETS: Final = _OPENING | _CLOSING
_ITEM_KEYWORDS: Final = {"USE", "BLOCK", "MODEL"}
_STATEMENT_KEYWORDS: Final = {"INPUT", "OUTPUT", "CONST", "WEIGHT", "KNOB", "LAYER", "TRAIN", "EXPECT"}
_ITEMS_AND_STATEMENTS: Final = {"CONST", "LAYER"}
_FAR: Final = 2**31
_IN_WORDS: Final = {
    "NAME": "a name",
    "NUMBER": "a number",
    "STRING": "a string",
    "BINARY": "an operator",
    "$END": "the end of the file",
}
# What may begin an expression, and what may go on after one; said as one word instead of a list of twelve.
_EXPRESSION_START: Final = {"NAME", "NUMBER", "STRING", "MINUS", "NOT", "LEFT_PARENTHESIS", "LEFT_BRACKET"}
_EXPRESSION_REST: Final = {"BINARY", "MINUS", "AND", "OR", "IF", "ARROW", "LEFT_BRACKET"}

_STRAY: Final = re.compile(r'"[^"\n]*"?|.', re.DOTALL)

_lock = threading.Lock()


@cache
def _parser() -> tuple[Lark, Table, Builder]:
    builder = Builder()
    lark = parser(builder, builder.comment)
    return lark, table_of(lark), builder


def parse(source: Source, sink: Sink) -> ast.File:
    """The syntax tree of a text; faults go to the sink, and what could be read is returned all the same."""
    if len(source.text) > MAXIMAL_TEXT:
        sink.report(TOO_LARGE, Span(source, 0, 0), f"the spec has more than {MAXIMAL_TEXT} characters")
        return ast.File(source=source, items=(), comments={})
    with _lock, without_collecting():
        return _parsed(source, sink)


def tokens_of(source: Source) -> list[Token]:
    """The tokens of a text, without comments; what is none has the type `STRAY`."""
    with _lock:
        lark, _, builder = _parser()
        builder.source, builder.comments = source, {}
        return _tokens(lark.parse_interactive(source.text))


def _parsed(source: Source, sink: Sink) -> ast.File:
    lark, table, builder = _parser()
    builder.source, builder.sink, builder.comments = source, sink, {}
    interactive = lark.parse_interactive(source.text)
    run = _Run(interactive, table, _tokens(interactive), source, sink)
    items, broken = run.parse()
    whole = not run.faulty
    return ast.File(source=source, items=items, comments=builder.comments, broken=frozenset(broken), whole=whole)


def _tokens(interactive: InteractiveParser) -> list[Token]:
    """All tokens; what no terminal matches becomes a `STRAY` token, which no rule accepts."""
    tokens: list[Token] = []
    lex: Callable[[Any], Iterator[Token]] = interactive.lexer_thread.lex
    state: Any = interactive.lexer_thread.state
    while True:
        try:
            keep = tokens.append
            for token in lex(interactive.parser_state):
                keep(token)
            return tokens
        except UnexpectedCharacters:
            start: int = state.line_ctr.char_pos
            text = _STRAY.match(state.text.text, start)
            assert text is not None
            tokens.append(Token("STRAY", text[0], start_pos=start, end_pos=text.end()))
            state.line_ctr.feed(text[0])


class _Run:
    """One walk of the automaton over all tokens of a source."""

    def __init__(
        self, interactive: InteractiveParser, table: Table, tokens: list[Token], source: Source, sink: Sink
    ) -> None:
        self.interactive = interactive
        self.table = table
        self.state = interactive.parser_state
        self.tokens = tokens
        self.source = source
        self.sink = sink
        self.broken: set[str] = set()
        self.faulty = False
        self.resumed = -1
        """Where parsing went on last; a second fault there is one of the statement that begins there."""
        end = tokens[-1].end_pos or 0 if tokens else 0
        self.end = Token("$END", "", start_pos=end, end_pos=end)

    def parse(self) -> tuple[tuple[ast.Item, ...], set[str]]:
        if self._nested_too_deep():
            return (), self.broken
        place = 0
        while True:
            place += feed(self.table, self.state, self.tokens[place:])
            if place == len(self.tokens):
                try:
                    return self.state.feed_token(self.end, is_end=True), self.broken
                except UnexpectedToken:
                    pass
            self._report(place)
            resumed = self._recover(place)
            if resumed is None:
                return self._finish(), self.broken
            place = self.resumed = resumed

    def _nested_too_deep(self) -> bool:
        depth = 0
        for token in [token for token in self.tokens if token.type in _BRACKETS]:
            depth = depth + 1 if token.type in _OPENING else max(depth - 1, 0)
            if depth > MAXIMAL_NESTING:
                span = Span(self.source, token.start_pos or 0, token.end_pos or 0)
                self.faulty = True
                self.sink.report(TOO_LARGE, span, f"brackets are nested more than {MAXIMAL_NESTING} deep")
                return True
        return False

    def _report(self, place: int) -> None:
        token = self.tokens[place] if place < len(self.tokens) else self.end
        accepts: Callable[[], set[str]] = self.interactive.accepts
        expected = _expected(accepts())
        span = Span(self.source, token.start_pos or 0, token.end_pos or 0)
        if token.type == "$END":
            message = f"the file ends where {expected} is expected"
        elif token.type == "STRAY" and token.startswith('"'):
            closed = len(token) > 1 and token.endswith('"')
            message = "unknown escape in a string" if closed else "this string has no end on its line"
        elif place and self.starts[place]:
            # Something is missing at the end of the statement before, and that is where it has to be put.
            end = self.tokens[place - 1].end_pos or 0
            span = Span(self.source, end, end)
            message = f"expected {expected} before {_quoted(token)}"
        else:
            message = f"unexpected {_quoted(token)}; expected {expected}"
        self.faulty = True
        self.sink.report(SYNTAX, span, message, *self._opened(place))

    def _opened(self, place: int) -> list[Label]:
        """The bracket that is open where a statement or the file comes to its end."""
        if place < len(self.tokens) and not self.starts[place]:
            return []
        open_: list[Token] = []
        for token in self.tokens[:place]:
            if token.type in _OPENING:
                open_.append(token)
            elif token.type in _CLOSING and open_:
                open_.pop()
        if not open_:
            return []
        span = Span(self.source, open_[-1].start_pos or 0, open_[-1].end_pos or 0)
        return [Label(span, f"this {_quoted(open_[-1])} is open")]

    def _recover(self, place: int) -> int | None:
        """Wind back to where a statement may begin; the index of the token that begins the next one, or none."""
        begins = place < len(self.tokens) and self.starts[place]
        first = place if begins and place != self.resumed else place + 1
        self._note_broken(self._statement_before(first), first)
        for following in range(first, len(self.tokens)):
            if self.starts[following] and self._make_way(following):
                return following
        return None

    def _make_way(self, place: int) -> bool:
        """Wind back to where the statement or item that begins at a token may stand."""
        opener = self.tokens[place].type
        if opener in _ITEM_KEYWORDS:
            return self._close_bodies(place, opener) or self._wind_back(opener)
        return self._wind_back("INPUT") or (opener in _ITEMS_AND_STATEMENTS and self._wind_back(opener))

    def _close_bodies(self, place: int, opener: str) -> bool:
        """End what lacks its closing brace, and keep what has been read of it; whether `opener` may follow then."""
        accepts: Callable[[], set[str]] = self.interactive.accepts
        position = self.tokens[place - 1].end_pos or 0
        brace = Token("RIGHT_BRACE", "}", start_pos=position, end_pos=position)
        while True:
            while "RIGHT_BRACE" in accepts():
                self.state.feed_token(brace)
            if opener in accepts():
                return True
            if not self._wind_back("INPUT"):
                return False

    def _wind_back(self, opener: str) -> bool:
        """Keep so much of the automaton's stack that such a token may follow; false if nothing will do."""
        stack = self.state.state_stack
        for height in range(len(stack), 0, -1):
            action = self.state.parse_conf.states[stack[height - 1]].get(opener)
            if action is not None and action[0] is Shift:
                del stack[height:]
                del self.state.value_stack[height - 1 :]
                return True
        return False

    @cached_property
    def starts(self) -> list[bool]:
        """Which tokens begin a statement or item, or end a body.

        A keyword always does. A name does at the beginning of a line, outside of brackets or no further to the right
        than the statement before: whose brackets are not closed then.
        """
        starts: list[bool] = []
        depth = column = 0
        in_item = False
        for place, token in enumerate(self.tokens):
            at = self._column(place)
            starts.append(self._is_start(place, at, depth, column))
            if starts[-1]:
                depth, column = 0, column if at is None else at
                in_item = token.type in _ITEM_KEYWORDS
            elif token.type == "LEFT_BRACE" and in_item and depth == 0:
                in_item, column = False, _FAR
            elif token.type in _OPENING:
                depth += 1
            elif token.type in _CLOSING:
                depth = max(depth - 1, 0)
        return starts

    def _is_start(self, place: int, at: int | None, depth: int, column: int) -> bool:
        token = self.tokens[place]
        after = self.tokens[place + 1].type if place + 1 < len(self.tokens) else ""
        if token.type in _ITEM_KEYWORDS | _STATEMENT_KEYWORDS:
            # As the name of something a keyword is a fault of its own.
            return after != "EQUAL"
        if at is None:
            return False
        if token.type == "RIGHT_BRACE":
            return depth == 0 or at < column
        return token.type == "NAME" and after in {"EQUAL", "COMMA"} and (depth == 0 or at <= column)

    def _column(self, place: int) -> int | None:
        """The column of a token that is the first of its line."""
        start = self.tokens[place].start_pos or 0
        line = self.source.text.rfind("\n", 0, start) + 1
        before = self.tokens[place - 1].end_pos or 0 if place else 0
        return start - line if before <= line else None

    def _statement_before(self, place: int) -> int:
        """The index of the token that begins the statement before a place."""
        return next((start for start in range(min(place, len(self.starts)) - 1, -1, -1) if self.starts[start]), 0)

    def _note_broken(self, statement: int, place: int) -> None:
        """The names up to the equals sign of a statement: `near, far`, `x`, the name behind a keyword."""
        for token in self.tokens[statement:place]:
            if token.type in {"EQUAL", "COLON", "LEFT_PARENTHESIS", "LEFT_BRACE"}:
                return
            if token.type == "NAME":
                self.broken.add(str(token))

    def _finish(self) -> tuple[ast.Item, ...]:
        """The whole items that were read, where nothing is left to go on with."""
        if self._close_bodies(len(self.tokens), "$END"):
            items: tuple[ast.Item, ...] = self.state.feed_token(self.end, is_end=True)
            return items
        found: list[ast.Item] = []
        for value in self.state.value_stack:
            # Of what may be repeated Lark keeps what it has so far as a tree of its own.
            parts = value.children if isinstance(value, Tree) else [value]
            found += [part for part in parts if isinstance(part, ast.Item.__args__)]
        return tuple(found)


def _quoted(token: Token) -> str:
    return f"`{token}`" if len(token) <= 40 else f"`{token[:37]}…`"


def _expected(terminals: set[str]) -> str:
    words: list[str] = []
    if terminals >= _EXPRESSION_START:
        terminals = terminals - _EXPRESSION_START - {"LEFT_BRACE", "TRUE", "FALSE", "NONE"}
        words.append("an expression")
    if terminals >= {"BINARY", "AND"}:
        # An operator always fits there, and is seldom what was forgotten.
        terminals = terminals - _EXPRESSION_REST
    if terminals >= _STATEMENT_KEYWORDS:
        terminals = terminals - _STATEMENT_KEYWORDS - {"NAME"}
        words.append("a statement")
    if terminals >= _ITEM_KEYWORDS:
        terminals = terminals - _ITEM_KEYWORDS - {"CONST", "LAYER"}
        words.append("`model`, `block`, `use`, `const` or `layer`")
    patterns = {definition.name: definition.pattern for definition in _parser()[0].terminals}
    for terminal in sorted(terminals):
        words.append(_IN_WORDS.get(terminal) or f"`{patterns[terminal].value}`")
    return " or ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]
