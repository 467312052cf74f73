"""Writes a model as a LiteRT file (`.tflite`), to be run on phones and microcontrollers without TensorFlow.

The file has one signature, of the model's name, with the names of the spec; the first axis of each input is the batch,
which an interpreter can resize. Only builtin operators are in it. Weights, constants and knobs are constants of the
file, knobs at their current value. An input's default is not: every input has to be given.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory
from typing import Any, Final

import tensorflow as tf

from specc.export.atomic import atomic_file
from specc.export.portable import Portable, portable
from specc.export.rewriting import rewritten
from specc.export.signature_names import rename_signatures
from specc.export.summary import ExportSummary, summarise
from specc.keras_backend.model import SpecModel
from specc.stopping import when_stopped

__all__ = ["export_litert_file"]

FORMAT: Final = "a LiteRT file"
FOREIGN: Final = re.compile(r"'tf\.(\w+)' op (?:is neither a custom op nor a flex op|requires)")
"""How the converter names an operation that LiteRT does not have."""


def export_litert_file(model: SpecModel, out: Path, progress: Callable[[str], None] | None = None) -> ExportSummary:
    """Write `model`, lowered in its portable form, to `out`, in full or not at all.

    Returns:
        The model's inputs and outputs as the one signature, under its name.

    Raises:
        UnportableError: a LiteRT file can not hold a part of the model.
        UnsafeTargetError: `out` is a directory, or its parent cannot be made or written.
    """
    report = progress or (lambda line: None)
    with atomic_file(out) as temporary:
        report(f"tracing {model.name}")
        traced = portable(model, FORMAT)
        report("converting to LiteRT")
        written = _converted(traced)
        report("writing the LiteRT file")
        temporary.write_bytes(written)
        return summarise({model.name: traced.signature}, model.weights, temporary)


def _converted(traced: Portable) -> bytes:
    """The bytes of the file, made from a SavedModel: it alone may have any names in its signature."""
    name = traced.model.name
    root = tf.__internal__.tracking.AutoTrackable()
    root.variables = list(traced.function.variables)
    with TemporaryDirectory() as folder, when_stopped(lambda: rmtree(folder, ignore_errors=True)):
        tf.saved_model.save(root, folder, signatures={name: traced.function})
        with rewritten(Path(folder)) as meta_graph:
            rename_signatures(meta_graph, {name: traced.names})
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=[name])
        # By itself it would let TensorFlow's own operations into the file, which fail only when they are run.
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        try:
            converted: Any = converter.convert()
        except Exception as error:
            # Whatever the converter stumbles over, it is this model that it can not convert.
            raise traced.refused(FOREIGN.findall(str(error)), FORMAT) from error
    return bytes(converted)
