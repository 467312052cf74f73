"""Names of knobs, inputs and models in a SavedModel: kept where they can be, told apart, or refused with a reason."""

from __future__ import annotations

from pathlib import Path

import keras
import pytest
import tensorflow as tf

from specc.export.atomic import UnsafeTargetError
from specc.export.saved_model import export_saved_model
from specc.keras_backend.layers.sources import Knob
from specc.keras_backend.model import SpecModel


def knob_model(name: str, *knobs: Knob) -> SpecModel:
    x = keras.Input((), name="x")
    return SpecModel({"x": x}, {"y": sum((knob(x) for knob in knobs), start=x)}, name=name)


def test_knobs_are_set_all_or_none(tmp_path: Path) -> None:
    model = knob_model("m", Knob(1.0, name="free"), Knob(1.0, low=0.5, name="low"), Knob(1.0, high=2.0, name="high"))
    export_saved_model({"m": model}, tmp_path / "saved", serving="m")
    loaded = tf.saved_model.load(str(tmp_path / "saved"))
    set_knobs = loaded.set_knobs
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"knob `high` cannot be 9: it is outside \.\.2"):
        set_knobs(free=5.0, low=0.5, high=9.0)
    assert {name: value.numpy() for name, value in set_knobs().items()} == {"free": 1.0, "low": 1.0, "high": 1.0}
    assert {name: value.numpy() for name, value in set_knobs(free=-7.0, low=0.5).items()} == {
        "free": -7.0,
        "low": 0.5,
        "high": 1.0,
    }


def test_knobs_of_one_name_are_told_apart(tmp_path: Path) -> None:
    shared = Knob(0.75, name="s")
    models = {
        name: knob_model(name, Knob(value, name="g"), Knob(value, name=f"only_{name}"), shared)
        for name, value in (("a", 0.25), ("b", 0.5))
    }
    summary = export_saved_model(models, tmp_path / "saved", serving="a")
    assert [tensor.name for tensor in summary.signatures["set_knobs"].inputs] == ["a.g", "only_a", "s", "b.g", "only_b"]
    loaded = tf.saved_model.load(str(tmp_path / "saved"))
    now = loaded.set_knobs(**{"a.g": 0.0, "s": 0.0})
    assert {name: value.numpy() for name, value in now.items()} == {
        "a.g": 0.0,
        "b.g": 0.5,
        "only_a": 0.25,
        "only_b": 0.5,
        "s": 0.0,
    }


def test_python_keywords_are_keywords_of_a_loaded_signature(tmp_path: Path) -> None:
    names = ["class", "a", "A"]
    inputs = {name: keras.Input((), name=name) for name in names}
    model = SpecModel(inputs, {"y": inputs["class"] + 10.0 * inputs["a"] + 100.0 * inputs["A"]}, name="m")
    export_saved_model({"m": model}, tmp_path / "saved", serving="m")
    loaded = tf.saved_model.load(str(tmp_path / "saved"))
    given = {name: tf.constant([float(place + 1)]) for place, name in enumerate(names)}
    assert loaded.signatures["m"](**given)["y"].numpy().tolist() == [321.0]


def test_a_model_may_bear_a_name_that_a_loaded_saved_model_uses(tmp_path: Path) -> None:
    models = {name: knob_model(name) for name in ("variables", "signatures", "save", "lookup_tables")}
    export_saved_model(models, tmp_path / "saved", serving="save")
    loaded = tf.saved_model.load(str(tmp_path / "saved"))
    for name in models:
        assert loaded.signatures[name](tf.constant([3.0]))["y"].numpy().tolist() == [3.0]


def test_what_cannot_be_exported_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    plain, turned = knob_model("m"), knob_model("m", Knob(1.0, name="g"))
    with pytest.raises(ValueError, match="no model 'n' to serve, only m"):
        export_saved_model({"m": plain}, tmp_path / "saved", serving="n")
    with pytest.raises(ValueError, match="named 'serving_default'"):
        export_saved_model({"serving_default": plain}, tmp_path / "saved", serving="serving_default")
    with pytest.raises(ValueError, match="named 'set_knobs'"):
        export_saved_model({"set_knobs": turned}, tmp_path / "saved", serving="set_knobs")
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.tex").write_text("mine")
    with pytest.raises(UnsafeTargetError):
        export_saved_model({"m": plain}, tmp_path / "thesis", serving="m")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis"]
