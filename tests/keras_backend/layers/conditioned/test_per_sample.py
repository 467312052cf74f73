"""The loop over samples that has a gradient of its own."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from specc.keras_backend.layers.conditioned.per_sample import apply_per_sample

RANDOM = np.random.default_rng(0)


def convolve(x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    return tf.nn.conv2d(x, kernel, 2, "SAME")


def samples(batch: int) -> tuple[tf.Tensor, tf.Tensor]:
    x, kernel = RANDOM.normal(size=(batch, 5, 4, 2)), RANDOM.normal(size=(batch, 3, 3, 2, 3))
    return tf.constant(x, tf.float32), tf.constant(kernel, tf.float32)


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("batch", [0, 1, 3])
def test_rows_and_gradients_are_those_of_each_sample_alone(batch: int, known: bool) -> None:
    x, kernel = samples(batch)
    upstream = RANDOM.normal(size=(batch, 3, 2, 3)).astype("float32")
    free = tf.TensorSpec([None, None, None, 2])

    def run(x: tf.Tensor, kernel: tf.Tensor, upstream: tf.Tensor) -> tuple[tf.Tensor, ...]:
        with tf.GradientTape() as tape:
            tape.watch([x, kernel])
            y = apply_per_sample(convolve, x, kernel, (None, None, 3))
        return y, *tape.gradient(y, [x, kernel], upstream)

    signature = None if known else [free, tf.TensorSpec([None, 3, 3, 2, 3]), tf.TensorSpec([None, None, None, 3])]
    traced = tf.function(run, input_signature=signature)
    rows: tuple[list[tf.Tensor], ...] = ([], [], [])
    for i in range(batch):
        with tf.GradientTape() as tape:
            sample, own = x[i : i + 1], kernel[i]
            tape.watch([sample, own])
            y = convolve(sample, own)
        to_x, to_kernel = tape.gradient(y, [sample, own], upstream[i : i + 1])
        for row, value in zip(rows, (y[0], to_x[0], to_kernel), strict=True):
            row.append(value)
    shapes = [(0, 3, 2, 3), (0, 5, 4, 2), (0, 3, 3, 2, 3)]
    for function in (run, traced):
        for actual, row, shape in zip(function(x, kernel, upstream), rows, shapes, strict=True):
            expected = np.stack(row) if row else np.zeros(shape)
            # In an empty batch with unknown spatial axes there is no sample to read them from.
            assert actual.shape == expected.shape
            assert np.allclose(actual, expected, rtol=1e-5, atol=1e-5)


def test_the_gradient_has_a_gradient() -> None:
    x, kernel = samples(2)

    def penalty_slopes(x: tf.Tensor, kernel: tf.Tensor, plain: bool) -> Any:
        with tf.GradientTape() as outer:
            outer.watch([x, kernel])
            with tf.GradientTape() as inner:
                inner.watch(x)
                if plain:
                    y = tf.concat([convolve(x[i : i + 1], kernel[i]) for i in range(2)], 0)
                else:
                    y = apply_per_sample(convolve, x, kernel, (3, 2, 3))
                z = tf.reduce_sum(tf.square(y))
            penalty = tf.reduce_sum(tf.square(inner.gradient(z, x)))
        return outer.gradient(penalty, [x, kernel])

    traced = tf.function(penalty_slopes)
    for expected, actual in zip(traced(x, kernel, True), traced(x, kernel, False), strict=True):
        assert np.allclose(expected, actual, rtol=1e-4, atol=1e-3)


def test_it_compiles_with_xla() -> None:
    x, kernel = samples(3)

    def slopes(x: tf.Tensor, kernel: tf.Tensor) -> Any:
        with tf.GradientTape() as tape:
            tape.watch([x, kernel])
            y = apply_per_sample(convolve, x, kernel, (3, 2, 3))
        return tape.gradient(y, [x, kernel])

    with tf.GradientTape() as tape:
        tape.watch([x, kernel])
        y = tf.concat([convolve(x[i : i + 1], kernel[i]) for i in range(3)], 0)
    for expected, actual in zip(
        tape.gradient(y, [x, kernel]), tf.function(slopes, jit_compile=True)(x, kernel), strict=True
    ):
        assert np.allclose(expected, actual, rtol=1e-4, atol=1e-4)
