"""What the conditioned layers share: which of kernel and bias come from the graph, and how."""

from collections.abc import Sequence
from typing import Any, Literal

import keras

from specc.keras_backend.layers.alignment import align_batched

Part = Literal["kernel", "bias"]


class Conditioned(keras.layers.Layer):
    """Mixed into a Keras layer, takes its kernel, its bias or both from the graph.

    The layer is called on `[x, *parts]`, the parts in the order of `conditioned`, and has no variable for them; what
    is not conditioned it trains as in Keras. A part has the shape that Keras gives the variable, behind a batch axis
    if it is batched. Sample i's result, and its gradients, are those of the Keras layer with sample i's kernel and
    bias, called on sample i alone.

    Args:
        conditioned: which parts come from the graph.
        batched: for each of them, whether it has a batch axis: one for each sample, or the same for all.
        portable: whether to compute in operations that other runtimes have as well, which takes longer.
        *args: arguments of the Keras layer.
        **kwargs: arguments of the Keras layer.

    Raises:
        ValueError: `conditioned` and `batched` do not belong together, or a conditioned kernel is to have LoRA.
    """

    def __init__(
        self,
        *args: Any,
        conditioned: Sequence[Part],
        batched: Sequence[bool],
        portable: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        if not conditioned or len(set(conditioned)) < len(conditioned) or set(conditioned) - {"kernel", "bias"}:
            raise ValueError(f"conditioned names the kernel, the bias or both, not {list(conditioned)}")
        if len(batched) != len(conditioned):
            raise ValueError(f"batched has one entry for each of {list(conditioned)}, not {list(batched)}")
        if "kernel" in conditioned and getattr(self, "lora_rank", None):
            raise ValueError("a kernel from the graph has no variable that LoRA could freeze")
        self.conditioned = tuple(conditioned)
        self.batched = tuple(batched)
        self.portable = portable
        # That of the Keras layer speaks of a single input; `build` puts one for all inputs in its place.
        self.input_spec: Any = None
        self._part_shapes: dict[str, tuple[int, ...]] = {}

    def add_weight(self, *args: Any, name: str | None = None, **kwargs: Any) -> Any:
        """Make a variable, but not for a part that comes from the graph.

        Raises:
            ValueError: such a part is to be regularized or constrained.
        """
        if name not in self.conditioned:
            return super().add_weight(*args, name=name, **kwargs)
        if kwargs.get("regularizer") is not None or kwargs.get("constraint") is not None:
            raise ValueError(f"a {name} from the graph has no variable that could be regularized or constrained")
        self._part_shapes[name] = tuple(kwargs["shape"])
        return None

    def build(self, input_shape: Any) -> None:
        """Make the variables of what is not conditioned, and note the shapes of what is.

        Raises:
            ValueError: the shape of `x` does not fit, or the layer has no bias to condition.
        """
        super().build(tuple(input_shape[0]))
        missing = set(self.conditioned) - set(self._part_shapes)
        if missing:
            raise ValueError(f"layer '{self.name}' is conditioned on a {missing.pop()} that it does not have")
        specs = [self.input_spec]
        for part, batched in zip(self.conditioned, self.batched, strict=True):
            shape = self._part_shapes[part]
            specs.append(keras.layers.InputSpec(shape=(None, *shape) if batched else shape))
        self.input_spec = specs

    def call(self, inputs: Any) -> Any:
        """Map `[x [B, ...], *parts]` to what the Keras layer gives, in the compute dtype."""
        x, *given = inputs
        parts = dict(zip(self.conditioned, zip(given, self.batched, strict=True), strict=True))
        kernel, batched = parts.get("kernel", (self.kernel, False))
        outputs = self._apply_per_sample(x, kernel) if batched else self._apply(x, kernel)
        bias, batched = parts.get("bias", (self.bias, False))
        if bias is not None:
            outputs = outputs + self._aligned_bias(bias, batched, len(outputs.shape))
        return outputs if self.activation is None else self.activation(outputs)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """Return the shape of the result, given that of `x` or the shapes of all inputs."""
        several = isinstance(input_shape[0], (list, tuple))
        return tuple(super().compute_output_shape(tuple(input_shape[0] if several else input_shape)))

    def compute_output_spec(self, inputs: Any) -> keras.KerasTensor:
        """Return the spec of the result."""
        return keras.KerasTensor(self.compute_output_shape(inputs[0].shape), self.compute_dtype)

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """Return the mask of `x`."""
        return previous_mask[0] if previous_mask else None

    def save_own_variables(self, store: Any) -> None:
        """Write the variables that there are; Keras' kernel layers count on a kernel."""
        keras.layers.Layer.save_own_variables(self, store)

    def load_own_variables(self, store: Any) -> None:
        """Read what `save_own_variables` wrote."""
        keras.layers.Layer.load_own_variables(self, store)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of this layer."""
        return {
            **super().get_config(),
            "conditioned": list(self.conditioned),
            "batched": list(self.batched),
            "portable": self.portable,
        }

    def _apply(self, x: Any, kernel: Any) -> Any:
        """Return what the Keras layer computes from `x` and one kernel, before bias and activation."""
        raise NotImplementedError

    def _apply_per_sample(self, x: Any, kernel: Any) -> Any:
        """Return the same with a kernel `[B, ...]` for each sample."""
        raise NotImplementedError

    def _aligned_bias(self, bias: Any, batched: bool, rank: int) -> Any:
        """Return the bias in a shape that broadcasts over outputs of `rank` axes."""
        return align_batched(bias, rank) if batched else bias
