"""The script that people write to get a SavedModel: `python -m benchmarks.by_hand.exports NETWORK OUT`."""

from __future__ import annotations

import sys

import keras
from keras import layers


def gated_skip() -> keras.Model:
    """`examples/gated_skip.cnet`."""
    image = keras.Input([28, 28, 1], name="image")
    value = layers.Conv2D(16, 3, padding="same", activation="relu")(image)
    gate = layers.Conv2D(16, 3, padding="same", activation="sigmoid")(image)
    near = gate * value
    far = value - near
    deep = layers.Conv2D(16, 3, padding="same", activation="relu")(near)
    pooled = layers.GlobalAveragePooling2D()(layers.Concatenate()([deep, far]))
    probs = layers.Dense(10, activation="softmax", name="probs")(pooled)
    return keras.Model({"image": image}, {"probs": probs})


def resnet_50() -> keras.Model:
    """The model of `keras.applications`."""
    return keras.applications.ResNet50(weights=None)


def chain(length: int) -> keras.Model:
    """`benchmarks/specs/chain.cnet`."""
    x = keras.Input([64], name="x")
    hidden = x
    for _ in range(length):
        hidden = layers.Dense(64, activation="relu")(hidden)
    return keras.Model({"x": x}, {"y": hidden})


def main(network: str, out: str) -> None:
    """Build a network, or a chain if its length is given, and export it as Keras does."""
    if network.isdigit():
        # Keras follows a functional model by recursion.
        sys.setrecursionlimit(100_000)
        model = chain(int(network))
    else:
        model = {"gated_skip": gated_skip, "resnet_50": resnet_50}[network]()
    model.export(out, verbose=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
