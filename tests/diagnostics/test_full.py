"""What people see: the labelled lines of a spec, underlined and aligned."""

from __future__ import annotations

import re
from collections.abc import Callable
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specc.diagnostics import Diagnostic, Kind, Label, Severity
from specc.diagnostics.render.full import finding, full
from specc.source import Source, Span

Found = Callable[..., Diagnostic]
KIND = Kind(id="unknown-layer", explanation="", faulty="", mended="")


def picture(text: str) -> str:
    return dedent(text).lstrip("\n")


def rows(diagnostic: Diagnostic, width: int = 120) -> list[str]:
    """The rows below the place."""
    return finding(diagnostic, width=width).splitlines()[2:]


def test_message_place_line_label_and_help(found: Found) -> None:
    diagnostic = found(
        "model m {\n  x -> «Danse»(10)\n}\n", "not a Keras layer", help="did you mean `Dense`?\nor `LSTM`?"
    )
    assert full([diagnostic]) == picture("""
        error[unknown-layer]: there is no layer `Danse`
         --> m.cnet:2:8
          |
        2 |   x -> Danse(10)
          |        ^^^^^ not a Keras layer
          |
          = help: did you mean `Dense`?
          = help: or `LSTM`?

        1 error
        For more, run `specc explain unknown-layer`.
    """)


def test_labels_on_one_line_hang_below_it_from_right_to_left(found: Found) -> None:
    diagnostic = found("«a» -> «b» -> «c»", "first", "second", "third", primary=1)
    assert rows(diagnostic) == [
        "  |",
        "1 | a -> b -> c",
        "  | -    ^    - third",
        "  | |    |",
        "  | |    second",
        "  | first",
    ]


def test_nested_labels_are_all_visible(found: Found) -> None:
    assert rows(found("«x -> «Danse»(10)»", "this stage", "no such layer", primary=1))[2:] == [
        "  | -----^^^^^----",
        "  | |    |",
        "  | |    no such layer",
        "  | this stage",
    ]


def test_labels_at_the_same_place_are_told_one_below_the_other(found: Found) -> None:
    assert rows(found("««x»»", "seen here", "and here"))[2:] == ["  | ^ seen here", "  | |", "  | and here"]


def test_lines_between_labels(found: Found) -> None:
    diagnostic = found("«a» = 1\n\n«b» = 2\nc\nd\n«e» = 3\n", "", "", "", primary=2)
    assert rows(diagnostic) == [
        "  |",
        "1 | a = 1",
        "  | -",
        "2 |",
        "3 | b = 2",
        "  | -",
        "...",
        "6 | e = 3",
        "  | ^",
    ]


def test_a_label_over_some_lines_is_underlined_on_each(found: Found) -> None:
    diagnostic = found("b = «(  \n  x,\n\n)» -> Add()", "this tuple")
    assert rows(diagnostic) == [
        "  |",
        "1 | b = (",
        "  |     ^",
        "2 |   x,",
        "  |   ^^",
        "3 |",
        "4 | ) -> Add()",
        "  | ^ this tuple",
    ]


def test_a_label_over_many_lines_shows_the_first_and_the_last(found: Found) -> None:
    diagnostic = found("«model m {\n" + "  x\n" * 3 + "}»\n", "this model")
    assert rows(diagnostic) == [
        "  |",
        "1 | model m {",
        "  | ^^^^^^^^^",
        "...",
        "5 | }",
        "  | ^ this model",
    ]


def test_a_label_that_takes_the_line_end_along_stays_on_its_line(found: Found) -> None:
    assert rows(found("«x = 1\n»y = 2\n", "here")) == ["  |", "1 | x = 1", "  | ^^^^^ here"]


@pytest.mark.parametrize("text", ["", "x\n", "x\r\n"])
def test_the_end_of_the_file_can_be_marked(found: Found, text: str) -> None:
    number = 1 + text.count("\n")
    assert rows(found(f"{text}«»", "a `}` is missing")) == ["  |", f"{number} |", "  | ^ a `}` is missing"]


def test_windows_line_ends_are_not_shown(found: Found) -> None:
    assert rows(found("x «=\r\n»y\r\n", "here")) == ["  |", "1 | x =", "  |   ^ here"]
    assert rows(found("x =\r«\n»y\r\n", "here")) == ["  |", "1 | x =", "  |    ^ here"]


def test_labels_in_several_files(found: Found) -> None:
    library = found("\n" * 9 + "block «stem»(width)\n", "has one parameter", name="lib/stem.cnet")
    assert finding(found("x -> «stem(1, 2)»", "two are given", elsewhere=library)) == picture("""
        error[unknown-layer]: there is no layer `Danse`
          --> m.cnet:1:6
           |
         1 | x -> stem(1, 2)
           |      ^^^^^^^^^^ two are given
          --> lib/stem.cnet:10:7
           |
        10 | block stem(width)
           |       ---- has one parameter
    """)


