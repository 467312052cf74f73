"""Whatever stands in messages, names and specs: the output stays well-formed, and commands nobody."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from specc.diagnostics import Diagnostic, Kind, Label
from specc.diagnostics.render import FORMATS
from specc.diagnostics.render.escape import encodable, log_line, visible
from specc.source import Source, Span

KIND = Kind(id="unknown-layer", explanation="", faulty="", mended="")
TRICKS = (
    "\x1b[31m",
    "\u202e",
    "\ud800",
    "\ud83d\ude00",
    "\x00",
    "\ufffe",
    "::error::",
    "%0A",
    "</failure>",
    "]]>",
    "\r\n",
)
texts = st.lists(st.text(st.characters()) | st.sampled_from(TRICKS)).map("".join)


def hostile(text: str) -> Diagnostic:
    """A finding that holds the text wherever it can."""
    span = Span(Source(f"{text}x{text}", text), len(text), len(text) + 1)
    return Diagnostic(kind=KIND, message=text, labels=(Label(span, text), Label(span, text)), help=text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("`Dense` 日本 é", "`Dense` 日本 é"),
        ("\x1b[31m", r"\x1b[31m"),
        ("a\nb\r\tc", r"a\nb\r\tc"),
        ("\x00\x7f\x9b", r"\x00\x7f\x9b"),
        ("\u202e\u2066\u200b\ufeff", r"\u202e\u2066\u200b\ufeff"),
        ("\u2028\u00a0", r"\u2028\xa0"),
        ("\ud800\U000e0041", r"\ud800\U000e0041"),
    ],
)
def test_what_can_not_be_seen_is_written_out(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(texts)
def test_visible_text_is_printable_and_left_alone_if_it_was(text: str) -> None:
    assert visible(text).isprintable()
    assert visible(visible(text)) == visible(text)


@given(texts)
def test_programs_get_what_utf_8_can_hold_unchanged(text: str) -> None:
    assert encodable(encodable(text)) == encodable(text)
    assert [c for c in encodable(text) if not c.isascii()] == [
        c for c in text if not c.isascii() and not "\ud800" <= c <= "\udfff"
    ]


@pytest.mark.parametrize(
    ("text", "shown"),
    [("::error::x", r"\x3a:error::x"), ("  ::debug::", r"  \x3a:debug::"), ("a::b", "a::b"), (":a", ":a")],
)
def test_a_log_line_is_no_workflow_command(text: str, shown: str) -> None:
    assert log_line(text) == shown


@given(texts)
@example("::error::x")
def test_lines_for_people_are_printable_and_no_commands(text: str) -> None:
    for name in ("full", "concise"):
        lines = FORMATS[name]([hostile(text)]).split("\n")
        assert all(line.isprintable() and not line.lstrip().startswith("::") for line in lines)
    assert FORMATS["concise"]([hostile(text)]).count("\n") == 1


@pytest.mark.parametrize("name", ["json", "sarif", "gitlab"])
@given(text=texts)
def test_json_parses_and_holds_only_what_utf_8_can(name: str, text: str) -> None:
    output = FORMATS[name]([hostile(text), hostile(text)])
    assert output.isascii()
    assert output.replace("\n", "").isprintable()
    json.dumps(json.loads(output), ensure_ascii=False).encode()


@given(texts)
def test_json_keeps_texts_as_they_are(text: str) -> None:
    (diagnostic,) = json.loads(FORMATS["json"]([hostile(text)]))["diagnostics"]
    assert [diagnostic["message"], diagnostic["help"], diagnostic["labels"][0]["path"]] == [encodable(text)] * 3


@given(texts)
def test_github_reads_back_one_command(text: str) -> None:
    (line,) = FORMATS["github"]([hostile(text)]).removesuffix("\n").split("\n")
    assert line.isprintable()
    # As the runner takes a command apart: at the first spaces, double colons, commas and equals signs.
    head, message = line.removeprefix("::error ").split("::", 1)
    properties = dict(pair.split("=", 1) for pair in head.split(","))
    assert list(properties) == ["file", "line", "col", "endLine", "endColumn", "title"]
    assert unescaped(properties["file"]) == visible(text)
    assert unescaped(message).split("\n") == [visible(text), *(f"help: {visible(one)}" for one in text.splitlines())]


def unescaped(text: str) -> str:
    return re.sub("%(25|0A|3A|2C)", lambda match: chr(int(match[1], 16)), text)


@given(texts)
def test_junit_is_well_formed(text: str) -> None:
    output = FORMATS["junit"]([hostile(text)])
    assert output.isascii()
    ((case,),) = ElementTree.fromstring(output.encode())
    assert case.attrib["file"] == visible(text)
    assert case[0].attrib["message"] == visible(text)
    assert case[0].text == FORMATS["full"]([hostile(text)]).rsplit("\n1 error\n", 1)[0]
