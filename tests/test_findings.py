"""Laws of the kinds of findings: the list is complete, and every kind's own examples show it and its mending."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from specc.diagnostics import Diagnostic, Kind
from specc.findings import KINDS, UNREADABLE_FILE, example_findings, open_spec
from specc.source import Source

ROOT = Path(__file__).parents[1]
WITH_TENSORFLOW = ("keras_backend", "export", "__main__.py")


def kinds_of_all_rooms() -> Iterator[Kind]:
    for path in sorted((ROOT / "specc").rglob("*.py")):
        name = path.relative_to(ROOT).with_suffix("")
        if path.relative_to(ROOT / "specc").parts[0] not in WITH_TENSORFLOW:
            module = import_module(".".join(name.parts).removesuffix(".__init__"))
            yield from (value for value in vars(module).values() if isinstance(value, Kind))


def test_the_list_holds_every_kind_of_every_room_once() -> None:
    assert sorted(kind.id for kind in KINDS) == sorted({kind.id for kind in kinds_of_all_rooms()})
    assert {id(kind) for kind in KINDS} == {id(kind) for kind in kinds_of_all_rooms()}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.id)
def test_a_kind_is_shown_by_its_examples(kind: Kind) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", kind.id)
    assert [(found.kind.id, found.severity) for found in example_findings(kind.faulty)] == [(kind.id, kind.severity)]
    assert example_findings(kind.mended) == []


def test_a_spec_that_can_be_read_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "m.cnet"
    path.write_text("model m {}\n", encoding="utf-8-sig")
    source = open_spec(path, "shown.cnet")
    assert isinstance(source, Source)
    assert (source.text, source.name, source.path) == ("model m {}\n", "shown.cnet", path)


def test_a_file_that_can_not_be_read_is_a_finding_that_says_why(tmp_path: Path) -> None:
    binary = tmp_path / "binary.cnet"
    binary.write_bytes(b"model \xff")
    huge = tmp_path / "huge.cnet"
    with huge.open("wb") as file:
        file.truncate(2**30)
    for path, message in (
        (binary, "this file can not be read: the file is not UTF-8 text (byte 6)"),
        (huge, "this file can not be read: the file is too large for a spec"),
        (tmp_path, "this file can not be read: Is a directory"),
    ):
        found = open_spec(path, "m.cnet")
        assert isinstance(found, Diagnostic)
        assert str(found) == f"m.cnet:1:1: error[unreadable-file]: {message}"
        assert found.kind is UNREADABLE_FILE
