"""The nets of the literature that nobody has counted: each takes a step of training, and what is served is what Keras
gives behind it.

All SavedModels are served by one process that has neither specc nor Keras. A random layer keeps its state in the
SavedModel, so that even its first draws agree: both sides call the models in the same order, each once.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest

from specc import pipeline
from specc.api import source_of
from specc.graph.infer import CheckedGraph
from specc.graph.model import ModelCall
from tests.examples.cases import Arrays, random_inputs, rng, weights_of
from tests.examples.test_served import SERVE
from tests.literature.files import COUNTS, FILES

pytestmark = pytest.mark.slow

BATCH = 2
UNCOUNTED: Final = [file for file in FILES if file.stem not in {name for name, _ in COUNTS}]
SMALL: Final[Mapping[str, Mapping[str, int]]] = {
    "attention_unet": {"width": 4},
    "condconv": {"experts": 3},
    "film_resnet": {"filters": 8, "units": 16},
}
"""Smaller than published, where a net has parameters that say so."""


@dataclass(frozen=True)
class Trained:
    """What one step of training has done to a model."""

    loss: float
    before: Arrays
    after: Arrays


@dataclass(frozen=True)
class Served:
    """What the Keras models and what the SavedModel of a net answer, by signature and output."""

    steps: Mapping[str, Trained]
    expected: Arrays
    found: Arrays


def inputs_of(name: str, checked: CheckedGraph, seed: int) -> Arrays:
    """A batch for a model; the tracker's embedding takes images of any size that its kernels fit into."""
    if name == "embedding":
        return {"image": rng(seed).normal(size=(BATCH, 127, 127, 3)).astype("float32")}
    return random_inputs(checked, BATCH, seed)


def step(model: Any, inputs: Arrays) -> Trained:
    """One step on random targets; a net that does not say how it is trained descends a squared error."""
    draw = rng(1)
    targets = {name: draw.uniform(size=output.shape).astype("float32") for name, output in model(inputs).items()}
    if not model.compiled:
        model.compile("sgd", dict.fromkeys(targets, "mse"))
    # Tracing takes longer than one step. Only what is traced gives an expert that is not chosen a gradient of zeros.
    model.run_eagerly = model.name != "switch"
    before = weights_of(model)
    loss = np.asarray(model.train_on_batch(inputs, targets)).ravel()[0]
    return Trained(float(loss), before, weights_of(model))


def trained_and_exported(file: Path, out: Path) -> tuple[dict[str, Trained], Arrays]:
    """Write the SavedModel of trained models and the inputs of each call; the steps, and what the models answer."""
    checked = pipeline.check(source_of(file), SMALL.get(file.stem, {}))
    graphs = checked.program.graphs
    models = pipeline.build(checked, list(graphs), 0)
    actions = [node.action for graph in graphs.values() for node in graph.graph]
    parts = {id(action.graph) for action in actions if isinstance(action, ModelCall)}
    wholes = [name for name, graph in graphs.items() if id(graph.graph) not in parts]
    steps = {name: step(models[name], inputs_of(name, graphs[name], 0)) for name in wholes}
    pipeline.export(models, out, list(models)[-1], None)
    given: dict[str, Any] = {}
    expected: Arrays = {}
    for place, name in enumerate(models):
        # The number keeps the order of the calls through the file.
        call = f"{place:02}:{name}"
        inputs = inputs_of(name, graphs[name], seed=place + 1)
        given |= {f"{call}/{key}": array for key, array in inputs.items()}
        outputs = models[name](inputs, training=False)
        expected |= {f"{call}/{key}": np.asarray(output) for key, output in outputs.items()}
    np.savez(out.with_suffix(".given.npz"), **given)
    return steps, expected


@pytest.fixture(scope="module")
def nets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Served]:
    folder = tmp_path_factory.mktemp("served")
    made = {file.stem: trained_and_exported(file, folder / file.stem) for file in UNCOUNTED}
    command = [sys.executable, "-I", "-c", SERVE, str(folder)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return {
        name: Served(steps, expected, dict(np.load(folder / f"{name}.served.npz")))
        for name, (steps, expected) in made.items()
    }


@pytest.mark.parametrize("name", [file.stem for file in UNCOUNTED])
def test_a_step_of_training_moves_every_weight_that_is_used(nets: dict[str, Served], name: str) -> None:
    assert nets[name].steps
    for model, trained in nets[name].steps.items():
        assert np.isfinite(trained.loss) and trained.loss > 0
        assert all(np.isfinite(weight).all() for weight in trained.after.values())
        still = {path for path, weight in trained.after.items() if np.array_equal(weight, trained.before[path])}
        experts = {path.removesuffix("/kernel").removesuffix("/bias").removesuffix(".dense") for path in still}
        if model == "switch":
            # Each sample takes one of eight experts, and moves all four weights of it.
            assert all(".chosen.expert" in path for path in still)
            assert 8 - BATCH <= len(experts) < 8 and len(still) == 4 * len(experts)
        else:
            assert not still


@pytest.mark.parametrize("name", [file.stem for file in UNCOUNTED])
def test_a_bare_process_serves_what_keras_gives(nets: dict[str, Served], name: str) -> None:
    expected, found = nets[name].expected, nets[name].found
    assert found.keys() == expected.keys()
    for key, output in expected.items():
        np.testing.assert_allclose(found[key], output, rtol=1e-4, atol=1e-6, err_msg=key)
        assert np.isfinite(output).all() and len(np.unique(output)) > 1
