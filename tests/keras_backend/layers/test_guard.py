"""Range checks in eager, traced and saved models."""

import re
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from specc.keras_backend.layers import Guard

# A graph writes the quotes of a message with a backslash.
NAMED = r"input \\?'digit\\?' is "
MODES = {"eager": lambda layer: layer, "traced": lambda layer: tf.function(layer)}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("dtype", "low", "high", "good", "bad", "shown"),
    [
        ("int32", 0, 10, [0, 9], [3, 10], "10, outside 0..10"),
        ("int32", 0, 10, [0, 9], [-1, 3], "-1, outside 0..10"),
        ("uint8", 0, 256, [0, 255], None, ""),
        ("uint8", 5, 256, [5, 255], [4], "4, outside 5..256"),
        ("int64", 0, 2**40, [0, 2**40 - 1], [2**40], "1099511627776, outside 0..1099511627776"),
        ("float32", 0, 1, [0, 1], [0.5, 1.5], "1.5, outside 0..1"),
        ("float32", 0.1, 1, [0.1, 1], [float("nan")], "nan, outside 0.1..1"),
        ("float16", 0, 1, [0, 1], [-0.5], "-0.5, outside 0..1"),
        ("bfloat16", 0, 1, [0, 1], [float("inf")], "inf, outside 0..1"),
    ],
)
def test_a_guard_passes_what_is_inside_and_names_what_is_not(
    mode: str, dtype: str, low: float, high: float, good: list[float], bad: list[float] | None, shown: str
) -> None:
    run = MODES[mode](Guard(low, high, "input 'digit'"))
    inside = tf.constant(good, dtype)
    assert np.array_equal(run(inside), inside)
    if bad is not None:
        with pytest.raises(tf.errors.InvalidArgumentError, match=NAMED + re.escape(shown)):
            run(tf.constant(bad, dtype))


@pytest.mark.parametrize("mode", MODES)
def test_an_empty_batch_passes(mode: str) -> None:
    assert MODES[mode](Guard(0, 1, "input 'x'"))(tf.zeros([0, 3])).shape == (0, 3)


def test_the_gradient_is_that_of_the_identity() -> None:
    x = tf.constant([0.25, 0.5])
    guard = Guard(0, 1, "input 'x'")

    def slope(x: tf.Tensor) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = guard(x)
        return tape.gradient(y, x, tf.constant([3.0, -7.0]))

    assert np.array_equal(tf.function(slope)(x), [3.0, -7.0])


def test_mixed_precision_does_not_round_before_the_check() -> None:
    guard = Guard(0, 1, "input 'x'", dtype="mixed_float16")
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"input 'x' is 1\.0001"):
        guard(tf.constant([1.0001]))
    assert guard(tf.constant([0.3])).dtype == "float32"


def test_a_saved_model_guards_without_this_code(serve: Callable[..., Any], reload: Callable[..., Any]) -> None:
    digit = keras.Input((), dtype="int32")
    model = keras.Model(digit, Guard(0, 10, "input 'digit'")(digit))
    for run in (reload(model), serve(model)):
        assert np.array_equal(run(tf.constant([0, 9])), [0, 9])
        with pytest.raises(tf.errors.InvalidArgumentError, match=NAMED + r"12, outside 0\.\.10"):
            run(tf.constant([3, 12]))


def test_a_guarded_model_trains_and_keeps_its_mask() -> None:
    tokens = keras.Input((None,), dtype="int32")
    embedded = keras.layers.Embedding(5, 2, mask_zero=True)(Guard(0, 5, "input 'tokens'")(tokens))
    model = keras.Model(tokens, keras.layers.GlobalAveragePooling1D()(embedded))
    model.compile("sgd", "mean_squared_error")
    assert not Guard(0, 5, "x").supports_jit
    model.fit(np.array([[1, 2, 0]]), np.zeros((1, 2)), verbose=0)
    weights = model.layers[2].get_weights()[0]
    assert np.allclose(model(np.array([[1, 2, 0]])), weights[1:3].mean(0)[None], atol=1e-6)
