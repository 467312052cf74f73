"""What is said of wrong arguments: one fault each, in words for whoever wrote the spec."""

from __future__ import annotations

import time
from typing import Any

import pytest

from specc.catalogue import REFUSED, Configured, StageReference, TensorArgument, configuration, layer, operation
from specc.types import INTEGER_LIMIT

CONV = {"filters": 8, "kernel_size": 3}


def faults(name: str, arguments: dict[str, Any]) -> list[tuple[str | None, str, str, str | None]]:
    entry = layer(name)
    assert entry is not None
    values, found = entry.check(arguments)
    assert bool(values) != bool(found)
    return [(fault.argument, fault.pattern, fault.message, fault.help) for fault in found]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            {"kernel_siez": 3, "filters": 8},
            ("kernel_siez", "unknown-argument", "Conv2D has no argument `kernel_siez`", "did you mean `kernel_size`?"),
        ),
        (
            {"filters": 8},
            ("kernel_size", "missing-argument", "Conv2D needs `kernel_size`, a positive integer or a list of 2", None),
        ),
        ({**CONV, "filters": -3}, ("filters", "illegal-value", "`filters` must be a positive integer, not -3", None)),
        ({**CONV, "filters": True}, ("filters", "wrong-kind", "`filters` must be a positive integer, not true", None)),
        ({**CONV, "filters": 8.0}, ("filters", "wrong-kind", "`filters` must be a positive integer, not 8.0", None)),
        (
            {**CONV, "filters": INTEGER_LIMIT},
            ("filters", "illegal-value", f"`filters` must be a positive integer, not {INTEGER_LIMIT}", None),
        ),
        (
            {**CONV, "strides": 2**31},
            ("strides", "illegal-value", f"`strides` must be a positive integer or a list of 2, not {2**31}", None),
        ),
        (
            {**CONV, "strides": [1, 2, 3]},
            ("strides", "illegal-value", "`strides` must be a positive integer or a list of 2, not [1, 2, 3]", None),
        ),
        (
            {**CONV, "padding": "vallid"},
            ("padding", "illegal-value", '`padding` must be "valid" or "same", not "vallid"', "did you mean `valid`?"),
        ),
        ({**CONV, "padding": 3}, ("padding", "wrong-kind", '`padding` must be "valid" or "same", not 3', None)),
        (
            {**CONV, "activation": "rellu"},
            ("activation", "illegal-value", '`activation`: there is no activation "rellu"', "did you mean `relu`?"),
        ),
        (
            {**CONV, "activation": "glu"},
            (
                "activation",
                "illegal-value",
                '`activation`: "glu" is refused: ' + REFUSED["glu"],
                None,
            ),
        ),
        (
            {**CONV, "kernel_initializer": Configured("L2", "regularizer", {})},
            (
                "kernel_initializer",
                "illegal-value",
                "`kernel_initializer`: `L2` is a regularizer, and an initializer is needed",
                None,
            ),
        ),
        (
            {**CONV, "kernel_regularizer": 0.01},
            ("kernel_regularizer", "wrong-kind", "`kernel_regularizer` must be a regularizer or none, not 0.01", None),
        ),
        (
            {**CONV, "filters": TensorArgument("filters")},
            (
                "filters",
                "wrong-kind",
                "`filters` configures Conv2D and must be a positive integer, not a tensor",
                "tensors flow along arrows",
            ),
        ),
        (
            {**CONV, "strides": 2, "dilation_rate": 2},
            ("dilation_rate", "illegal-value", "`strides` and `dilation_rate` can not both be larger than 1", None),
        ),
        ({**CONV, "groups": 3}, ("groups", "illegal-value", "`filters` 8 is not divisible by `groups` 3", None)),
    ],
)
def test_a_wrong_argument_is_named_once(arguments: dict[str, Any], expected: tuple[str, str, str, str | None]) -> None:
    assert faults("Conv2D", arguments) == [expected]


