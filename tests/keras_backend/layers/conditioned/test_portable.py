"""The portable form of the conditioned convolutions gives what the fast form gives."""

from itertools import product
from typing import Any

import numpy as np
import pytest

from specc.keras_backend import layers as specc_layers
from specc.keras_backend.layers.conditioned.patches import pads_of
from tests.keras_backend.layers.conditioned.test_conditioned import CASES, ONE_OF_EACH, Reference, draw

CONVOLUTIONS = [case for case in CASES if case.startswith(("conv", "trans", "depth"))]
WINDOWS = [{"strides": 1, "dilation_rate": 2}, {"strides": 1}, {"strides": 2}, {"strides": 3}]


def agree(class_name: str, arguments: dict[str, Any], x: np.ndarray, kernel_shape: tuple[int, ...]) -> None:
    """Both forms of a layer with a kernel for each sample give the same."""
    kernel = draw(len(x), *kernel_shape)
    layer_class = getattr(specc_layers, f"Conditioned{class_name}")
    fast, portable = (
        layer_class(**arguments, conditioned=["kernel"], batched=[True], portable=form)([x, kernel])
        for form in (False, True)
    )
    assert portable.shape == fast.shape
    np.testing.assert_allclose(portable, fast, rtol=1e-5, atol=1e-5, err_msg=str(arguments))


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("batch", [0, 1, 3])
@pytest.mark.parametrize("case", CONVOLUTIONS)
def test_every_convolution_agrees(case: str, batch: int, data_format: str) -> None:
    reference = Reference(case)
    x = draw(batch, *reference.x_shape)
    arguments = {**reference.arguments, "data_format": data_format}
    agree(
        reference.class_name,
        arguments,
        x if data_format == "channels_last" else np.moveaxis(x, -1, 1),
        reference.shapes["kernel"],
    )


@pytest.mark.parametrize("window", WINDOWS, ids=str)
@pytest.mark.parametrize("padding", ["valid", "same"])
def test_convolutions_agree_over_sizes_windows_and_strides(padding: str, window: dict[str, int]) -> None:
    common = {"padding": padding, **window}
    for size, places in product((5, 6), (2, 3)):
        agree("Conv1D", {"filters": 4, "kernel_size": places, "groups": 2, **common}, draw(2, size, 4), (places, 2, 4))
        square = {"kernel_size": (places, 2), **common}
        agree("Conv2D", {"filters": 3, **square}, draw(2, size, 7, 2), (places, 2, 2, 3))
        same = {"kernel_size": places, "depth_multiplier": 2, **common}
        agree("DepthwiseConv2D", same, draw(2, size, 6, 3), (places, places, 3, 2))


@pytest.mark.parametrize("strides", [1, 2, 3])
@pytest.mark.parametrize("padding", ["valid", "same"])
def test_transposed_convolutions_agree_over_sizes_windows_and_strides(padding: str, strides: int) -> None:
    # TensorFlow does not dilate them on a CPU.
    for size, places in product((3, 4), (1, 2, 3)):
        arguments = {"filters": 3, "kernel_size": (places, 2), "padding": padding, "strides": strides}
        agree("Conv2DTranspose", arguments, draw(2, size, 3, 2), (places, 2, 3, 2))


@pytest.mark.parametrize("case", ONE_OF_EACH)
def test_the_form_is_kept_in_the_config(case: str) -> None:
    layer = Reference(case).conditioned(["kernel"], [True], portable=True)
    assert type(layer).from_config(layer.get_config()).portable


def test_an_odd_pad_goes_behind() -> None:
    assert pads_of("same", [5, 6], [2, 3], [1, 2], [1, 1]) == [(0, 1), (0, 1)]
    assert pads_of("causal", [7], [3], [1], [2]) == [(4, 0)]
    assert pads_of("valid", [7, 7], [3, 3], [1, 1], [1, 1]) == [(0, 0), (0, 0)]
