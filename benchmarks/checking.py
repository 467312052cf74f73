"""How fast a spec is checked: as a whole process, in the parser, and as specs grow.

Run as `python benchmarks/checking.py`, with specc installed.

Every figure is a ratio of medians of interleaved repetitions in one run, so that the speed of the machine drops out.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

from specc.diagnostics import Sink
from specc.pipeline import check
from specc.source import Source
from specc.syntax import parse
from specc.syntax.tables import grammar_path, made

ROOT = Path(__file__).parents[1]


def chain(layers: int) -> str:
    """A spec of a chain of convolutions, one statement each."""
    step = '  h{} = h{} -> Conv2D(16, 3, padding="same", activation="relu")\n'
    body = "".join(step.format(number, number - 1) for number in range(1, layers + 1))
    return f"model chain {{\n  input h0: float32[28, 28, 16]\n{body}  output y = h{layers} -> Flatten()\n}}\n"


def interleaved(repetitions: int, *timed: Callable[[], float]) -> list[float]:
    """The median of each function's own timings, taken in turn."""
    taken: list[list[float]] = [[] for _ in timed]
    for _ in range(repetitions):
        for results, run in zip(taken, timed, strict=True):
            gc.collect()
            results.append(run())
    return [median(results) for results in taken]


def process(*command: str) -> Callable[[], float]:
    """The wall time of a whole process, with bytecode cached as in any installation."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}

    def run() -> float:
        began = perf_counter()
        subprocess.run([sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, check=True)
        return perf_counter() - began

    run()
    return run


def cpu(function: Callable[[], object]) -> Callable[[], float]:
    """The processor time of a function in this process."""

    def run() -> float:
        began = process_time()
        function()
        return process_time() - began

    return run


def main() -> None:
    """Print one line a figure."""
    checking, importing = interleaved(
        9,
        process("-m", "specc", "check", "examples/gated_skip.cnet"),
        process("-c", "import tensorflow"),
    )
    _row("specc check, whole process / import tensorflow", checking / importing, 0.12)

    statements = Source(chain(10_000))
    lexer = made(grammar_path().read_text(encoding="utf-8"))
    parsing, lexing = interleaved(
        7, cpu(lambda: parse(statements, Sink())), cpu(lambda: sum(1 for _ in lexer.lex(statements.text)))
    )
    _row("10,000 statements to a syntax tree / bare lexing", parsing / lexing, 2.0)

    small, large = 1_000, 100_000
    few, many = Source(chain(small)), Source(chain(large))
    fast, slow = interleaved(3, cpu(lambda: check(few)), cpu(lambda: check(many)))
    _row("time a node, 100,000 nodes / 1,000 nodes", (slow / large) / (fast / small), 1.5)
    print(f"  that is {slow / large * 1e6:.0f} µs a node")


def _row(what: str, ratio: float, wanted: float) -> None:
    print(f"{what:<50} {ratio:6.3f}   wanted ≤ {wanted:g}   {'reached' if ratio <= wanted else 'MISSED'}")


if __name__ == "__main__":
    main()
