"""`Dense` and `EinsumDense` with the kernel or the bias from the graph."""

import string
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from specc.keras_backend.layers.conditioned.base import Conditioned


@keras.saving.register_keras_serializable(package="specc")
class ConditionedDense(Conditioned, keras.layers.Dense):
    """`keras.layers.Dense` with a kernel `[in, units]` or a bias `[units]` from the graph."""

    def _apply(self, x: Any, kernel: Any) -> Any:
        return ops.matmul(x, kernel)

    def _apply_per_sample(self, x: Any, kernel: Any) -> Any:
        return tf.einsum(per_sample_equation("...i,io->...o", len(x.shape)), x, kernel)


@keras.saving.register_keras_serializable(package="specc")
class ConditionedEinsumDense(Conditioned, keras.layers.EinsumDense):
    """`keras.layers.EinsumDense` with the kernel or the bias of its equation from the graph."""

    def _apply(self, x: Any, kernel: Any) -> Any:
        return ops.einsum(self.equation, x, kernel)

    def _apply_per_sample(self, x: Any, kernel: Any) -> Any:
        return tf.einsum(per_sample_equation(self.equation, len(x.shape)), x, kernel)


def per_sample_equation(equation: str, rank: int) -> str:
    """Return `equation` with the batch axis, the first of its input, in front of its kernel.

    `ab,bc->ac` becomes `ab,abc->ac`. An ellipsis is written out for an input of `rank` axes, so that
    `...x,xy->...y` becomes `abx,axy->aby` for a rank of 3: it may hold the batch axis, and TensorFlow's gradient of an
    ellipsis is many times as slow.
    """
    free = (letter for letter in string.ascii_letters if letter not in equation)
    elided = "".join(next(free) for _ in range(rank - len(equation.split(",")[0].replace(".", ""))))
    inputs, kernel, outputs = equation.replace("...", elided).replace("->", ",").split(",")
    return f"{inputs},{inputs[0]}{kernel}->{outputs}"
