"""What a SavedModel costs to write and to load, beside what Keras writes of the same model.

TensorFlow is loaded only when the memory of other processes has been measured: the peak of a process's memory counts
what its parent held when it began.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

from benchmarks.measuring import Figure, Run, in_turn, processes, wall

NETWORKS = ("Dense chain of 200", "ResNet-50")
WRITERS = ("specc", "keras")
LOAD = "import sys, tensorflow; tensorflow.saved_model.load(sys.argv[1])"
REPETITIONS = 3


def measured() -> Iterator[Figure]:
    """Every figure of this file, one after the other."""
    with tempfile.TemporaryDirectory() as folder:
        peaks = {network: _peaks(network, Path(folder)) for network in NETWORKS}
        for network, (writing, loading) in peaks.items():
            write, load = _seconds(network, Path(folder))
            yield _figure(f"write a SavedModel, {network}", "in process", write, "s", 0.5)
            yield _figure(f"write a SavedModel, {network}", "peak memory", writing, "MB", None)
            yield _figure(f"load it, {network}", "in process", load, "s", 1.0)
            yield _figure(f"load it, {network}", "peak memory", loading, "MB", None)


def _peaks(network: str, folder: Path) -> tuple[list[float], list[float]]:
    """The memory, in MB, of processes that only write, and of processes that only load, for each writer."""
    written = {writer: str(folder / f"{network}_{writer}") for writer in WRITERS}
    writing = (["-m", "benchmarks.writing", writer, network, out] for writer, out in written.items())
    loading = (["-c", LOAD, out] for out in written.values())
    return _megabytes(processes(1, *writing)), _megabytes(processes(1, *loading))


def _megabytes(runs: list[Run]) -> list[float]:
    return [run.megabytes for run in runs]


def _seconds(network: str, folder: Path) -> tuple[list[float], list[float]]:
    """The time of writing one model, each time to a place of its own, and of loading it, for each writer."""
    import keras
    import tensorflow as tf

    from benchmarks.writing import built, write

    keras.utils.clear_session()
    model = built(network)
    numbers = count()
    last: dict[str, Path] = {}

    def written(writer: str) -> Callable[[], Any]:
        def run() -> None:
            last[writer] = folder / f"{writer}_{next(numbers)}"
            write(writer, model, last[writer])

        return run

    def loaded(writer: str) -> Callable[[], Any]:
        return lambda: tf.saved_model.load(str(last[writer]))

    return (
        in_turn(REPETITIONS, *(wall(written(writer)) for writer in WRITERS)),
        in_turn(REPETITIONS, *(wall(loaded(writer)) for writer in WRITERS)),
    )


def _figure(what: str, phase: str, pair: list[float], unit: str, wanted: float | None) -> Figure:
    ours, theirs = pair
    return Figure(
        what=what,
        against="model.export() of the same model",
        phase=phase,
        ours=ours,
        theirs=theirs,
        unit=unit,
        wanted=wanted,
    )
