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
    case: Case, phases: tuple[str, str], steps: Callable[[Fed], tuple[Step, Step]], budget: float, rounds: int = 1
) -> Iterator[Figure]:
    """Both steps of a case, measured for `budget` seconds each; of several rounds the one with the median ratio.

    Each round makes both models anew, in turn one or the other first: two models that are the same may differ by a few
    percent for as long as they live, by where their tensors lie.
    """
    measured = [_round(case, steps, budget, ours_first=number % 2 == 0) for number in range(rounds)]
    for phase, wanted, taken in zip(phases, (case.forward, case.backward), zip(*measured, strict=True), strict=True):
        ours, theirs = sorted(taken, key=lambda pair: pair[0] / pair[1])[rounds // 2]
        yield Figure(
            what=case.what, against=case.against, phase=phase, ours=ours, theirs=theirs, unit="ms", wanted=wanted
        )


def _round(
    case: Case, steps: Callable[[Fed], tuple[Step, Step]], budget: float, ours_first: bool
) -> list[tuple[float, float]]:
    """The times of ours and of theirs for both steps, in milliseconds."""
    keras.utils.clear_session()
    made = {}
    for side in ("ours", "theirs") if ours_first else ("theirs", "ours"):
        made[side] = steps(case.ours() if side == "ours" else case.theirs())
    return [milliseconds(mine, other, budget) for mine, other in zip(made["ours"], made["theirs"], strict=True)]
