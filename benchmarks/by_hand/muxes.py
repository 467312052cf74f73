"""Multiplexers by hand: everything is computed, then one part of it is taken."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers


def one_group(width: int, units: int) -> keras.Model:
    """The Dense of one group, on every sample."""
    x = keras.Input([width])
    return keras.Model(x, layers.Dense(units)(x))


def all_groups_then_gather(width: int, groups: int, units: int) -> keras.Model:
    """All groups for every sample, and the one that the control asks for."""
    x = keras.Input([width])
    control = keras.Input([], dtype="int32")
    every = layers.Reshape([groups, units])(layers.Dense(groups * units)(x))
    index = keras.ops.reshape(control, [-1, 1, 1])
    picked = keras.ops.take_along_axis(every, index, axis=1)
    return keras.Model([x, control], keras.ops.squeeze(picked, axis=1))


def branch(image: Any) -> Any:
    """One convolutional network."""
    hidden = layers.Conv2D(32, 3, padding="same", activation="relu")(image)
    hidden = layers.Conv2D(64, 3, strides=2, padding="same", activation="relu")(hidden)
    return layers.Dense(10)(layers.GlobalAveragePooling2D()(hidden))


def one_branch() -> keras.Model:
    """One such network, on every sample."""
    image = keras.Input([28, 28, 3])
    return keras.Model(image, branch(image))
