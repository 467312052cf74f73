"""A loss that the graph computes."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from specc.keras_backend.layers import LossTerm, Weight


@pytest.mark.parametrize("shape", [(4,), (1,), (0,), (3, 2), (0, 2), ()])
def test_the_loss_is_the_mean_and_0_for_an_empty_batch(shape: tuple[int, ...]) -> None:
    term = np.random.default_rng(0).normal(size=shape).astype("float32")
    output = tf.ones([2, 3])
    layer = LossTerm()
    assert np.array_equal(layer([output, tf.constant(term)]), output)
    assert np.allclose(layer.losses, [term.mean() if term.size else 0.0], rtol=1e-6)


def test_half_precision_does_not_overflow_the_sum() -> None:
    layer = LossTerm(dtype="mixed_float16")
    output = layer([tf.ones([2]), tf.fill([4, 4], tf.constant(60000, tf.float16))])
    assert output.dtype == "float32"
    assert float(layer.losses[0]) == 60000


def test_fit_minimizes_the_term(reload: Callable[..., Any]) -> None:
    x = keras.Input((2,))
    weight = Weight((3,), "ones")
    model = keras.Model(x, LossTerm()([x, weight(x)]))
    model.compile(keras.optimizers.SGD(0.3))
    history = model.fit(np.ones((4, 2)), np.ones((4, 2)), verbose=0).history["loss"]
    assert np.allclose(history, [1.0])
    assert np.allclose(weight.value, np.full(3, 1 - 0.3 / 3), rtol=1e-6)
    again = reload(model)
    again(np.ones((1, 2)))
    assert np.allclose(again.losses, [0.9], rtol=1e-6)


def test_the_output_keeps_its_mask() -> None:
    tokens = keras.Input((3,), dtype="int32")
    embedded = keras.layers.Embedding(4, 2, mask_zero=True)(tokens)
    assert LossTerm()([embedded, tokens])._keras_mask is embedded._keras_mask
