"""Weighted merges: sum and product of n tensors of one shape, with fixed, learned or per-sample weights."""

from collections.abc import Sequence
from functools import reduce
from operator import add, mul
from typing import Any, Literal

import keras
from keras import ops

from specc.keras_backend.layers.alignment import align_batched


class _WeightedMerge(keras.layers.Layer):
    """What both merges share: where the weights come from.

    Args:
        weights: one number for each input, fixed. Without them, the weights are the last input.
        weights_batched: if the weights are the last input: whether they have a batch axis. Their shape per sample is
            `[N]`, or `[]` if there are two inputs: then they are `w` and `1 - w`.
        normalize: `softmax` to normalize weights `[N]` that are the last input.

    Raises:
        ValueError: both or neither of `weights` and `weights_batched` are given, or fixed weights are to be normalized.
    """

    def __init__(
        self,
        weights: Sequence[float] | None = None,
        weights_batched: bool | None = None,
        normalize: Literal["softmax"] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if (weights is None) == (weights_batched is None):
            raise ValueError("a weighted merge needs either weights or weights_batched")
        if normalize not in (None, "softmax"):
            raise ValueError(f"normalize is softmax or None, not {normalize!r}")
        if normalize and weights is not None:
            raise ValueError("only weights of the graph are normalized")
        self.fixed_weights = None if weights is None else tuple(float(w) for w in weights)
        self.weights_batched = weights_batched
        self.normalize = normalize

    def _weighted(self, inputs: Sequence[Any]) -> list[tuple[Any, Any]]:
        """Return each input with its weight, a number or a tensor that broadcasts over the input."""
        if self.fixed_weights is not None:
            return list(zip(self.fixed_weights, inputs, strict=True))
        *tensors, weights = inputs
        if len(weights.shape) == bool(self.weights_batched):
            each = [weights, 1 - weights]
        else:
            normalized = ops.softmax(weights, axis=-1) if self.normalize else weights
            each = ops.unstack(normalized, len(tensors), axis=-1)
        if self.weights_batched:
            each = [align_batched(w, len(tensors[0].shape)) for w in each]
        return list(zip(each, tensors, strict=True))

    def compute_output_spec(self, inputs: Any) -> keras.KerasTensor:
        """Return the spec of one of the inputs.

        Raises:
            ValueError: the inputs differ in shape, or the weights are not one for each.
        """
        tensors = inputs if self.fixed_weights is not None else inputs[:-1]
        shapes = {tuple(t.shape[1:]) for t in tensors}
        if len(shapes) != 1:
            raise ValueError(f"a weighted merge needs inputs of one shape, not {sorted(map(str, shapes))}")
        if self.fixed_weights is not None:
            given: tuple[int | None, ...] = (len(self.fixed_weights),)
        else:
            given = tuple(inputs[-1].shape[1:] if self.weights_batched else inputs[-1].shape)
        halves = given == () and len(tensors) == 2 and not self.normalize
        if given != (len(tensors),) and not halves:
            raise ValueError(f"weights of shape {given} do not weigh {len(tensors)} inputs, normalize={self.normalize}")
        return keras.KerasTensor(tensors[0].shape, tensors[0].dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of this layer."""
        return {
            **super().get_config(),
            "weights": None if self.fixed_weights is None else list(self.fixed_weights),
            "weights_batched": self.weights_batched,
            "normalize": self.normalize,
        }


@keras.saving.register_keras_serializable(package="specc")
class WeightedSum(_WeightedMerge):
    """The sum of `w_i * x_i`, added in the order of the inputs."""

    def call(self, inputs: Any) -> Any:
        """Map n tensors `[B, ...]`, and the weights unless they are fixed, to `[B, ...]`."""
        return reduce(add, [w * x for w, x in self._weighted(inputs)])


@keras.saving.register_keras_serializable(package="specc")
class WeightedProduct(_WeightedMerge):
    """The product of `x_i ** w_i`, multiplied in the order of the inputs; a negative input gives NaN."""

    def call(self, inputs: Any) -> Any:
        """Map n tensors `[B, ...]`, and the weights unless they are fixed, to `[B, ...]`."""
        return reduce(mul, [ops.power(x, w) for w, x in self._weighted(inputs)])
