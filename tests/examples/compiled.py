"""What the tests of the examples do with a compiled model: gradients by name, and a way through the SavedModel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

import specc

Array = NDArray[Any]


def random_batch(*shape: int, seed: int = 0) -> Array:
    """Standard normal numbers of float32."""
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def as_dense(kernel: Array) -> Array:
    """A Dense kernel `[in, units]`, also of a Dense that a mux selects from, which may hold it as `[of, in, size]`."""
    return kernel if kernel.ndim == 2 else np.concatenate(kernel, axis=-1)


def gradients(model: keras.Model, loss: Any) -> dict[str, Array]:
    """The gradient of `loss()` to each trained weight of a model, by path; zeros where there is none."""
    with tf.GradientTape() as tape:
        found = loss()
    weights = model.trainable_weights
    slopes = tape.gradient(found, [w.value for w in weights], unconnected_gradients="zero")
    return {w.path: tf.convert_to_tensor(slope).numpy() for w, slope in zip(weights, slopes, strict=True)}


def served(spec: str | Path, folder: Path, **options: Any) -> Any:
    """A spec as a SavedModel that has been loaded again."""
    specc.compile(spec, folder / "served", **options)
    return tf.saved_model.load(str(folder / "served"))
