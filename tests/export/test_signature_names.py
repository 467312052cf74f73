"""Traced names are plain, unlike each other when TensorFlow folds them, and an input's own wherever that works."""

from __future__ import annotations

import keyword
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specc.export.signature_names import safe_names


@pytest.mark.parametrize(
    ("names", "traced"),
    [
        (["image", "Digit", "a.b", "a-c"], ["image", "Digit", "a.b", "a-c"]),
        (["class", "self", "_x"], ["class_", "self_", "x_"]),
        (["class", "class_"], ["class__", "class_"]),
        (["a", "A"], ["a", "A_"]),
        (["a.b", "a_b"], ["a.b", "a_b_"]),
        (["größe", "2d"], ["gr_e_", "input_2d_"]),
    ],
)
def test_examples(names: list[str], traced: list[str]) -> None:
    assert safe_names(names) == dict(zip(names, traced, strict=True))


@given(st.lists(st.sampled_from(["a", "A", "a_", "_a", "a.", "class", "class_", "CLASS", "é", "1", "_"]), unique=True))
def test_traced_names_never_clash(names: list[str]) -> None:
    safe = safe_names(names)
    assert set(safe) == set(names)
    assert all(re.fullmatch(r"[A-Za-z][A-Za-z0-9_.\-]*", traced) for traced in safe.values())
    assert not any(keyword.iskeyword(traced) or traced == "self" for traced in safe.values())
    folded = {re.sub(r"[^a-z0-9]", "_", traced.lower()) for traced in safe.values()}
    assert len(folded) == len(names)
