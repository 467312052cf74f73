"""A `SpecModel` is a functional model by name, with defaults; knobs are found and set in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from specc.keras_backend.layers.sources import Knob
from specc.keras_backend.model import SpecModel, knobs, named_knobs, set_knobs


def scaled(name: str = "scaled", *knob_layers: Knob) -> SpecModel:
    """`y = dense(x) * scale - shift`, with `scale` 2 and `shift` [1, 2] by default."""
    x, scale, shift = keras.Input((3,), name="x"), keras.Input((), name="scale"), keras.Input((2,), name="shift")
    y = keras.layers.Dense(2, name="dense")(x) * keras.ops.expand_dims(scale, -1) - shift
    for knob in knob_layers:
        y = y * knob(x)
    return SpecModel(
        {"x": x, "scale": scale, "shift": shift},
        {"y": y},
        name=name,
        input_defaults={"scale": 2, "shift": [1.0, 2.0]},
    )


def rows(count: int) -> np.ndarray[Any, Any]:
    return np.random.default_rng(0).normal(size=(count, 3)).astype("float32")


def expected(model: SpecModel, x: np.ndarray[Any, Any], scale: Any = 2.0, shift: Any = (1.0, 2.0)) -> Any:
    kernel, bias = (weight.numpy() for weight in model.get_layer("dense").weights)
    return (x @ kernel + bias) * np.reshape(scale, (-1, 1)) - np.asarray(shift)


def test_it_is_a_functional_model_of_dicts() -> None:
    model = scaled()
    assert type(keras.Model(model.inputs, model.outputs)) in type(model).__mro__
    assert set(model.input) == {"x", "scale", "shift"}
    assert set(model.output) == {"y"}


@pytest.mark.parametrize("batch", [0, 1, 4])
def test_an_input_with_a_default_may_be_left_out(batch: int) -> None:
    model, x = scaled(), rows(batch)
    shift = np.arange(2 * batch, dtype="float32").reshape(batch, 2)
    np.testing.assert_allclose(model({"x": x})["y"], expected(model, x), rtol=1e-5)
    np.testing.assert_allclose(model({"shift": shift, "x": x})["y"], expected(model, x, shift=shift), rtol=1e-5)
    traced = tf.function(lambda rows: model({"x": rows})["y"], input_signature=[tf.TensorSpec([None, 3])])
    np.testing.assert_allclose(traced(x), expected(model, x), rtol=1e-5)


def test_predict_evaluate_and_fit_take_the_defaults() -> None:
    model, x = scaled(), rows(6)
    np.testing.assert_allclose(model.predict({"x": x}, batch_size=4, verbose=0)["y"], expected(model, x), rtol=1e-5)
    model.compile(optimizer=keras.optimizers.SGD(0.1), loss={"y": "mse"})
    target = {"y": np.zeros((6, 2), "float32")}
    before = np.mean(expected(model, x) ** 2)
    assert model.evaluate({"x": x}, target, verbose=0) == pytest.approx(before, rel=1e-5)
    model.fit({"x": x}, target, epochs=3, verbose=0)
    assert model.evaluate({"x": x}, target, verbose=0) < before


def test_a_single_input_takes_the_bare_tensor() -> None:
    x = keras.Input((3,), name="x")
    model = SpecModel({"x": x}, {"y": x * 2.0}, name="double")
    np.testing.assert_array_equal(model(rows(2))["y"], rows(2) * 2.0)
    np.testing.assert_array_equal(model.predict(rows(2), verbose=0)["y"], rows(2) * 2.0)
    assert model(x)["y"].shape == (None, 3)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"x": rows(1), "scael": rows(1)}, "no input 'scael'; did you mean `scale`"),
        ({"x": rows(1), "unheard_of": rows(1)}, "no input 'unheard_of'$"),
        ({"scale": rows(1)[:, 0]}, "needs the input x"),
        ({}, "needs at least one input"),
        (rows(1), "takes a dict of its inputs: x, scale, shift"),
    ],
)
def test_wrong_inputs_are_named(inputs: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        scaled()(inputs)


@pytest.mark.parametrize(
    ("defaults", "message"),
    [
        ({"n": 1.5}, "default of input 'n' is a float; the input's dtype is int32"),
        ({"x": [1.0, 2.0]}, r"default of input 'x' has shape \[2\]; the input's is \[3\]"),
        ({"x": 1.0}, r"shape \[\]; the input's is \[3\]"),
        ({"m": 1}, "no input 'm'"),
    ],
)
def test_wrong_defaults_are_refused(defaults: dict[str, Any], message: str) -> None:
    x, n = keras.Input((3,), name="x"), keras.Input((), dtype="int32", name="n")
    with pytest.raises(ValueError, match=message):
        SpecModel({"x": x, "n": n}, {"y": x, "z": n}, name="m", input_defaults=defaults)


def test_a_default_may_fill_an_unknown_dim_and_has_the_inputs_dtype() -> None:
    x, n = keras.Input((None, 2), name="x"), keras.Input((), dtype="int32", name="n")
    model = SpecModel({"x": x, "n": n}, {"x": x, "n": n}, name="m", input_defaults={"x": [[1, 2]] * 3})
    got = model({"n": np.array([5, 6], "int32")})
    assert (got["x"].dtype.name, got["n"].dtype.name) == ("float32", "int32")
    assert got["x"].numpy().tolist() == [[[1.0, 2.0]] * 3] * 2


def test_a_nested_model_may_leave_defaults_to_the_inner_one(tmp_path: Path) -> None:
    inner = scaled("inner")
    x = keras.Input((3,), name="x")
    outer = SpecModel({"x": x}, {"y": inner({"x": x})["y"] + inner({"x": x * 2.0})["y"]}, name="outer")
    wanted = expected(inner, rows(3)) + expected(inner, 2.0 * rows(3))
    np.testing.assert_allclose(outer(rows(3))["y"], wanted, rtol=1e-5)
    outer.save(tmp_path / "outer.keras")
    again = keras.saving.load_model(tmp_path / "outer.keras")
    np.testing.assert_array_equal(again(rows(3))["y"], outer(rows(3))["y"])


def test_config_and_file_keep_the_defaults(tmp_path: Path) -> None:
    model = scaled()
    assert SpecModel.from_config(model.get_config()).input_defaults == {"scale": 2, "shift": [1.0, 2.0]}
    model.save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(tmp_path / "m.keras")
    assert isinstance(loaded, SpecModel)
    assert loaded.input_defaults == model.input_defaults
    np.testing.assert_array_equal(loaded({"x": rows(2)})["y"], model({"x": rows(2)})["y"])


def test_a_clone_is_a_spec_model_of_all_the_inputs() -> None:
    model = scaled()
    clone = keras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    assert isinstance(clone, SpecModel)
    given = {"x": rows(2), "scale": np.ones(2, "float32"), "shift": np.zeros((2, 2), "float32")}
    np.testing.assert_array_equal(clone(given)["y"], model(given)["y"])
    assert clone.input_defaults == {}


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_leaves_defaults_and_knobs_alone(policy: str) -> None:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        x, n = keras.Input((3,), name="x"), keras.Input((), dtype="int32", name="n")
        knob = Knob(0.1, 0.0, 1.0, name="g")
        y = keras.layers.Dense(2, name="dense")(x) * knob(x)
        model = SpecModel({"x": x, "n": n}, {"y": y, "n": n}, name="m", input_defaults={"n": 100_003})
    finally:
        keras.config.set_dtype_policy(before)
    got = model({"x": rows(2)})
    assert got["n"].numpy().tolist() == [100_003, 100_003]
    assert got["y"].dtype.name == policy.removeprefix("mixed_")
    set_knobs(model, g=0.3)
    assert knob.value.numpy() == np.float32(0.3)


def test_knobs_are_found_in_nested_models_and_told_apart() -> None:
    own, inner_own, other = Knob(0.5, name="g"), Knob(0.5, name="g"), Knob(0.5, name="h")
    inner = scaled("inner", inner_own, other)
    x = keras.Input((3,), name="x")
    outer = SpecModel({"x": x}, {"y": inner({"x": x})["y"] * own(x)}, name="outer")
    assert knobs(inner) == {"g": inner_own, "h": other}
    assert knobs(outer) == {"g": own, "inner.g": inner_own, "h": other}
    assert named_knobs({"outer": outer, "inner": inner}) == knobs(outer)
    twin = Knob(0.5, name="g")
    both = named_knobs({"first": scaled("first", own), "second": scaled("second", twin)})
    assert both == {"first.g": own, "second.g": twin}


def test_set_knobs_sets_what_the_model_uses() -> None:
    model = scaled("m", Knob(0.5, 0.0, 1.0, name="g"))
    np.testing.assert_allclose(model({"x": rows(2)})["y"], 0.5 * expected(model, rows(2)), rtol=1e-5)
    model.predict({"x": rows(2)}, verbose=0)
    set_knobs(model, g=0.25)
    np.testing.assert_allclose(model({"x": rows(2)})["y"], 0.25 * expected(model, rows(2)), rtol=1e-5)
    np.testing.assert_allclose(
        model.predict({"x": rows(2)}, verbose=0)["y"], 0.25 * expected(model, rows(2)), rtol=1e-5
    )


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"gian": 0.1}, "no knob 'gian'; did you mean `gain`"),
        ({"gain": 1.5}, r"knob 'gain' cannot be 1\.5: it is outside 0\.\.1"),
        ({"gain": -0.1}, r"cannot be -0\.1"),
        ({"gain": float("nan")}, "cannot be nan"),
        ({"free": float("inf")}, r"knob 'free' cannot be inf: it is outside \.\.$"),
    ],
)
def test_set_knobs_sets_all_or_none(values: dict[str, float], message: str) -> None:
    gain, free, other = Knob(0.5, 0.0, 1.0, name="gain"), Knob(3.0, name="free"), Knob(0.5, name="other")
    model = scaled("m", gain, free, other)
    with pytest.raises(ValueError, match=message):
        set_knobs(model, other=9.0, **values)
    assert [float(knob.value) for knob in (gain, free, other)] == [0.5, 3.0, 0.5]
