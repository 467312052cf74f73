"""Convolutions with a kernel for each class, by hand."""

from __future__ import annotations

import keras
from keras import layers


def ordinary_convolution(side: int, channels: int, filters: int) -> keras.Model:
    """One kernel for all samples."""
    image = keras.Input([side, side, channels])
    return keras.Model(image, layers.Conv2D(filters, 3, padding="same")(image))


def convolutions_by_class(side: int, channels: int, filters: int, classes: int) -> keras.Model:
    """A convolution for each class, all computed; the label's one-hot code picks one."""
    image = keras.Input([side, side, channels])
    label = keras.Input([], dtype="int32")
    code = keras.ops.one_hot(label, classes)
    masked = [
        layers.Conv2D(filters, 3, padding="same")(image) * keras.ops.reshape(code[:, place], [-1, 1, 1, 1])
        for place in range(classes)
    ]
    return keras.Model([image, label], layers.Add()(masked))


def ordinary_layer(layer: keras.layers.Layer, shape: tuple[int, ...]) -> keras.Model:
    """A layer with a kernel of its own."""
    x = keras.Input(shape)
    return keras.Model(x, layer(x))
