"""Writes a model as a `.keras` file: architecture, weights and training state, to be loaded with Keras and specc."""

from __future__ import annotations

from pathlib import Path

import keras

from specc.export.atomic import atomic_file
from specc.export.summary import ExportSummary, model_signature, summarise

__all__ = ["export_keras_file"]


def export_keras_file(model: keras.Model, out: Path) -> ExportSummary:
    """Write `model` to `out`, in full or not at all.

    Returns:
        The model's inputs and outputs as the one signature, under its name.

    Raises:
        ValueError: `out` does not end in `.keras`, the suffix by which Keras knows the format.
        UnsafeTargetError: `out` is a directory, or its parent cannot be made or written.
    """
    if out.suffix != ".keras":
        raise ValueError(f"a Keras file ends in .keras: {out}")
    with atomic_file(out) as temporary:
        model.save(temporary)
        return summarise({model.name: model_signature(model)}, model.weights, temporary)
