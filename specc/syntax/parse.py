"""Text to syntax tree. Lark stays inside this room.

Tokens are made first, then fed to Lark's LALR automaton one by one. At a token that does not fit, the automaton is
wound back to the last place where a statement may begin and parsing goes on at the next line that begins one, so that
one run finds every broken statement.
"""

from __future__ import annotations

import gc
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Final

from lark import Lark, Token
from lark.exceptions import UnexpectedCharacters, UnexpectedToken
from lark.parsers.lalr_analysis import Shift
from lark.parsers.lalr_interactive_parser import InteractiveParser

from specc.diagnostics import Sink
from specc.source import Source, Span
from specc.syntax import ast
from specc.syntax.build import Builder
from specc.syntax.kinds import SYNTAX, TOO_LARGE
from specc.syntax.tables import parser

MAXIMAL_TEXT = 16 * 2**20
MAXIMAL_NESTING = 64

_OPENING: Final = {"LEFT_PARENTHESIS", "LEFT_BRACKET", "LEFT_BRACE"}
_CLOSING: Final = {"RIGHT_PARENTHESIS", "RIGHT_BRACKET", "RIGHT_BRACE"}
_ITEM_KEYWORDS: Final = {"USE", "BLOCK", "MODEL"}
_STATEMENT_KEYWORDS: Final = {"INPUT", "OUTPUT", "CONST", "WEIGHT", "KNOB", "LAYER", "TRAIN", "EXPECT"}
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
def _parser() -> tuple[Lark, Builder]:
    builder = Builder()
    return parser(builder, builder.comment), builder


def parse(source: Source, sink: Sink) -> ast.File:
    """The syntax tree of a text; faults go to the sink, and what could be read is returned all the same."""
    if len(source.text) > MAXIMAL_TEXT:
        sink.report(TOO_LARGE, Span(source, 0, 0), f"the spec has more than {MAXIMAL_TEXT} characters")
        return ast.File(source=source, items=(), comments={})
    with _lock, _without_collecting():
        lark, builder = _parser()
        builder.source, builder.sink, builder.comments = source, sink, {}
        interactive = lark.parse_interactive(source.text)
        tokens = _tokens(interactive)
        items, broken = _Run(interactive, tokens, source, sink).parse()
        return ast.File(source=source, items=items, comments=builder.comments, broken=frozenset(broken))


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Nothing that a parse makes is cyclic, and looking for cycles in it takes a third of the time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _tokens(interactive: InteractiveParser) -> list[Token]:
    """All tokens; what no terminal matches becomes a `STRAY` token, which no rule accepts."""
    tokens: list[Token] = []
    lex: Callable[[Any], Iterator[Token]] = interactive.lexer_thread.lex
    state: Any = interactive.lexer_thread.state
    while True:
        try:
            for token in lex(interactive.parser_state):
                tokens.append(token)
            return tokens
        except UnexpectedCharacters:
            start: int = state.line_ctr.char_pos
            text = _STRAY.match(state.text.text, start)
            assert text is not None
            tokens.append(Token("STRAY", text[0], start_pos=start, end_pos=text.end()))
            state.line_ctr.feed(text[0])


class _Run:
    """One walk of the automaton over all tokens of a source."""

    def __init__(self, interactive: InteractiveParser, tokens: list[Token], source: Source, sink: Sink) -> None:
        self.interactive = interactive
        self.state = interactive.parser_state
        self.tokens = tokens
        self.source = source
        self.sink = sink
        self.broken: set[str] = set()
        end = len(source.text.rstrip())
        self.end = Token("$END", "", start_pos=end, end_pos=end)

    def parse(self) -> tuple[tuple[ast.Item, ...], set[str]]:
        place = self._nesting_fault()
        if place is not None:
            return (), self.broken
        place = 0
        feed = self.state.feed_token
        while True:
            try:
                while place < len(self.tokens):
                    feed(self.tokens[place])
                    place += 1
                return feed(self.end, is_end=True), self.broken
            except UnexpectedToken:
                self._report(place)
                resumed = self._recover(place)
                if resumed is None:
                    return self._salvage(), self.broken
                place = resumed

    def _nesting_fault(self) -> int | None:
        depth = 0
        for place, token in enumerate(self.tokens):
            if token.type in _OPENING:
                depth += 1
                if depth > MAXIMAL_NESTING:
                    span = Span(self.source, token.start_pos or 0, token.end_pos or 0)
                    self.sink.report(TOO_LARGE, span, f"brackets are nested more than {MAXIMAL_NESTING} deep")
                    return place
            elif token.type in _CLOSING:
                depth = max(depth - 1, 0)
        return None

    def _report(self, place: int) -> None:
        token = self.tokens[place] if place < len(self.tokens) else self.end
        span = Span(self.source, token.start_pos or 0, max(token.end_pos or 0, (token.start_pos or 0) + 1))
        accepts: Callable[[], set[str]] = self.interactive.accepts
        expected = _expected(accepts())
        if token.type == "$END":
            message = f"the file ends where {expected} is expected"
        elif token.type == "STRAY" and token.startswith('"'):
            closed = len(token) > 1 and token.endswith('"')
            message = "unknown escape in a string" if closed else "this string has no end on its line"
        else:
            message = f"unexpected {_quoted(token)}; expected {expected}"
        self.sink.report(SYNTAX, span, message)

    def _recover(self, place: int) -> int | None:
        """Wind back to where a statement may begin; the index of the token that begins the next one, or none."""
        statement = self._statement_start(place)
        self._note_broken(statement, place)
        for following in range(place if place > statement else place + 1, len(self.tokens)):
            if self._begins_line_and_statement(following):
                height = self._height_for("MODEL" if self.tokens[following].type in _ITEM_KEYWORDS else "INPUT")
                if height:
                    del self.state.state_stack[height:]
                    del self.state.value_stack[height - 1 :]
                    return following
        return None

    def _height_for(self, opener: str) -> int:
        """How many of the automaton's states to keep so that a statement (or item) may begin; 0 if none will do."""
        stack = self.state.state_stack
        for height in range(len(stack), 0, -1):
            action = self.state.parse_conf.states[stack[height - 1]].get(opener)
            if action is not None and action[0] is Shift:
                return height
        return 0

    def _statement_start(self, place: int) -> int:
        place = min(place, len(self.tokens) - 1)
        while place > 0 and not self._begins_line_and_statement(place):
            place -= 1
        return place

    def _begins_line_and_statement(self, place: int) -> bool:
        token = self.tokens[place]
        if place and "\n" not in self.source.text[self.tokens[place - 1].end_pos : token.start_pos]:
            return False
        if token.type in _ITEM_KEYWORDS | _STATEMENT_KEYWORDS | {"RIGHT_BRACE"}:
            return True
        after = self.tokens[place + 1].type if place + 1 < len(self.tokens) else ""
        return token.type == "NAME" and after in {"EQUAL", "COMMA"}

    def _note_broken(self, statement: int, place: int) -> None:
        """The names up to the equals sign of a statement: `near, far`, `x`, the name behind a keyword."""
        for token in self.tokens[statement : place + 1]:
            if token.type in {"EQUAL", "COLON", "LEFT_PARENTHESIS", "LEFT_BRACE"}:
                return
            if token.type == "NAME":
                self.broken.add(str(token))

    def _salvage(self) -> tuple[ast.Item, ...]:
        """The whole items that were read before the text broke off."""
        found: list[ast.Item] = []
        for value in self.state.value_stack:
            parts = value if isinstance(value, list) else [value]
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
