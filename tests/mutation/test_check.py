"""However a spec is broken, checking it ends, raises nothing, and says what is wrong at places that exist."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from specc import pipeline
from specc.diagnostics import Diagnostic
from specc.diagnostics.render import FORMATS
from specc.source import Source
from tests.mutation.broken import EXAMPLES, broken_specs

PATH = EXAMPLES / "broken.cnet"
"""Where the broken spec would stand: beside the arrays of the good ones."""

quick = settings(max_examples=150, deadline=5_000, suppress_health_check=[HealthCheck.too_slow])
long = settings(max_examples=4_000, deadline=5_000, suppress_health_check=[HealthCheck.too_slow])


def findings(text: str) -> list[Diagnostic]:
    found = pipeline.check(Source(text, "broken.cnet", PATH)).findings.in_order()
    for each in found:
        assert each.message.strip()
        for label in each.labels:
            assert 0 <= label.span.start <= label.span.end <= len(label.span.source.text), str(each)
    for render in FORMATS.values():
        assert isinstance(render(found), str)
    return found


@quick
@given(broken_specs())
def test_a_broken_spec_is_checked(text: str) -> None:
    findings(text)


@quick
@given(st.text(max_size=60))
def test_any_text_is_checked(text: str) -> None:
    findings(text)


@pytest.mark.slow
@long
@given(broken_specs(most=6))
def test_many_broken_specs_are_checked(text: str) -> None:
    findings(text)
