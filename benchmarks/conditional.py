"""What is conditioned for each sample: kernels that are chosen, generated or mixed, and multiplexers.

Both sides of a case get the same tensors, but for the label or the control, which only ours and what people write
today take. Labels and controls are drawn evenly.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import tensorflow as tf
from keras import layers

import specc
from benchmarks.by_hand import kernels, muxes
from benchmarks.measuring import ROOT, Figure
from benchmarks.steps import Case, Fed, compiled_steps, figures

SPECS = ROOT / "benchmarks" / "specs"
PHASES = ("forward", "forward + backward")
SECONDS = 4.0
CONVOLUTION = "Conv2D 3x3, B 32, 28x28, 32→64"


def measured() -> Iterator[Figure]:
    """Every case of this file, one after the other."""
    for case in (*_kernels(), *_groups(), _branches(), *_other_layers()):
        yield from figures(case, PHASES, compiled_steps, SECONDS)


def _kernels() -> Iterator[Case]:
    image = _normal(32, 28, 28, 32)

    def ordinary() -> Fed:
        return Fed(kernels.ordinary_convolution(28, 32, 64), image)

    def per_class(classes: int) -> Fed:
        model = specc.build(SPECS / "kernels.cnet", "per_class", classes=classes)
        return Fed(model, {"image": image, "label": _drawn(32, classes)})

    def by_hand() -> Fed:
        return Fed(kernels.convolutions_by_class(28, 32, 64, 10), [image, _drawn(32, 10)])

    def generated() -> Fed:
        return _ours("kernels.cnet", "generated", {"image": image, "kernel": _normal(32, 3, 3, 32, 64)})

    def mixed() -> Fed:
        return _ours("kernels.cnet", "mixed", {"image": image, "routing": tf.nn.softmax(_normal(32, 8))})

    of_ten = f"kernel=bank[label], K 10; {CONVOLUTION}"
    plain = "one ordinary Conv2D"
    yield _case(of_ten, plain, lambda: per_class(10), ordinary, 1.5, 2.0)
    yield _case("the same, K 100", "its own K 10", lambda: per_class(100), lambda: per_class(10), 1.2, 1.3)
    yield _case("the same, K 10", "ten convolutions x one-hot, summed", lambda: per_class(10), by_hand, 0.2, 0.2)
    yield _case("kernel=k, one for each sample; the same convolution", plain, generated, ordinary, 2.0, 2.5)
    yield _case("kernel=mix(bank, routing), K 8; the same convolution", plain, mixed, ordinary, 2.2, 3.0)


def _groups() -> Iterator[Case]:
    def routed(batch: int, of: int, units: int) -> Fed:
        model = specc.build(SPECS / "muxes.cnet", "groups", of=of, units=units)
        return Fed(model, {"x": _normal(batch, 512), "control": _drawn(batch, of)})

    def one_group(batch: int, units: int) -> Fed:
        return Fed(muxes.one_group(512, units), _normal(batch, 512))

    def all_groups(batch: int, of: int, units: int) -> Fed:
        return Fed(muxes.all_groups_then_gather(512, of, units), [_normal(batch, 512), _drawn(batch, of)])

    small, large = (256, 16, 256), (1024, 64, 128)
    name = "Dense → mux, B {}, 512 → {} x {}"
    everything = "all groups, reshape, gather"
    yield _case(name.format(*small), "one group's Dense", lambda: routed(*small), lambda: one_group(256, 256), 1.3, 1.5)
    yield _case("the same", everything, lambda: routed(*small), lambda: all_groups(*small), 0.35, 0.4)
    yield _case(name.format(*large), everything, lambda: routed(*large), lambda: all_groups(*large), 0.15, 0.3)


def _branches() -> Case:
    image = _normal(64, 28, 28, 3)

    def routed() -> Fed:
        return _ours("muxes.cnet", "branches", {"image": image, "control": _drawn(64, 8)})

    def alone() -> Fed:
        return Fed(muxes.one_branch(), image)

    what = "mux over 8 convolutional networks, B 64, 28x28"
    return _case(what, "one of them on the whole batch", routed, alone, 1.5, 2.0)


def _other_layers() -> Iterator[Case]:
    """The other layers that take a kernel: none costs three times its ordinary self."""
    for model, layer, x, kernel in (
        ("conv1d", layers.Conv1D(64, 3, padding="same"), (256, 32), (3, 32, 64)),
        ("conv3d", layers.Conv3D(32, 3, padding="same"), (12, 12, 12, 16), (3, 3, 3, 16, 32)),
        ("transposed", layers.Conv2DTranspose(32, 3, strides=2, padding="same"), (14, 14, 64), (3, 3, 32, 64)),
        ("depthwise", layers.DepthwiseConv2D(3, padding="same"), (28, 28, 64), (3, 3, 64, 1)),
        ("dense", layers.Dense(128), (64, 128), (128, 128)),
    ):
        inputs = {"x": _normal(32, *x), "kernel": _normal(32, *kernel)}
        yield _case(
            f"kernel=k: {type(layer).__name__}, B 32, {'x'.join(map(str, x))}, k {'x'.join(map(str, kernel))}",
            f"the ordinary {type(layer).__name__}",
            lambda model=model, inputs=inputs: _ours("kernels.cnet", model, inputs),
            lambda layer=layer, x=x, inputs=inputs: Fed(kernels.ordinary_layer(layer, x), inputs["x"]),
            3.0,
            3.0,
        )


def _case(what: str, against: str, ours: Any, theirs: Any, forward: float, backward: float) -> Case:
    return Case(what=what, against=against, ours=ours, theirs=theirs, forward=forward, backward=backward)


def _ours(file: str, model: str, inputs: dict[str, Any]) -> Fed:
    return Fed(specc.build(SPECS / file, model), inputs)


def _normal(*shape: int) -> Any:
    return tf.random.stateless_normal(shape, seed=(0, 1))


def _drawn(batch: int, below: int) -> Any:
    return tf.random.stateless_uniform([batch], seed=(0, 2), maxval=below, dtype=tf.int32)
