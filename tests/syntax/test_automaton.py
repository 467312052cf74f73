"""The loop over Lark's tables does what Lark's own does, on specs and on specs with a token too few or too many."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from lark import Lark, Token
from lark.exceptions import UnexpectedToken
from lark.parsers.lalr_parser_state import ParserState

from specc.diagnostics import Sink
from specc.source import Source
from specc.syntax.automaton import feed, table_of
from specc.syntax.build import Builder
from specc.syntax.tables import parser

ROOT = Path(__file__).parents[2]
SPECS = sorted([*ROOT.glob("examples/*.cnet"), *ROOT.glob("specc/std/*.cnet")])


def automaton(source: Source) -> Lark:
    builder = Builder()
    builder.source, builder.sink, builder.comments = source, Sink(), {}
    return parser(builder, builder.comment)


def fed_by_lark(state: ParserState[int], tokens: list[Token]) -> int:
    for place, token in enumerate(tokens):
        try:
            state.feed_token(token)
        except UnexpectedToken:
            return place
    return len(tokens)


def variations(tokens: list[Token]) -> Iterator[list[Token]]:
    """The tokens, and up to forty times with one left out, written twice or in the place of another."""
    yield tokens
    random = Random(0)
    for place in random.sample(range(len(tokens)), min(40, len(tokens))):
        before, token, after = tokens[:place], tokens[place], tokens[place + 1 :]
        yield random.choice([before + after, [*before, token, token, *after], [*before, random.choice(tokens), *after]])


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_it_stops_where_lark_stops_with_the_same_on_the_stacks(path: Path) -> None:
    source = Source(path.read_text(encoding="utf-8"))
    lark = automaton(source)
    table = table_of(lark)
    faulty = 0
    for tokens in variations(list(lark.lex(source.text))):
        ours, theirs = (lark.parse_interactive("").parser_state for _ in range(2))
        read = feed(table, ours, tokens)
        assert read == fed_by_lark(theirs, tokens)
        assert ours.state_stack == theirs.state_stack
        assert ours.value_stack == theirs.value_stack
        faulty += read < len(tokens)
    assert faulty >= 10


def test_the_end_of_a_text_without_a_token_is_read_by_lark() -> None:
    lark = automaton(Source(""))
    state = lark.parse_interactive("").parser_state
    assert feed(table_of(lark), state, []) == 0
    assert state.feed_token(Token("$END", ""), is_end=True) == ()
