"""`specc compile` as a whole process, beside the script by hand.

This process stays small: the peak of a process's memory counts what its parent held when it began.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.measuring import Figure, Run, processes

CHAIN = "benchmarks/specs/chain.cnet"
RESNET = "benchmarks/specs/resnet_50.cnet"
PROCESSES = 3


def measured() -> Iterator[Figure]:
    """Every figure of this file, one after the other."""
    with tempfile.TemporaryDirectory() as folder:
        yield from _processes(Path(folder))


def _processes(folder: Path) -> Iterator[Figure]:
    def compile(spec: str, *words: str) -> Sequence[str]:
        return ["-m", "specc", "compile", spec, *words, "-o", str(folder / "compiled")]

    def by_hand(network: str) -> Sequence[str]:
        return ["-m", "benchmarks.by_hand.exports", network, str(folder / "exported")]

    against = "the script by hand"
    ours, theirs = processes(PROCESSES, compile("examples/gated_skip.cnet"), by_hand("gated_skip"))
    yield from _whole("specc compile, gated_skip", against, ours, theirs, 0.8)
    ours, theirs = processes(PROCESSES, compile(RESNET), by_hand("resnet_50"))
    yield from _whole("specc compile, ResNet-50", against, ours, theirs, 0.6)
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
