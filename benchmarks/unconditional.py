"""What must cost nothing: gates, splits, merges and whole networks beside the same network by hand.

What is timed are Keras' own steps on one batch, as `predict` and `fit` repeat them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import keras
import tensorflow as tf

import specc
from benchmarks.by_hand import networks
from benchmarks.measuring import ROOT, Figure
from benchmarks.steps import Case, Fed, figures, keras_steps

SPEC = ROOT / "benchmarks" / "specs" / "networks.cnet"
PHASES = ("predict step", "fit step")
SECONDS = 10.0
ROUNDS = 3
WANTED = 1.03


def measured() -> Iterator[Figure]:
    """Every case of this file, one after the other."""
    for case in _cases():
        yield from figures(case, PHASES, keras_steps, SECONDS, ROUNDS)


def _cases() -> Iterator[Case]:
    channels, colours = (28, 28, 16), (32, 32, 3)
    yield _case("gate(g), B 32, 28x28, 32 channels", "gated", networks.gated, channels)
    yield _case("split([24, 8]), the same size", "split_channels", networks.split, channels)
    yield _case("weighted_sum(0.1), the same size", "summed", networks.weighted_sum, channels)
    yield _case("ResNet-20, B 32, 32x32", "resnet_20", networks.resnet_20, colours)
    unet = partial(networks.unet, side=64, filters=16, depth=3)
    yield _case("U-Net of depth 3, B 4, 64x64, 16 to 128 filters", "unet", unet, (64, 64, 3), batch=4)


def _case(what: str, model: str, by_hand: Callable[[], keras.Model], shape: tuple[int, ...], batch: int = 32) -> Case:
    image: Any = tf.random.stateless_normal([batch, *shape], seed=(0, 1)).numpy()
    return Case(
        what=what,
        against="the same by hand",
        ours=lambda: Fed(specc.build(SPEC, model), {"image": image}),
        theirs=lambda: Fed(by_hand(), image),
        forward=WANTED,
        backward=WANTED,
    )
