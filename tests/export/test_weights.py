"""Weights that were trained in one form of a model are the same weights in every other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from specc import pipeline
from specc.export.keras_file import export_keras_file
from specc.export.weights import UnfitWeightsError, load_weights
from specc.forms import Form
from specc.keras_backend.model import SpecModel
from specc.source import Source

BRANCHES = """
model encoder {
  input x: float32[6]
  output y = x -> Dense(6, activation="relu") -> Dense(6)
}

block recurrent {
  input x
  output y = x -> Reshape([3, 2]) -> GRU(4) -> Dense(6)
}

block other(size) {
  input x
  output y = x -> Dense(size, use_bias=false) -> BatchNormalization() -> relu -> Dense(6)
}

layer common = Dense(6)

model m {
  input x: float32[6]
  input task: int32 in 0..4
  input row: int32 in 0..3
  weight bank: float32[3, 6, 6]
  first = x -> common
  chosen = first -> [recurrent, other(5), other(7), encoder] -> mux(task)
  conditioned = chosen -> Dense(6, kernel=bank[row])
  output y = (conditioned, x -> common) -> add
}
"""
# The branches have no weights and are deep: in the plain form they change the order of the layers beside them.
DEPTHS = """
block deep { input x  output y = x -> relu -> tanh -> relu -> tanh -> relu }
block flat { input x  output y = x -> tanh }

model m {
  input x: float32[6]
  input task: int32 in 0..2
  a = x -> Dense(6)
  b = x -> Dense(6) -> relu -> tanh -> relu
  output y = (a -> [deep, flat] -> mux(task), b) -> subtract
}
"""
GROUPS = """
model m {
  input x: float32[6]
  input task: int32 in 0..4
  output y = x -> Dense(6) -> Dense(8, activation="relu") -> mux(task, of=4)
}
"""
SPECS = {"branches": BRANCHES, "depths": DEPTHS, "groups": GROUPS}


def built(text: str, form: Form, seed: int) -> SpecModel:
    checked = pipeline.check(Source(text))
    assert not checked.findings.in_order(), checked.findings.in_order()
    return pipeline.build(checked, ["m"], seed, form)["m"]


def given(model: SpecModel) -> dict[str, Any]:
    drawn = {"x": np.random.default_rng(0).normal(size=(12, 6)).astype("float32")}
    counted = {name: np.arange(12, dtype="int32") % 2 for name in ("task", "row") if name in model.input}
    return {**drawn, **counted}


def saved(model: SpecModel, file: Path) -> Path:
    if file.suffix == ".keras":
        export_keras_file(model, file)
    else:
        model.save_weights(file)
    return file


@pytest.mark.parametrize("suffix", [".keras", ".weights.h5"])
@pytest.mark.parametrize("into", Form)
@pytest.mark.parametrize("out_of", [Form.ROUTED, Form.PLAIN])
@pytest.mark.parametrize("spec", SPECS)
def test_weights_of_one_form_are_those_of_every_other(
    spec: str, out_of: Form, into: Form, suffix: str, tmp_path: Path
) -> None:
    trained, model = built(SPECS[spec], out_of, seed=1), built(SPECS[spec], into, seed=2)
    x = given(model)
    expected, before = np.asarray(trained(x)["y"]), np.asarray(model(x)["y"])
    assert not np.allclose(before, expected, atol=1e-2)
    load_weights(model, saved(trained, tmp_path / f"w{suffix}"), into, lambda form: built(SPECS[spec], form, seed=3))
    np.testing.assert_allclose(np.asarray(model(x)["y"]), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("into", Form)
def test_weights_of_another_model_are_refused(into: Form, tmp_path: Path) -> None:
    model = built(BRANCHES, into, seed=1)
    file = saved(built(GROUPS, Form.ROUTED, seed=1), tmp_path / "w.weights.h5")
    with pytest.raises(UnfitWeightsError, match="do not fit this model"):
        load_weights(model, file, into, lambda form: built(BRANCHES, form, seed=1))


def test_what_is_no_file_of_weights_is_refused(tmp_path: Path) -> None:
    (tmp_path / "w.weights.h5").write_bytes(b"nothing of the sort")
    model = built(GROUPS, Form.ROUTED, seed=1)
    with pytest.raises(UnfitWeightsError, match="is no file of weights"):
        load_weights(model, tmp_path / "w.weights.h5", Form.ROUTED, lambda form: model)
