"""The gate: one tensor is divided into a near and a far part."""

from typing import Any

import keras

from specc.keras_backend.layers.alignment import align_batched, broadcasts_into


@keras.saving.register_keras_serializable(package="specc")
class Gate(keras.layers.Layer):
    """Divide `x` into `near = g * x` and `far = x - near`, so that `near + far` is `x` but for rounding.

    `g` is either a fixed number or a tensor that broadcasts into `x` per sample: aligned from the right, without the
    batch axis.

    Args:
        value: the fixed number; then the layer is called on `x` alone.
        gate_batched: if the layer is called on `[x, g]`: whether `g` has a batch axis.

    Raises:
        ValueError: both or neither of the arguments are given.
    """

    def __init__(self, value: float | None = None, gate_batched: bool | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if (value is None) == (gate_batched is None):
            raise ValueError("a gate needs either a value or gate_batched")
        self.value = value
        self.gate_batched = gate_batched

    def call(self, inputs: Any) -> tuple[Any, Any]:
        """Map `x [B, ...]`, or `[x [B, ...], g]`, to `(near, far)`, both of the shape of `x`."""
        if self.value is not None:
            near = self.value * inputs
            return near, inputs - near
        x, g = inputs
        near = (align_batched(g, len(x.shape)) if self.gate_batched else g) * x
        return near, x - near

    def compute_output_spec(self, inputs: Any) -> tuple[keras.KerasTensor, keras.KerasTensor]:
        """Return the spec of `x`, twice.

        Raises:
            ValueError: `g` does not broadcast into `x`.
        """
        x = inputs
        if self.value is None:
            x, g = inputs
            part = g.shape[1:] if self.gate_batched else g.shape
            if not broadcasts_into(part, x.shape[1:]):
                raise ValueError(f"a gate of shape {part} per sample does not broadcast into {x.shape[1:]}")
        return keras.KerasTensor(x.shape, x.dtype), keras.KerasTensor(x.shape, x.dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of this layer."""
        return {**super().get_config(), "value": self.value, "gate_batched": self.gate_batched}
