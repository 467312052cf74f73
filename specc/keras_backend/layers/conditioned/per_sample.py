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
        def forward(place: tf.Tensor, x: tf.Tensor, kernel: tf.Tensor) -> Any:
            return (operation(_one(x, place), kernel[place]),)

        def backward(place: tf.Tensor, x: tf.Tensor, kernel: tf.Tensor, upstream: tf.Tensor) -> Any:
            sample, own_kernel = _one(x, place), kernel[place]
            with tf.GradientTape() as tape:
                tape.watch([sample, own_kernel])
                result = operation(sample, own_kernel)
            to_sample, to_kernel = tape.gradient(result, [sample, own_kernel], _one(upstream, place))
            return to_sample, to_kernel[None]

        def gradient(upstream: tf.Tensor) -> Any:
            specs = [tf.TensorSpec(x.shape[1:], x.dtype), tf.TensorSpec(kernel.shape[1:], kernel.dtype)]
            return tuple(_each_sample(backward, [x, kernel, upstream], specs))

        (result,) = _each_sample(forward, [x, kernel], [tf.TensorSpec(sample_shape, x.dtype)])
        return result, gradient

    return tf.custom_gradient(run)(x, kernel)


def _one(x: tf.Tensor, place: tf.Tensor) -> tf.Tensor:
    """Return a batch of one, in an operation that tells XLA as much."""
    rest = len(x.shape) - 1
    return tf.slice(x, tf.stack([place, *[0] * rest]), [1, *[-1] * rest])


def _each_sample(
    step: Callable[..., tuple[tf.Tensor, ...]], tensors: Sequence[tf.Tensor], specs: Sequence[tf.TensorSpec]
) -> list[tf.Tensor]:
    """Join what a step gives for each sample.

    Args:
        step: maps the place of a sample and the tensors to its results, each a batch of one.
        tensors: `[B, ...]`.
        specs: of the results, for one sample.
    """
    batch = tf.shape(tensors[0])[0]
    known = all(spec.shape.is_fully_defined() for spec in specs)
    # The results of no sample at all can not be joined if their shape is unknown.
    count = batch if known else tf.maximum(batch, 1)
    if not known:
        tensors = [
            tf.cond(batch > 0, lambda t=t: t, lambda t=t: tf.zeros(tf.concat([[1], tf.shape(t)[1:]], 0), t.dtype))
            for t in tensors
        ]

    def once(place: tf.Tensor, arrays: Sequence[tf.TensorArray]) -> Any:
        results = step(place, *tensors)
        return place + 1, [array.write(place, result) for array, result in zip(arrays, results, strict=True)]

    arrays = [tf.TensorArray(spec.dtype, count, element_shape=[1, *spec.shape]) for spec in specs]
    _, arrays = tf.while_loop(
        lambda place, _: place < count, once, (0, arrays), parallel_iterations=OVERLAP, maximum_iterations=count
    )
    joined = [tf.squeeze(array.stack(), 1) for array in arrays]
    return joined if known else [tensor[:batch] for tensor in joined]
