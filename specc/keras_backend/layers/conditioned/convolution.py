"""Keras' convolutions with the kernel or the bias from the graph."""

from typing import Any

import keras
import tensorflow as tf
from keras import ops

from specc.keras_backend.layers.conditioned.base import Conditioned
from specc.keras_backend.layers.conditioned.patches import Pads, convolve, convolve_transposed, pads_of
from specc.keras_backend.layers.conditioned.per_sample import apply_per_sample


class _Convolution(Conditioned):
    """What all of them share: spatial axes, on either side of the channels."""

    def _convolve(self, x: Any, kernel: Any, data_format: str) -> Any:
        """Return Keras' operation on `x`, in the layout `data_format`, with one kernel."""
        raise NotImplementedError

    def _convolve_sample(self, x: Any, kernel: Any) -> Any:
        """Return the operation on a batch of one, channels last."""
        return self._convolve(x, kernel, "channels_last")

    def _convolve_portably(self, x: Any, kernel: Any, space: tuple[int, ...]) -> Any:
        """Return the operation on all samples, channels last, in operations that every runtime has.

        Args:
            x: of sizes that are known but for the batch.
            kernel: `[B, ...]`.
            space: sizes of the axes of space of the result.
        """
        raise NotImplementedError

    def _pads(self, space: tuple[int, ...]) -> Pads:
        """Return what `padding` stands for where the convolution reads axes of space of these sizes."""
        return pads_of(self.padding, space, self.kernel_size, self._strides, self.dilation_rate)

    @property
    def _strides(self) -> tuple[int, ...]:
        """The strides, of which `DepthwiseConv2D` may hold a single number."""
        return (self.strides,) * self.rank if isinstance(self.strides, int) else tuple(self.strides)

    def _apply(self, x: Any, kernel: Any) -> Any:
        return self._convolve(x, kernel, self.data_format)

    def _apply_per_sample(self, x: Any, kernel: Any) -> Any:
        shape = self.compute_output_shape(x.shape)
        if self.data_format == "channels_last":
            return self._apply_last(x, kernel, shape[1:])
        # TensorFlow's convolutions are not all there for channels first on a CPU.
        last = self._apply_last(ops.moveaxis(x, 1, -1), kernel, (*shape[2:], shape[1]))
        return ops.moveaxis(last, -1, 1)

    def _apply_last(self, x: Any, kernel: Any, shape: tuple[int | None, ...]) -> Any:
        """Return the operation with a kernel for each sample, channels last; a sample's result is of this shape."""
        if not self.portable:
            return apply_per_sample(self._convolve_sample, x, kernel, shape)
        space = tuple(size for size in shape[:-1] if size is not None)
        if len(space) < self.rank:
            raise ValueError(f"the portable form of '{self.name}' needs known sizes, not {tuple(x.shape[1:])}")
        return self._convolve_portably(x, kernel, space)

    def _aligned_bias(self, bias: Any, batched: bool, rank: int) -> Any:
        if self.data_format == "channels_first":
            bias = bias[(..., *(None,) * self.rank)]
        return super()._aligned_bias(bias, batched, rank)


class _Conv(_Convolution):
    """The convolutions that know groups and, in one dimension, causal padding."""

    def _convolve(self, x: Any, kernel: Any, data_format: str) -> Any:
        padding = self.padding
        if padding == "causal":
            before = [self.dilation_rate[0] * (self.kernel_size[0] - 1), 0]
            x = ops.pad(x, [[0, 0], before, [0, 0]] if data_format == "channels_last" else [[0, 0], [0, 0], before])
            padding = "valid"
        return ops.conv(
            x,
            kernel,
            strides=list(self.strides),
            padding=padding,
            dilation_rate=self.dilation_rate,
            data_format=data_format,
        )

    def _convolve_sample(self, x: Any, kernel: Any) -> Any:
        if self.groups == 1:
            return self._convolve(x, kernel, "channels_last")
        # Group by group: Keras compiles a grouped convolution with XLA, which would happen once for each sample.
        pairs = zip(tf.split(x, self.groups, -1), tf.split(kernel, self.groups, -1), strict=True)
        return ops.concatenate([self._convolve(*pair, "channels_last") for pair in pairs], axis=-1)

    def _convolve_portably(self, x: Any, kernel: Any, space: tuple[int, ...]) -> Any:
        pads = self._pads(tuple(x.shape[1:-1]))
        return convolve(x, kernel, self._strides, self.dilation_rate, pads, self.groups)


@keras.saving.register_keras_serializable(package="specc")
class ConditionedConv1D(_Conv, keras.layers.Conv1D):
    """`keras.layers.Conv1D` with a kernel `[k, in / groups, filters]` or a bias `[filters]` from the graph."""


@keras.saving.register_keras_serializable(package="specc")
class ConditionedConv2D(_Conv, keras.layers.Conv2D):
    """`keras.layers.Conv2D` with a kernel `[k, k, in / groups, filters]` or a bias `[filters]` from the graph."""


@keras.saving.register_keras_serializable(package="specc")
class ConditionedConv3D(_Conv, keras.layers.Conv3D):
    """`keras.layers.Conv3D` with a kernel `[k, k, k, in / groups, filters]` or a bias `[filters]` from the graph."""


@keras.saving.register_keras_serializable(package="specc")
class ConditionedConv2DTranspose(_Convolution, keras.layers.Conv2DTranspose):
    """`keras.layers.Conv2DTranspose` with a kernel `[k, k, filters, in]` or a bias `[filters]` from the graph."""

    def _convolve(self, x: Any, kernel: Any, data_format: str) -> Any:
        return ops.conv_transpose(
            x,
            kernel,
            strides=list(self.strides),
            padding=self.padding,
            output_padding=self.output_padding,
            dilation_rate=self.dilation_rate,
            data_format=data_format,
        )

    def _convolve_portably(self, x: Any, kernel: Any, space: tuple[int, ...]) -> Any:
        return convolve_transposed(x, kernel, self._strides, self.dilation_rate, self._pads(space), space)


@keras.saving.register_keras_serializable(package="specc")
class ConditionedDepthwiseConv2D(_Convolution, keras.layers.DepthwiseConv2D):
    """`keras.layers.DepthwiseConv2D` with a kernel `[k, k, in, multiplier]` or a bias `[in * multiplier]`."""

    def _convolve(self, x: Any, kernel: Any, data_format: str) -> Any:
        return ops.depthwise_conv(
            x,
            kernel,
            strides=self.strides,
            padding=self.padding,
            dilation_rate=self.dilation_rate,
            data_format=data_format,
        )

    def _convolve_portably(self, x: Any, kernel: Any, space: tuple[int, ...]) -> Any:
        *window, channels, multiplier = kernel.shape[1:]
        # Each channel is a group of its own.
        grouped = tf.reshape(kernel, [-1, *window, 1, channels * multiplier])
        pads = self._pads(tuple(x.shape[1:-1]))
        return convolve(x, grouped, self._strides, self.dilation_rate, pads, channels)
