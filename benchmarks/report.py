"""The figures as they are kept (JSON), read (a table) and looked at (a plot)."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from benchmarks.measuring import ROOT, Figure

RESULTS = ROOT / "benchmarks" / "results.json"
PLOT = ROOT / "docs" / "figures" / "benchmarks.svg"
README = ROOT / "README.md"
TITLE = "What specc costs: each measured ratio, and a mark where it is wanted"
BEGIN, END = "<!-- benchmarks: begin -->\n", "<!-- benchmarks: end -->\n"


def machine() -> str:
    """What the figures were measured on, in a line."""
    described = Path("/proc/cpuinfo")
    lines = described.read_text(encoding="utf-8").splitlines() if described.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    processor = names[0] if names else platform.processor() or platform.machine()
    versions = ", ".join(f"{name} {version(name.lower())}" for name in ("TensorFlow", "Keras"))
    return f"{os.cpu_count()} cores of {processor}, Python {platform.python_version()}, {versions}"


def keep(figures: Iterable[Figure], on: str) -> None:
    """Write the figures of a whole run, and the table and the plot of them."""
    listed = list(figures)
    RESULTS.write_text(
        json.dumps({"machine": on, "figures": [asdict(figure) for figure in listed]}, indent=1, ensure_ascii=False)
        + "\n",
        encoding="utf-8",
    )
    text = README.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    README.write_text(before + BEGIN + table(listed, on) + END + after, encoding="utf-8")
    plot(listed)


def kept() -> tuple[list[Figure], str]:
    """The figures of the last whole run, and the machine it ran on."""
    stored = json.loads(RESULTS.read_text(encoding="utf-8"))
    return [Figure(**figure) for figure in stored["figures"]], stored["machine"]


def table(figures: Sequence[Figure], on: str) -> str:
    """The figures as a table in Markdown."""
    lines = [
        f"Measured on {on}.",
        "",
        "| what | against | | ratio | wanted |",
        "|---|---|---|---|---|",
    ]
    for figure in figures:
        ratio = f"{figure.ratio:.2f}" if figure.reached else f"**{figure.ratio:.2f}**"
        wanted = "" if figure.wanted is None else f"≤ {figure.wanted:g}"
        lines.append(f"| {figure.what} | {figure.against} | {figure.phase} | {ratio} | {wanted} |")
    return "\n".join(lines) + "\n"


def plot(figures: Sequence[Figure]) -> None:
    """Draw each ratio as a bar, on a logarithmic axis, with a mark where it is wanted."""
    import matplotlib

    matplotlib.use("svg")
    # The same figures give the same file, and its words stay words.
    matplotlib.rcParams.update({"svg.hashsalt": "specc", "svg.fonttype": "none"})
    import matplotlib.pyplot as plt

    places = range(len(figures))
    drawing, axes = plt.subplots(figsize=(11, 0.26 * len(figures) + 1))
    colours = ["#4c78a8" if figure.reached else "#e45756" for figure in figures]
    axes.barh(places, [figure.ratio for figure in figures], color=colours)
    wanted = [(place, figure.wanted) for place, figure in enumerate(figures) if figure.wanted is not None]
    axes.scatter([limit for _, limit in wanted], [place for place, _ in wanted], marker="|", color="black", zorder=3)
    labels = [f"{figure.what} / {figure.against} ({figure.phase})" for figure in figures]
    axes.set_yticks(places, labels, fontsize=7)
    axes.set_xscale("log")
    axes.axvline(1, color="grey", linewidth=0.8)
    axes.invert_yaxis()
    axes.set_xlabel("ratio; a mark is what is wanted, less is better")
    axes.margins(y=0.01)
    drawing.savefig(PLOT, metadata={"Date": None, "Title": TITLE}, bbox_inches="tight")
    plt.close(drawing)
