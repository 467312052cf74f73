"""Law: no bias is trained that the batch normalization behind it takes away again."""

from __future__ import annotations

from collections import defaultdict
from typing import Final

from specc.diagnostics import Kind, Label, Severity, Sink
from specc.graph.infer import CheckedGraph
from specc.graph.model import Graph, LayerCall, Node

REDUNDANT_BIAS = Kind(
    id="redundant-bias",
    severity=Severity.WARNING,
    explanation="Only a batch normalization reads this layer. It subtracts the mean of each channel, and the bias with "
    "it: the bias is trained, saved and never has an effect (Ioffe & Szegedy 2015, arXiv:1502.03167, section 3.2).",
    faulty="model m {\n  input x: float32[4]\n"
    "  output y = x -> Dense(8) -> BatchNormalization() -> ReLU() -> Dense(2)\n}\n",
    mended="model m {\n  input x: float32[4]\n"
    "  output y = x -> Dense(8, use_bias=false) -> BatchNormalization() -> ReLU() -> Dense(2)\n}\n",
)

KINDS = (REDUNDANT_BIAS,)

_BIASED: Final = frozenset(
    {"Dense", *(f"{kind}{rank}D{suffix}" for kind, suffix, ranks in (
        ("Conv", "", (1, 2, 3)), ("Conv", "Transpose", (1, 2, 3)), ("SeparableConv", "", (1, 2)),
        ("DepthwiseConv", "", (1, 2)),
    ) for rank in ranks)}
)  # fmt: skip


def check(checked: CheckedGraph, sink: Sink) -> None:
    graph = checked.graph
    ends = {tensor.node for tensor in graph.ends()}
    instances: dict[str, list[Node]] = defaultdict(list)
    for node in graph:
        # Other models may read what the file shares.
        if not node.shared and _has_bias(node):
            instances[node.instance].append(node)
    for nodes in instances.values():
        if all(node not in ends and _is_only_normalized(graph, node) for node in nodes):
            reader, _ = graph.readers(nodes[0])[0]
            label = Label(reader.place, "this subtracts the mean, and the bias with it")
            message = "the bias of this layer has no effect"
            sink.report(REDUNDANT_BIAS, nodes[0].place, message, label, help="`use_bias=false` leaves it out")


def _has_bias(node: Node) -> bool:
    action = node.action
    if not isinstance(action, LayerCall) or action.entry.name not in _BIASED or "bias" in action.conditioned:
        return False
    return action.checked["use_bias"] is True and action.checked["activation"] in (None, "linear")


def _is_only_normalized(graph: Graph, node: Node) -> bool:
    readers = [reader for reader, _ in graph.readers(node)]
    return bool(readers) and all(_normalizes(reader, node) for reader in readers)


def _normalizes(reader: Node, node: Node) -> bool:
    """Whether a node normalizes the channels of another one over the batch; a frozen one subtracts a fixed mean."""
    match reader.action, node.action:
        case LayerCall(entry=entry, checked=normalization), LayerCall(checked=layer):
            channels = (1,) if layer.get("data_format") == "channels_first" else (-1,)
            trained = reader.trainable and normalization["trainable"] is not False
            return entry.name == "BatchNormalization" and trained and normalization["axis"] in channels
    return False
