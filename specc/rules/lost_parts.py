"""Law: each half of a gate and each part of a split is read by something."""

from __future__ import annotations

from specc.constructs.gate import Gate, Gated
from specc.constructs.split import Split
from specc.diagnostics import Kind, Severity, Sink
from specc.graph.infer import CheckedGraph
from specc.graph.model import ConstructCall

LOST_FRACTION = Kind(
    id="lost-fraction",
    severity=Severity.WARNING,
    explanation="A half of a gate is never read: what should be sent ahead is lost. Multiply if that is what is meant.",
    faulty="model m {\n  input x: float32[4]\n  near, far = x -> gate(0.3)\n  output y = near -> Dense(2)\n}\n",
    mended="model m {\n  input x: float32[4]\n  near, far = x -> gate(0.3)\n"
    "  output y = ((near -> Dense(4)), far) -> Add()\n}\n",
)

LOST_PART = Kind(
    id="lost-part",
    severity=Severity.WARNING,
    explanation="A part of a split is never read.",
    faulty="model m {\n  input x: float32[4]\n  a, b = x -> split(2)\n  output y = a -> Dense(2)\n}\n",
    mended="model m {\n  input x: float32[4]\n  a, b = x -> split(2)\n  output y = (a -> Dense(2), b) -> Add()\n}\n",
)

KINDS = (LOST_FRACTION, LOST_PART)


def check(checked: CheckedGraph, sink: Sink) -> None:
    graph = checked.graph
    ends = {(tensor.node, tensor.output) for tensor in graph.ends()}
    for node in graph:
        match node.action:
            case ConstructCall(construct=Gate() | Gated() | Split() as construct):
                read = {wire.output for _, wire in graph.readers(node)}
                lost = [place for place in range(node.outputs) if place not in read and (node, place) not in ends]
                if not lost or len(lost) == node.outputs:
                    continue
                if isinstance(construct, Split):
                    for place in lost:
                        message = f"part {place + 1} of {node.outputs} of this split is never read"
                        sink.report(LOST_PART, node.place, message)
                else:
                    half, part = ("near", "g * x") if lost == [0] else ("far", "x - g * x")
                    sink.report(LOST_FRACTION, node.place, f"the {half} half of this gate, {part}, is never read")