@pytest.mark.parametrize(
    ("marked", "shown", "underlines"),
    [
        ("\tx = \t«y»", "    x =     y", "            ^"),
        ("«\t»x", "    x", "^^^^"),
        ("# 日本 «語» x", "# 日本 語 x", "       ^^"),
        ("# e\u0301te\u0301 «x»", "# e\u0301te\u0301 x", "      ^"),
        ("# e«\u0301» x", "# e\u0301 x", "   ^"),
        ("\u202e«x»", "\\u202ex", "      ^"),
        ("x\u00a0=\u00a0«1»", "x\\xa0=\\xa01", "          ^"),
    ],
)
def test_underlines_stand_below_what_they_mark(found: Found, marked: str, shown: str, underlines: str) -> None:
    assert rows(found(marked))[1:] == [f"1 | {shown}", f"  | {underlines}"]


@given(before=st.integers(0, 300), size=st.integers(1, 40), after=st.integers(0, 300), width=st.integers(60, 120))
def test_a_long_line_is_cut_to_a_window_around_the_label(before: int, size: int, after: int, width: int) -> None:
    line = "".join(chr(ord("!") + place % 90) for place in range(before + size + after))
    source = Source(line)
    diagnostic = Diagnostic(kind=KIND, message="m", labels=(Label(Span(source, before, before + size)),))
    _, shown, underlines = rows(diagnostic, width)
    start = underlines.index("^")
    assert shown[start : start + size] == line[before : before + size]
    assert underlines[start:] == "^" * size
    assert len(shown) <= width
    window = shown.removeprefix("1 | ")
    assert window.strip("…") in line
    assert window.startswith("…") or line.startswith(window.strip("…"))
    assert window.endswith("…") or line.endswith(window.strip("…"))
    # As much is shown as there is room for.
    assert len(shown) >= min(len(line), width - 2 - len("1 | "))


def test_wide_characters_count_double_in_the_window(found: Found) -> None:
    assert rows(found("# " + "語" * 50 + "«x»" + "語" * 50), width=30)[1:] == [
        "1 | …語語語語語語x語語語語語…",
        "  |              ^",
    ]


def test_a_label_longer_than_the_window_is_cut(found: Found) -> None:
    assert rows(found("x = «" + "1" * 500 + "»", "long"), width=40)[1:] == [
        "1 | …" + "1" * 34 + "…",
        "  |  " + "^" * 34 + " long",
    ]


def test_a_label_outside_the_window_is_marked_at_the_ellipsis(found: Found) -> None:
    assert rows(found("«a»" + " " * 200 + "«b»" + " " * 200 + "«c»", "", "", "", primary=1), width=24)[1:] == [
        "1 | …         b        …",
        "  | -         ^        -",
    ]


@pytest.mark.parametrize(
    ("severities", "counts"),
    [
        ("e", "1 error"),
        ("w", "1 warning"),
        ("ee", "2 errors"),
        ("wewe", "2 errors, 2 warnings"),
        ("ew", "1 error, 1 warning"),
    ],
)
def test_the_closing_line_counts(found: Found, severities: str, counts: str) -> None:
    kinds = {"e": Severity.ERROR, "w": Severity.WARNING}
    text = full(found("«x»", severity=kinds[letter]) for letter in severities)
    assert text.splitlines()[-2] == counts
    assert text.count("specc explain") == 1


def test_nothing_found_is_nothing_shown() -> None:
    assert full([]) == ""


def test_colours(found: Found) -> None:
    assert full([found("«a» -> «b»", "one", "two", help="h", severity=Severity.WARNING)], colour=True) == picture("""
        \x1b[1;33mwarning[unused-binding]\x1b[0m\x1b[1m: there is no layer `Danse`\x1b[0m
        \x1b[1;34m -->\x1b[0m m.cnet:1:1
        \x1b[1;34m  |\x1b[0m
        \x1b[1;34m1 |\x1b[0m a -> b
        \x1b[1;34m  |\x1b[0m \x1b[1;33m^\x1b[0m    \x1b[1;34m- two\x1b[0m
        \x1b[1;34m  |\x1b[0m \x1b[1;33m|\x1b[0m
        \x1b[1;34m  |\x1b[0m \x1b[1;33mone\x1b[0m
        \x1b[1;34m  |\x1b[0m
          \x1b[1;36m= help:\x1b[0m h

        1 warning
        For more, run `specc explain unused-binding`.
    """)


@given(
    text=st.text(st.characters()), message=st.text(st.characters()), start=st.integers(0, 20), size=st.integers(0, 20)
)
def test_colours_change_nothing_else_and_nothing_unseen_is_shown(
    text: str, message: str, start: int, size: int
) -> None:
    source = Source(text, name=message)
    start = min(start, len(text))
    label = Label(Span(source, start, min(start + size, len(text))), message)
    diagnostic = Diagnostic(kind=KIND, message=message, labels=(label,), help=message)
    plain = full([diagnostic])
    assert re.sub(r"\x1b\[[\d;]*m", "", full([diagnostic], colour=True)) == plain
    assert plain.replace("\n", "").isprintable()
