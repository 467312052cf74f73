"""What a finding is: a kind, a severity, a message, labelled places and what would mend it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import TYPE_CHECKING

from specc.records import value_object
from specc.source import Source, Span

if TYPE_CHECKING:
    from collections.abc import Iterable


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One sort of finding. `id` is kebab case and names the bad pattern.

    `faulty` is a whole spec that shows it once, `mended` the same spec without it; both are run by the tests.
    """

    id: str
    explanation: str
    faulty: str
    mended: str
    severity: Severity = Severity.ERROR


@value_object
class Label:
    """A place in a source and what is to be said of it; the first label of a diagnostic is where it is reported."""

    span: Span
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    kind: Kind
    message: str
    labels: tuple[Label, ...]
    help: str | None = None

    @property
    def severity(self) -> Severity:
        return self.kind.severity

    @property
    def span(self) -> Span:
        return self.labels[0].span

    @property
    def source(self) -> Source:
        return self.span.source

    @property
    def line(self) -> int:
        return self.span.line

    @property
    def column(self) -> int:
        return self.span.column

    def __str__(self) -> str:
        place = f"{self.source.name}:{self.line}:{self.column}"
        return f"{place}: {self.severity}[{self.kind.id}]: {self.message}"


class Reported:
    """Stands where a value could not be made because of a fault that has been reported.

    Only a `Sink` makes one, so whoever holds one knows that the user has been told, and stays silent.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "REPORTED"


_REPORTED = Reported()


class Sink:
    """Collects the findings of a run, each once."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, Span], Diagnostic] = {}

    def report(
        self, kind: Kind, span: Span, message: str, *more: Label, label: str = "", help: str | None = None
    ) -> Reported:
        """Record a finding at `span`; the same kind at the same place is kept once."""
        self.add(Diagnostic(kind=kind, message=message, labels=(Label(span, label), *more), help=help))
        return _REPORTED

    def add(self, diagnostic: Diagnostic) -> None:
        """Record a finding that has been made elsewhere."""
        self._found.setdefault((diagnostic.kind.id, diagnostic.span), diagnostic)

    def again(self) -> Reported:
        """The token for a fault that an earlier finding already tells of."""
        assert self._found, "nothing has been reported yet"
        return _REPORTED

    def __iter__(self) -> Iterator[Diagnostic]:
        return iter(self._found.values())

    @property
    def has_errors(self) -> bool:
        return any(diagnostic.severity is Severity.ERROR for diagnostic in self)

    def in_order(self) -> list[Diagnostic]:
        """The findings in the order of files and lines."""
        order = {source: place for place, source in enumerate(dict.fromkeys(found.source for found in self))}
        return sorted(self, key=lambda found: (order[found.source], found.span.start, found.kind.id))


def suggestion(name: str, candidates: Iterable[str]) -> str | None:
    """`did you mean …?` for the nearest candidate, or nothing when none is near."""
    names = list(candidates)
    near = get_close_matches(name, names, n=1, cutoff=0.7)
    if not near:
        folded = {candidate.casefold(): candidate for candidate in names}
        near = [folded[match] for match in get_close_matches(name.casefold(), folded, n=1, cutoff=0.7)]
    return f"did you mean `{near[0]}`?" if near else None
