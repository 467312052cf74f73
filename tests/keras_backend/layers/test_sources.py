"""Weights, constants, knobs, and values repeated per sample."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf

from specc.keras_backend.layers import Constant, Knob, Literal, PerSample, Weight

Reload = Callable[[keras.Model], keras.Model]
BATCHES = [0, 1, 4]


def scaled(source: keras.layers.Layer) -> keras.Model:
    """A model that multiplies its input `[3]` by a source."""
    x = keras.Input((3,))
    return keras.Model(x, keras.layers.Multiply()([x, PerSample()([source(x), x])]))


@pytest.mark.parametrize("batch", BATCHES)
def test_a_weight_has_its_own_shape_whatever_the_batch(batch: int) -> None:
    weight = Weight((2, 3), "ones", name="w")
    assert weight(keras.Input((5,))).shape == (2, 3)
    assert np.array_equal(weight(tf.zeros([batch, 5])), np.ones((2, 3)))
    assert [v.path for v in weight.trainable_variables] == ["w/value"]


def test_a_weight_takes_the_step_that_its_gradient_says() -> None:
    model = scaled(Weight((3,), Literal([1.0, 2.0, 3.0])))
    model.compile(keras.optimizers.SGD(1.0), "mean_absolute_error")
    model.fit(np.ones((4, 3)), np.zeros((4, 3)), verbose=0)
    # The mean over 12 entries; the loss falls with each weight's own 4 entries.
    assert np.allclose(model.trainable_variables[0], np.array([1.0, 2.0, 3.0]) - 4 / 12, rtol=1e-6)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize(
    "source",
    [lambda p: Weight((3,), dtype=p), lambda p: Constant([1.0, 2.0, 3.0], dtype=p), lambda p: Knob(1, dtype=p)],
)
def test_a_float_source_is_cast_as_keras_casts_weights(source: Any, policy: str) -> None:
    layer = source(policy)
    spec = layer(keras.Input((3,)))
    assert spec.dtype == policy.removeprefix("mixed_")
    assert layer(tf.zeros([1, 3])).dtype == spec.dtype
    assert layer.value.dtype == "float32"


@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
@pytest.mark.parametrize("dtype", ["int32", "uint8", "bool"])
def test_an_integer_constant_stays_one(dtype: str, policy: str) -> None:
    layer = Constant(np.array([0, 1], dtype), dtype=policy)
    assert layer(keras.Input(())).dtype == dtype
    assert layer(tf.zeros([2])).dtype == dtype
    assert layer.trainable_variables == []
    assert len(layer.non_trainable_variables) == 1


def test_a_constant_survives_every_way_of_copying(reload: Reload, serve: Callable[..., Any]) -> None:
    stencil = np.array([0.1, -2.0, 1e-7])
    model = scaled(Constant(stencil))
    x = np.ones((2, 3), "float32")
    for copy in (model, keras.models.clone_model(model), reload(model)):
        assert np.array_equal(copy(x), np.tile(stencil.astype("float32"), (2, 1)))
    assert np.array_equal(serve(model)(x), model(x))


def test_a_constant_is_not_among_the_saved_weights(tmp_path: Path) -> None:
    model = scaled(Constant([1.0, 2.0, 3.0]))
    model.save_weights(tmp_path / "a.weights.h5")
    arrays: list[str] = []
    with h5py.File(tmp_path / "a.weights.h5") as file:
        file.visititems(lambda name, item: arrays.append(name) if isinstance(item, h5py.Dataset) else None)
    assert arrays == []
    other = scaled(Constant([4.0, 5.0, 6.0]))
    other.load_weights(tmp_path / "a.weights.h5")
    assert np.array_equal(other(np.ones((1, 3))), [[4.0, 5.0, 6.0]])


def test_the_config_of_a_weight_gives_it_again(remake: Callable[..., Any]) -> None:
    weight = Weight((2,), Literal([0.1, 0.9]), weight_dtype="float64", name="w")
    again = remake(weight)
    assert again.get_config() == weight.get_config()
    assert np.array_equal(again(tf.zeros([1])), np.array([0.1, 0.9]))


def test_a_knob_turns_while_the_model_runs_and_is_saved(reload: Reload) -> None:
    model = scaled(Knob(0.25, 0.0, 1.0, name="g"))
    x = np.ones((2, 3), "float32")
    run = tf.function(model)
    assert np.array_equal(run(x), 0.25 * x)
    model.get_layer("g").assign(0.75)
    assert np.array_equal(run(x), 0.75 * x)
    assert model.trainable_variables == []
    again = reload(model)
    assert np.array_equal(again(x), 0.75 * x)
    assert (again.get_layer("g").low, again.get_layer("g").high) == (0.0, 1.0)


@pytest.mark.parametrize(("low", "high", "bad"), [(0, 1, 1.5), (0, 1, -0.1), (None, 1, 2), (0, None, -1)])
def test_a_knob_refuses_a_value_outside_and_keeps_its_own(low: float | None, high: float | None, bad: float) -> None:
    knob = Knob(0.5, low, high, name="g")
    knob(tf.zeros([1]))
    with pytest.raises(ValueError, match=rf"knob 'g' cannot be {bad}: it is outside \S+\.\.\S+"):
        knob.assign(bad)
    assert float(knob.value) == 0.5
    with pytest.raises(ValueError, match="knob 'g'"):
        Knob(bad, low, high, name="g")


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_a_knob_refuses_what_is_not_finite(bad: float) -> None:
    knob = Knob(0.5, name="g")
    knob(tf.zeros([1]))
    with pytest.raises(ValueError, match="knob 'g' needs a finite number"):
        knob.assign(bad)


@pytest.mark.parametrize("batch", BATCHES)
def test_per_sample_repeats_and_its_gradient_sums(batch: int) -> None:
    value = tf.constant([[1.0, 2.0]])
    upstream = np.random.default_rng(0).normal(size=(batch, 1, 2)).astype("float32")
    layer = PerSample()
    with tf.GradientTape() as tape:
        tape.watch(value)
        repeated = tf.function(layer)([value, tf.zeros([batch, 7])])
    assert np.array_equal(repeated, np.tile(value[None], (batch, 1, 1)))
    assert np.allclose(tape.gradient(repeated, value, upstream), upstream.sum(0), atol=1e-6)
    assert layer([keras.KerasTensor((1, 2)), keras.Input((7,))]).shape == (None, 1, 2)
