"""Formatting changes how a spec is spaced and nothing else, and gives the same for what is spaced otherwise."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lark import Token

from specc.diagnostics import Sink
from specc.source import Source
from specc.syntax import parse
from specc.syntax.format import formatted
from specc.syntax.parse import tokens_of

ROOT = Path(__file__).parents[2]
OWN = sorted(
    path for folder in ("examples", "benchmarks", "specc") for path in (ROOT / folder).rglob("*.cnet") if path.is_file()
)
CHUNKS = [
    chunk
    for file in sorted((ROOT / "tests" / "specs").rglob("*.cnet"))
    for chunk in re.split(r"^---\n", file.read_text(encoding="utf-8", errors="replace"), flags=re.MULTILINE)
]


def written(text: str) -> str:
    sink = Sink()
    result = formatted(Source(text), sink)
    assert result is not None, sink.in_order()
    return result


def tokens(text: str) -> list[tuple[str, str]]:
    return [(token.type, str(token)) for token in tokens_of(Source(text))]


def comments(text: str) -> list[str]:
    file = parse(Source(text), Sink())
    return [comment.text for _, comment in sorted(file.comments.items())]


EXAMPLES = re.findall(
    r"^%% ([^\n]+)\n(.*?)^%% is\n(.*?)(?=^%%|\Z)",
    (ROOT / "tests" / "syntax" / "formatted.txt").read_text(encoding="utf-8"),
    flags=re.DOTALL | re.MULTILINE,
)


@pytest.mark.parametrize(
    ("text", "expected"), [example[1:] for example in EXAMPLES], ids=[name for name, *_ in EXAMPLES]
)
def test_examples(text: str, expected: str) -> None:
    assert written(text) == expected
    assert written(expected) == expected
    # Neither the ends of lines that other systems have nor a missing last one matters.
    assert written(text.replace("\n", "\r\n").rstrip()) == expected


def test_nothing_stays_nothing() -> None:
    assert written("\n  \n") == ""


@pytest.mark.parametrize("file", OWN, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_specs_of_the_project_are_formatted(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert written(text) == text


def test_nothing_but_spaces_changes() -> None:
    whole = [chunk for chunk in CHUNKS if parse(Source(chunk), Sink()).whole]
    assert len(whole) > 200
    for chunk in whole:
        result = formatted(Source(chunk), Sink())
        if result is not None:
            assert (tokens(result), comments(result)) == (tokens(chunk), comments(chunk))
            assert written(result) == result


def test_what_can_not_be_read_is_not_formatted() -> None:
    sink = Sink()
    assert formatted(Source("model m {\n  output y = = x\n}\n"), sink) is None
    assert [found.kind.id for found in sink.in_order()] == ["syntax"]


@given(st.sampled_from(OWN), st.randoms(use_true_random=False))
def test_spaces_within_a_line_do_not_matter(file: Path, draw: Random) -> None:
    text = file.read_text(encoding="utf-8")
    assert written(respaced(text, draw)) == text


def respaced(text: str, draw: Random) -> str:
    """The text with other spaces at the beginnings of lines and between tokens, and with more blank lines."""
    parts: list[str] = []
    end, before = 0, Token("$BEGIN", "")
    for token in tokens_of(Source(text)):
        gap = text[end : token.start_pos]
        if "\n" in gap or "#" in gap:
            # One blank line or several, and any indentation; not what stands within a comment.
            gap = re.sub(r"(?<=\n)\n", lambda _: draw.choice(["\n", "\n\n", "  \n"]), gap)
            gap = re.sub(r"(?<=\n) *(?=\S|\Z)", lambda _: " " * draw.randrange(9), gap)
        elif not (before.type == "COMMA" and token.type in ("NUMBER", "MINUS")):
            words = re.fullmatch(r"\w\w", before[-1:] + token[:1]) is not None
            gap = " " * draw.randrange(words, 4)
        parts += [gap, str(token)]
        end, before = token.end_pos or 0, token
    return "".join(parts) + text[end:]
