"""Layers that bring a value into the graph: trained weights, constants, knobs, and a value repeated per sample.

A functional model's layers need an input, so a source is called on any batched tensor of the model (its anchor)
and ignores the content. What a source returns has no batch axis: it is the same for all samples.
"""

import math
from typing import Any, Self

import keras
import numpy as np
import tensorflow as tf
from keras import ops
from numpy.typing import ArrayLike

from specc.keras_backend.layers.literal import Literal, decode_array, encode_array


class _Source(keras.layers.Layer):
    """A layer whose output is its one variable, `value`."""

    value: Any

    def call(self, anchor: Any) -> Any:
        """Return the value, shape exactly that of the variable, in the compute dtype if it is of a float dtype."""
        return tf.convert_to_tensor(self.value)

    def compute_output_spec(self, anchor: Any) -> keras.KerasTensor:
        """Return the shape of the value and the dtype it has after autocasting."""
        dtype = str(self.value.dtype)
        mixed = self.compute_dtype != self.variable_dtype
        return keras.KerasTensor(self.value.shape, self.compute_dtype if mixed and "float" in dtype else dtype)


@keras.saving.register_keras_serializable(package="specc")
class Weight(_Source):
    """A trained tensor of the graph's own; its variable is called `value`.

    Args:
        shape: shape of the tensor, without a batch axis.
        initializer: Keras initializer, or its name.
        weight_dtype: dtype of the variable. A float weight is cast to the compute dtype of a mixed policy when used.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        initializer: Any = "glorot_uniform",
        weight_dtype: str = "float32",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.shape = tuple(shape)
        self.initializer = keras.initializers.get(initializer)
        self.weight_dtype = weight_dtype

    def build(self, anchor_shape: Any) -> None:
        """Make the variable."""
        self.value = self.add_weight(
            name="value", shape=self.shape, initializer=self.initializer, dtype=self.weight_dtype
        )

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of this layer."""
        return {
            **super().get_config(),
            "shape": self.shape,
            "initializer": keras.initializers.serialize(self.initializer),
            "weight_dtype": self.weight_dtype,
        }


@keras.saving.register_keras_serializable(package="specc")
class Constant(_Source):
    """An array that is never trained.

    The array is a non-trainable variable, so that a SavedModel holds it once, however many signatures use it. In a
    `.keras` file it stands in the config alone, and not among the weights: loading weights never changes a constant.

    Args:
        value: array or nested list.
        value_dtype: dtype of the tensor, by default the array's own, and the float type of Keras for other floats.
    """

    def __init__(self, value: ArrayLike, value_dtype: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.array = np.asarray(value)
        self.value_dtype = value_dtype or (
            keras.config.floatx() if self.array.dtype.kind == "f" else self.array.dtype.name
        )

    def build(self, anchor_shape: Any) -> None:
        """Make the variable."""
        self.value = self.add_weight(
            name="value",
            shape=self.array.shape,
            initializer=Literal(self.array),
            dtype=self.value_dtype,
            trainable=False,
        )

    def save_own_variables(self, store: Any) -> None:
        """Write nothing: the config holds the array."""

    def load_own_variables(self, store: Any) -> None:
        """Read nothing: the config held the array."""

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of this layer, the array as text."""
        return {**super().get_config(), "npy": encode_array(self.array), "value_dtype": self.value_dtype}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Return the layer whose `get_config` gave `config`."""
        arguments = dict(config)
        return cls(decode_array(arguments.pop("npy")), **arguments)


@keras.saving.register_keras_serializable(package="specc")
class Knob(_Source):
    """A float32 scalar that is set while the model runs, saved with it and never trained.

    Args:
        value: value at the start.
        low: lowest value allowed, `None` for no bound.
        high: highest value allowed, `None` for no bound.

    Raises:
        ValueError: `value` is not finite or outside the range.
    """

    def __init__(self, value: float, low: float | None = None, high: float | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.low = low
        self.high = high
        self.initial = self._allowed(value)

    def build(self, anchor_shape: Any) -> None:
        """Make the variable."""
        self.value = self.add_weight(
            name="value", shape=(), initializer=Literal(self.initial), dtype="float32", trainable=False
        )

    def assign(self, value: float) -> None:
        """Set the knob.

        Raises:
            ValueError: `value` is not finite or outside the range; the knob keeps its value.
        """
        self.value.assign(self._allowed(value))

    def _allowed(self, value: float) -> float:
        low = -math.inf if self.low is None else self.low
        high = math.inf if self.high is None else self.high
        if not math.isfinite(value):
            raise ValueError(f"knob '{self.name}' needs a finite number, not {value}")
        if not low <= value <= high:
            raise ValueError(f"knob '{self.name}' cannot be {value}: it is outside {low}..{high}")
        return float(value)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of this layer."""
        return {**super().get_config(), "value": self.initial, "low": self.low, "high": self.high}


@keras.saving.register_keras_serializable(package="specc")
class PerSample(keras.layers.Layer):
    """Repeat a tensor without a batch axis for each sample; the gradient is the sum over the samples."""

    def __init__(self, **kwargs: Any) -> None:
        # Autocasting would convert the whole anchor, of which only the batch size is used.
        super().__init__(autocast=False, **kwargs)

    def call(self, inputs: Any) -> Any:
        """Map `[unbatched [...], anchor [B, ...]]` to `[B, ...]`."""
        unbatched, anchor = inputs
        return ops.broadcast_to(unbatched[None], (ops.shape(anchor)[0], *unbatched.shape))

    def compute_output_spec(self, inputs: Any) -> keras.KerasTensor:
        """Return the shape of `unbatched` behind the batch axis of `anchor`."""
        unbatched, anchor = inputs
        return keras.KerasTensor((anchor.shape[0], *unbatched.shape), unbatched.dtype)
