"""`specc show`: the models of a spec as tables, without TensorFlow."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Iterable, Iterator

from specc.commands.check import checked, parameters
from specc.commands.files import opened
from specc.commands.terminal import shown
from specc.diagnostics import Diagnostic
from specc.diagnostics.render.escape import visible
from specc.graph.overview import Overview, Row, overview
from specc.types import Dim

VERSION = 1
"""Of the JSON form; it changes when the meaning of a key does."""


def run(options: Namespace) -> int:
    """Show a file; 1 if it has errors, which go to standard error instead."""
    source = opened(options.file)
    if isinstance(source, Diagnostic):
        sys.stderr.write(shown([source], "full", sys.stderr))
        return 1
    spec = checked(source, parameters(options.settings))
    if spec.findings.has_errors:
        sys.stderr.write(shown(spec.findings.in_order(), "full", sys.stderr))
        return 1
    models = [overview(graph) for graph in spec.program.graphs.values()]
    if options.format == "json":
        listed = {"version": VERSION, "models": [_as_json(model) for model in models]}
        sys.stdout.write(json.dumps(listed, indent=2) + "\n")
    else:
        sys.stdout.write("\n".join(_table(model, options.lowering) for model in models))
    return 0


def _table(model: Overview, lowering: bool) -> str:
    heads = ("node", "what", "type", "params", "macs", *(("lowered as",) if lowering else ()))
    lines = [heads, *(_cells(row, lowering) for row in model.rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    numbers = {3, 4}
    rule = "  ".join("─" * width for width in widths)
    text = [f"model {model.name}", *(f"  {line}" for line in model.documentation.splitlines()), ""]
    for place, line in enumerate(lines):
        cells = [
            cell.rjust(width) if column in numbers else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        text.append("  ".join(cells).rstrip())
        if place == 0:
            text.append(rule)
    return "\n".join(_visible([*text, rule, *_totals(model)])) + "\n"


def _visible(lines: Iterable[str]) -> Iterator[str]:
    """Lines in which nothing that a spec holds can steer a terminal."""
    return (visible(line) for line in lines)


def _cells(row: Row, lowering: bool) -> tuple[str, ...]:
    cells = (row.name, row.what, ", ".join(row.types), _count(row.params), _count(row.macs))
    return (*cells, row.form) if lowering else cells


def _count(number: Dim) -> str:
    return "" if number == 0 else f"{number:,}" if isinstance(number, int) else str(number)


def _totals(model: Overview) -> Iterator[str]:
    figures = model.totals
    yield (
        f"parameters {_count(figures.params) or 0} ({_count(figures.trainable_params) or 0} trainable), "
        f"macs {_count(figures.macs) or 0}, depth {figures.depth}"
    )
    for what, tensors in (("in ", model.inputs), ("out", model.outputs)):
        yield f"{what} {', '.join(f'{name}: {type}' for name, type in tensors.items())}"
    if model.unproven:
        yield f"{model.unproven} of {len(model.rows)} nodes could not be proven without Keras"


def _as_json(model: Overview) -> dict[str, object]:
    figures = model.totals
    return {
        "name": model.name,
        "documentation": model.documentation,
        "inputs": model.inputs,
        "outputs": model.outputs,
        "params": _number(figures.params),
        "trainable_params": _number(figures.trainable_params),
        "macs": _number(figures.macs),
        "depth": figures.depth,
        "unproven": model.unproven,
        "nodes": [
            {
                "name": row.name,
                "what": row.what,
                "types": list(row.types),
                "params": _number(row.params),
                "macs": _number(row.macs),
                "lowered_as": row.form,
                "reads": list(row.reads),
            }
            for row in model.rows
        ],
    }


def _number(size: Dim) -> int | str:
    """A figure, or the expression in symbolic sizes that it is."""
    return size if isinstance(size, int) else str(size)
