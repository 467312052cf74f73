"""Law: a cross-entropy gets what it expects, logits or probabilities."""

from __future__ import annotations

from typing import Final

from specc.catalogue.values import Configured, Value
from specc.diagnostics import Kind, Label, Severity, Sink
from specc.graph.infer import CheckedGraph
from specc.graph.model import LayerCall, LossOnOutput, ModelCall, Node, OperationCall, Tensor

LOSS_MISMATCH = Kind(
    id="loss-mismatch",
    severity=Severity.WARNING,
    explanation="A cross-entropy with `from_logits=true` applies the softmax or sigmoid itself, and the output has "
    "been through one already; or it expects probabilities, and the output can be negative. Training goes on in "
    "either case, to a worse model.",
    faulty='model m {\n  input x: float32[4]\n  output y = x -> Dense(2, activation="softmax")\n  train {\n'
    '    optimizer = "adam"\n    loss y = CategoricalCrossentropy(from_logits=true)\n  }\n}\n',
    mended="model m {\n  input x: float32[4]\n  output y = x -> Dense(2)\n  train {\n"
    '    optimizer = "adam"\n    loss y = CategoricalCrossentropy(from_logits=true)\n  }\n}\n',
)

KINDS = (LOSS_MISMATCH,)

_LOSSES: Final = frozenset(
    {
        "BinaryCrossentropy", "BinaryFocalCrossentropy", "CategoricalCrossentropy", "CategoricalFocalCrossentropy",
        "SparseCategoricalCrossentropy", "binary_crossentropy", "binary_focal_crossentropy", "categorical_crossentropy",
        "categorical_focal_crossentropy", "sparse_categorical_crossentropy",
    }
)  # fmt: skip
_PROBABILITIES: Final = frozenset({"softmax", "sigmoid"})
_PASSING_ON: Final = frozenset({"Flatten", "Identity", "Permute", "Reshape", "reshape"})


def check(checked: CheckedGraph, sink: Sink) -> None:
    training = checked.graph.training
    for loss in training.losses if training is not None else ():
        from_logits = _from_logits(loss.value)
        if from_logits is not None:
            _judge(checked, loss, from_logits, sink)


def _judge(checked: CheckedGraph, loss: LossOnOutput, from_logits: bool, sink: Sink) -> None:
    maker, tensor = _maker(checked, checked.graph.outputs[loss.output].tensor)
    if from_logits and _activation(tensor.node) in _PROBABILITIES:
        label = Label(tensor.node.place, "these are probabilities")
        message = f"this loss makes probabilities of logits, and `{loss.output}` are probabilities already"
        sink.report(LOSS_MISMATCH, loss.span, message, label, help="leave out `from_logits`, or the activation")
    elif not from_logits and isinstance(tensor.node.action, LayerCall) and maker.facts[tensor.node].weights:
        values = maker.type(tensor).interval
        if values.low < 0:
            label = Label(tensor.node.place, f"these values lie in {values}")
            message = f"this loss expects probabilities, and `{loss.output}` can be negative"
            sink.report(LOSS_MISMATCH, loss.span, message, label, help="`from_logits=true`, or a softmax or sigmoid")


def _from_logits(loss: Value) -> bool | None:
    """Whether a cross-entropy takes logits; none for another loss."""
    name = loss.name if isinstance(loss, Configured) else loss
    if name not in _LOSSES:
        return None
    return isinstance(loss, Configured) and loss.arguments.get("from_logits") is True


def _maker(checked: CheckedGraph, tensor: Tensor) -> tuple[CheckedGraph, Tensor]:
    """The node that makes the values of a tensor, and the graph it is in: models are looked into."""
    while True:
        match tensor.node.action:
            case ModelCall(graph=graph):
                checked = checked.called[id(graph)]
                tensor = list(graph.outputs.values())[tensor.output].tensor
            case LayerCall(entry=entry) | OperationCall(entry=entry) if entry.name in _PASSING_ON:
                tensor = next(iter(checked.graph.arriving(tensor.node).values()))
            case _:
                return checked, tensor


def _activation(node: Node) -> Value:
    match node.action:
        case OperationCall(entry=entry):
            return entry.name
        case LayerCall(entry=entry, checked=arguments):
            found = "softmax" if entry.name == "Softmax" else arguments.get("activation")
            return found if isinstance(found, str) else None
    return None
