"""Feature-wise linear modulation: each sample's question scales and shifts the channels of its own image."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

import specc
from tests.examples.cases import example, weights_of
from tests.examples.compiled import Array, random_batch


def answered_alone(weights: dict[str, Array], image: Array, question: Array) -> Array:
    """The answer to one question about one image, channel by channel."""
    seen = tf.nn.conv2d(image[None], weights["seen/kernel"], 1, "SAME")[0].numpy() + weights["seen/bias"]
    scale = question @ weights["scale/kernel"] + weights["scale/bias"]
    shift = question @ weights["shift/kernel"] + weights["shift/bias"]
    pooled = [np.maximum(scale[c] * seen[:, :, c] + shift[c], 0).mean() for c in range(len(scale))]
    scores = np.exp(pooled @ weights["answer/kernel"] + weights["answer/bias"])
    return np.asarray(scores / scores.sum())


def test_the_question_modulates_the_channels_of_its_own_image() -> None:
    # As many samples as rows, columns and channels: a batch axis that met one of them would not be noticed by its size.
    model = specc.build(example("film"), channels=16)
    image, question = random_batch(16, 16, 16, 3), random_batch(16, 20, seed=1)
    weights = weights_of(model)
    expected = [answered_alone(weights, *each) for each in zip(image, question, strict=True)]
    np.testing.assert_allclose(model({"image": image, "question": question})["answer"], expected, rtol=1e-4, atol=1e-6)
