"""The op as a layer: what it keeps, what it draws, what it costs and how it travels."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from specc.keras_backend.layers import Operation, Weight

X = np.random.default_rng(0).normal(size=(3, 3, 3)).astype("float32")
FIRST = {"input": 0}
PAIR = {"x1": {"input": 0}, "x2": {"input": 1}}


def model_of_many() -> keras.Model:
    """Ops with lists, numbers, mappings, several results and tensors that are the same for all samples."""
    x, g = keras.Input((None, 3), name="x"), keras.Input((), name="g")
    bias = Weight((3,), "ones", name="bias")(x)
    scaled = Operation("multiply", PAIR, [True, True], name="scaled")([x, g])
    shifted = Operation("add", PAIR, [True, False], name="shifted")([scaled, bias])
    clipped = Operation("clip", {"x": FIRST, "x_min": -1.0, "x_max": 1.0}, [True], name="clipped")(shifted)
    best, places = Operation("top_k", {"x": FIRST, "k": 2}, [True], name="best")(clipped)
    joined = Operation("concatenate", {"xs": [FIRST, {"input": 1}], "axis": -1}, [True, True], name="joined")([best, x])
    flat = Operation("einsum", {"subscripts": "ij,k->", "operands": [FIRST, {"input": 1}]}, [True, False], name="flat")(
        [joined, bias]
    )
    return keras.Model([x, g], [joined, places, flat])


def oracle(x: np.ndarray, g: np.ndarray) -> list[np.ndarray]:
    clipped = np.clip(x * g[:, None, None] + 1, -1, 1)
    places = np.argsort(-clipped, axis=-1, kind="stable")[..., :2]
    joined = np.concatenate([np.take_along_axis(clipped, places, -1), x], -1)
    return [joined, places, 3 * joined.sum((1, 2))]


def test_a_model_of_ops_survives_its_files(reload: Callable[..., Any], serve: Callable[..., Any]) -> None:
    model, g = model_of_many(), np.array([0.5, -1.0, 2.0], "float32")
    for served in (model, tf.function(model), reload(model), serve(model), keras.models.clone_model(model)):
        for actual, expected in zip(served([X, g]), oracle(X, g), strict=True):
            assert np.allclose(actual, expected, atol=1e-5)
        assert [output.shape[0] for output in served([X[:0], g[:0]])] == [0, 0, 0]


def test_a_config_makes_the_same_layer(remake: Callable[..., Any]) -> None:
    layer = Operation("pad", {"x": FIRST, "pad_width": [[0, 1], [2, 0]], "constant_values": 0.5}, [True], name="padded")
    again = remake(layer)
    assert again.get_config() == layer.get_config()
    assert np.array_equal(again(X), np.pad(X, ((0, 0), (0, 1), (2, 0)), constant_values=0.5))


def test_a_result_without_batch_axis_is_the_same_for_all() -> None:
    kernel = tf.constant(X[0])
    assert np.array_equal(Operation("sum", {"x": FIRST, "axis": 1}, [False])(kernel), X[0].sum(0))
    assert Operation("mean", {"x": FIRST}, [False])(kernel).shape == ()
    values, places = Operation("top_k", {"x": FIRST, "k": 1}, [False])(kernel)
    assert values.shape == places.shape == (3, 1)


def test_the_batch_axis_never_meets_a_feature_axis() -> None:
    # Batch, width and channels are all 3: only the rank says what is what.
    image, vector, scalar = X[:, :, None] * np.ones((1, 1, 3, 1), "float32"), X[:, 0], X[:, 0, 0]
    product = Operation("multiply", PAIR, [True, True])
    assert np.array_equal(product([image, vector]), image * vector[:, None, None])
    assert np.array_equal(product([scalar, image]), image * scalar[:, None, None, None])
    assert np.array_equal(Operation("multiply", PAIR, [True, False])([scalar, vector[0]]), np.outer(scalar, vector[0]))
    vectors = Operation("matmul", PAIR, [True, True])([vector, vector])
    assert np.allclose(vectors, (vector * vector).sum(-1), atol=1e-6)


@pytest.mark.parametrize("policy", ["float32", "mixed_float16", "mixed_bfloat16", "float64"])
def test_an_op_computes_in_the_dtype_of_its_tensors(policy: str) -> None:
    product = Operation("multiply", PAIR, [True, True], dtype=policy)
    for dtypes, expected in ((("float16", "float16"), "float16"), (("float16", "float32"), "float32")):
        tensors = [tf.cast(X, dtype) for dtype in dtypes]
        assert product(tensors).dtype == expected
        assert product([keras.KerasTensor((None, 3, 3), dtype) for dtype in dtypes]).dtype == expected


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_ops_train_under_mixed_precision(policy: str) -> None:
    x = keras.Input((3,), dtype=policy.removeprefix("mixed_"))
    weight = Weight((3,), "ones", dtype=policy)
    scaled = Operation("multiply", {**PAIR}, [True, False], dtype=policy)([x, weight(x)])
    model = keras.Model(x, Operation("sum", {"x": FIRST, "axis": -1, "keepdims": True}, [True], dtype=policy)(scaled))
    assert model.output.dtype == policy.removeprefix("mixed_")
    model.compile(keras.optimizers.SGD(0.5), "mean_absolute_error")
    model.fit(np.ones((4, 3), model.input.dtype), np.zeros((4, 1)), batch_size=4, verbose=0)
    assert np.array_equal(weight.get_weights()[0], np.full(3, 0.5, "float32"))


def test_stop_gradient_stops_it() -> None:
    x = tf.constant(X)
    with tf.GradientTape() as tape:
        tape.watch(x)
        stopped = Operation("stop_gradient", {"variable": FIRST}, [True])(x)
        y = 2.0 * stopped + 3.0 * x
    assert np.array_equal(stopped, X)
    assert np.array_equal(tape.gradient(y, x), np.full_like(X, 3.0))


@pytest.mark.parametrize("matrix", [(3,), (3, 5)])
def test_one_matrix_for_all_samples_is_not_repeated(matrix: tuple[int, ...]) -> None:
    # A gradient of the matrix for each sample would be a product of a batch, summed afterwards.
    product = Operation("matmul", PAIR, [True, False])

    @tf.function
    def slope(x: tf.Tensor, w: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(w)
            y = product([x, w])
        return tape.gradient(y, w)

    x, w = tf.constant(X), tf.ones(matrix)
    kinds = {node.type for node in slope.get_concrete_function(x, w).graph.get_operations()}
    assert "MatMul" in kinds and not any(kind.startswith("BatchMatMul") for kind in kinds)
    expected = X.sum((0, 1)) if len(matrix) == 1 else np.repeat(X.sum((0, 1))[:, None], 5, 1)
    assert np.allclose(slope(x, w), expected, atol=1e-5)


@pytest.mark.parametrize("op", ["take", "take_along_axis"])
def test_one_table_for_all_samples_is_not_repeated(op: str) -> None:
    table = tf.constant(np.arange(4000, dtype="float32")[:, None])
    places = tf.constant(np.array([[[3999], [0]], [[7], [7]]]))
    look_up = Operation(op, {"x": FIRST, "indices": {"input": 1}, "axis": 1}, [False, True])
    run = tf.function(lambda *tensors: look_up(list(tensors))).get_concrete_function(table, places)
    sizes = [output.shape.num_elements() or 0 for node in run.graph.get_operations() for output in node.outputs]
    assert max(sizes) == 4000
    assert np.array_equal(np.ravel(run(table, places)), [3999, 0, 7, 7])


@pytest.mark.parametrize("op", ["normal", "uniform"])
@pytest.mark.parametrize(("dtype", "expected"), [("float32", "float32"), ("float16", "float16"), ("int32", "float32")])
def test_random_numbers_have_the_shape_of_their_model(op: str, dtype: str, expected: str) -> None:
    like = keras.Input((None, 2), dtype=dtype)
    layer = Operation(op, {"like": FIRST}, [True])
    spec = layer(like)
    assert (spec.shape, spec.dtype) == ((None, None, 2), expected)
    for batch in (0, 3):
        numbers = keras.Model(like, spec)(np.zeros((batch, 4, 2), dtype))
        assert (numbers.shape, numbers.dtype) == ((batch, 4, 2), expected)
    assert Operation(op, {"like": FIRST}, [False])(tf.zeros([2], dtype)).shape == (2,)


def test_random_numbers_follow_their_distribution() -> None:
    like = tf.zeros([20_000])
    normal = Operation("normal", {"like": FIRST, "mean": 3.0, "stddev": 2.0, "seed": 1}, [True])(like)
    uniform = Operation("uniform", {"like": FIRST, "minval": -1.0, "maxval": 3.0, "seed": 1}, [True])(like)
    # Five standard errors of 20,000 draws.
    assert abs(np.mean(normal) - 3) < 0.071 and abs(np.std(normal) - 2) < 0.05
    assert abs(np.mean(uniform) - 1) < 0.041 and np.min(uniform) >= -1 and np.max(uniform) < 3


def test_random_numbers_are_fresh_at_each_call_and_in_each_file(
    reload: Callable[..., Any], serve: Callable[..., Any]
) -> None:
    x = keras.Input((3,))
    model = keras.Model(x, Operation("normal", {"like": FIRST}, [True])(x))
    like = np.zeros((2, 3), "float32")
    for run in (model, tf.function(model), serve(model), reload(model)):
        first, second = np.array(run(like)), np.array(run(like))
        assert len(np.unique([first, second])) == 12


def test_a_seed_repeats_what_is_drawn() -> None:
    like = tf.zeros([4])
    draws = [Operation("uniform", {"like": FIRST, "seed": seed}, [True])(like).numpy() for seed in (1, 1, 2)]
    assert np.array_equal(draws[0], draws[1]) and not np.array_equal(draws[0], draws[2])
    unseeded = []
    for _ in range(2):
        random.seed(5)
        unseeded.append(Operation("uniform", {"like": FIRST}, [True])(like).numpy())
    assert np.array_equal(*unseeded)


def test_a_symbolic_call_leaves_one_layer_in_the_graph() -> None:
    x = keras.Input((2, 3))
    model = keras.Model(x, Operation("mean", {"x": FIRST}, [True], name="mean")(x))
    assert [layer.name for layer in model.layers] == [x._keras_history.operation.name, "mean"]
    assert len(model.layers[0]._outbound_nodes) == 1


def test_an_unknown_op_is_refused() -> None:
    with pytest.raises(ValueError, match="there is no op 'eval'"):
        Operation("eval", {}, [])


@pytest.mark.parametrize("count", [1, 3])
def test_another_number_of_tensors_is_refused(count: int) -> None:
    with pytest.raises(ValueError, match="zip"):
        Operation("add", PAIR, [True, True])([tf.constant(X)] * count)


def test_squeeze_without_axis_needs_known_sizes() -> None:
    with pytest.raises(ValueError, match=r"needs known sizes, not \(None, 1\) per sample"):
        Operation("squeeze", {"x": FIRST}, [True])(keras.Input((None, 1)))
