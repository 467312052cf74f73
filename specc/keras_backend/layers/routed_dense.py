"""`Dense` behind which a multiplexer picks a group of units, at the cost of one group."""

from collections.abc import Mapping, MutableMapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from specc.keras_backend.layers.alignment import align_batched
from specc.keras_backend.layers.mux import MuxGroups, Otherwise
from specc.keras_backend.layers.routed import Blocks, inside_xla, require_int, split_rows


# The class is named as the layer whose weights it takes: Keras addresses the weights in a file by class and place.
@keras.saving.register_keras_serializable(package="specc", name="RoutedDense")
class Dense(MuxGroups):
    """What `Dense(units)` and `MuxGroups(of)` behind it give, where only the picked group is computed.

    Groups that no sample picks get a gradient of exactly zero. The weights start, and are stored in files, exactly as
    those of `keras.layers.Dense` do, `[in, units]` and `[units]`: a file of either form serves both, as long as the
    layers with weights follow each other in the same order. In memory the kernel is `[of, in, units / of]`, which
    splits into groups without a copy.

    Args:
        units: number of units of all groups.
        of: number of groups; divides `units`.
        otherwise: what a control outside `0..of` does: raise, pick the nearest, or give zeros.
        subject: what the message names, as in `mux 'y'`.
        activation: as of `keras.layers.Dense`; must work on each element alone.
        use_bias: as of `keras.layers.Dense`, like all that follow.
        kernel_initializer: draws the kernel `[in, units]`.
        bias_initializer: draws the bias `[units]`.
        kernel_regularizer: sees the kernel `[in, units]`.
        bias_regularizer: sees the bias `[units]`.
    """

    def __init__(
        self,
        units: int,
        of: int,
        otherwise: Otherwise,
        subject: str,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(of, otherwise, subject, **kwargs)
        if units % of:
            raise ValueError(f"{units} units do not divide into {of} groups")
        self.units = units
        self.activation = keras.activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.bias_regularizer = keras.regularizers.get(bias_regularizer)
        self.supports_jit = False

    def build(self, input_shape: Any) -> None:
        """Make the weights for inputs `[x [B, ..., in], control]`."""
        width = input_shape[0][-1]
        regularizer = self.kernel_regularizer
        self.kernel = self.add_weight(
            name="kernel",
            shape=(self.of, width, self.units // self.of),
            initializer=lambda shape, dtype: self._grouped(self.kernel_initializer((width, self.units), dtype)),
            regularizer=regularizer and (lambda kernel: regularizer(self._ungrouped(kernel))),
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=(self.units,),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
            )

    def call(self, inputs: Any) -> Any:
        """Map `[x [B, ..., in], control]` to `[B, ..., units / of]`; the control is an int `[B]` or `[B, 1]`.

        Raises:
            tf.errors.InvalidArgumentError: when run, if a control is outside and `otherwise` is `error`.
        """
        x, control = inputs
        if inside_xla():
            result = keras.ops.matmul(x, self._ungrouped(self.kernel))
            return super().call([self.activation(result if self.bias is None else result + self.bias), control])
        index, inside = self._index(control, self.of)
        blocks = Blocks(tf.where(inside, index, self.of) if self.otherwise == "zero" else index, self.of)
        shape = tf.shape(x)
        rows = tf.reshape(blocks.sort(x), [-1, x.shape[-1]])
        sizes = blocks.sizes * tf.reduce_prod(shape[1:-1])
        rows = _multiply_blocks(rows, tf.convert_to_tensor(self.kernel), sizes)
        result = blocks.restore(tf.reshape(rows, tf.concat([shape[:-1], [self.units // self.of]], 0)))
        if self.bias is not None:
            biases = tf.gather(tf.reshape(self.bias, [self.of, -1]), index)
            result += align_batched(biases, len(x.shape))
        return self._settle(self.activation(result), inside)

    def _grouped(self, kernel: tf.Tensor) -> tf.Tensor:
        """Return a kernel `[in, units]` as `[of, in, units / of]`."""
        return tf.transpose(tf.reshape(kernel, [-1, self.of, self.units // self.of]), [1, 0, 2])

    def _ungrouped(self, kernel: tf.Tensor) -> tf.Tensor:
        """Return a kernel `[of, in, units / of]` as `[in, units]`."""
        return tf.reshape(tf.transpose(kernel, [1, 0, 2]), [-1, self.units])

    def compute_output_spec(self, inputs: Any) -> keras.KerasTensor:
        """Return the spec of one group.

        Raises:
            ValueError: the control is not an int per sample.
        """
        x, control = inputs
        require_int(control)
        return super().compute_output_spec(
            [keras.KerasTensor((*x.shape[:-1], self.units), self.compute_dtype), control]
        )

    def save_own_variables(self, store: MutableMapping[str, Any]) -> None:
        """Store the weights as `keras.layers.Dense` does: `[in, units]` and `[units]`."""
        own: dict[str, Any] = {}
        super().save_own_variables(own)
        own["0"] = self._ungrouped(self.kernel.value)
        for key, value in own.items():
            store[key] = value

    def load_own_variables(self, store: Mapping[str, Any]) -> None:
        """Load the weights of a `keras.layers.Dense` or of this layer.

        Raises:
            ValueError: there are not as many weights, or of another shape.
        """
        keys = store.keys()
        own = {key: np.asarray(store[key]) for key in keys}
        width = self.kernel.shape[1]
        if own["0"].shape != (width, self.units):
            raise ValueError(
                f"{self.name} has a kernel of shape {(width, self.units)}, the file one of {own['0'].shape}"
            )
        super().load_own_variables({**own, "0": self._grouped(own["0"])})

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of this layer."""
        return {
            **super().get_config(),
            "units": self.units,
            "activation": keras.activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "bias_initializer": keras.initializers.serialize(self.bias_initializer),
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": keras.regularizers.serialize(self.bias_regularizer),
        }


def _multiply_blocks(rows: tf.Tensor, kernels: tf.Tensor, sizes: tf.Tensor) -> tf.Tensor:
    """Multiply each block of rows by its kernel.

    Args:
        rows: `[M, in]`, the blocks one after the other, and last the rows that get zeros.
        kernels: `[N, in, out]`.
        sizes: how many rows each block has, int32 `[N + 1]`.

    Returns:
        `[M, out]`.
    """

    def multiply(rows: tf.Tensor, kernels: tf.Tensor) -> Any:
        blocks, each_kernel = split_rows(rows, sizes), tf.unstack(kernels)
        products = [tf.matmul(block, kernel) for block, kernel in zip(blocks, each_kernel, strict=True)]
        rest = tf.zeros([sizes[-1], kernels.shape[2]], rows.dtype)

        def gradient(upstream: tf.Tensor) -> Any:
            slopes = split_rows(upstream, sizes)
            # A large kernel on the left is multiplied as it lies; transposed on the right it takes twice as long.
            to_rows = [tf.matmul(k, slope, transpose_b=True) for k, slope in zip(each_kernel, slopes, strict=True)]
            to_rest = tf.zeros([kernels.shape[1], sizes[-1]], rows.dtype)
            to_kernels = [tf.matmul(block, s, transpose_a=True) for block, s in zip(blocks, slopes, strict=True)]
            return tf.transpose(tf.concat([*to_rows, to_rest], 1)), tf.stack(to_kernels)

        return tf.concat([*products, rest], 0), gradient

    return tf.custom_gradient(multiply)(rows, kernels)
