"""Gates, splits, merges and two networks of the literature, by hand."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers


def gated() -> keras.Model:
    """A sigmoid gate over channels; what it holds back skips a layer."""
    image = keras.Input([28, 28, 16])
    value = layers.Conv2D(32, 3, padding="same", activation="relu")(image)
    gate = layers.Conv2D(32, 3, padding="same", activation="sigmoid")(image)
    near = gate * value
    far = value - near
    deep = layers.Conv2D(32, 3, padding="same", activation="relu")(near)
    return keras.Model(image, layers.Concatenate()([deep, far]))


def split() -> keras.Model:
    """A part of the channels goes through a layer, the rest skips it."""
    image = keras.Input([28, 28, 16])
    value = layers.Conv2D(32, 3, padding="same", activation="relu")(image)
    near, skip = keras.ops.split(value, [24], axis=-1)
    deep = layers.Conv2D(24, 3, padding="same", activation="relu")(near)
    return keras.Model(image, layers.Concatenate()([deep, skip]))


def weighted_sum() -> keras.Model:
    """Two convolutions, added in parts of 0.1 and 0.9."""
    image = keras.Input([28, 28, 16])
    left = layers.Conv2D(32, 3, padding="same", activation="relu")(image)
    right = layers.Conv2D(32, 3, padding="same", activation="relu")(image)
    return keras.Model(image, 0.1 * left + 0.9 * right)


def resnet_20() -> keras.Model:
    """He et al. 2015 (arXiv:1512.03385, section 4.2), with 1 x 1 shortcuts."""
    image = keras.Input([32, 32, 3])
    hidden = layers.ReLU()(_normalized(image, 16, 3, 1))
    for stage in range(3):
        for number in range(3):
            stride = 2 if stage > 0 and number == 0 else 1
            hidden = _residual(hidden, 16 * 2**stage, stride)
    pooled = layers.GlobalAveragePooling2D()(hidden)
    return keras.Model(image, layers.Dense(10, activation="softmax")(pooled))


def _normalized(x: Any, filters: int, size: int, stride: int) -> Any:
    convolved = layers.Conv2D(filters, size, strides=stride, padding="same", use_bias=False)(x)
    return layers.BatchNormalization()(convolved)


def _residual(x: Any, filters: int, stride: int) -> Any:
    inner = layers.ReLU()(_normalized(x, filters, 3, stride))
    inner = _normalized(inner, filters, 3, 1)
    shortcut = x if stride == 1 and x.shape[-1] == filters else _normalized(x, filters, 1, stride)
    return layers.ReLU()(layers.Add()([inner, shortcut]))


def unet(side: int, filters: int, depth: int) -> keras.Model:
    """Ronneberger et al. 2015 (arXiv:1505.04597), padded and with batch normalization."""
    image = keras.Input([side, side, 3])
    hidden = image
    skips = []
    for level in range(depth):
        hidden = _twice(hidden, filters * 2**level)
        skips.append(hidden)
        hidden = layers.MaxPooling2D(2)(hidden)
    hidden = _twice(hidden, filters * 2**depth)
    for level in reversed(range(depth)):
        up = layers.Conv2DTranspose(filters * 2**level, 2, strides=2)(hidden)
        hidden = _twice(layers.Concatenate()([up, skips[level]]), filters * 2**level)
    return keras.Model(image, layers.Conv2D(1, 1, activation="sigmoid")(hidden))


def _twice(x: Any, filters: int) -> Any:
    for _ in range(2):
        x = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(filters, 3, padding="same")(x)))
    return x
