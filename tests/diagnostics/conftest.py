"""Findings written as specs in which the labelled places stand between « and »."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from specc.diagnostics import Diagnostic, Kind, Label, Severity
from specc.source import Source, Span

KINDS = {
    Severity.ERROR: Kind(
        id="unknown-layer",
        explanation="No Keras layer has that name.",
        faulty="model m {\n  x -> Danse(10)\n}\n",
        mended="model m {\n  x -> Dense(10)\n}\n",
    ),
    Severity.WARNING: Kind(
        id="unused-binding",
        explanation="Nothing reads the name.",
        faulty="model m {\n  a = 1\n}\n",
        mended="model m {\n}\n",
        severity=Severity.WARNING,
    ),
}


def _labels(marked: str, texts: tuple[str, ...], name: str) -> list[Label]:
    """A label for each «…» (they may nest), in the order in which they open; one without a text has none."""
    plain = ""
    starts: list[tuple[int, int]] = []
    spans: dict[int, tuple[int, int]] = {}
    for character in marked:
        if character == "«":
            starts.append((len(spans) + len(starts), len(plain)))
        elif character == "»":
            place, start = starts.pop()
            spans[place] = (start, len(plain))
        else:
            plain += character
    source = Source(plain, name)
    texts += ("",) * (len(spans) - len(texts))
    return [Label(Span(source, *spans[place]), texts[place]) for place in range(len(spans))]


@pytest.fixture(scope="session")
def found() -> Callable[..., Diagnostic]:
    """Makes a finding from a marked text; `primary` says which of its labels is where the finding is reported."""

    def make(
        marked: str,
        *texts: str,
        message: str = "there is no layer `Danse`",
        help: str | None = None,
        name: str = "m.cnet",
        severity: Severity = Severity.ERROR,
        primary: int = 0,
        elsewhere: Diagnostic | None = None,
    ) -> Diagnostic:
        labels = _labels(marked, texts, name)
        labels.insert(0, labels.pop(primary))
        labels.extend(elsewhere.labels if elsewhere else ())
        return Diagnostic(kind=KINDS[severity], message=message, labels=tuple(labels), help=help)

    return make
