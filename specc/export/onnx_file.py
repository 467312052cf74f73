"""Writes a model as an ONNX file, to be run by ONNX Runtime and others without TensorFlow.

Inputs and outputs have the names of the spec; the first axis of each is the batch, of any size. Weights, constants and
knobs are constants of the file, knobs at their current value. An input's default is not: every input has to be given.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import onnx
import tensorflow as tf
import tf2onnx

from specc.export.atomic import atomic_file
from specc.export.portable import Portable, portable
from specc.export.summary import ExportSummary, Signature, summarise
from specc.forms import UnportableError
from specc.keras_backend.model import SpecModel

__all__ = ["export_onnx_file"]

FORMAT: Final = "an ONNX file"
OPSET: Final = 18
"""The newest operators that the converter writes."""


def export_onnx_file(model: SpecModel, out: Path, progress: Callable[[str], None] | None = None) -> ExportSummary:
    """Write `model`, lowered in its portable form, to `out`, in full or not at all.

    Returns:
        The model's inputs and outputs as the one signature, under its name.

    Raises:
        UnportableError: an ONNX file can not hold a part of the model.
        UnsafeTargetError: `out` is a directory, or its parent cannot be made or written.
    """
    report = progress or (lambda line: None)
    with atomic_file(out) as temporary:
        report(f"tracing {model.name}")
        traced = portable(model, FORMAT)
        _refuse_same_names(traced.signature)
        report("converting to ONNX")
        written = _converted(traced)
        _name(written.graph, traced)
        onnx.checker.check_model(written)
        report("writing the ONNX file")
        temporary.write_bytes(written.SerializeToString())
        return summarise({model.name: traced.signature}, model.weights, temporary)


def _refuse_same_names(signature: Signature) -> None:
    inputs = {tensor.name for tensor in signature.inputs}
    for tensor in signature.outputs:
        if tensor.name in inputs:
            raise UnportableError(f"{FORMAT} can not hold an input and an output of the one name `{tensor.name}`")


def _converted(traced: Portable) -> Any:
    """The ONNX model of a traced one, under the names of the trace."""
    specs = traced.function.structured_input_signature[0]
    call = tf.function(lambda inputs: traced.function(inputs), autograph=False)
    with _quiet():
        try:
            written, _ = tf2onnx.convert.from_function(call, specs, opset=OPSET)
        except Exception as error:
            # Whatever the converter stumbles over, it is this model that it can not convert.
            raise traced.refused([], FORMAT) from error
    foreign = [node.op_type for node in _nodes(written.graph) if not onnx.defs.has(node.op_type, OPSET, node.domain)]
    if foreign:
        raise traced.refused(foreign, FORMAT)
    return written


def _nodes(graph: Any) -> Iterator[Any]:
    """The nodes of a graph and of those inside it."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from _nodes(attribute.g)


def _name(graph: Any, traced: Portable) -> None:
    """Put the inputs and outputs into the order of the spec, under its names; the batch axis is called `batch`."""
    own = {name: given for given, name in traced.names.items()}
    for node in _nodes(graph):
        node.input[:] = [own.get(name, name) for name in node.input]
    for values, tensors in ((graph.input, traced.signature.inputs), (graph.output, traced.signature.outputs)):
        named = {own.get(value.name, value.name): value for value in values}
        ordered = [_copy(named[tensor.name], tensor.name) for tensor in tensors]
        del values[:]
        values.extend(ordered)


def _copy(value: Any, name: str) -> Any:
    copied = onnx.ValueInfoProto()
    copied.CopyFrom(value)
    copied.name = name
    copied.type.tensor_type.shape.dim[0].dim_param = "batch"
    return copied


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the converter from telling what it does; what fails is told by what it gives."""
    logger = logging.getLogger("tf2onnx")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)
