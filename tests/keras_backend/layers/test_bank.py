"""Banks: one entry, or a mixture, for each sample."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from specc.keras_backend.layers import Constant, Mix, PerSample, Select, Weight

RANDOM = np.random.default_rng(0)
BANK = RANDOM.normal(size=(4, 2, 3)).astype("float32")


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 3), max_size=5), st.sampled_from(["int32", "int64", "uint8", "int8"]), st.booleans())
def test_each_sample_gets_its_entry(index: list[int], dtype: str, column: bool) -> None:
    given_index = np.array(index, dtype).reshape((-1, 1) if column else (-1,))
    selected = Select("bank[i]")([tf.constant(BANK), tf.constant(given_index)])
    assert np.array_equal(selected, BANK[np.array(index, int)])


@pytest.mark.parametrize("batch", [0, 1, 3])
def test_each_sample_may_have_a_bank_of_its_own(batch: int) -> None:
    banks = RANDOM.normal(size=(batch, 4, 2)).astype("float32")
    index = np.array([3, 0, 1])[:batch]
    selected = tf.function(Select("bank[i]", bank_batched=True))([banks, index])
    assert np.array_equal(selected, [bank[i] for bank, i in zip(banks, index, strict=True)] or np.zeros((0, 2)))


@pytest.mark.parametrize("traced", [False, True])
@pytest.mark.parametrize("bad", [-1, 4, 12])
def test_an_index_outside_the_bank_is_named(bad: int, traced: bool) -> None:
    select = Select("stencils[digit]")
    run = tf.function(select) if traced else select
    with pytest.raises(tf.errors.InvalidArgumentError, match=rf"stencils\[digit\]: index {bad} is outside 0\.\.4"):
        run([tf.constant(BANK), tf.constant([0, bad, 1])])


def test_only_the_entries_used_get_a_gradient() -> None:
    bank, upstream = tf.constant(BANK), RANDOM.normal(size=(3, 2, 3)).astype("float32")
    with tf.GradientTape() as tape:
        tape.watch(bank)
        selected = Select("bank[i]")([bank, tf.constant([2, 0, 2])])
    slope = tf.convert_to_tensor(tape.gradient(selected, bank, upstream))
    assert np.allclose(slope, np.stack([upstream[1], np.zeros((2, 3)), upstream[0] + upstream[2], np.zeros((2, 3))]))


@pytest.mark.parametrize("policy", ["float32", "mixed_float16", "mixed_bfloat16"])
def test_training_moves_only_the_rows_used(policy: str) -> None:
    digit = keras.Input((), dtype="int32")
    weight = Weight((4, 2), "ones", dtype=policy)
    model = keras.Model(digit, Select("bank[digit]", dtype=policy)([weight(digit), digit]))
    model.compile(keras.optimizers.SGD(1.0), "mean_absolute_error")
    model.fit(np.array([2, 0, 2, 2]), np.zeros((4, 2)), batch_size=4, verbose=0)
    # Each of the 8 entries of the mean has a slope of 1/8; row 2 is used three times.
    assert np.array_equal(
        weight.get_weights()[0], np.array([[0.875, 0.875], [1, 1], [0.625, 0.625], [1, 1]], "float32")
    )


@pytest.mark.parametrize("batch", [0, 1, 3])
def test_a_mixture_is_the_weighted_sum_of_the_entries(batch: int) -> None:
    routing = RANDOM.uniform(size=(batch, 4)).astype("float32")
    mixed = tf.function(Mix())([tf.constant(BANK), routing])
    assert mixed.shape == (batch, 2, 3)
    assert np.allclose(mixed, sum(routing[:, k, None, None] * BANK[k] for k in range(4)), atol=1e-6)


def test_a_mixture_trains_bank_and_routing() -> None:
    bank, routing = tf.constant(BANK), tf.constant(RANDOM.uniform(size=(3, 4)).astype("float32"))
    upstream = RANDOM.normal(size=(3, 2, 3)).astype("float32")
    with tf.GradientTape() as tape:
        tape.watch([bank, routing])
        mixed = Mix()([bank, routing])
    to_bank, to_routing = tape.gradient(mixed, [bank, routing], upstream)
    assert np.allclose(to_bank, np.einsum("bk,bij->kij", routing, upstream), atol=1e-6)
    assert np.allclose(to_routing, np.einsum("kij,bij->bk", BANK, upstream), atol=1e-5)


@pytest.mark.parametrize("shape", [(2,), (1, 1)])
def test_an_index_is_a_scalar_per_sample(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="an index is a scalar per sample"):
        Select("bank[i]")([keras.KerasTensor((4, 2)), keras.Input(shape, dtype="int32")])


def test_a_routing_has_one_number_for_each_entry() -> None:
    with pytest.raises(ValueError, match=r"a bank of 4 cannot be mixed by a routing of \(3,\)"):
        Mix()([keras.KerasTensor((4, 2)), keras.Input((3,))])


def test_models_with_banks_survive_their_files(reload: Callable[..., Any], serve: Callable[..., Any]) -> None:
    digit, banks = keras.Input((1,), dtype="int32"), keras.Input((4, 2))
    constant = Constant(BANK)(digit)
    routing = keras.layers.Softmax()(PerSample()([Weight((4,))(digit), digit]))
    outputs = [
        Select("bank[digit]")([constant, digit]),
        Select("banks[digit]", bank_batched=True)([banks, digit]),
        Mix()([constant, routing]),
    ]
    model = keras.Model([digit, banks], outputs)
    inputs = [np.array([[3], [1]], "int32"), RANDOM.normal(size=(2, 4, 2)).astype("float32")]
    for copy in (reload(model), serve(model)):
        for expected, actual in zip(model(inputs), copy(inputs), strict=True):
            assert np.array_equal(expected, actual)
