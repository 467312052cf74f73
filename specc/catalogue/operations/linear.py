"""Ops that multiply and sum: matmul, einsum and dot products, each on one sample's operands."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from specc.catalogue.facts import Fault, LayerFacts
from specc.catalogue.kinds import STRING
from specc.catalogue.operations.base import OperationCall, OperationRule
from specc.types import ANYTHING, Dim, Shape, broadcast_shapes, product, shape_text, surely_different

_EQUATION: Final = re.compile(r"[a-zA-Z]*(,[a-zA-Z]*)*->[a-zA-Z]*")


def _promoted(call: OperationCall) -> str | Fault:
    return call.promoted()


def _matmul(call: OperationCall) -> LayerFacts | Fault:
    """NumPy's law per sample: a vector is a row on the left and a column on the right, and its axis vanishes."""
    dtype = call.promoted()
    left, right = (operand.shape for operand in call.all)
    if isinstance(dtype, Fault):
        return dtype
    if not left or not right:
        return Fault("shape-mismatch", "matmul needs at least 1 dim per sample", "`*` multiplies scalars", input=0)
    inner = right[-2] if len(right) > 1 else right[0]
    if surely_different(left[-1], inner):
        message = f"matmul needs the last axis of {shape_text(left)} to be as long as the rows of {shape_text(right)}"
        return Fault("merge-mismatch", message, input=1)
    lead = broadcast_shapes(left[:-2], right[:-2])
    if lead is None:
        message = f"matmul needs leading axes that broadcast; these are {shape_text(left)} and {shape_text(right)}"
        return Fault("merge-mismatch", message, input=1)
    shape = lead + left[-2:-1] + (right[-1:] if len(right) > 1 else ())
    return call.facts(dtype, shape, ANYTHING, macs=product((*shape, left[-1])))


def _einsum(call: OperationCall) -> LayerFacts | Fault:
    dtype, equation = call.promoted(), call.arguments["subscripts"].replace(" ", "")
    if isinstance(dtype, Fault):
        return dtype
    if not _EQUATION.fullmatch(equation):
        message = f'"{equation}" is no equation without the batch axis, such as "ij,jk->ik"'
        return Fault("argument-shape", message, argument="subscripts")
    parts, output = equation.split("->")[0].split(","), equation.split("->")[1]
    sizes: dict[str, Dim] = {}
    if len(parts) != len(call.all):
        message = f'"{equation}" names {len(parts)} operands, there are {len(call.all)}'
        return Fault("argument-shape", message, argument="subscripts")
    for place, (part, operand) in enumerate(zip(parts, call.all, strict=True)):
        fault = _named(part, operand.shape, sizes, place)
        if fault is not None:
            return fault
    if len(set(output)) != len(output) or any(letter not in sizes for letter in output):
        return Fault(
            "argument-shape", f'the output "{output}" must name axes of the operands, each once', argument="subscripts"
        )
    shape = tuple(sizes[letter] for letter in output)
    return call.facts(dtype, shape, ANYTHING, macs=product(sizes.values()) if len(parts) > 1 else 0)


def _named(part: str, shape: Shape, sizes: dict[str, Dim], place: int) -> Fault | None:
    """Notes the sizes of an operand's axes under their letters."""
    if len(part) != len(shape):
        message = f'"{part}" names {len(part)} axes, the operand is {shape_text(shape)} per sample'
        return Fault("shape-mismatch", message, "the batch axis is not named", "subscripts", place)
    for letter, size in zip(part, shape, strict=True):
        known = sizes.setdefault(letter, size)
        if surely_different(known, size):
            message = f"the axis {letter} has {known} places in one operand and {size} in another"
            return Fault("merge-mismatch", message, argument="subscripts", input=place)
        if isinstance(size, int):
            sizes[letter] = size
    return None


RULES: Final[Mapping[str, OperationRule]] = {
    "einsum": OperationRule(
        infer=_einsum,
        operands={"operands": "tensors"},
        kinds={"subscripts": STRING},
        takes="integers",
        dtype=_promoted,
        own=(("subscripts",), ("operands",)),
    ),
    "matmul": OperationRule(infer=_matmul, operands={"x1": "tensor", "x2": "tensor"}, dtype=_promoted),
}
