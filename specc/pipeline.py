"""The compiler, phase by phase. READ ME FIRST.

    source text ─parse→ syntax tree ─elaborate→ Graph ─infer→ CheckedGraph ─lower→ keras.Model ─export→ SavedModel

Each phase takes what the one before it made. Up to `check` nothing here loads Keras or TensorFlow; faults are
findings in a `Sink`, never exceptions. `build` and `export` refuse a spec with errors, so a Keras error behind them is
a bug of specc.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from specc.diagnostics import Sink
from specc.export.formats import Format
from specc.forms import Form
from specc.graph.elaborate import elaborate
from specc.graph.files import Project
from specc.graph.infer import CheckedProgram, infer
from specc.graph.parameters import Parameters, refuse_unknown
from specc.ignores import without_ignored
from specc.records import value_object
from specc.rules import RULES
from specc.source import Source

if TYPE_CHECKING:
    from specc.export.summary import ExportSummary
    from specc.keras_backend.model import SpecModel

RECURSION_LIMIT = 40_000
"""Python's own limit would end a chain of names that wait for each other before ours does."""


@value_object
class Checked:
    """A checked spec: its program, and everything that was found."""

    source: Source
    program: CheckedProgram
    findings: Sink

    @property
    def unproven(self) -> int:
        """How many nodes have a shape that only building them would show."""
        facts = [facts for graph in self.program.graphs.values() for facts in graph.facts.values()]
        return sum(not each.proven for each in facts)


def check(source: Source, parameters: Parameters | None = None) -> Checked:
    """Prove as much of a spec as can be proven without Keras.

    Args:
        parameters: values for parameters of the models instead of their defaults.

    Raises:
        UnknownParameterError: if no model of the file has a parameter of such a name.
    """
    sink = Sink()
    folder = source.path.resolve().parent if source.path else Path.cwd()
    with _deep_recursion():
        project = Project(folder, sink)
        scope = project.open(source)
        refuse_unknown(parameters or {}, scope)
        program = infer(elaborate(scope, sink, parameters or {}))
        if not sink.has_errors:
            project.unused_imports(scope)
            for graph in program.graphs.values():
                for rule in RULES:
                    rule(graph, sink)
    return Checked(source, program, without_ignored(project.files, sink))


def build(checked: Checked, names: Sequence[str], seed: int | None, form: Form = Form.ROUTED) -> dict[str, SpecModel]:
    """Keras models of a spec without errors, by name; what they share in the file, they share in Keras.

    Args:
        seed: of all weights and random layers; none draws fresh ones.
        form: how what is computed for each sample by itself is lowered.
    """
    from specc.keras_backend.lower import lower

    assert not checked.findings.has_errors
    with _deep_recursion():
        return lower(checked.program, names, seed, form)


def export(
    models: Mapping[str, SpecModel], out: Path, serving: str, progress: Callable[[str], None] | None
) -> ExportSummary:
    """Write a SavedModel, or the file of one model that `out` ends as.

    Raises:
        UnportableError: if the format can not hold a part of the model.
    """
    with _deep_recursion():
        match Format.of(out):
            case Format.SAVED_MODEL:
                from specc.export.saved_model import export_saved_model

                return export_saved_model(models, out, serving, progress)
            case Format.KERAS:
                from specc.export.keras_file import export_keras_file

                return export_keras_file(models[serving], out)
            case Format.ONNX:
                from specc.export.onnx_file import export_onnx_file

                return export_onnx_file(models[serving], out, progress)
            case Format.LITERT:
                from specc.export.litert_file import export_litert_file

                return export_litert_file(models[serving], out, progress)


@contextmanager
def _deep_recursion() -> Iterator[None]:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, RECURSION_LIMIT))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)
