"""A routed `Dense` is the plain one with a multiplexer behind it, and touches nothing but the groups picked."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from specc.keras_backend.layers import MuxGroups, RoutedDense

RANDOM = np.random.default_rng(0)
SUBJECT = "mux 'y'"


def normal(*shape: int) -> tf.Tensor:
    return tf.constant(RANDOM.normal(size=shape).astype("float32"))


def forms(otherwise: Any = "error", **arguments: Any) -> tuple[keras.layers.Layer, keras.layers.Layer, RoutedDense]:
    """A `Dense` of six units, the multiplexer of its three groups, and both in one, which starts alike."""
    random.seed(0)
    dense = keras.layers.Dense(6, name="y", **arguments)
    random.seed(0)
    return dense, MuxGroups(3, otherwise, SUBJECT), RoutedDense(6, 3, otherwise, SUBJECT, name="y", **arguments)


def plain_and_routed(**arguments: Any) -> tuple[keras.Model, keras.Model]:
    """Two models that start alike, with another `Dense` before, behind and beside."""
    dense, mux, routed = forms(**arguments)
    both = []
    for is_routed in (False, True):
        random.seed(1)
        x, control = keras.Input((6,)), keras.Input((), dtype="int32")
        hidden = keras.layers.Dense(6)(x)
        picked = routed([hidden, control]) if is_routed else mux([dense(hidden), control])
        both.append(keras.Model([x, control], [keras.layers.Dense(2)(picked), keras.layers.Dense(2)(hidden)]))
    return both[0], both[1]


def plain_layout(kernel: Any) -> np.ndarray:
    """A kernel `[of, in, size]` as `[in, of * size]`."""
    return np.concatenate(list(np.asarray(kernel)), axis=-1)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.integers(-2, 4), max_size=5),
    st.sampled_from([(), (3,), (2, 3)]),
    st.sampled_from(["int32", "int64", "int8"]),
    st.booleans(),
    st.sampled_from(["error", "clamp", "zero"]),
)
def test_it_equals_the_plain_form(
    control: list[int], middle: tuple[int, ...], dtype: str, column: bool, otherwise: str
) -> None:
    if otherwise == "error":
        control = [c % 3 for c in control]
    asked = tf.constant(np.array(control, dtype).reshape((-1, 1) if column else (-1,)))
    dense, mux, routed = forms(otherwise, activation="sigmoid", bias_initializer="normal")
    x, upstream = normal(len(control), *middle, 4), normal(len(control), *middle, 2)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        expected = mux([dense(x), asked])
        actual = routed([x, asked])
    assert actual.shape == (len(control), *middle, 2)
    assert np.allclose(actual, expected, atol=1e-6)
    assert np.array_equal(plain_layout(routed.kernel), dense.kernel)
    to_x, to_kernel, to_bias = tape.gradient(expected, [x, dense.kernel, dense.bias], upstream)
    routed_to_x, routed_to_kernel, routed_to_bias = tape.gradient(actual, [x, routed.kernel, routed.bias], upstream)
    assert np.allclose(routed_to_x, tf.zeros_like(x) if to_x is None else to_x, atol=1e-6)
    assert np.allclose(plain_layout(routed_to_kernel), to_kernel, atol=1e-5)
    assert np.allclose(routed_to_bias, to_bias, atol=1e-5)
    picked = {min(max(c, 0), 2) for c in control if 0 <= c < 3 or otherwise == "clamp"}
    for group in {0, 1, 2} - picked:
        assert not np.any(routed_to_kernel[group])


@pytest.mark.parametrize("otherwise", ["error", "zero"])
def test_the_batch_may_be_unknown(otherwise: str) -> None:
    dense, mux, routed = forms(otherwise, use_bias=False, activation="relu")
    routed.build([(None, None, 4), (None,)])

    specs = [tf.TensorSpec([None, None, 4]), tf.TensorSpec([None], tf.int32)]
    traced = tf.function(lambda x, control: routed([x, control]), input_signature=specs)
    assert traced.get_concrete_function().output_shapes.as_list() == [None, None, 2]
    for batch in (0, 1, 5):
        x, control = normal(batch, 3, 4), tf.constant(RANDOM.integers(0, 3, batch).astype("int32"))
        assert np.allclose(traced(x, control), mux([dense(x), control]), atol=1e-6)


@pytest.mark.parametrize("traced", [False, True])
def test_a_control_outside_is_named(traced: bool) -> None:
    *_, routed = forms("error")
    run = tf.function(routed) if traced else routed
    for bad in (-1, 5):
        with pytest.raises(tf.errors.InvalidArgumentError, match=rf"mux \\?'y\\?': control {bad} is outside 0\.\.3"):
            run([normal(2, 4), tf.constant([0, bad])])


def test_nothing_leaks_from_what_is_not_picked() -> None:
    *_, routed = forms("zero")
    x = np.array(normal(3, 4))
    x[2] = np.nan
    routed.build([(None, 4), (None,)])
    kernel = routed.kernel.numpy().copy()
    kernel[1] = np.inf
    routed.kernel.assign(kernel)
    inputs = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        picked = routed([inputs, tf.constant([0, 2, 7])])
    to_inputs, to_kernel = tape.gradient(picked, [inputs, routed.kernel])
    assert np.allclose(picked[:2], [x[0] @ kernel[0], x[1] @ kernel[2]], atol=1e-6)
    assert not np.any(picked[2])
    assert np.allclose(to_inputs, [kernel[0].sum(-1), kernel[2].sum(-1), np.zeros(4)], atol=1e-6)
    assert np.allclose(to_kernel, [np.outer(x[0], [1, 1]), np.zeros((4, 2)), np.outer(x[1], [1, 1])], atol=1e-6)


def test_a_step_leaves_the_other_groups_as_they_are() -> None:
    plain, routed = plain_and_routed()
    inputs = [RANDOM.normal(size=(8, 6)), np.array([0, 2] * 4)]
    before = routed.get_layer("y").kernel.numpy().copy()
    for model in (plain, routed):
        model.compile(keras.optimizers.SGD(0.1), "mean_squared_error")
        model.fit(inputs, [np.ones((8, 2)), np.ones((8, 2))], epochs=2, verbose=0, shuffle=False)
    after = routed.get_layer("y").kernel.numpy()
    assert np.array_equal(after[1], before[1])
    assert not np.any(after[[0, 2]] == before[[0, 2]])
    assert np.allclose(plain_layout(after), plain.get_layer("y").kernel, atol=1e-6)


def test_weight_files_serve_both_forms(tmp_path: Path) -> None:
    plain, routed = plain_and_routed(bias_initializer="normal")
    other_plain, other_routed = plain_and_routed()
    inputs = [normal(4, 6), tf.constant([0, 2, 1, 1])]
    plain.get_layer("y").kernel.assign(normal(6, 6))
    plain.save_weights(tmp_path / "plain.weights.h5")
    routed.load_weights(tmp_path / "plain.weights.h5")
    routed.save_weights(tmp_path / "routed.weights.h5")
    other_routed.load_weights(tmp_path / "routed.weights.h5")
    other_plain.load_weights(tmp_path / "routed.weights.h5")
    for model in (routed, other_plain, other_routed):
        for expected, actual in zip(plain(inputs), model(inputs), strict=True):
            assert np.allclose(actual, expected, atol=1e-6)


def test_weights_of_another_shape_are_refused() -> None:
    dense, _, routed = forms()
    dense.build((None, 9))
    routed.build([(None, 6), (None,)])
    store: dict[str, Any] = {}
    dense.save_own_variables(store)
    with pytest.raises(ValueError, match=r"a kernel of shape \(6, 6\), the file one of \(9, 6\)"):
        routed.load_own_variables(store)


@pytest.mark.parametrize("regularizer", [keras.regularizers.L2(0.1), keras.regularizers.OrthogonalRegularizer(0.1)])
def test_regularizers_see_the_plain_kernel(regularizer: keras.regularizers.Regularizer) -> None:
    dense, _, routed = forms(kernel_regularizer=regularizer, bias_regularizer="l1", bias_initializer="normal")
    dense.build((None, 6))
    routed.build([(None, 6), (None,)])
    assert np.allclose(routed.losses, dense.losses, rtol=1e-6)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "bfloat16"])
def test_half_precision_trains_as_the_plain_form(policy: str) -> None:
    plain, routed = plain_and_routed(dtype=policy)
    inputs = [RANDOM.normal(size=(8, 6)), np.array([0, 2] * 4)]
    for model in (plain, routed):
        model.compile("sgd", "mean_squared_error")
        model.fit(inputs, [np.ones((8, 2)), np.ones((8, 2))], verbose=0)
    kernels = [np.asarray(model.get_layer("y").kernel.value, "float32") for model in (plain, routed)]
    assert routed.get_layer("y").compute_dtype == policy.removeprefix("mixed_")
    assert np.allclose(plain_layout(kernels[1]), kernels[0], atol=2e-2)


@pytest.mark.parametrize("otherwise", ["clamp", "zero"])
def test_within_xla_it_is_the_plain_form(otherwise: str) -> None:
    dense, mux, routed = forms(otherwise, activation="sigmoid")
    x, control = normal(4, 3, 5), tf.constant([0, 2, 7, -1])
    expected = mux([dense(x), control])

    def slope() -> Any:
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(routed([x, control]) ** 2)
        return loss, tape.gradient(loss, routed.kernel)

    assert np.allclose(tf.function(routed, jit_compile=True)([x, control]), expected, atol=1e-6)
    for compiled, run in zip(tf.function(slope, jit_compile=True)(), slope(), strict=True):
        assert np.allclose(compiled, run, atol=1e-5)


def test_a_model_that_shall_be_compiled_by_xla_trains_without() -> None:
    _, routed = plain_and_routed()
    with pytest.warns(UserWarning, match="doesn't support `jit_compile=True`"):
        routed.compile("sgd", "mean_squared_error", jit_compile=True)
    inputs = [RANDOM.normal(size=(4, 6)), np.array([0, 2, 0, 1])]
    history = routed.fit(inputs, [np.zeros((4, 2)), np.zeros((4, 2))], verbose=0).history
    assert np.isfinite(history["loss"][0])


def test_it_survives_its_files(reload: Callable[..., Any], serve: Callable[..., Any]) -> None:
    _, routed = plain_and_routed(activation="relu", kernel_initializer="he_normal", bias_regularizer="l2")
    inputs = [np.array(normal(4, 6)), np.array([2, 0, 1, 1], "int32")]
    for copy in (reload(routed), serve(routed)):
        for expected, actual in zip(routed(inputs), copy(inputs), strict=True):
            assert np.array_equal(expected, actual)


def test_it_survives_its_config(remake: Callable[..., Any]) -> None:
    *_, routed = forms("clamp", activation="relu", use_bias=False, kernel_regularizer="l2")
    copy = remake(routed)
    assert copy.get_config() == routed.get_config()
    assert not copy.supports_jit


def test_a_float_control_is_refused() -> None:
    *_, routed = forms()
    with pytest.raises(ValueError, match="an int control, not one of dtype float32"):
        routed([keras.Input((6,)), keras.Input((3,))])


def test_units_divide_into_the_groups() -> None:
    with pytest.raises(ValueError, match="7 units do not divide into 3 groups"):
        RoutedDense(7, 3, "error", SUBJECT)
