"""The law of the conditioned layers: sample i's result is that of Keras' layer with sample i's kernel, alone."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from specc.keras_backend import layers as specc_layers
from specc.keras_backend.layers import ConditionedConv2D, ConditionedDense, ConditionedEinsumDense
from specc.keras_backend.layers.conditioned.dense import per_sample_equation

RANDOM = np.random.default_rng(0)

# Keras' class, its arguments, the per-sample shape of x.
CASES: dict[str, tuple[str, dict[str, Any], tuple[int, ...]]] = {
    "dense": ("Dense", {"units": 3, "activation": "tanh"}, (4,)),
    "dense rank 4": ("Dense", {"units": 3}, (2, 3, 4)),
    "einsum": ("EinsumDense", {"equation": "ab,bc->ac", "output_shape": 3, "bias_axes": "c"}, (4,)),
    "einsum left": ("EinsumDense", {"equation": "...x,xy->...y", "output_shape": 3, "bias_axes": "y"}, (2, 4)),
    "einsum right": ("EinsumDense", {"equation": "ab...,bc->ac...", "output_shape": (3,)}, (4, 2)),
    "einsum heads": (
        "EinsumDense",
        {"equation": "btd,dnh->btnh", "output_shape": (5, 2, 3), "bias_axes": "nh"},
        (5, 4),
    ),
    "conv1d": ("Conv1D", {"filters": 3, "kernel_size": 3, "activation": "relu"}, (7, 2)),
    "conv1d causal": ("Conv1D", {"filters": 3, "kernel_size": 3, "padding": "causal", "dilation_rate": 2}, (7, 2)),
    "conv2d": ("Conv2D", {"filters": 3, "kernel_size": 3}, (5, 6, 2)),
    "conv2d same strides": ("Conv2D", {"filters": 3, "kernel_size": 3, "strides": 2, "padding": "same"}, (6, 5, 2)),
    "conv2d dilated": (
        "Conv2D",
        {"filters": 3, "kernel_size": (3, 2), "dilation_rate": 2, "padding": "same"},
        (6, 5, 2),
    ),
    "conv2d groups": ("Conv2D", {"filters": 4, "kernel_size": 3, "groups": 2, "padding": "same"}, (4, 4, 6)),
    "conv3d": ("Conv3D", {"filters": 2, "kernel_size": 2, "padding": "same", "strides": (1, 2, 1)}, (3, 4, 3, 2)),
    "transpose": ("Conv2DTranspose", {"filters": 3, "kernel_size": 3, "strides": 2, "padding": "same"}, (3, 4, 2)),
    "transpose padded": (
        "Conv2DTranspose",
        {"filters": 2, "kernel_size": 3, "strides": 2, "output_padding": 1},
        (3, 2, 2),
    ),
    "depthwise": (
        "DepthwiseConv2D",
        {"kernel_size": 3, "depth_multiplier": 2, "strides": 2, "padding": "same"},
        (5, 5, 3),
    ),
}


ONE_OF_EACH = ["dense", "einsum left", "conv1d causal", "conv2d groups", "conv3d", "transpose", "depthwise"]


class Reference:
    """Keras' own layer, whose variables can be set to any sample's kernel and bias."""

    def __init__(self, case: str) -> None:
        self.class_name, self.arguments, self.x_shape = CASES[case]
        self.layer = getattr(keras.layers, self.class_name)(**self.arguments, bias_initializer="random_normal")
        self.layer.build((None, *self.x_shape))
        self.shapes = {"kernel": tuple(self.layer.kernel.shape)}
        if self.layer.bias is not None:
            self.shapes["bias"] = tuple(self.layer.bias.shape)

    def conditioned(self, parts: list[str], batched: list[bool], **others: Any) -> Any:
        """The layer under test."""
        layer_class = getattr(specc_layers, f"Conditioned{self.class_name}")
        return layer_class(**self.arguments, conditioned=parts, batched=batched, **others)

    def alone(self, x: np.ndarray, values: dict[str, np.ndarray], upstream: np.ndarray) -> dict[str, np.ndarray]:
        """Result and gradients on a batch, with `values` as variables."""
        for part, value in values.items():
            getattr(self.layer, "_kernel" if hasattr(self.layer, "_kernel") and part == "kernel" else part).assign(
                value
            )
        x = tf.constant(x)
        variables = {part: getattr(self.layer, part).value for part in self.shapes}
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = self.layer(x)
        slopes = tape.gradient(y, {"x": x, **variables}, upstream)
        return {"y": y.numpy(), **{name: slope.numpy() for name, slope in slopes.items()}}


def draw(*shape: int) -> np.ndarray:
    return RANDOM.normal(size=shape).astype("float32")


def run(layer: Any, inputs: list[np.ndarray], upstream: np.ndarray) -> list[np.ndarray]:
    """Result and gradients to each of the inputs, traced without knowing the batch."""
    tensors = [tf.constant(i) for i in inputs]
    layer(tensors)

    def step(inputs: list[tf.Tensor], upstream: tf.Tensor) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            y = layer(inputs)
        return [y, *tape.gradient(y, inputs, upstream)]

    signature = [[tf.TensorSpec((None, *i.shape[1:])) for i in inputs], tf.TensorSpec(None)]
    return [t.numpy() for t in tf.function(step, input_signature=signature)(tensors, upstream)]


@pytest.mark.parametrize("batch", [0, 1, 3])
@pytest.mark.parametrize("case", CASES)
def test_a_part_for_each_sample(case: str, batch: int) -> None:
    reference = Reference(case)
    parts = list(reference.shapes)
    x, values = draw(batch, *reference.x_shape), {p: draw(batch, *reference.shapes[p]) for p in parts}
    layer = reference.conditioned(parts, [True] * len(parts))
    upstream = draw(*tuple(batch if d is None else d for d in layer.compute_output_shape((None, *reference.x_shape))))
    y, *slopes = run(layer, [x, *values.values()], upstream)
    assert layer.variables == []
    assert y.shape == upstream.shape
    for name, slope in zip(["x", *parts], slopes, strict=True):
        assert slope.shape == (x if name == "x" else values[name]).shape
    for i in range(batch):
        own = {part: value[i] for part, value in values.items()}
        alone = reference.alone(x[i : i + 1], own, upstream[i : i + 1])
        assert np.allclose(y[i], alone["y"][0], rtol=1e-5, atol=1e-5)
        assert np.allclose(slopes[0][i], alone["x"][0], rtol=1e-5, atol=1e-5)
        for part, slope in zip(parts, slopes[1:], strict=True):
            assert np.allclose(slope[i], alone[part], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("case", CASES)
def test_a_part_that_is_the_same_for_all_gives_the_very_numbers_of_keras(case: str) -> None:
    reference = Reference(case)
    parts = list(reversed(reference.shapes))
    x, values = draw(3, *reference.x_shape), {p: draw(*reference.shapes[p]) for p in parts}
    layer = reference.conditioned(parts, [False] * len(parts))
    y = layer([x, *values.values()])
    assert np.array_equal(y, reference.alone(x, values, np.ones(y.shape, "float32"))["y"])


@pytest.mark.parametrize("batched", [False, True])
@pytest.mark.parametrize("case", [case for case in CASES if case != "einsum right"])
def test_a_conditioned_bias_leaves_the_kernel_to_training(case: str, batched: bool) -> None:
    reference = Reference(case)
    shape = reference.shapes["bias"]
    x, bias = draw(3, *reference.x_shape), draw(3, *shape) if batched else draw(*shape)
    layer = reference.conditioned(["bias"], [batched])
    y = layer([x, bias])
    assert [v.name for v in layer.trainable_variables] == ["kernel"]
    for i in range(3):
        own = {"kernel": layer.get_weights()[0], "bias": bias[i] if batched else bias}
        alone = reference.alone(x[i : i + 1], own, np.ones(y[i : i + 1].shape, "float32"))
        assert np.allclose(y[i], alone["y"][0], rtol=1e-5, atol=1e-5)


def test_a_conditioned_kernel_leaves_the_bias_to_training() -> None:
    layer = ConditionedDense(2, conditioned=["kernel"], batched=[True], bias_initializer="ones")
    x, kernel = draw(3, 4), draw(3, 4, 2)
    assert np.allclose(layer([x, kernel]), np.einsum("bi,bio->bo", x, kernel) + 1, atol=1e-5)
    assert [v.path for v in layer.variables] == [f"{layer.name}/bias"]


@pytest.mark.parametrize("case", [c for c in CASES if c.startswith(("conv", "trans", "depth"))])
def test_channels_may_come_first(case: str) -> None:
    last = Reference(case)
    parts = ["kernel", "bias"]
    x = draw(3, *last.x_shape)
    values = [draw(3, *last.shapes[p]) for p in parts]
    expected = last.conditioned(parts, [True, True])([x, *values])
    first = last.conditioned(parts, [True, True], data_format="channels_first")
    actual = first([np.moveaxis(x, -1, 1), *values])
    assert np.array_equal(np.moveaxis(actual, 1, -1), expected)
    assert first.compute_output_shape((None, last.x_shape[-1], *last.x_shape[:-1]))[1:] == actual.shape[1:]


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("case", ONE_OF_EACH)
def test_mixed_precision_trains(case: str, policy: str) -> None:
    reference = Reference(case)
    x = keras.Input(reference.x_shape)
    flat = keras.layers.Dense(int(np.prod(reference.shapes["kernel"])), dtype=policy)(keras.layers.Flatten()(x))
    kernel = keras.layers.Reshape(reference.shapes["kernel"])(flat)
    layer = reference.conditioned(["kernel"], [True], dtype=policy)
    y = layer([x, kernel])
    assert y.dtype == policy.removeprefix("mixed_")
    model = keras.Model(x, y)
    model.compile(keras.optimizers.SGD(1e-2), "mean_squared_error")
    before = [w.copy() for w in model.get_weights()]
    data = draw(4, *reference.x_shape)
    loss = model.fit(data, np.ones(model(data).shape), batch_size=4, verbose=0).history["loss"][0]
    assert np.isfinite(loss)
    assert any(np.any(a != b) for a, b in zip(before, model.get_weights(), strict=True))


@pytest.mark.parametrize("case", ONE_OF_EACH)
def test_models_survive_their_files(case: str, reload: Callable[..., Any], serve: Callable[..., Any]) -> None:
    reference = Reference(case)
    kernel_shape = reference.shapes["kernel"]
    x, kernel = keras.Input(reference.x_shape), keras.Input(kernel_shape)
    model = keras.Model([x, kernel], reference.conditioned(["kernel"], [True])([x, kernel]))
    inputs = [draw(2, *reference.x_shape), draw(2, *kernel_shape)]
    expected = model(inputs)
    assert np.array_equal(reload(model)(inputs), expected)
    assert np.allclose(serve(model)(inputs), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("batch", [0, 2])
def test_spatial_axes_may_be_unknown(batch: int) -> None:
    x, kernel = keras.Input((None, None, 2)), keras.Input((3, 3, 2, 4))
    layer = ConditionedConv2D(4, 3, strides=2, padding="same", conditioned=["kernel"], batched=[True])
    y = layer([x, kernel])
    assert y.shape == (None, None, None, 4)
    model = keras.Model([x, kernel], y)
    inputs = [draw(batch, 5, 8, 2), draw(batch, 3, 3, 2, 4)]
    assert model(inputs).shape == (batch, 3, 4, 4)


@pytest.mark.parametrize(
    ("equation", "rank", "expected"),
    [
        ("ab,bc->ac", 2, "ab,abc->ac"),
        ("...x,xy->...y", 3, "abx,axy->aby"),
        ("...a,ab->...b", 2, "ca,cab->cb"),
        ("ab...,bc->ac...", 4, "abde,abc->acde"),
    ],
)
def test_the_batch_axis_goes_in_front_of_the_kernel(equation: str, rank: int, expected: str) -> None:
    assert per_sample_equation(equation, rank) == expected


def test_the_mask_of_x_goes_on() -> None:
    masked = keras.layers.Embedding(4, 2, mask_zero=True)(keras.Input((3,), dtype="int32"))
    layer = ConditionedDense(5, conditioned=["kernel"], batched=[False])
    assert layer([masked, keras.KerasTensor((2, 5))])._keras_mask is masked._keras_mask


def test_activity_is_regularized_as_in_keras() -> None:
    layer = ConditionedDense(2, conditioned=["kernel"], batched=[True], activity_regularizer=keras.regularizers.L1(0.5))
    y = layer([draw(3, 4), draw(3, 4, 2)])
    assert np.allclose(layer.losses, [0.5 * np.abs(y).sum() / 3], rtol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"conditioned": [], "batched": []}, "names the kernel, the bias or both"),
        ({"conditioned": ["kernel", "kernel"], "batched": [True, True]}, "names the kernel, the bias or both"),
        ({"conditioned": ["scale"], "batched": [True]}, "names the kernel, the bias or both"),
        ({"conditioned": ["kernel"], "batched": [True, False]}, "batched has one entry for each"),
        ({"conditioned": ["kernel"], "batched": [True], "lora_rank": 2}, "LoRA"),
    ],
)
def test_contradicting_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ConditionedDense(2, **arguments)


@pytest.mark.parametrize("argument", ["kernel_regularizer", "kernel_constraint"])
def test_what_needs_a_variable_is_refused(argument: str) -> None:
    chosen: dict[str, Any] = {argument: {"kernel_regularizer": "l2", "kernel_constraint": "non_neg"}[argument]}
    layer = ConditionedDense(2, conditioned=["kernel"], batched=[True], **chosen)
    with pytest.raises(ValueError, match="a kernel from the graph has no variable"):
        layer([draw(3, 4), draw(3, 4, 2)])


def test_a_bias_that_the_layer_does_not_have_is_refused() -> None:
    layer = ConditionedEinsumDense("ab,bc->ac", 2, conditioned=["bias"], batched=[True])
    with pytest.raises(ValueError, match="conditioned on a bias that it does not have"):
        layer([draw(3, 4), draw(3, 2)])


@pytest.mark.parametrize(("batched", "shape"), [(True, (3, 5, 2)), (False, (5, 2)), (False, (3, 4, 2))])
def test_a_kernel_of_another_shape_is_refused(batched: bool, shape: tuple[int, ...]) -> None:
    layer = ConditionedDense(2, conditioned=["kernel"], batched=[batched])
    layer.build([(None, 4), (None, 4, 2) if batched else (4, 2)])
    with pytest.raises(ValueError, match="incompatible with the layer"):
        layer([draw(3, 4), draw(*shape)])
