"""Ops that multiply and sum, each on one sample's operands."""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from typing import Any, Final

from keras import ops

from specc.keras_backend.layers.operations.base import Form, Operand, operand


def _matmul(x1: Operand, x2: Operand) -> Any:
    """NumPy's law per sample: a vector is a row on the left and a column on the right, and its axis vanishes."""
    rank = max(x1.rank, x2.rank, 2)
    left = Operand(ops.expand_dims(x1.tensor, -2), x1.batched) if x1.rank == 1 else x1
    right = Operand(ops.expand_dims(x2.tensor, -1), x2.batched) if x2.rank == 1 else x2
    result = ops.matmul(left.aligned(rank), right.aligned(rank))
    vanishing = ((-2,) if x1.rank == 1 else ()) + ((-1,) if x2.rank == 1 else ())
    return ops.squeeze(result, vanishing) if vanishing else result


def _einsum(subscripts: str, operands: Sequence[Operand | float]) -> Any:
    """The equation names the axes of a sample; a letter of its own names the batch."""
    parts, output = subscripts.replace(" ", "").split("->")
    batch = next(letter for letter in string.ascii_letters if letter not in subscripts)
    entries = [operand(value) for value in operands]
    named = [batch + part if entry.batched else part for part, entry in zip(parts.split(","), entries, strict=True)]
    whole = batch + output if any(entry.batched for entry in entries) else output
    return ops.einsum(f"{','.join(named)}->{whole}", *(entry.tensor for entry in entries))


FORMS: Final[Mapping[str, Form]] = {"einsum": _einsum, "matmul": _matmul}
