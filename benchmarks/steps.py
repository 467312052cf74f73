"""What is timed of a model: its compiled forward pass, the same with all gradients, and Keras' own steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from benchmarks.measuring import Figure, milliseconds

Step = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Fed:
    """A model and the tensors that it is called on."""

    model: keras.Model
    inputs: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Two models that are compared.

    Args:
        what: what ours does.
        against: what it is compared with.
        ours: makes our model and its inputs.
        theirs: makes the other one.
        forward: the ratio wanted of the first step, none if it is only reported.
        backward: that of the second.
    """

    what: str
    against: str
    ours: Callable[[], Fed]
    theirs: Callable[[], Fed]
    forward: float | None
    backward: float | None


def compiled_steps(fed: Fed) -> tuple[Step, Step]:
    """The forward pass, and forward and backward to every trainable weight and every float that flows in.

    Gradients of the inputs belong to it: what is measured stands inside a network in practice.
    """
    weights = [weight.value for weight in fed.model.trainable_weights]

    def differentiated(inputs: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(tf.nest.flatten(inputs))
            loss = tf.add_n([tf.reduce_sum(tf.square(y)) for y in tf.nest.flatten(fed.model(inputs, training=True))])
        watched = [tensor for tensor in tf.nest.flatten(inputs) if tensor.dtype.is_floating]
        return tape.gradient(loss, [*watched, *weights])

    forward = tf.function(lambda inputs: fed.model(inputs, training=False), autograph=False)
    both = tf.function(differentiated, autograph=False)
    return lambda: forward(fed.inputs), lambda: both(fed.inputs)


def keras_steps(fed: Fed) -> tuple[Step, Step]:
    """Keras' own steps on one batch: `predict_on_batch`, and `train_on_batch`, which is what `fit` repeats."""
    fed.model.compile(optimizer=keras.optimizers.SGD(0.0), loss="mean_squared_error")
    targets = tf.nest.map_structure(tf.zeros_like, fed.model(fed.inputs))
    return (
        lambda: fed.model.predict_on_batch(fed.inputs),
        lambda: fed.model.train_on_batch(fed.inputs, targets),
    )


def figures(
    case: Case, phases: tuple[str, str], steps: Callable[[Fed], tuple[Step, Step]], budget: float
) -> Iterator[Figure]:
    """Both steps of a case, measured for `budget` seconds each."""
    ours, theirs = steps(case.ours()), steps(case.theirs())
    for phase, wanted, mine, other in zip(phases, (case.forward, case.backward), ours, theirs, strict=True):
        first, second = milliseconds(mine, other, budget)
        yield Figure(
            what=case.what, against=case.against, phase=phase, ours=first, theirs=second, unit="ms", wanted=wanted
        )
