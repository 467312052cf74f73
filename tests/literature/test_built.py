"""The nets of the literature that nobody has counted: they run, and keep the laws that they are known for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import specc
from specc import pipeline
from specc.graph.files import read
from specc.graph.model import ModelCall
from specc.types import Dim, SymbolicDim
from tests.examples.cases import FREE_SIZE, random_inputs, rng
from tests.literature.files import COUNTS, FILES, spec
from tests.std.reference import convolution

pytestmark = pytest.mark.slow

UNCOUNTED = [file for file in FILES if file.stem not in {name for name, _ in COUNTS}]


@pytest.mark.parametrize("file", UNCOUNTED, ids=lambda file: file.stem)
def test_a_net_runs_and_has_the_shapes_that_are_proven(file: Path) -> None:
    graphs = pipeline.check(read(file, file.name)).program.graphs
    actions = [node.action for checked in graphs.values() for node in checked.graph]
    parts = {id(action.graph) for action in actions if isinstance(action, ModelCall)}
    for name, checked in graphs.items():
        if id(checked.graph) in parts:
            continue
        found = specc.build(file, name)(random_inputs(checked, batch=2))
        for output, end in checked.graph.outputs.items():
            assert found[output].shape == (2, *map(at_run_time, checked.type(end.tensor).shape or ()))
            assert np.isfinite(found[output]).all()


def at_run_time(size: Dim) -> Dim:
    """A proven size once every symbol stands for the size that random inputs have there."""
    return size.substitute(dict.fromkeys(size.symbols(), FREE_SIZE)) if isinstance(size, SymbolicDim) else size


def test_wavenet_hears_nothing_of_the_future_and_3071_samples_of_the_past() -> None:
    model = specc.build(spec("wavenet"))
    sound = rng().integers(0, 256, (1, 3_200))
    other = sound.copy()
    other[0, 50] = (sound[0, 50] + 1) % 256
    before, after = (np.asarray(model({"sound": each.astype("int32")})["next"])[0] for each in (sound, other))
    (changed,) = np.nonzero((before != after).any(-1))
    assert changed[0] == 50 and changed[-1] <= 50 + 3_070
    assert len(changed) > 1_000


def test_the_siamese_tracker_correlates_what_one_network_makes_of_both() -> None:
    tracker = specc.build(spec("siamese_tracker"))
    draw = rng()
    exemplar, search = (draw.normal(size=(2, side, side, 3)).astype("float32") for side in (127, 255))
    embedding = tracker.get_layer("embedding")
    kernels, features = (np.asarray(embedding({"image": each})["features"]) for each in (exemplar, search))
    assert kernels.shape == (2, 6, 6, 128)
    found = tracker({"exemplar": exemplar, "search": search})["score"]
    alone = [convolution(features[[i]], kernels[i, ..., None]) for i in range(2)]
    np.testing.assert_allclose(found, np.concatenate(alone), rtol=1e-4, atol=1e-4 * float(np.abs(alone).max()))
