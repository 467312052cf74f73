"""Law: every tensor serves an output or a loss, and every input is read."""

from __future__ import annotations

from specc.diagnostics import Kind, Severity, Sink
from specc.graph.infer import CheckedGraph
from specc.graph.model import InputTensor

UNUSED_INPUT = Kind(
    id="unused-input",
    severity=Severity.WARNING,
    explanation="An input never reaches an output or a loss, and yet every caller has to give it.",
    faulty="model m {\n  input x: float32[4]\n  input z: float32[4]\n  output y = x -> Dense(2)\n}\n",
    mended="model m {\n  input x: float32[4]\n  input z: float32[4]\n  output y = (x, z) -> Add() -> Dense(2)\n}\n",
)

UNUSED_NODE = Kind(
    id="unused-node",
    severity=Severity.WARNING,
    explanation="A tensor is computed and never reaches an output or a loss. Only the last one of such a branch is "
    "reported.",
    faulty="model m {\n  input x: float32[4]\n  h = x -> Dense(8)\n  output y = x -> Dense(2)\n}\n",
    mended="model m {\n  input x: float32[4]\n  h = x -> Dense(8)\n  output y = h -> Dense(2)\n}\n",
)

KINDS = (UNUSED_INPUT, UNUSED_NODE)


def check(checked: CheckedGraph, sink: Sink) -> None:
    graph = checked.graph
    useful = graph.useful()
    for node in graph:
        if node in useful:
            continue
        if isinstance(node.action, InputTensor):
            sink.report(UNUSED_INPUT, node.place, f"input `{node.name}` never reaches an output")
        elif not graph.readers(node):
            sink.report(UNUSED_NODE, node.place, f"`{node.name}` never reaches an output")
