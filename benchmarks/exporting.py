"""What a SavedModel costs to write and to load, beside what Keras writes of the same model."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import keras
import tensorflow as tf

import specc
from benchmarks.measuring import ROOT, Figure, in_turn, wall
from specc.pipeline import export

CHAIN = "benchmarks/specs/chain.cnet"
RESNET = "benchmarks/specs/resnet_50.cnet"
WRITTEN = 3


def measured() -> Iterator[Figure]:
    """Every figure of this file, one after the other."""
    with tempfile.TemporaryDirectory() as folder:
        yield from _written("Dense chain of 200", lambda: specc.build(ROOT / CHAIN, layers=200), Path(folder))
        yield from _written("ResNet-50", lambda: specc.build(ROOT / RESNET), Path(folder))


def _written(name: str, make: Callable[[], keras.Model], folder: Path) -> Iterator[Figure]:
    """The same model, written by specc and by Keras, and read again; each time to a place of its own."""
    keras.utils.clear_session()
    model = make()
    numbers = count()
    last: dict[str, Path] = {}

    def fresh(writer: str) -> Path:
        last[writer] = folder / f"{writer}_{next(numbers)}"
        return last[writer]

    def ours() -> None:
        export({name: model}, fresh("specc"), name, None)

    def theirs() -> None:
        model.export(fresh("keras"), verbose=False)

    def loaded(writer: str) -> Callable[[], object]:
        return lambda: tf.saved_model.load(last[writer])

    by_keras = "model.export() of the same model"
    first, second = in_turn(WRITTEN, wall(ours), wall(theirs))
    yield _seconds(f"write a SavedModel, {name}", by_keras, "in process", first, second, 0.5)
    first, second = in_turn(WRITTEN, wall(loaded("specc")), wall(loaded("keras")))
    yield _seconds(f"load it, {name}", by_keras, "in process", first, second, 1.0)


def _seconds(what: str, against: str, phase: str, ours: float, theirs: float, wanted: float) -> Figure:
    return Figure(what=what, against=against, phase=phase, ours=ours, theirs=theirs, unit="s", wanted=wanted)
