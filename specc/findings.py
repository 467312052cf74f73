"""Every kind of finding there is, and what is found in a file that can not be read or in a kind's own example."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Final

from specc import ignores, pipeline, rules
from specc.constructs import CONSTRUCTS, Construct, Select
from specc.diagnostics import Diagnostic, Kind, Label
from specc.graph import kinds as graph_kinds
from specc.graph.files import read
from specc.graph.type_kinds import TYPE_KINDS
from specc.source import Source, Span
from specc.syntax import kinds as syntax_kinds

_MODEL = "model m {\n  input x: float32[4]\n  output y = x -> Dense(2)\n}\n"

UNREADABLE_FILE: Final = Kind(
    id="unreadable-file",
    explanation="A file is there and can not be read as a spec: it is not UTF-8 text, may not be opened, or is larger "
    "than any spec.",
    # A surrogate stands for the byte 0xFF, which is nowhere in UTF-8 (see `example_findings`).
    faulty=f"# na\udcffve\n{_MODEL}",
    mended=f"# naive\n{_MODEL}",
)


def _defined_in(module: ModuleType) -> tuple[Kind, ...]:
    return tuple(value for value in vars(module).values() if isinstance(value, Kind))


_CONSTRUCTS: Final[tuple[type[Construct], ...]] = (*CONSTRUCTS, Select)

_ALL: Final = (
    UNREADABLE_FILE,
    *_defined_in(syntax_kinds),
    *_defined_in(graph_kinds),
    *TYPE_KINDS,
    *(kind for construct in _CONSTRUCTS for kind in construct.kinds),
    *rules.KINDS,
    *ignores.KINDS,
)

KINDS: Final[tuple[Kind, ...]] = tuple({kind.id: kind for kind in _ALL}.values())
"""All kinds in the order of the phases that report them; what several constructs share is here once."""


def open_spec(path: Path, name: str) -> Source | Diagnostic:
    """The spec in a file, or the finding that it can not be read.

    Args:
        path: a file that exists.
        name: what it is called in findings.
    """
    try:
        return read(path, name)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return unreadable(name, reason)


def unreadable(name: str, reason: str) -> Diagnostic:
    """The finding that a file can not be read, at its beginning: there is no text to point at."""
    label = Label(Span(Source("", name), 0, 0))
    return Diagnostic(kind=UNREADABLE_FILE, message=f"this file can not be read: {reason}", labels=(label,))


def example_findings(text: str) -> list[Diagnostic]:
    """What is found in an example, checked as the file `self.cnet` in a folder of its own.

    Args:
        text: the example; a lone surrogate U+DC80 … U+DCFF stands for a byte that is not UTF-8, as in PEP 383.
    """
    with TemporaryDirectory() as folder:
        path = Path(folder) / "self.cnet"
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
        source = open_spec(path, path.name)
        if isinstance(source, Diagnostic):
            return [source]
        return pipeline.check(source).findings.in_order()
