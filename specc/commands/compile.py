"""`specc compile`: a spec becomes a SavedModel, or a file of Keras, ONNX or LiteRT."""

from __future__ import annotations

import gc
import os
import sys
from argparse import Namespace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from specc.api import compile_checked
from specc.collecting import without_collecting
from specc.commands.check import checked, parameters
from specc.commands.errors import WrongUseError
from specc.commands.files import STANDARD_INPUT, opened
from specc.commands.progress import Tell, telling
from specc.commands.tensorflow import load_tensorflow
from specc.commands.terminal import shown
from specc.diagnostics import Diagnostic, suggestion
from specc.diagnostics.render.escape import visible
from specc.export.atomic import refuse_unsafe
from specc.export.formats import Format, MissingPackageError
from specc.forms import UnportableError
from specc.pipeline import Checked

if TYPE_CHECKING:
    from specc.export.summary import ExportSummary, TensorSummary


def run(options: Namespace) -> int:
    """Compile a file. Findings go to standard error: 1 if there is an error among them, and nothing is written then.

    What goes to standard output is the path that was written, or on a terminal what is in it.
    """
    began = perf_counter()
    for file in (options.file, options.weights):
        if file not in (None, STANDARD_INPUT) and not os.path.isfile(file):
            raise WrongUseError(f"there is no file {file}")
    source = opened(options.file)
    if isinstance(source, Diagnostic):
        sys.stderr.write(shown([source], "full", sys.stderr))
        return 1
    spec = checked(source, parameters(options.settings))
    sys.stderr.write(shown(spec.findings.in_order(), "full", sys.stderr))
    if spec.findings.has_errors:
        return 1
    _refuse_unknown_model(options.model, list(spec.program.graphs))
    refuse_unsafe(Path(options.out))
    try:
        Format.of(Path(options.out)).refuse_missing()
    except MissingPackageError as error:
        raise WrongUseError(str(error)) from error
    with telling(not options.quiet) as tell, without_collecting():
        tell("loading TensorFlow")
        load_tensorflow()
        summary = _compile(spec, options, tell)
        # Else the first look for garbage from here on would go through all of it, and TensorFlow, just before the end.
        gc.freeze()
    if options.quiet or not sys.stdout.isatty():
        sys.stdout.write(f"{options.out}\n")
    else:
        sys.stdout.write(_described(options.out, summary, perf_counter() - began))
    return 0


def _refuse_unknown_model(model: str | None, names: list[str]) -> None:
    if not names:
        raise WrongUseError("the spec has no model")
    if model is not None and model not in names:
        help = suggestion(model, names) or f"it has {', '.join(names)}"
        raise WrongUseError(f"the spec has no model `{model}`; {help}")


def _compile(spec: Checked, options: Namespace, tell: Tell) -> ExportSummary:
    from specc.export.weights import UnfitWeightsError

    weights = Path(options.weights) if options.weights else None
    try:
        return compile_checked(spec, Path(options.out), options.model, options.seed, weights, options.routing, tell)
    except (UnfitWeightsError, UnportableError) as error:
        raise WrongUseError(str(error)) from error


def _described(out: str, summary: ExportSummary, seconds: float) -> str:
    """What was written, for people: each signature with names, dtypes and shapes, then numbers and sizes."""
    lines = [f"{visible(out)}"]
    for name, signature in summary.signatures.items():
        lines.append(f"  {name}")
        for arrow, tensors in (("  ", signature.inputs), ("->", signature.outputs)):
            width = max(len(tensor.name) for tensor in (*signature.inputs, *signature.outputs))
            lines.extend(f"    {arrow} {tensor.name:{width}}  {_type(tensor)}" for tensor in tensors)
    trainable = "all" if summary.trainable_parameters == summary.parameters else f"{summary.trainable_parameters:,}"
    lines.append(
        f"  {summary.parameters:,} parameters, {trainable} trainable; {_size(summary.bytes_on_disk)}; {seconds:.1f} s"
    )
    return "\n".join(lines) + "\n"


def _type(tensor: TensorSummary) -> str:
    return f"{tensor.dtype}[{', '.join('?' if size is None else str(size) for size in tensor.shape)}]"


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} GB"
