"""Every example is clean, and says at its top what it is."""

from __future__ import annotations

from pathlib import Path

import pytest

import specc
from tests.examples.cases import FILES


def test_there_are_examples() -> None:
    assert len(FILES) >= 8


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_checking_an_example_finds_nothing(file: Path) -> None:
    assert specc.check(file) == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_an_example_begins_with_what_it_is(file: Path) -> None:
    header = file.read_text(encoding="utf-8").splitlines()[0]
    assert header.startswith("# ") and len(header) > 40
