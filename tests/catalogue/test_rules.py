"""Rules on what Keras can not be asked: symbolic sizes, ranges of values, work, and kernels from the graph."""

from __future__ import annotations

import math
from typing import Any

import pytest

from specc.catalogue import Fault, LayerFacts, StageReference, TensorArgument, layer, operation
from specc.types import UNKNOWN, Dim, Interval, SymbolicDim, TensorType

T = SymbolicDim.symbol("T")
H = SymbolicDim.symbol("H")


def typed(*shape: Dim, dtype: str = "float32", low: float = -math.inf, high: float = math.inf) -> TensorType:
    return TensorType(dtype, shape, interval=Interval(low, high))


def inferred(name: str, arguments: dict[str, Any], *inputs: TensorType) -> LayerFacts | Fault:
    entry = layer(name)
    assert entry is not None
    values, faults = entry.check(arguments)
    assert not faults, faults
    return entry.infer(values, inputs)


def facts(name: str, arguments: dict[str, Any], *inputs: TensorType) -> LayerFacts:
    found = inferred(name, arguments, *inputs)
    assert isinstance(found, LayerFacts), found
    return found


def fault(name: str, arguments: dict[str, Any], *inputs: TensorType) -> Fault:
    found = inferred(name, arguments, *inputs)
    assert isinstance(found, Fault), found
    return found


def applied(name: str, arguments: dict[str, Any], **operands: TensorType) -> LayerFacts | Fault:
    entry = operation(name)
    assert entry is not None
    values, faults = entry.check({**{key: TensorArgument(key) for key in operands}, **arguments})
    assert not faults, faults
    return entry.infer(values, operands)


