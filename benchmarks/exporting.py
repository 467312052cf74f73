"""What a SavedModel costs: to write, to load, and as a whole process beside the script by hand."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from pathlib import Path

import keras
import tensorflow as tf

import specc
from benchmarks.measuring import ROOT, Figure, Run, in_turn, processes, wall
from specc.pipeline import export

CHAIN = "benchmarks/specs/chain.cnet"
RESNET = "benchmarks/specs/resnet_50.cnet"
WRITTEN = 3
PROCESSES = 5


def measured() -> Iterator[Figure]:
    """Every figure of this file, one after the other."""
    with tempfile.TemporaryDirectory() as folder:
        yield from _written("Dense chain of 200", lambda: specc.build(ROOT / CHAIN, layers=200), Path(folder))
        yield from _written("ResNet-50", lambda: specc.build(ROOT / RESNET), Path(folder))
        keras.utils.clear_session()
        yield from _processes(Path(folder))


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

    writing = in_turn(WRITTEN, wall(ours), wall(theirs))
    loading = in_turn(
        WRITTEN, *(wall(lambda path=last[writer]: tf.saved_model.load(path)) for writer in ("specc", "keras"))
    )
    yield _seconds(f"write a SavedModel, {name}", "model.export() of the same model", "in process", *writing, 0.5)
    yield _seconds(f"load it, {name}", "what model.export() wrote", "in process", *loading, 1.0)


def _processes(folder: Path) -> Iterator[Figure]:
    def compile(spec: str, *words: str) -> Sequence[str]:
        return ["-m", "specc", "compile", spec, *words, "-o", str(folder / "compiled")]

    def by_hand(network: str) -> Sequence[str]:
        return ["-m", "benchmarks.by_hand.exports", network, str(folder / "exported")]

    against = "the script by hand"
    small = processes(PROCESSES, compile("examples/gated_skip.cnet"), by_hand("gated_skip"))
    yield from _whole("specc compile, gated_skip", against, *small, 0.8)
    resnet = processes(PROCESSES, compile(RESNET), by_hand("resnet_50"))
    yield from _whole("specc compile, ResNet-50", against, *resnet, 0.6)
    short, long = (compile(CHAIN, "--set", f"layers={layers}") for layers in (1000, 3000))
    # Minutes each: once.
    thousand, three_thousand, exported = processes(1, short, long, by_hand("3000"))
    each = (three_thousand.seconds / 3000, thousand.seconds / 1000)
    yield _seconds("specc compile, time a layer, chain of 3,000", "the chain of 1,000", "whole process", *each, 1.2)
    yield from _whole("specc compile, chain of 3,000", against, three_thousand, exported, 0.4)


def _whole(what: str, against: str, ours: Run, theirs: Run, wanted: float) -> Iterator[Figure]:
    yield _seconds(what, against, "whole process", ours.seconds, theirs.seconds, wanted)
    yield Figure(
        what=what,
        against=against,
        phase="peak memory",
        ours=ours.megabytes,
        theirs=theirs.megabytes,
        unit="MB",
        wanted=None,
    )


def _seconds(what: str, against: str, phase: str, ours: float, theirs: float, wanted: float) -> Figure:
    return Figure(what=what, against=against, phase=phase, ours=ours, theirs=theirs, unit="s", wanted=wanted)
