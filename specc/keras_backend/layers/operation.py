"""The op as a layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

from specc.keras_backend.layers.operations import FORMS, RANDOM, TRACED, Operand


@keras.saving.register_keras_serializable(package="specc")
class Operation(keras.layers.Layer):
    """Apply an op, most of them of `keras.ops`, to each sample.

    What comes out for a sample is what the op gives for that sample's tensors alone, without the batch axis:
    broadcasting and `matmul` never meet the batch, and without an axis a reduction covers all axes of a sample. A
    tensor without a batch axis takes part in each sample. Axes count as in Keras, axis 0 is the batch, also for a
    tensor that has none; shapes, pad widths, repeats and the subscripts of `einsum` are those of a sample.

    The op computes in the dtype that its tensors promote to, under every dtype policy. Sources: `keras.ops`, and for
    what it leaves open NumPy (https://numpy.org/doc/stable/reference/routines.html).

    Args:
        function: name of the op: one of `keras.ops`, or `normal` and `uniform`, which draw random numbers in the shape
            of `like`, anew at each call.
        arguments: the op's arguments by name: numbers, strings, lists, and `{"input": i}` for the i-th tensor.
        batched: for each tensor whether it has a batch axis.

    Raises:
        ValueError: there is no such op.
    """

    def __init__(self, function: str, arguments: Mapping[str, Any], batched: list[bool], **kwargs: Any) -> None:
        super().__init__(autocast=False, **kwargs)
        if function not in FORMS:
            raise ValueError(f"there is no op {function!r}")
        self.function = function
        self.arguments = dict(arguments)
        self.batched = list(batched)
        if function in RANDOM:
            self.seed_generator = keras.random.SeedGenerator(self.arguments.get("seed"))

    def call(self, inputs: Any) -> Any:
        """Map a list of tensors, or one, to the op's result, or to a tuple of them.

        A result is `[B, ...]` if one of the tensors has a batch axis, and `[...]` otherwise.

        Raises:
            ValueError: there are more or fewer tensors than `batched` says.
        """
        tensors = inputs if isinstance(inputs, list | tuple) else [inputs]
        operands = [Operand(tensor, batched) for tensor, batched in zip(tensors, self.batched, strict=True)]
        arguments = {name: _placed(value, operands) for name, value in self.arguments.items()}
        if self.function in RANDOM:
            arguments["seed"] = self.seed_generator
        return FORMS[self.function](**arguments)

    def compute_output_spec(self, inputs: Any) -> Any:
        """Return the shape and dtype of what `call` returns."""
        if self.function in TRACED:
            return super().compute_output_spec(inputs)
        # Tensors of their own keep the ops that are called on them here out of the model's graph.
        return self.call(keras.tree.map_structure(lambda x: keras.KerasTensor(x.shape, x.dtype), inputs))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of this layer."""
        return {
            **super().get_config(),
            "function": self.function,
            "arguments": self.arguments,
            "batched": self.batched,
        }


def _placed(value: Any, operands: list[Operand]) -> Any:
    """An argument with the tensors that it names; lists become tuples, which all ops take."""
    if isinstance(value, Mapping):
        return operands[value["input"]]
    if isinstance(value, list | tuple):
        return tuple(_placed(item, operands) for item in value)
    return value
