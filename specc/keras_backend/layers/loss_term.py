"""A term of the loss that the graph itself computes."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="specc")
class LossTerm(keras.layers.Layer):
    """Pass an output on unchanged and add the mean of another tensor to the losses of the model.

    The mean is taken in float32 over all axes, the batch included; an empty batch adds 0.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(autocast=False, **kwargs)
        self.supports_masking = True

    def call(self, inputs: Any) -> Any:
        """Map `[output, term]`, of any shapes, to `output`."""
        output, term = inputs
        size = ops.cast(ops.size(term), "float32")
        self.add_loss(ops.sum(ops.cast(term, "float32")) / ops.maximum(size, 1.0))
        return output

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """Return the mask of the output."""
        return previous_mask[0] if previous_mask else None

    def compute_output_spec(self, inputs: Any) -> keras.KerasTensor:
        """Return the spec of the output."""
        return keras.KerasTensor(inputs[0].shape, inputs[0].dtype)
