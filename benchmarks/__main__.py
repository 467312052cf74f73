"""Measures everything that specc promises a figure for: `python -m benchmarks`, in half an hour.

Without arguments the whole run is kept: `benchmarks/results.json`, the table in the README and the plot of it. With the
names of groups only these are measured, and printed.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

from benchmarks.measuring import Figure
from benchmarks.report import PLOT, README, RESULTS, keep, machine

GROUPS = ("compiling", "checking", "exporting", "conditional", "unconditional")
"""In this order: the memory of other processes is measured while this one is small."""


def main(chosen: Sequence[str]) -> int:
    """Measure groups; 2 if one of them is unknown, 1 if a figure is not reached."""
    unknown = [name for name in chosen if name not in GROUPS]
    if unknown:
        print(f"there is no group {unknown[0]}, only {', '.join(GROUPS)}", file=sys.stderr)
        return 2
    figures: list[Figure] = []
    for group in (name for name in GROUPS if name in (chosen or GROUPS)):
        for figure in import_module(f"benchmarks.{group}").measured():
            print(_line(figure), flush=True)
            figures.append(figure)
    if not chosen:
        keep(figures, machine())
        print(f"written: {RESULTS.name}, {README.name}, {PLOT.name}")
    return 0 if all(figure.reached for figure in figures) else 1


def _line(figure: Figure) -> str:
    name = f"{figure.what} / {figure.against}, {figure.phase}"
    times = f"{figure.ours:.4g} / {figure.theirs:.4g} {figure.unit}"
    wanted = "" if figure.wanted is None else f"wanted ≤ {figure.wanted:g}"
    return f"{name:<100} {times:>22} {figure.ratio:8.3f}   {wanted}{'' if figure.reached else '   MISSED'}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
