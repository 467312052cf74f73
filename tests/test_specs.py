"""Good and faulty specs with what is to be found in them, written beside the lines it is found in.

A file of `tests/specs` is chunks between lines of `---`; each is a spec. A comment says what is found in its line:

    h = x -> Dens(3)   # error[unknown-layer] @12 "no layer `Dens`" "did you mean `Dense`"

The column is optional; the texts, in quotes of either sort, are parts of the message, of its help or of a label. A
comment that begins with `#^` speaks of the line above it. What is missing and what is not expected fail alike.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from specc import pipeline
from specc.diagnostics import Diagnostic
from specc.findings import KINDS, UNREADABLE_FILE
from specc.source import Source

FOLDER = Path(__file__).parent / "specs"
FILES = FOLDER / "files"

COMMENT = re.compile(r"#(\^?)\s*((?:error|warning)\[.*)$")
TEXT = r""" "[^"]*" | '[^']*' """
EXPECTATION = re.compile(rf"(error|warning) \[ ([a-z-]+) \] (?: \s* @(\d+) )? ( (?: \s* (?:{TEXT}) )* )", re.VERBOSE)


@dataclass(frozen=True)
class Expected:
    line: int
    severity: str
    kind: str
    column: int | None
    parts: tuple[str, ...]

    def __str__(self) -> str:
        column = f" @{self.column}" if self.column is not None else ""
        return f"{self.severity}[{self.kind}]{column}" + "".join(f' "{part}"' for part in self.parts)

    def meets(self, found: Diagnostic) -> bool:
        text = "\n".join([found.message, found.help or "", *(label.text for label in found.labels)])
        return (
            (self.line, self.severity, self.kind) == (found.line, found.severity, found.kind.id)
            and self.column in (None, found.column)
            and all(part in text for part in self.parts)
        )


@dataclass(frozen=True)
class Chunk:
    """One spec; `first` is the line of the file at which it begins."""

    file: str
    first: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.first}"

    @property
    def source(self) -> Source:
        return Source(self.text, "spec.cnet", FILES / "spec.cnet")


def chunks() -> Iterator[Chunk]:
    for path in sorted(FOLDER.glob("*.cnet")):
        first = 1
        for text in re.split(r"^---\n", path.read_text(encoding="utf-8"), flags=re.MULTILINE):
            yield Chunk(path.stem, first, text)
            first += text.count("\n") + 1


def expectations(text: str) -> list[Expected]:
    expected = []
    for number, line in enumerate(text.splitlines(), 1):
        comment = COMMENT.search(line)
        if comment is not None:
            for severity, kind, column, parts in EXPECTATION.findall(comment[2]):
                at = number - 1 if comment[1] else number
                texts = tuple(text[1:-1] for text in re.findall(TEXT, parts, re.VERBOSE))
                expected.append(Expected(at, severity, kind, int(column) if column else None, texts))
    return expected


def differences(found: list[Diagnostic], expected: list[Expected]) -> list[tuple[int, str]]:
    """What is missing and what is unexpected, by line."""
    rest = list(found)
    wrong = []
    for wanted in expected:
        match = next((each for each in rest if wanted.meets(each)), None)
        if match is None:
            wrong.append((wanted.line, f"missing:    {wanted}"))
        else:
            rest.remove(match)
    for each in rest:
        help = f" (help: {each.help})" if each.help else ""
        wrong.append((each.line, f"unexpected: {each.severity}[{each.kind.id}] @{each.column} {each.message}{help}"))
    return sorted(wrong)


@cache
def all_chunks() -> tuple[Chunk, ...]:
    return tuple(chunks())


@cache
def findings(chunk: Chunk) -> tuple[Diagnostic, ...]:
    return tuple(pipeline.check(chunk.source).findings.in_order())


@pytest.mark.parametrize("chunk", all_chunks(), ids=str)
def test_a_spec_has_the_findings_that_stand_beside_its_lines(chunk: Chunk) -> None:
    expected: dict[str, list[Expected]] = {"spec.cnet": expectations(chunk.text)}
    found: dict[str, list[Diagnostic]] = {"spec.cnet": []}
    for diagnostic in findings(chunk):
        name = Path(diagnostic.source.name).name
        found.setdefault(name, []).append(diagnostic)
        expected.setdefault(name, expectations(diagnostic.source.text))
    report = []
    for name, diagnostics in found.items():
        lines = (chunk.text if name == "spec.cnet" else diagnostics[0].source.text).splitlines()
        for line, text in differences(diagnostics, expected[name]):
            place = f"{chunk.file}.cnet:{chunk.first + line - 1}" if name == "spec.cnet" else f"{name}:{line}"
            report.append(f"{place}\n    {lines[line - 1].strip()}\n    {text}")
    assert not report, "\n" + "\n".join(report)


def test_findings_come_in_the_order_of_the_file() -> None:
    for chunk in all_chunks():
        places = [each.span.start for each in findings(chunk) if each.source.name == "spec.cnet"]
        assert places == sorted(places)


def test_there_are_enough_of_them_and_every_kind_is_among_them() -> None:
    faulty = Counter(bool(expectations(chunk.text)) for chunk in all_chunks())
    assert faulty[True] >= 200
    assert faulty[False] >= 40
    hit = {each.kind for chunk in all_chunks() for each in findings(chunk)}
    # A file that can not be read is no text to write expectations into; tests/test_findings.py has it.
    assert set(KINDS) - hit == {UNREADABLE_FILE}


def test_every_line_with_an_expectation_is_understood() -> None:
    for chunk in all_chunks():
        for line in chunk.text.splitlines():
            if "# error" in line or "# warning" in line or "#^" in line:
                comment = COMMENT.search(line)
                assert comment is not None, f"{chunk}: {line}"
                assert EXPECTATION.sub("", comment[2]).strip() == "", f"{chunk}: {line}"
