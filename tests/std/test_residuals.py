"""The residual blocks of the library and their relatives, against the same in NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from tests.std.reference import Array, Case, Weighted, case, convolution, max_pool, relu, same, sigmoid

IMAGE = (7, 6, 4)


def residual_body(layers: Weighted, x: Array, stride: int) -> Array:
    inner = relu(layers.normalized("body.batch_normalization", layers.conv("body.conv2d", x, stride)))
    return layers.normalized("body", layers.conv("body.conv2d_2", inner))


def shortcut(layers: Weighted, x: Array, stride: int) -> Array:
    return layers.normalized("shortcut", layers.conv("shortcut.conv2d", x, stride))


def test_residual_keeps_what_fits() -> None:
    given = case("residual", "x -> residual(4)", x=IMAGE)
    given.check(relu(given["x"] + residual_body(given.layers, given["x"], 1)))


@pytest.mark.parametrize(("filters", "stride"), [(6, 1), (4, 2), (6, 2)])
def test_residual_projects_what_does_not_fit(filters: int, stride: int) -> None:
    given = case("residual", f"x -> residual({filters}, stride={stride})", x=IMAGE)
    x, layers = given["x"], given.layers
    given.check(relu(shortcut(layers, x, stride) + residual_body(layers, x, stride)))


def attended(layers: Weighted, x: Array) -> Array:
    hidden = relu(layers.dense("attended.squeezed", x.mean((1, 2))))
    return np.asarray(x * sigmoid(layers.dense("attended.y.dense", hidden))[:, None, None])


def test_residual_attends_before_the_sum() -> None:
    given = case("residual, squeeze_excite", "x -> residual(4, attention=squeeze_excite(2))", x=IMAGE)
    assert given.weights["attended.squeezed/kernel"].shape == (4, 2)
    given.check(relu(given["x"] + attended(given.layers, residual_body(given.layers, given["x"], 1))))


def test_residual_takes_another_normalization() -> None:
    given = case("residual", "x -> residual(4, normalization=LayerNormalization())", x=IMAGE)
    x, layers = given["x"], given.layers
    inner = relu(layers.layer_normalized("body.layer_normalization", layers.conv("body.conv2d", x)))
    given.check(relu(x + layers.layer_normalized("body", layers.conv("body.conv2d_2", inner))))


def bottleneck_body(layers: Weighted, x: Array, stride: int, groups: int) -> Array:
    h = relu(layers.normalized("body.batch_normalization", layers.conv("body.conv2d", x)))
    h = layers.conv("body.conv2d_2", h, stride, groups)
    h = relu(layers.normalized("body.batch_normalization_2", h))
    return layers.normalized("body", layers.conv("body.conv2d_3", h))


@pytest.mark.parametrize(
    ("arguments", "stride", "groups", "width"),
    [("8", 1, 1, 2), ("8, stride=2", 2, 1, 2), ("8, stride=2, width=6, groups=3", 2, 3, 6)],
)
def test_bottleneck(arguments: str, stride: int, groups: int, width: int) -> None:
    given = case("bottleneck", f"x -> bottleneck({arguments})", x=IMAGE)
    x, layers = given["x"], given.layers
    assert layers.weights["body.conv2d/kernel"].shape == (1, 1, 4, width)
    given.check(relu(shortcut(layers, x, stride) + bottleneck_body(layers, x, stride, groups)))


def test_bottleneck_keeps_what_fits() -> None:
    given = case("bottleneck", "x -> bottleneck(4)", x=IMAGE)
    given.check(relu(given["x"] + bottleneck_body(given.layers, given["x"], 1, 1)))


@pytest.mark.parametrize(("filters", "stride"), [(4, 1), (4, 2), (8, 1), (8, 2)])
def test_preactivated(filters: int, stride: int) -> None:
    given = case("preactivated", f"x -> preactivated({filters}, stride={stride})", x=IMAGE)
    x, layers = given["x"], given.layers
    active = relu(layers.normalized("active.batch_normalization", x))
    h = relu(layers.normalized("body.batch_normalization", layers.conv("body.conv2d", active)))
    h = convolution(np.pad(h, [(0, 0), (1, 1), (1, 1), (0, 0)]), layers.weights["body.conv2d_2/kernel"], stride)
    body = layers.conv("body", relu(layers.normalized("body.batch_normalization_2", h)))
    around = x[:, ::stride, ::stride] if filters == 4 else layers.conv("around", active, stride)
    given.check(around + body)


def inverted(given: Case, expansion: int, stride: int, x: Array) -> Array:
    layers = given.layers
    if expansion > 1:
        x = np.clip(layers.normalized("expanded.batch_normalization", layers.conv("expanded.conv2d", x)), 0, 6)
    h = layers.depthwise("filtered.depthwise_conv2d", x, stride)
    h = np.clip(layers.normalized("filtered.batch_normalization", h), 0, 6)
    if "attended.squeezed/kernel" in layers.weights:
        h = attended(layers, h)
    return layers.normalized("narrow", layers.conv("narrow.conv2d", h))


@pytest.mark.parametrize("options", ["", ", drop=0.5", ", attention=squeeze_excite(3)"])
@pytest.mark.parametrize(("stride", "expansion"), [(1, 1), (1, 3), (2, 3)])
def test_inverted_residual(options: str, stride: int, expansion: int) -> None:
    blocks = "inverted_residual, squeeze_excite" if "squeeze" in options else "inverted_residual"
    pipeline = f"x -> inverted_residual(4, 5, {stride}, expansion={expansion}{options})"
    given = case(blocks, pipeline, x=IMAGE)
    result = inverted(given, expansion, stride, given["x"])
    given.check(given["x"] + result if stride == 1 else result)


def test_inverted_residual_of_another_size_has_no_way_around() -> None:
    given = case("inverted_residual", "x -> inverted_residual(5, width=7, drop=0.5)", x=IMAGE)
    assert given.weights["expanded.conv2d/kernel"].shape == (1, 1, 4, 7)
    given.check(inverted(given, 7, 1, given["x"]))


def test_inverted_residual_leaves_out_whole_residuals_in_training() -> None:
    given = case("inverted_residual", "x -> inverted_residual(4, drop=0.5)", x=IMAGE)
    x = np.repeat(given["x"][:1], 64, axis=0).astype("float32")
    residuals = np.asarray(given.model({"x": x}, training=True)["z"]) - x
    whole = np.asarray(np.abs(residuals).max((1, 2, 3)) > 0)
    assert 0 < whole.sum() < 64
    assert not residuals[~whole].any()


def test_dense_block() -> None:
    given = case("dense_block", "x -> dense_block(2, 3)", x=IMAGE)
    x, layers = given["x"], given.layers
    for name in ("y.dense_layer.new", "y.new"):
        h = layers.conv(f"{name}.conv2d", relu(layers.normalized(f"{name}.batch_normalization", x)))
        h = layers.conv(name, relu(layers.normalized(f"{name}.batch_normalization_2", h)))
        x = np.concatenate([x, h], axis=-1)
    assert x.shape[-1] == 4 + 2 * 3
    given.check(x)


def test_transition() -> None:
    given = case("transition", "x -> transition", x=(6, 8, 4))
    h = given.layers.conv("y.conv2d", relu(given.layers.normalized("y.batch_normalization", given["x"])))
    given.check(h.reshape(3, 3, 2, 4, 2, 2).mean((2, 4)))


def test_inception() -> None:
    given = case("inception", "x -> inception(2, 3, 4, 5, 6, 7)", x=IMAGE)
    x, layers = given["x"], given.layers

    def conv(number: int, of: Array) -> Array:
        return relu(layers.conv(f"y.conv2d_{number}" if number > 1 else "y.conv2d", of))

    pooled = max_pool(np.where(same(np.ones_like(x), 3) > 0, same(x, 3), -np.inf), 3, 1)
    branches = [conv(1, x), conv(3, conv(2, x)), conv(5, conv(4, x)), conv(6, pooled)]
    assert [branch.shape[-1] for branch in branches] == [2, 4, 6, 7]
    given.check(np.concatenate(branches, axis=-1))
