"""Changes a SavedModel that TensorFlow has just written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tensorflow.core.protobuf import saved_model_pb2

# TensorFlow has no public name for this; it hashes the bytes of the file that is replaced here.
from tensorflow.python.saved_model.fingerprinting_utils import write_fingerprint

__all__ = ["rewritten"]


@contextmanager
def rewritten(directory: Path) -> Iterator[Any]:
    """The MetaGraphDef of the SavedModel in `directory`; what is changed in it is written in the end."""
    path = directory / "saved_model.pb"
    saved_model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    yield saved_model.meta_graphs[0]
    path.write_bytes(saved_model.SerializeToString(deterministic=True))
    write_fingerprint(str(directory))
