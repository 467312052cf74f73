"""The multiplexer picks, guards its control, and lets nothing of the rest through."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from specc.keras_backend.layers import MuxBranches, MuxGroups

RANDOM = np.random.default_rng(0)
SUBJECT = "mux 'y'"


def groups_of(x: np.ndarray, of: int) -> list[np.ndarray]:
    return np.split(x, of, axis=-1)


def oracle(parts: list[np.ndarray], control: np.ndarray, otherwise: str) -> np.ndarray:
    rows = np.zeros_like(parts[0])
    for i, c in enumerate(control.reshape(-1)):
        if otherwise == "clamp":
            c = min(max(c, 0), len(parts) - 1)
        if 0 <= c < len(parts):
            rows[i] = parts[c][i]
    return rows


def both_forms(otherwise: Any) -> list[tuple[keras.layers.Layer, Callable[[Any], list[Any]]]]:
    """Each form with a way to call it on the parts `[B, ..., 2]` of three groups or branches."""
    return [
        (MuxGroups(3, otherwise, SUBJECT), lambda parts: [tf.concat(parts, -1)]),
        (MuxBranches(otherwise, SUBJECT), lambda parts: list(parts)),
    ]


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.integers(-2, 4), max_size=4),
    st.sampled_from([(), (3,), (2, 3)]),
    st.sampled_from(["int32", "int64", "int8"]),
    st.booleans(),
    st.sampled_from(["clamp", "zero"]),
)
def test_each_sample_gets_its_part(
    control: list[int], middle: tuple[int, ...], dtype: str, column: bool, otherwise: str
) -> None:
    asked = np.array(control, dtype).reshape((-1, 1) if column else (-1,))
    parts = [RANDOM.normal(size=(len(control), *middle, 2)).astype("float32") for _ in range(3)]
    for mux, arranged in both_forms(otherwise):
        assert np.array_equal(mux([*arranged(parts), tf.constant(asked)]), oracle(parts, asked, otherwise))


@pytest.mark.parametrize("traced", [False, True])
@pytest.mark.parametrize("form", [0, 1])
def test_a_control_outside_is_named(form: int, traced: bool) -> None:
    mux, arranged = both_forms("error")[form]
    run = tf.function(mux) if traced else mux
    parts = [RANDOM.normal(size=(2, 2)).astype("float32") for _ in range(3)]
    assert np.array_equal(run([*arranged(parts), tf.constant([2, 0])]), [parts[2][0], parts[0][1]])
    for bad in (-1, 5):
        with pytest.raises(tf.errors.InvalidArgumentError, match=rf"mux \\?'y\\?': control {bad} is outside 0\.\.3"):
            run([*arranged(parts), tf.constant([0, bad])])
    assert not mux.supports_jit


@pytest.mark.parametrize("form", [0, 1])
@pytest.mark.parametrize("otherwise", ["error", "clamp", "zero"])
def test_nothing_leaks_from_what_is_not_picked(form: int, otherwise: str) -> None:
    mux, arranged = both_forms(otherwise)[form]
    control = tf.constant([0, 2, 0] if otherwise == "error" else [0, 2, 7])
    parts = [tf.constant(RANDOM.normal(size=(3, 4, 2)).astype("float32")) for _ in range(3)]
    parts[1] = tf.fill([3, 4, 2], float("nan"))
    upstream = RANDOM.normal(size=(3, 4, 2)).astype("float32")
    with tf.GradientTape() as tape:
        tape.watch(parts)
        picked = mux([*arranged(parts), control])
    assert np.array_equal(picked, oracle([p.numpy() for p in parts], control.numpy(), otherwise))
    slopes = tape.gradient(picked, parts, upstream)
    expected = np.zeros((3, 3, 4, 2), "float32")
    for i, c in enumerate(control.numpy()):
        if c < 3 or otherwise == "clamp":
            expected[min(c, 2), i] = upstream[i]
    assert np.array_equal([tf.convert_to_tensor(s) for s in slopes], expected)


@pytest.mark.parametrize("batch", [0, 1, 3])
@pytest.mark.parametrize("middle", [(), (4,), (2, 4)])
@pytest.mark.parametrize("form", [0, 1])
def test_a_float_control_weighs_and_sums(form: int, middle: tuple[int, ...], batch: int) -> None:
    mux, arranged = both_forms("error")[form]
    parts = [tf.constant(RANDOM.normal(size=(batch, *middle, 2)).astype("float32")) for _ in range(3)]
    control = tf.constant(RANDOM.uniform(size=(batch, 3)).astype("float32"))
    upstream = RANDOM.normal(size=(batch, *middle, 2)).astype("float32")
    with tf.GradientTape() as tape:
        tape.watch([control, *parts])
        summed = tf.function(mux)([*arranged(parts), control])
    to_control, *to_parts = tape.gradient(summed, [control, *parts], upstream)
    assert summed.shape == (batch, *middle, 2)
    assert np.allclose(summed, np.einsum("nb...s,bn->b...s", np.stack(parts), control), atol=1e-6)
    assert np.allclose(to_control, (np.stack(parts) * upstream).sum(tuple(range(2, upstream.ndim + 1))).T, atol=1e-5)
    assert np.allclose(np.stack(to_parts), np.einsum("b...s,bn->nb...s", upstream, control), atol=1e-6)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_trains(policy: str) -> None:
    x, control = keras.Input((None, 6)), keras.Input((1,), dtype="int32")
    hidden = keras.layers.Dense(6, dtype=policy)(x)
    near = MuxGroups(3, "zero", SUBJECT, dtype=policy)([hidden, control])
    mixed = MuxBranches("error", SUBJECT, dtype=policy)([near, keras.layers.Dense(2, dtype=policy)(x), control])
    assert mixed.shape == (None, None, 2)
    assert mixed.dtype == policy.removeprefix("mixed_")
    model = keras.Model([x, control], mixed)
    model.compile("sgd", "mean_squared_error")
    inputs = [RANDOM.normal(size=(4, 5, 6)), np.array([[0], [1], [0], [1]])]
    assert np.isfinite(model.fit(inputs, np.zeros((4, 5, 2)), verbose=0).history["loss"][0])


def test_muxed_models_survive_their_files(reload: Callable[..., Any], serve: Callable[..., Any]) -> None:
    x, control = keras.Input((None, 6)), keras.Input((), dtype="int32")
    groups = MuxGroups(3, "error", SUBJECT)([x, control])
    branches = MuxBranches("clamp", SUBJECT)([groups, keras.layers.ReLU()(groups), control])
    model = keras.Model([x, control], [groups, branches])
    inputs = [RANDOM.normal(size=(3, 5, 6)).astype("float32"), np.array([2, 0, 1], "int32")]
    for copy in (reload(model), serve(model)):
        for expected, actual in zip(model(inputs), copy(inputs), strict=True):
            assert np.array_equal(expected, actual)


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ([(7,), ("int32",)], "does not divide into 3 groups"),
        ([(6,), ("int32", 2)], "a control of dtype int32 has shape"),
        ([(6,), ("float32", 2)], "a control of dtype float32 has shape"),
    ],
)
def test_what_does_not_fit_is_refused(shapes: Any, message: str) -> None:
    (x, (dtype, *control)) = shapes
    with pytest.raises(ValueError, match=message):
        MuxGroups(3, "error", SUBJECT)([keras.Input(x), keras.Input(control, dtype=dtype)])


def test_branches_have_one_shape() -> None:
    with pytest.raises(ValueError, match="one shape and dtype"):
        MuxBranches("error", SUBJECT)([keras.Input((2,)), keras.Input((3,)), keras.Input((), dtype="int32")])


def test_the_rule_for_the_outside_is_one_of_three() -> None:
    rule: Any = "wrap"
    with pytest.raises(ValueError, match="error, clamp, zero"):
        MuxBranches(rule, SUBJECT)
