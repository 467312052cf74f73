"""Addition that broadcasts as in NumPy, whatever the batch.

`keras.ops.add` takes its second tensor for a bias of the last axis as soon as only one of its sizes is not 1 and equals
one of the first tensor's: `[3, 3] + [3, 1]` adds along the wrong axis, and an empty batch raises an error.
"""

from functools import reduce
from typing import Any

import keras
import tensorflow as tf


def add(x1: Any, x2: Any) -> Any:
    """Return `x1 + x2` in the dtype that both promote to, as `keras.ops.add` means it."""
    if any(isinstance(x, keras.KerasTensor) for x in (x1, x2)):
        return keras.ops.add(x1, x2)
    dtype = keras.backend.result_type(*(getattr(x, "dtype", type(x)) for x in (x1, x2)))
    return tf.add(keras.ops.convert_to_tensor(x1, dtype), keras.ops.convert_to_tensor(x2, dtype))


@keras.saving.register_keras_serializable(package="specc")
class Add(keras.layers.Add):
    """`keras.layers.Add`, which also broadcasts beside a batch of a fixed size."""

    def _merge_function(self, inputs: Any) -> Any:
        return reduce(add, inputs)


@keras.saving.register_keras_serializable(package="specc")
class Average(keras.layers.Average):
    """`keras.layers.Average`, which also broadcasts beside a batch of a fixed size."""

    def _merge_function(self, inputs: Any) -> Any:
        return reduce(add, inputs) / len(inputs)
