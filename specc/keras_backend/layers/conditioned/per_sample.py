"""One operation with a kernel for each sample, at about the cost of the operation with one kernel for all.

The samples are computed one after the other, in a loop that the runtime may overlap. Written plainly such a loop is
slow in training, because its automatic gradient records every step; with a gradient of its own, a second loop over
the samples, it costs little more than one ordinary layer. Of the alternatives, patches with a batched matrix product
cost several times as much, and a grouped convolution with the batch folded into the channels has no gradient on
some processors.
"""

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

# Steps of a loop that may overlap: below, the cores wait for the bookkeeping of small steps.
OVERLAP = 10


def apply_per_sample(
    operation: Callable[[tf.Tensor, tf.Tensor], tf.Tensor],
    x: tf.Tensor,
    kernel: tf.Tensor,
    sample_shape: Sequence[int | None],
) -> tf.Tensor:
    """Apply `operation` to each sample with its own kernel.

    Args:
        operation: maps a batch of one `[1, ...]` and a kernel without a batch axis to `[1, *sample_shape]`.
        x: `[B, ...]`; B may be 0 or unknown.
        kernel: `[B, ...]`.
        sample_shape: shape of the result for one sample, `None` where unknown.

    Returns:
        `[B, *sample_shape]`; row i, and its gradients, are those of `operation(x[i:i+1], kernel[i])`.
    """

    def run(x: tf.Tensor, kernel: tf.Tensor) -> Any:
        def forward(pair: Any) -> Any:
            return operation(pair[0][None], pair[1])[0]

        def backward(triple: Any) -> Any:
            sample, own_kernel, upstream = triple
            with tf.GradientTape() as tape:
                tape.watch([sample, own_kernel])
                result = forward((sample, own_kernel))
            return tuple(tape.gradient(result, [sample, own_kernel], upstream))

        def gradient(upstream: tf.Tensor) -> Any:
            specs = (tf.TensorSpec(x.shape[1:], x.dtype), tf.TensorSpec(kernel.shape[1:], kernel.dtype))
            return _map_samples(backward, (x, kernel, upstream), specs)

        return _map_samples(forward, (x, kernel), tf.TensorSpec(sample_shape, x.dtype)), gradient

    return tf.custom_gradient(run)(x, kernel)


def _map_samples(function: Callable[[Any], Any], tensors: tuple[tf.Tensor, ...], specs: Any) -> Any:
    """Do as `tf.map_fn`, which cannot stack the results of an empty batch whose sample shape is unknown."""
    batch = tf.shape(tensors[0])[0]
    filled = [
        tf.cond(batch > 0, lambda t=t: t, lambda t=t: tf.zeros(tf.concat([[1], tf.shape(t)[1:]], 0), t.dtype))
        for t in tensors
    ]
    mapped = tf.map_fn(function, tuple(filled), fn_output_signature=specs, parallel_iterations=OVERLAP)
    return tf.nest.map_structure(lambda t: t[:batch], mapped)
