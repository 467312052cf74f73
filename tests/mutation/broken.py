"""Breaks specs: a dropped token, a misspelt name, another number, doubled lines, stray characters."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TypeAlias

from hypothesis import strategies as st

EXAMPLES: Final = Path(__file__).resolve().parents[2] / "examples"
SPECS: Final = {path.stem: path.read_text(encoding="utf-8") for path in sorted(EXAMPLES.glob("*.cnet"))}
NAMES: Final = tuple(SPECS)

_TOKEN: Final = re.compile(r'[A-Za-z_]\w*|[0-9][0-9_.eE]*|"[^"\n]*"|->|\.\.|\*\*|//|[<>=!]=|\s+|#[^\n]*|.', re.DOTALL)
_NUMBERS: Final = (
    "0", "1", "2", "3", "7", "-1", "0.0", "0.5", "1.5", "1e-30", "1e400", "2147483647", "2147483648", "4096", "true",
    "none", "(1 / 0)", "2 ** 31", "10 ** 9", '"same"', "[1, 2]", "x",
)  # fmt: skip

Draw: TypeAlias = Callable[[st.SearchStrategy[int]], int]


def tokens(text: str) -> list[str]:
    return _TOKEN.findall(text)


def _place(draw: Draw, parts: list[str], wanted: Callable[[str], bool]) -> int | None:
    places = [place for place, part in enumerate(parts) if wanted(part)]
    return places[draw(st.integers(0, len(places) - 1))] if places else None


def _is_token(part: str) -> bool:
    return not part.isspace() and not part.startswith("#")


def _drop(draw: Draw, parts: list[str]) -> None:
    place = _place(draw, parts, _is_token)
    if place is not None:
        del parts[place]


def _double(draw: Draw, parts: list[str]) -> None:
    place = _place(draw, parts, _is_token)
    if place is not None:
        parts.insert(place, parts[place])


def _swap(draw: Draw, parts: list[str]) -> None:
    first, second = _place(draw, parts, _is_token), _place(draw, parts, _is_token)
    if first is not None and second is not None:
        parts[first], parts[second] = parts[second], parts[first]


def _take_another(draw: Draw, parts: list[str]) -> None:
    first, second = _place(draw, parts, _is_token), _place(draw, parts, _is_token)
    if first is not None and second is not None:
        parts[first] = parts[second]


def _misspell(draw: Draw, parts: list[str]) -> None:
    place = _place(draw, parts, str.isidentifier)
    if place is not None:
        name = parts[place]
        at = draw(st.integers(0, len(name) - 1))
        letter = chr(draw(st.integers(ord("a"), ord("z"))))
        parts[place] = (name[:at] + name[at + 1 :], name[:at] + letter + name[at:], name.swapcase())[
            draw(st.integers(0, 2))
        ]


def _other_number(draw: Draw, parts: list[str]) -> None:
    place = _place(draw, parts, lambda part: part[:1].isdigit())
    if place is not None:
        parts[place] = _NUMBERS[draw(st.integers(0, len(_NUMBERS) - 1))]


def _lines(draw: Draw, parts: list[str]) -> None:
    """A line doubled, or moved to where another one stands."""
    lines = "".join(parts).splitlines(keepends=True)
    first, second = draw(st.integers(0, len(lines) - 1)), draw(st.integers(0, len(lines) - 1))
    lines.insert(second, lines[first] if draw(st.integers(0, 1)) else lines.pop(first))
    parts[:] = ["".join(lines)]


def _delete(draw: Draw, parts: list[str]) -> None:
    text = "".join(parts)
    start = draw(st.integers(0, max(len(text) - 1, 0)))
    parts[:] = [text[:start] + text[start + draw(st.integers(1, 40)) :]]


def _insert(draw: Draw, parts: list[str]) -> None:
    text = "".join(parts)
    start = draw(st.integers(0, len(text)))
    stray = chr(
        draw(st.sampled_from([*map(ord, '"\\#{}[]()$\t\r\n,=:?'), 0, 0x7F, 0xA0, 0x202E, 0x2028, 0x1F600, 0xD800]))
    )
    parts[:] = [text[:start] + stray + text[start:]]


MUTATIONS: Final = (_drop, _double, _swap, _take_another, _misspell, _other_number, _lines, _delete, _insert)


@st.composite
def broken_specs(draw: st.DrawFn, most: int = 3, names: Sequence[str] = NAMES) -> str:
    """An example that has been broken up to `most` times."""
    text = SPECS[draw(st.sampled_from(names))]
    for mutation in draw(st.lists(st.sampled_from(MUTATIONS), min_size=1, max_size=most)):
        parts = tokens(text)
        mutation(draw, parts)
        text = "".join(parts) or "\n"
    return text
