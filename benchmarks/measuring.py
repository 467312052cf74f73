"""How everything here is measured: in turn with what it is compared with, and as a ratio of medians.

Two things that are timed alternately meet the same machine, whatever else it does meanwhile, so their ratio means
something where their times do not.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

ROOT = Path(__file__).parents[1]

LEAST_REPETITIONS = 15
MOST_REPETITIONS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured ratio and what it is meant to be.

    Args:
        what: what is measured.
        against: what it is compared with.
        phase: what both do meanwhile, as in `forward`.
        ours: the median of what is measured, in `unit`.
        theirs: that of what it is compared with.
        unit: `ms`, `s`, `MB` or `µs a node`.
        wanted: the highest ratio that is good; none for one that is only reported.
    """

    what: str
    against: str
    phase: str
    ours: float
    theirs: float
    unit: str
    wanted: float | None

    @property
    def ratio(self) -> float:
        return self.ours / self.theirs

    @property
    def reached(self) -> bool:
        return self.wanted is None or self.ratio <= self.wanted


@dataclass(frozen=True, slots=True)
class Run:
    """What a whole process took: seconds of wall time, and the peak of its memory in MB."""

    seconds: float
    megabytes: float


def in_turn(repetitions: int, *timed: Callable[[], float]) -> list[float]:
    """The median of each function's own timings, taken in turn."""
    taken: list[list[float]] = [[] for _ in timed]
    gc.collect()
    # What lives already need not be looked through before every run.
    gc.freeze()
    for _ in range(repetitions):
        for results, run in zip(taken, timed, strict=True):
            gc.collect()
            results.append(run())
    gc.unfreeze()
    return [median(results) for results in taken]


def milliseconds(ours: Callable[[], object], theirs: Callable[[], object], budget: float) -> tuple[float, float]:
    """The median wall times of two functions, each warmed up, taken in turn for about `budget` seconds."""
    timed = (wall(ours), wall(theirs))
    for run in timed * 2:
        run()
    once = sum(run() for run in timed)
    repetitions = min(max(int(budget / once), LEAST_REPETITIONS), MOST_REPETITIONS)
    first, second = in_turn(repetitions, *timed)
    return first * 1e3, second * 1e3


def wall(function: Callable[[], object]) -> Callable[[], float]:
    """The wall time of a function."""

    def run() -> float:
        began = perf_counter()
        function()
        return perf_counter() - began

    return run


def cpu(function: Callable[[], object]) -> Callable[[], float]:
    """The processor time of a function in this process."""

    def run() -> float:
        began = process_time()
        function()
        return process_time() - began

    return run


def process(command: Sequence[str]) -> Run:
    """A whole Python process, with bytecode cached as in any installation.

    Raises:
        subprocess.CalledProcessError: if it fails.
    """
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    began = perf_counter()
    with subprocess.Popen(
        [sys.executable, *command],
        cwd=ROOT,
        env=environment | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stderr is not None
        said = child.stderr.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, command, stderr=said)
    return Run(perf_counter() - began, usage.ru_maxrss / 1024)


def processes(repetitions: int, *commands: Sequence[str]) -> list[Run]:
    """The median run of each command, taken in turn."""
    taken: list[list[Run]] = [[] for _ in commands]
    for _ in range(repetitions):
        for runs, command in zip(taken, commands, strict=True):
            runs.append(process(command))
    return [Run(median(run.seconds for run in runs), median(run.megabytes for run in runs)) for runs in taken]
