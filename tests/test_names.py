"""Names are the file's, and with the seed they decide how weights start: the same in every process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import combinations
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray

from specc import pipeline
from specc.source import Source

SPEC = """
block residual(width) {
  input x
  body = x -> Conv2D(width, 3, padding="same") -> BatchNormalization() -> Conv2D(width, 3, padding="same")
  output y = (x, body) -> Add() -> ReLU()
}

layer embed = Dense(4) -> LayerNormalization()

model encoder {
  input pixels: float32[6, 6, 2]
  output code = pixels -> Flatten() -> embed
}

model named {
  input image: float32[6, 6, 2]
  input digit: int32 in 0..3
  knob share = 0.3 in 0..1
  const shift = [1, 2]
  weight bank: float32[3, 3, 3, 2, 2]

  h = image -> Conv2D(2, 3, padding="same") -> BatchNormalization()
  twice = h -> Conv2D(2, 3, padding="same") -> Conv2D(2, 3, padding="same") -> Conv2D(2, 3, padding="same")
  stem = twice -> residual(2)
  tower = stem -> for i in 0..2 { residual(2) }
  near, far = tower -> gate(share)
  left, right = (near, far) -> Concatenate() -> [Conv2D(2, 1), Conv2D(2, 1) -> ReLU()]
  chosen = left + shift -> Conv2D(2, 3, padding="same", kernel=bank[digit])
  code = chosen -> encoder
  other = right -> Flatten() -> embed
  output score = (code, other) -> weighted_sum(share) -> Dense(1)
  output tilted = code
}
"""

RESIDUAL = ["body.conv2d", "body.batch_normalization", "body", "y.add", "y"]
NODES = [
    *["image", "digit", "share", "shift", "bank", "h.conv2d", "h", "twice.conv2d", "twice.conv2d_2", "twice"],
    *(f"{block}.{name}" for block in ("stem", "tower.residual", "tower") for name in RESIDUAL),
    *["near", "left.concatenate", "left", "right.conv2d", "right", "chosen.add", "chosen.select", "chosen"],
    *["code", "other.flatten", "other.dense", "other", "score.weighted_sum", "score"],
]
CONVOLUTION, VALUE = ["kernel", "bias"], ["value"]
NORMALIZATION = ["gamma", "beta", "moving_mean", "moving_variance"]
WEIGHTS_OF = {
    "h.conv2d": CONVOLUTION,
    "h": NORMALIZATION,
    **dict.fromkeys(["twice.conv2d", "twice.conv2d_2", "twice"], CONVOLUTION),
    **{
        f"{block}.{name}": NORMALIZATION if name == "body.batch_normalization" else CONVOLUTION
        for block in ("stem", "tower.residual", "tower")
        for name in RESIDUAL[:3]
    },
    **dict.fromkeys(["share", "shift", "bank"], VALUE),
    **dict.fromkeys(["left", "right.conv2d", "embed.dense", "score"], CONVOLUTION),
    "chosen": ["bias"],
    "embed": ["gamma", "beta"],
}

PROBE = """
import json, sys
from pathlib import Path
import tensorflow as tf
from specc import pipeline
from specc.source import Source

