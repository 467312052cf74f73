"""Builds a network with specc and writes it: `python -m benchmarks.writing WRITER NETWORK OUT`."""

from __future__ import annotations

import sys
from pathlib import Path

import keras

import specc
from benchmarks.measuring import ROOT
from specc.pipeline import export

SPECS = ROOT / "benchmarks" / "specs"


def built(network: str) -> keras.Model:
    """The model of a network of `benchmarks.exporting`."""
    return {
        "Dense chain of 200": lambda: specc.build(SPECS / "chain.cnet", layers=200),
        "ResNet-50": lambda: specc.build(SPECS / "resnet_50.cnet"),
    }[network]()


def write(writer: str, model: keras.Model, out: Path) -> None:
    """Write a SavedModel as `specc` does, or as `keras` does."""
    if writer == "specc":
        export({model.name: model}, out, model.name, None)
    else:
        model.export(out, verbose=False)


if __name__ == "__main__":
    write(sys.argv[1], built(sys.argv[2]), Path(sys.argv[3]))