def test_every_wrong_argument_is_named() -> None:
    names = [argument for argument, *_ in faults("Dense", {"units": 0, "use_bias": 1, "activaton": "relu"})]
    assert names == ["units", "use_bias", "activaton"]


def test_values_come_with_defaults_and_sizes_on_every_axis() -> None:
    entry = layer("Conv2D")
    assert entry is not None
    values, found = entry.check({"filters": 8, "kernel_size": 3, "strides": [1, 2]})
    assert not found
    assert values["kernel_size"] == (3, 3) and values["strides"] == (1, 2) and values["dilation_rate"] == (1, 1)
    assert values["padding"] == "valid" and values["trainable"] is True and values["data_format"] is None


def test_aliases_are_the_class_itself() -> None:
    alias = layer("Convolution2D")
    assert alias is not None and alias.name == "Conv2D"
    assert layer("Lambda") is None and layer("conv2d") is None


def test_a_bool_is_no_number_and_a_number_no_bool() -> None:
    assert faults("Dropout", {"rate": True})[0][1] == "wrong-kind"
    assert faults("Dropout", {"rate": 1.5})[0][2] == "`rate` must be a number in 0..1, not 1.5"
    assert faults("Dropout", {"rate": float("nan")})[0][1] == "illegal-value"


def test_wrappers_take_layers() -> None:
    entry = layer("Bidirectional")
    assert entry is not None
    values, found = entry.check({"layer": StageReference("LSTM", {"units": 4, "return_state": True})})
    assert not found and entry.number_of_outputs(values) == 5
    [(argument, pattern, message, _)] = faults("Bidirectional", {"layer": StageReference("Dense", {"units": 4})})
    assert (argument, pattern, message) == (
        "layer",
        "illegal-value",
        "`layer` must be a recurrent layer, which Dense is not",
    )
    assert faults("TimeDistributed", {"layer": 3})[0][1] == "wrong-kind"


def test_tensors_stand_where_calls_take_them() -> None:
    entry = layer("MultiHeadAttention")
    assert entry is not None
    given: dict[str, Any] = {
        "num_heads": 2,
        "key_dim": 4,
        "attention_mask": TensorArgument("attention_mask"),
        "use_causal_mask": True,
    }
    values, found = entry.check(given)
    assert not found and values["attention_mask"] == TensorArgument("attention_mask")
    assert {argument.name for argument in entry.call_arguments} >= {"attention_mask", "return_attention_scores"}
    [(_, pattern, message, _)] = faults("MultiHeadAttention", {**given, "attention_mask": 1})
    assert (pattern, message) == ("wrong-kind", "`attention_mask` must be a tensor of the graph or none, not 1")


def test_ops_take_numbers_where_tensors_may_stand() -> None:
    entry = operation("maximum")
    assert entry is not None
    values, found = entry.check({"x1": TensorArgument("x1"), "x2": 0})
    assert not found and type(values["x2"]) is int
    _, found = entry.check({"x1": TensorArgument("x1"), "x2": "0"})
    assert [fault.message for fault in found] == ['`x2` must be a tensor or a number, not "0"']


def test_config_objects_nest() -> None:
    entry = configuration("optimizer", "Adam")
    assert entry is not None
    schedule = Configured("CosineDecay", "learning_rate_schedule", {"initial_learning_rate": 1e-3, "decay_steps": 100})
    assert entry.check({"learning_rate": schedule})[1] == []
    [fault] = entry.check({"learning_rate": "fast"})[1]
    assert fault.argument == "learning_rate"
    assert configuration("optimizer", "HeNormal") is None


def test_checking_is_cheap_once_warm() -> None:
    entry = layer("Conv2D")
    assert entry is not None
    entry.check(CONV)
    start = time.process_time()
    for _ in range(100):
        entry.check(CONV)
    assert time.process_time() - start < 0.1