checked = pipeline.check(Source(Path(sys.argv[1]).read_text()))
models = pipeline.build(checked, list(checked.program.graphs), 7)
pipeline.export(models, Path(sys.argv[2]), "named", None)
signatures = tf.saved_model.load(sys.argv[2]).signatures
print(json.dumps({
    "nodes": {name: [node.name for node in found.graph] for name, found in checked.program.graphs.items()},
    "layers": {name: [layer.name for layer in model.layers] for name, model in models.items()},
    "weights": {name: [[w.path, w.numpy().tobytes().hex()] for w in model.weights] for name, model in models.items()},
    "signatures": {
        name: [sorted(found.structured_input_signature[1]), sorted(found.structured_outputs)]
        for name, found in signatures.items()
    },
}))
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What two processes with other hash seeds say of the names and weights of the spec."""
    folder = tmp_path_factory.mktemp("names")
    (folder / "spec.cnet").write_text(SPEC)
    probes = [
        subprocess.Popen(
            [sys.executable, "-c", PROBE, str(folder / "spec.cnet"), str(folder / f"served{seed}")],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in ("1", "2")
    ]
    printed = [probe.communicate()[0] for probe in probes]
    assert [probe.returncode for probe in probes] == [0, 0]
    return [json.loads(text.splitlines()[-1]) for text in printed]


def test_every_process_tells_the_same(told: list[dict[str, Any]]) -> None:
    assert told[0] == told[1]


def test_nodes_have_the_names_of_the_file(told: list[dict[str, Any]]) -> None:
    assert told[0]["nodes"]["named"] == NODES
    assert told[0]["nodes"]["encoder"] == ["pixels", "code.flatten", "code.dense", "code"]


def test_layers_have_the_names_of_the_nodes(told: list[dict[str, Any]]) -> None:
    shared = {"code": "encoder", "other.dense": "embed.dense", "other": "embed"}
    expected = sorted(shared.get(name, name) for name in NODES)
    assert sorted(told[0]["layers"]["named"]) == sorted([*expected, "digit.guard"])
    assert told[0]["layers"]["encoder"] == ["pixels", "code.flatten", "embed.dense", "embed"]


def test_weights_have_the_names_of_their_layers(told: list[dict[str, Any]]) -> None:
    paths = [path for path, _ in told[0]["weights"]["named"]]
    assert sorted(paths) == sorted(f"{layer}/{weight}" for layer, weights in WEIGHTS_OF.items() for weight in weights)


def test_signatures_have_the_names_of_models_inputs_and_outputs(told: list[dict[str, Any]]) -> None:
    named = [["digit", "image"], ["score", "tilted"]]
    expected = {
        "encoder": [["pixels"], ["code"]],
        "named": named,
        "serving_default": named,
        "set_knobs": [["share"], ["share"]],
    }
    assert told[0]["signatures"] == expected


# How weights start


def weights(spec: str, seed: int = 0) -> dict[str, NDArray[Any]]:
    """The weights that all models of a spec start with, by model and path."""
    checked = pipeline.check(Source(spec))
    assert not checked.findings.has_errors
    models = pipeline.build(checked, list(checked.program.graphs), seed)
    return {
        f"{name}: {weight.path}": weight.numpy() for name, model in models.items() for weight in model.trainable_weights
    }


def random_kernels(spec: str) -> list[NDArray[Any]]:
    """The weights that are drawn at random: all but zeros and ones."""
    return [value for value in weights(spec).values() if np.unique(value).size > 2]


def test_the_seed_decides_the_weights() -> None:
    first, again, other = weights(SPEC), weights(SPEC), weights(SPEC, seed=1)
    assert all(np.array_equal(first[name], again[name]) for name in first)
    for name, value in first.items():
        assert np.array_equal(value, other[name]) == (np.unique(value).size == 1), name


def test_drawing_of_others_does_not_change_the_weights() -> None:
    first = weights(SPEC)
    tf.random.set_seed(5)
    tf.random.uniform([3])
    assert all(np.array_equal(first[name], value) for name, value in weights(SPEC).items())


SAME_SHAPED = {
    "in one model": "model m { input x: float32[4] output y = x -> Dense(4) -> Dense(4) -> Dense(4) }",
    "in one block": "block b { input x output y = x -> Dense(4) -> Dense(4) }\n"
    "model m { input x: float32[4] output y = x -> b() -> b() }",
    "in two models": "model m { input x: float32[4] output y = x -> Dense(4) }\n"
    "model n { input x: float32[4] output y = x -> Dense(4) }",
    "side by side": "model m { input x: float32[4] a, b = x -> [Dense(4), Dense(4)] output y = (a, b) -> Add() }",
    "shared and not": "layer h = Dense(4)\nmodel m { input x: float32[4] h2 = x -> h output y = h2 -> Dense(4) }",
    "declared": "model m { input x: float32[4] weight v: float32[4] = RandomNormal() "
    "weight w: float32[4] = RandomNormal() output y = v * x + w }",
    "in Bidirectional": "model m { input x: float32[5, 4] output y = x -> Bidirectional(LSTM(4)) }",
    "in MultiHeadAttention": "model m { input x: float32[5, 4] output y = (x, x) -> MultiHeadAttention(2, 2) }",
}


@pytest.mark.parametrize("spec", SAME_SHAPED.values(), ids=SAME_SHAPED)
def test_weights_of_one_shape_do_not_start_alike(spec: str) -> None:
    drawn = random_kernels(spec)
    pairs = [(one, two) for one, two in combinations(drawn, 2) if one.shape == two.shape]
    assert pairs
    for one, two in pairs:
        assert not np.isin(one, two).any()


def test_a_layer_elsewhere_does_not_change_the_weights() -> None:
    longer = SPEC.replace("  near, far", "  extra = tower -> Conv2D(2, 3)\n  near, far")
    longer = longer.replace("  output tilted", "  output dropped = extra -> Dropout(0.5) -> Flatten()\n  output tilted")
    before, after = weights(SPEC), weights(longer)
    added = {"named: extra/kernel", "named: extra/bias"}
    assert after.keys() - before.keys() == added
    assert all(np.array_equal(before[name], after[name]) for name in before)
