"""Routed branches give what a multiplexer of all of them gives, and run on their own samples only."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from specc.keras_backend.layers import ConditionedDense, MuxBranches, RoutedBranches

RANDOM = np.random.default_rng(0)
SUBJECT = "mux 'y'"
BATCHED = [True, True, False]


def normal(*shape: int) -> tf.Tensor:
    return tf.constant(RANDOM.normal(size=shape).astype("float32"))


def routed_layer(otherwise: Any = "error") -> RoutedBranches:
    """Branches of boundary tensors `[B, 4]`, `[B, 2]`, unbatched `[4, 2]`: of the first, of all, the second itself."""
    y, x = keras.Input((2,), name="y"), keras.Input((4,), name="x")
    kernel = keras.Input(batch_shape=(4, 2), name="kernel")
    dense = ConditionedDense(2, activation="tanh", conditioned=["kernel"], batched=[False])
    several = keras.Model({"y": y, "x": x, "kernel": kernel}, keras.layers.Multiply()([y, dense([x, kernel])]))
    # Keras takes a dict of inputs in the order of its keys: kernel, x, y.
    branches = [one_branch(keras.layers.Dense(2), shape=(4,)), several, None]
    return RoutedBranches(branches, [[0], [2, 0, 1], [1]], [True, True, False], otherwise, SUBJECT)


def plain_form(routed: RoutedBranches) -> Callable[..., Any]:
    """All branches on the whole batch, and the multiplexer behind them."""
    mux = MuxBranches(routed.otherwise, SUBJECT)
    branches: list[Any] = routed.branches
    first, second, _ = branches
    return lambda x, y, kernel, control: mux([first(x), second({"x": x, "y": y, "kernel": kernel}), y, control])


def one_branch(*layers: keras.layers.Layer, shape: tuple[int | None, ...] = (3,)) -> keras.Model:
    x = hidden = keras.Input(shape)
    for layer in layers:
        hidden = layer(hidden)
    return keras.Model(x, hidden)


def routed_model(branches: list[keras.Model | None], shape: tuple[int | None, ...] = (3,)) -> keras.Model:
    """A model of branches that take its one tensor."""
    x, control = keras.Input(shape), keras.Input((), dtype="int32")
    layer = RoutedBranches(branches, [[0]] * len(branches), [True], "error", SUBJECT, name="y")
    return keras.Model([x, control], layer([x, control]))


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.integers(-2, 4), max_size=5),
    st.sampled_from(["int32", "int64", "int8"]),
    st.booleans(),
    st.sampled_from(["error", "clamp", "zero"]),
)
def test_it_equals_the_plain_form(control: list[int], dtype: str, column: bool, otherwise: str) -> None:
    if otherwise == "error":
        control = [c % 3 for c in control]
    asked = tf.constant(np.array(control, dtype).reshape((-1, 1) if column else (-1,)))
    x, y, kernel, upstream = normal(len(control), 4), normal(len(control), 2), normal(4, 2), normal(len(control), 2)
    routed = routed_layer(otherwise)
    weights = [weight.value for weight in routed.trainable_weights]
    assert len(weights) == 3
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([x, y, kernel])
        expected = plain_form(routed)(x, y, kernel, asked)
        actual = routed([x, y, kernel, asked])
    assert actual.shape == (len(control), 2)
    assert np.allclose(actual, expected, atol=1e-6)
    zero = tf.UnconnectedGradients.ZERO
    to_all = [tape.gradient(form, [x, y, kernel, *weights], upstream, zero) for form in (expected, actual)]
    for to_expected, to_actual in zip(*to_all, strict=True):
        assert np.allclose(to_actual, to_expected, atol=1e-5)


def test_a_traced_step_equals_the_plain_form() -> None:
    routed = routed_layer()
    plain = plain_form(routed)
    routed.build(None)

    def slopes(x: tf.Tensor, y: tf.Tensor, control: tf.Tensor) -> Any:
        weights = [weight.value for weight in routed.trainable_weights]
        kernel = tf.reshape(tf.range(8.0), [4, 2])
        with tf.GradientTape(persistent=True) as tape:
            tape.watch([x, y, kernel])
            results = [routed([x, y, kernel, control]), plain(x, y, kernel, control)]
            losses = [tf.reduce_sum(result**2) for result in results]
        return results, [tape.gradient(loss, [x, y, kernel, *weights]) for loss in losses]

    specs = [tf.TensorSpec([None, 4]), tf.TensorSpec([None, 2]), tf.TensorSpec([None], tf.int32)]
    run = tf.function(slopes, input_signature=specs)
    for control in ([], [0], [1, 1, 1], [2, 0, 2], [1, 2, 0, 1]):
        batch = len(control)
        (actual, expected), to_all = run(normal(batch, 4), normal(batch, 2), tf.constant(control, tf.int32))
        assert np.allclose(actual, expected, atol=1e-6)
        for to_routed, to_plain in zip(*to_all, strict=True):
            assert np.allclose(to_routed, tf.zeros_like(to_routed) if to_plain is None else to_plain, atol=1e-5)


@pytest.mark.parametrize("traced", [False, True])
def test_a_control_outside_is_named(traced: bool) -> None:
    routed = routed_layer()
    run = tf.function(routed) if traced else routed
    for bad in (-1, 5):
        with pytest.raises(tf.errors.InvalidArgumentError, match=rf"mux \\?'y\\?': control {bad} is outside 0\.\.3"):
            run([normal(2, 4), normal(2, 2), normal(4, 2), tf.constant([0, bad])])


@pytest.mark.parametrize("traced", [False, True])
def test_nothing_leaks_from_what_is_not_picked(traced: bool) -> None:
    branches = [one_branch(keras.layers.Dense(2)) for _ in range(3)]
    branches[1].set_weights([np.full((3, 2), np.nan), np.full(2, np.nan)])
    routed = RoutedBranches(branches, [[0]] * 3, [True], "zero", SUBJECT)
    x = np.array(normal(3, 3))
    x[2] = np.nan
    inputs = tf.constant(x)

    def run() -> Any:
        weights = [weight.value for weight in routed.trainable_weights]
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            picked = routed([inputs, tf.constant([0, 2, 7])])
        return picked, tape.gradient(picked, [inputs, *weights], unconnected_gradients="zero")

    picked, (to_inputs, *to_weights) = tf.function(run)() if traced else run()
    kernels = [branch.get_weights()[0] for branch in branches]
    assert np.allclose(picked, [x[0] @ kernels[0], x[1] @ kernels[2], [0, 0]], atol=1e-6)
    assert np.allclose(to_inputs, [kernels[0].sum(-1), kernels[2].sum(-1), [0] * 3], atol=1e-6)
    expected: list[Any] = [np.outer(x[0], [1, 1]), [1, 1], np.zeros((3, 2)), [0, 0], np.outer(x[1], [1, 1]), [1, 1]]
    for to_weight, slope in zip(to_weights, expected, strict=True):
        assert np.allclose(to_weight, slope, atol=1e-6)


def test_a_branch_normalises_over_its_own_samples() -> None:
    branches = [one_branch(keras.layers.BatchNormalization(momentum=0.5)) for _ in range(3)]
    model = routed_model(branches)
    x, control = RANDOM.normal(size=(6, 3)).astype("float32"), np.array([0, 2, 0, 0, 2, 0], "int32")
    run = tf.function(lambda: model([x, control], training=True))
    result = run().numpy()
    for place, branch in enumerate(branches):
        _, _, mean, variance = branch.get_weights()
        own = x[control == place]
        if len(own):
            expected = (own - own.mean(0)) / np.sqrt(own.var(0) + 1e-3)
            assert np.allclose(result[control == place], expected, atol=1e-5)
            assert np.allclose(mean, own.mean(0) / 2, atol=1e-6)
            assert np.allclose(variance, 0.5 + own.var(0) / 2, atol=1e-6)
        else:
            assert np.array_equal(mean, np.zeros(3))
            assert np.array_equal(variance, np.ones(3))


def test_a_step_leaves_the_other_branches_as_they_are() -> None:
    branches = [one_branch(keras.layers.Dense(4), keras.layers.BatchNormalization()) for _ in range(3)]
    model = routed_model(branches)
    model.compile(keras.optimizers.SGD(0.1), "mean_squared_error")
    before = [branch.get_weights() for branch in branches]
    model.fit([RANDOM.normal(size=(8, 3)), np.array([0, 2] * 4)], RANDOM.normal(size=(8, 4)), verbose=0)
    for place, branch in enumerate(branches):
        for old, new in zip(before[place], branch.get_weights(), strict=True):
            assert np.array_equal(old, new) == (place == 1)


def test_dropout_knows_whether_it_trains() -> None:
    model = routed_model([one_branch(keras.layers.Dropout(0.5, seed=1)), None])
    x, control = np.ones((40, 3), "float32"), np.array([0, 1] * 20, "int32")
    assert np.array_equal(model([x, control]), x)
    first, second = (model([x, control], training=True).numpy() for _ in range(2))
    assert set(first[::2].flat) == {0.0, 2.0}
    assert np.array_equal(first[1::2], x[1::2])
    assert not np.array_equal(first, second)


def test_weights_are_regularised_once() -> None:
    branches = [one_branch(keras.layers.Dense(3, kernel_regularizer=keras.regularizers.L2(0.5))) for _ in range(2)]
    model = routed_model(branches)
    model([normal(2, 3), tf.constant([0, 0])])
    assert np.allclose(model.losses, [0.5 * np.sum(branch.get_weights()[0] ** 2) for branch in branches], rtol=1e-6)


@pytest.mark.parametrize("control", [[1, 0, 0], [0, 0, 0], [1, 1, 1], []])
def test_sizes_may_be_unknown(control: list[int]) -> None:
    shape = (None, None, 2)
    branches = [one_branch(keras.layers.Conv2D(3, k, padding="same"), shape=shape) for k in (1, 3)]
    model = routed_model(branches, shape)
    x, asked = normal(len(control), 4, 5, 2), tf.constant(control, tf.int32)
    run = tf.function(model, input_signature=[[tf.TensorSpec([None, None, None, 2]), tf.TensorSpec([None], tf.int32)]])
    result = run([x, asked])
    assert model.output.shape == (None, None, None, 3)
    assert result.shape[0] == len(control)
    for i, place in enumerate(control):
        assert np.allclose(result[i], branches[place](x[i : i + 1])[0], atol=1e-5)


def test_integers_are_routed() -> None:
    layer = RoutedBranches([None, None], [[0], [1]], [True, True], "zero", SUBJECT)
    picked = layer([tf.constant([[1], [2], [3]]), tf.constant([[4], [5], [6]]), tf.constant([1, 0, 9])])
    assert picked.dtype == tf.int32
    assert np.array_equal(picked, [[4], [2], [0]])


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "bfloat16"])
def test_half_precision_trains_as_the_plain_form(policy: str) -> None:
    branches = [one_branch(keras.layers.Dense(3, dtype=policy)), None]
    x, control = keras.Input((3,)), keras.Input((), dtype="int32")
    routed = RoutedBranches(branches, [[0], [0]], [True], "error", SUBJECT, dtype=policy)([x, control])
    plain = MuxBranches("error", SUBJECT, dtype=policy)([branches[0](x), x, control])
    assert routed.dtype == plain.dtype == policy.removeprefix("mixed_")
    inputs = [normal(4, 3), tf.constant([0, 1, 0, 1])]
    model = keras.Model([x, control], routed)
    assert model(inputs).dtype == plain.dtype
    expected = keras.Model([x, control], plain)(inputs)
    assert np.allclose(tf.cast(model(inputs), "float32"), tf.cast(expected, "float32"), atol=1e-2)
    model.compile("sgd", "mean_squared_error")
    assert np.isfinite(model.fit(inputs, np.zeros((4, 3)), verbose=0).history["loss"][0])


@pytest.mark.parametrize("otherwise", ["clamp", "zero"])
def test_within_xla_it_is_the_plain_form(otherwise: str) -> None:
    routed = routed_layer(otherwise)
    x, y, kernel, control = normal(4, 4), normal(4, 2), normal(4, 2), tf.constant([0, 2, 7, 1])
    weights = [weight.value for weight in routed.trainable_weights]

    def slopes() -> Any:
        with tf.GradientTape() as tape:
            result = routed([x, y, kernel, control])
        return result, tape.gradient(result, weights)

    for compiled, run in zip(*map(tf.nest.flatten, (tf.function(slopes, jit_compile=True)(), slopes())), strict=True):
        assert np.allclose(compiled, run, atol=1e-5)


def test_a_model_that_shall_be_compiled_by_xla_trains_without() -> None:
    model = routed_model([one_branch(keras.layers.Dense(3)), None])
    with pytest.warns(UserWarning, match="doesn't support `jit_compile=True`"):
        model.compile("sgd", "mean_squared_error", jit_compile=True)
    history = model.fit([RANDOM.normal(size=(4, 3)), np.array([0, 1, 0, 1])], np.zeros((4, 3)), verbose=0).history
    assert np.isfinite(history["loss"][0])


def test_it_survives_its_files(reload: Callable[..., Any], serve: Callable[..., Any], tmp_path: Path) -> None:
    def make() -> keras.Model:
        x, y, control = keras.Input((4,)), keras.Input((2,)), keras.Input((), dtype="int32")
        kernel = keras.Input(batch_shape=(4, 2))
        return keras.Model([x, y, kernel, control], routed_layer("zero")([x, y, kernel, control]))

    model = make()
    inputs = [np.array(normal(4, 4)), np.array(normal(4, 2)), np.array(normal(4, 2)), np.array([2, 0, 1, 7], "int32")]
    other = make()
    model.save_weights(tmp_path / "model.weights.h5")
    other.load_weights(tmp_path / "model.weights.h5")
    for copy in (reload(model), serve(model), other):
        assert np.array_equal(model(inputs), copy(inputs))
    clone = keras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    assert np.array_equal(model(inputs), clone(inputs))


def test_a_layer_of_two_branches_stays_one(reload: Callable[..., Any]) -> None:
    shared, inner = keras.layers.Dense(3, name="shared"), one_branch(keras.layers.Dense(3, name="inner"))
    branches = [one_branch(shared), one_branch(inner, shared), None, one_branch(shared, shared), one_branch(inner)]
    model = routed_model(branches)
    inputs = [normal(6, 3), tf.constant([0, 1, 2, 3, 4, 3])]
    for copy in (reload(model), keras.models.clone_model(model)):
        assert len(copy.weights) == len(model.weights) == 4
        copy.set_weights(model.get_weights())
        assert np.array_equal(model(inputs), copy(inputs))


def test_it_survives_its_config(remake: Callable[..., Any]) -> None:
    routed = routed_layer("clamp")
    copy = remake(routed)
    assert json.dumps(copy.get_config()) == json.dumps(routed.get_config())
    assert not copy.supports_jit


def test_a_float_control_is_refused() -> None:
    with pytest.raises(ValueError, match="an int control, not one of dtype float32"):
        routed_model([None])([keras.Input((3,)), keras.Input((1,))])


@pytest.mark.parametrize(
    ("places", "message"),
    [([[0, 1], [1]], "a branch of 1 inputs is given 2"), ([[0], [2]], "one batched tensor"), ([[0]], "shorter")],
)
def test_branches_and_inputs_correspond(places: list[list[int]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        RoutedBranches([one_branch(), None], places, [True, True, False], "error", SUBJECT)


def test_branches_have_one_shape() -> None:
    layer = RoutedBranches([one_branch(keras.layers.Dense(2)), None], [[0], [0]], [True], "error", SUBJECT)
    with pytest.raises(ValueError, match="one shape and dtype"):
        layer([keras.Input((3,)), keras.Input((), dtype="int32")])
