"""The `train` block: loss terms join the graph, the rest becomes the arguments of Keras' `compile`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

from specc.graph.model import Graph, Tensor, Training
from specc.keras_backend import layers
from specc.keras_backend.configure import configured


def loss_terms(graph: Graph, outputs: dict[str, Any], tensors: Mapping[Tensor, Any]) -> dict[str, Any]:
    """The outputs with each term of the loss attached to the first of them, since Keras drops what leads nowhere."""
    terms = graph.training.terms if graph.training else []
    if not terms:
        return outputs
    first = next(iter(outputs))
    for term in terms:
        attached = layers.LossTerm(name=f"loss.{term.name}.term")([outputs[first], tensors[term.tensor]])
        outputs = {**outputs, first: attached}
    return outputs


def compile_for_training(model: keras.Model, training: Training) -> None:
    """Compile a model as its `train` block says."""
    settings = {name: configured(value) for name, value in training.settings.items()}
    losses = {loss.output: configured(loss.value) for loss in training.losses}
    metrics: dict[str, list[Any]] = {}
    for metric in training.metrics:
        metrics.setdefault(metric.output, []).append(configured(metric.value))
    model.compile(loss=losses or None, metrics=metrics or None, **settings)
    # Otherwise a Keras file that is written before any training lacks the optimizer's variables, and loading it warns.
    model.optimizer.build(model.trainable_variables)
