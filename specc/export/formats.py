"""What a spec can be compiled into, told by how the path ends. TensorFlow is not needed to tell.

Here is the one place that says which form of the lowering goes into which format.
"""

from __future__ import annotations

from enum import Enum
from importlib.util import find_spec
from pathlib import Path

from specc.forms import Form


class MissingPackageError(ImportError):
    """A format needs a package that is not installed; the message says how to install it."""


class Format(Enum):
    """A format; its value is the suffix of its files."""

    SAVED_MODEL = ""
    KERAS = ".keras"
    ONNX = ".onnx"
    LITERT = ".tflite"

    @classmethod
    def of(cls, out: Path) -> Format:
        """The format of what is written to `out`: a SavedModel, a folder, unless it ends as the files of another."""
        return next((each for each in cls if each.is_file and each.value == out.suffix), cls.SAVED_MODEL)

    @property
    def is_file(self) -> bool:
        """Whether it is a file, which holds one model; a folder holds all of a spec."""
        return self is not Format.SAVED_MODEL

    def form(self, routing: bool) -> Form:
        """The form of the models that are written; only TensorFlow can run what is routed."""
        return Form.PORTABLE if self in (Format.ONNX, Format.LITERT) else Form.trained(routing)

    def refuse_missing(self) -> None:
        """Look, before any work is done, for the packages that write the format beside TensorFlow.

        Raises:
            MissingPackageError: if one is not installed.
        """
        if self is Format.ONNX and not all(map(find_spec, ("onnx", "tf2onnx"))):
            raise MissingPackageError('an ONNX file needs tf2onnx: pip install "specc[onnx]"')