@pytest.mark.parametrize(
    ("name", "arguments", "given", "expected"),
    [
        (
            "Conv2D",
            {"filters": 8, "kernel_size": 3, "strides": 2, "padding": "same"},
            (H, H, 3),
            ((H + 1) // 2, (H + 1) // 2, 8),
        ),
        ("Conv1D", {"filters": 8, "kernel_size": 3}, (T, 4), (T - 2, 8)),
        ("Conv1DTranspose", {"filters": 8, "kernel_size": 3, "strides": 2, "padding": "same"}, (T, 4), (T * 2, 8)),
        ("ZeroPadding1D", {"padding": 1}, (T, 4), (T + 2, 4)),
        ("Flatten", {}, (T, 4), (T * 4,)),
        ("Reshape", {"target_shape": [-1, 2]}, (T, 4), (T * 2, 2)),
        ("LSTM", {"units": 5, "return_sequences": True}, (T, 4), (T, 5)),
        ("MaxPooling1D", {}, (T, 4), ((T - 2) // 2 + 1, 4)),
        ("Embedding", {"input_dim": 10, "output_dim": 4}, (T,), (T, 4)),
        ("UpSampling1D", {"size": 3}, (T, 4), (T * 3, 4)),
    ],
)
def test_symbolic_sizes_flow(
    name: str, arguments: dict[str, Any], given: tuple[Dim, ...], expected: tuple[Dim, ...]
) -> None:
    dtype = "int32" if name == "Embedding" else "float32"
    assert facts(name, arguments, TensorType(dtype, given)).outputs[0].shape == expected


def test_an_unknown_rank_is_never_a_fault() -> None:
    for name, arguments in (("Conv2D", {"filters": 8, "kernel_size": 3}), ("LSTM", {"units": 3, "return_state": True})):
        found = facts(name, arguments, TensorType("float32", None))
        assert not found.proven and all(output.shape is None for output in found.outputs)
    assert len(facts("LSTM", {"units": 3, "return_state": True}, TensorType("float32", None)).outputs) == 3


def test_unknown_sizes_are_a_fault_only_where_weights_need_them() -> None:
    assert fault("Dense", {"units": 3}, typed(UNKNOWN)).pattern == "unknown-size"
    assert facts("Dense", {"units": 3}, typed(UNKNOWN, 4)).outputs[0].shape == (UNKNOWN, 3)
    assert facts("Add", {}, typed(UNKNOWN, 4), typed(3, 4)).outputs[0].shape == (3, 4)


@pytest.mark.parametrize(
    ("name", "arguments", "given", "message", "help"),
    [
        (
            "Conv2D",
            {"filters": 8, "kernel_size": 3},
            typed(784),
            "Conv2D needs 3 dims per sample (height, width, channels), the input is [784]",
            "`Reshape([28, 28, 1])` before it makes an image of the input",
        ),
        (
            "Conv2D",
            {"filters": 8, "kernel_size": 3},
            typed(28, 28),
            "Conv2D needs 3 dims per sample (height, width, channels), the input is [28, 28]",
            "`Reshape([28, 28, 1])` before it gives the input a channel axis",
        ),
        (
            "Conv2D",
            {"filters": 8, "kernel_size": 5},
            typed(4, 4, 1),
            "`kernel_size` [5, 5] reaches over 5 places, but the input [4, 4, 1] has 4 there",
            '`padding="same"` keeps small inputs legal',
        ),
        (
            "Reshape",
            {"target_shape": [7, 7]},
            typed(48),
            "Reshape to [7, 7] needs 49 elements, the input [48] has 48",
            None,
        ),
        (
            "Embedding",
            {"input_dim": 4, "output_dim": 2},
            typed(3),
            "Embedding looks up integers, the input is float32[3]",
            'declare the input as int32, or `cast(x, "int32")`',
        ),
        ("BatchNormalization", {"axis": 0}, typed(3), "axis 0 is the batch axis, which a spec can not touch", None),
        (
            "Conv2D",
            {"filters": 4, "kernel_size": 1, "groups": 2},
            typed(4, 4, 3),
            "`groups` 2 does not divide the 3 channels of the input",
            None,
        ),
    ],
)
def test_faults_show_both_sides(
    name: str, arguments: dict[str, Any], given: TensorType, message: str, help: str | None
) -> None:
    found = fault(name, arguments, given)
    assert (found.message, found.help) == (message, help)


def test_merge_faults_show_every_shape() -> None:
    found = fault("Add", {}, typed(4, 3), typed(4, 5))
    assert found.message == "Add needs equal shapes, the inputs are [4, 3] and [4, 5]"
    assert fault("Add", {}).message == "Add takes 1 or more inputs, not 0"
    assert fault("LSTMCell", {"units": 3}, typed(4, 3)).help == "write `RNN(LSTMCell(…))`"


@pytest.mark.parametrize(
    ("name", "arguments", "given", "macs"),
    [
        ("Dense", {"units": 10}, typed(20), 200),
        ("Dense", {"units": 10}, typed(5, 20), 1000),
        ("Conv2D", {"filters": 16, "kernel_size": 3, "padding": "same"}, typed(8, 8, 4), 64 * 9 * 4 * 16),
        ("Conv2D", {"filters": 16, "kernel_size": 3, "padding": "same", "groups": 4}, typed(8, 8, 4), 64 * 9 * 16),
        ("Conv2D", {"filters": 16, "kernel_size": 3, "padding": "same", "strides": 2}, typed(8, 8, 4), 16 * 9 * 4 * 16),
        (
            "Conv2DTranspose",
            {"filters": 16, "kernel_size": 3, "strides": 2, "padding": "same"},
            typed(8, 8, 4),
            64 * 9 * 4 * 16,
        ),
        ("DepthwiseConv2D", {"kernel_size": 3, "padding": "same"}, typed(8, 8, 4), 64 * 9 * 4),
        (
            "SeparableConv2D",
            {"filters": 6, "kernel_size": 3, "padding": "same"},
            typed(8, 8, 4),
            64 * 9 * 4 + 64 * 4 * 6,
        ),
        ("LSTM", {"units": 5}, typed(7, 3), 7 * 4 * 5 * (3 + 5)),
        ("Bidirectional", {"layer": StageReference("GRU", {"units": 5})}, typed(7, 3), 2 * 7 * 3 * 5 * (3 + 5)),
        ("TimeDistributed", {"layer": StageReference("Dense", {"units": 4})}, typed(7, 3), 7 * 3 * 4),
        ("EinsumDense", {"equation": "abc,cd->abd", "output_shape": [None, 4]}, typed(7, 3), 7 * 3 * 4),
        ("BatchNormalization", {}, typed(7, 3), 0),
    ],
)
def test_work_is_counted_by_the_usual_convention(
    name: str, arguments: dict[str, Any], given: TensorType, macs: int
) -> None:
    assert facts(name, arguments, given).macs == macs


def test_attention_counts_its_projections_and_its_products() -> None:
    query, value = typed(5, 6), typed(7, 6)
    found = facts("MultiHeadAttention", {"num_heads": 2, "key_dim": 3}, query, value)
    projections = 5 * 6 * 6 + 2 * (7 * 6 * 6) + 5 * 6 * 6
    assert found.macs == projections + 2 * 5 * 7 * 3 * 2


@pytest.mark.parametrize(
    ("name", "arguments", "given", "low", "high"),
    [
        ("Dense", {"units": 3, "activation": "sigmoid"}, typed(4), 0, 1),
        ("Dense", {"units": 3, "activation": "relu"}, typed(4), 0, math.inf),
        ("Dense", {"units": 3}, typed(4, low=0, high=1), -math.inf, math.inf),
        ("ReLU", {"max_value": 6}, typed(4), 0, 6),
        ("ReLU", {"negative_slope": 0.5}, typed(4, low=-2, high=1), -1, 1),
        ("MaxPooling1D", {}, typed(4, 4, low=0, high=1), 0, 1),
        ("Rescaling", {"scale": 2, "offset": -1}, typed(4, low=0, high=1), -1, 1),
        ("Rescaling", {"scale": 1 / 255}, typed(4, low=0, high=255), 0, 1),
        ("ZeroPadding1D", {}, typed(4, 4, low=1, high=2), 0, 2),
        ("Dropout", {"rate": 0.5}, typed(4, low=-1, high=3), -2, 6),
        ("Flatten", {}, typed(4, low=0, high=1), 0, 1),
        ("LSTM", {"units": 3}, typed(4, 4), -1, 1),
        ("Softmax", {}, typed(4), 0, 1),
        ("CategoryEncoding", {"num_tokens": 3}, typed(4, dtype="int32"), 0, 1),
    ],
)
def test_ranges_of_layers(name: str, arguments: dict[str, Any], given: TensorType, low: float, high: float) -> None:
    assert facts(name, arguments, given).outputs[0].interval == Interval(low, high)


def test_ranges_of_merges() -> None:
    unit, wide = typed(3, low=0, high=1), typed(3, low=-2, high=4)
    assert facts("Add", {}, unit, wide).outputs[0].interval == Interval(-2, 5)
    assert facts("Average", {}, unit, wide).outputs[0].interval == Interval(-1, 2.5)
    assert facts("Multiply", {}, unit, wide).outputs[0].interval == Interval(-2, 4)
    assert facts("Concatenate", {}, unit, wide).outputs[0].interval == Interval(-2, 4)
    assert facts("Subtract", {}, unit, wide).outputs[0].interval == Interval(-4, 3)


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("Dense", {"units": 3}, ((4, 3), (3,))),
        ("Conv1D", {"filters": 6, "kernel_size": 3, "groups": 2}, ((3, 2, 6), (6,))),
        ("EinsumDense", {"equation": "abc,cd->abd", "output_shape": [None, 5], "bias_axes": "d"}, ((4, 5), (5,))),
    ],
)
def test_kernels_from_the_graph_have_the_layers_shape(name: str, arguments: dict[str, Any], expected: Any) -> None:
    entry = layer(name)
    assert entry is not None and entry.takes_kernel
    values, _ = entry.check(arguments)
    assert (entry.kernel_shape(values, (typed(7, 4),)), entry.bias_shape(values, (typed(7, 4),))) == expected
    assert entry.kernel_shape(values, (typed(7, UNKNOWN),)) is None


def test_which_layers_take_a_kernel() -> None:
    taking = {"Dense", "EinsumDense", "Conv1D", "Conv2D", "Conv3D", "Conv2DTranspose", "DepthwiseConv2D"}
    from specc.catalogue import layer_names

    assert {entry.name for entry in map(layer, layer_names()) if entry and entry.takes_kernel} == taking


def test_ops_broadcast_without_the_batch_axis() -> None:
    image, scale = typed(8, 8, 3), typed(3)
    for left, right in ((image, scale), (typed(), image)):
        result = applied("multiply", {}, x1=left, x2=right)
        assert isinstance(result, LayerFacts) and result.outputs[0].shape == (8, 8, 3)
    found = applied("multiply", {}, x1=image, x2=typed(8))
    assert isinstance(found, Fault) and found.pattern == "merge-mismatch"


def test_a_result_is_batched_if_any_operand_is() -> None:
    fixed = TensorType("float32", (3,), batched=False)
    for left, right, batched in ((fixed, fixed, False), (fixed, typed(3), True)):
        found = applied("add", {}, x1=left, x2=right)
        assert isinstance(found, LayerFacts) and found.outputs[0].batched is batched


def test_reductions_without_axis_keep_the_sample() -> None:
    found = applied("mean", {}, x=typed(8, 8, 3, low=0, high=1))
    assert isinstance(found, LayerFacts)
    assert found.outputs[0] == TensorType("float32", ()) and found.outputs[0].interval == Interval(0, 1)
    refused = applied("mean", {"axis": [0, 1]}, x=typed(8, 3))
    assert isinstance(refused, Fault) and refused.pattern == "batch-axis"


def test_random_ops_are_like_their_operand() -> None:
    found = applied("normal", {}, like=typed(4))
    assert isinstance(found, LayerFacts) and found.outputs[0] == TensorType("float32", (4,))
    found = applied("uniform", {"minval": -1.0}, like=typed(4))
    assert isinstance(found, LayerFacts) and found.outputs[0].interval == Interval(-1, 1)


def test_frozen_layers_train_nothing() -> None:
    found = facts("BatchNormalization", {"trainable": False}, typed(4))
    assert len(found.weights) == 4 and not any(weight.trainable for weight in found.weights)
