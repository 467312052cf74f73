"""Laws of sizes and ranges: whatever is computed with symbols comes out as with the numbers they stand for."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specc.types import (
    INTEGER_LIMIT,
    UNKNOWN,
    Dim,
    Interval,
    Shape,
    SymbolicDim,
    TensorType,
    broadcast_shapes,
    ceil_div,
    exceeds,
    product,
    shape_text,
    surely_different,
    surely_equal,
)

T, S = SymbolicDim.symbol("T"), SymbolicDim.symbol("S")
SIZES = st.fixed_dictionaries({"T": st.integers(0, 200), "S": st.integers(0, 200)})


@dataclass(frozen=True)
class Term:
    """A size computed with symbols, and the same with numbers."""

    symbolic: Dim
    number: Callable[[dict[str, int]], int]


def _symbol(name: str) -> Term:
    return Term(SymbolicDim.symbol(name), lambda sizes: sizes[name])


def _constant(value: int) -> Term:
    return Term(value, lambda sizes: value)


def _combined(sign: str, left: Term, right: Term) -> Term:
    apply = {"+": operator.add, "-": operator.sub}[sign]
    return Term(apply(left.symbolic, right.symbolic), lambda sizes: apply(left.number(sizes), right.number(sizes)))


def _scaled(term: Term, factor: int) -> Term:
    return Term(term.symbolic * factor, lambda sizes: term.number(sizes) * factor)


def _divided(term: Term, divisor: int) -> Term:
    return Term(term.symbolic // divisor, lambda sizes: term.number(sizes) // divisor)


terms = st.recursive(
    st.sampled_from(["T", "S"]).map(_symbol) | st.integers(-20, 20).map(_constant),
    lambda inner: st.one_of(
        st.builds(_combined, st.sampled_from("+-"), inner, inner),
        st.builds(_scaled, inner, st.integers(-6, 6)),
        st.builds(_divided, inner, st.integers(1, 9)),
    ),
    max_leaves=8,
)


def _value(dim: Dim, sizes: dict[str, int]) -> Dim:
    return dim.substitute(sizes) if isinstance(dim, SymbolicDim) else dim


@settings(max_examples=400, deadline=None)
@given(terms, SIZES)
def test_a_symbolic_size_is_what_the_numbers_give(term: Term, sizes: dict[str, int]) -> None:
    assert _value(term.symbolic, sizes) == term.number(sizes)


@settings(max_examples=400, deadline=None)
@given(terms, terms, SIZES)
def test_proofs_about_sizes_hold_for_all_numbers(left: Term, right: Term, sizes: dict[str, int]) -> None:
    numbers = left.number(sizes), right.number(sizes)
    if surely_equal(left.symbolic, right.symbolic):
        assert numbers[0] == numbers[1]
    if surely_different(left.symbolic, right.symbolic):
        assert numbers[0] != numbers[1]


@given(terms, SIZES)
def test_half_of_the_symbols_may_be_replaced_first(term: Term, sizes: dict[str, int]) -> None:
    half = term.symbolic.substitute({"T": sizes["T"]}) if isinstance(term.symbolic, SymbolicDim) else term.symbolic
    assert not isinstance(half, SymbolicDim) or half.symbols() <= {"S"}
    assert _value(half, sizes) == term.number(sizes)


@given(terms)
def test_no_symbol_is_left_in_a_number_and_no_number_looks_symbolic(term: Term) -> None:
    if isinstance(term.symbolic, SymbolicDim):
        assert term.symbolic.symbols() and all(factor for _, factor in term.symbolic.terms)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (T + S, S + T),
        (T + 1 - 1, T),
        (2 * T - T, T),
        (T - T, 0),
        (T * 0, 0),
        ((4 * T + 6) // 2, 2 * T + 3),
        ((2 * T + 3) // 2, T + 1),
        (T // 2 // 2, T // 4),
        (((T + 1) // 2 + 1) // 2, (T + 3) // 4),
        ((T + 7) // 3, (T + 1) // 3 + 2),
        (5 - T, -1 * T + 5),
        (ceil_div(T, 2), (T + 1) // 2),
    ],
)
def test_equal_sizes_are_equal_objects(left: Dim, right: Dim) -> None:
    assert left == right and hash(left) == hash(right)


@pytest.mark.parametrize(
    ("dim", "text"),
    [
        (T, "T"), (T + 2, "T + 2"), (2 * T - 3, "2 * T - 3"), (5 - T, "-T + 5"), (T // 2, "T // 2"),
        (T // 2 + 1, "(T // 2) + 1"), ((T + 1) // 2, "(T + 1) // 2"), (S - 2 * T, "S - 2 * T"), (UNKNOWN, "?"),
    ],
)  # fmt: skip
def test_sizes_read_as_specs_write_them(dim: Dim, text: str) -> None:
    assert str(dim) == text


@given(st.integers(0, 1_000), st.integers(1, 50))
def test_ceil_div_is_the_ceiling_of_the_quotient(size: int, divisor: int) -> None:
    assert ceil_div(size, divisor) == -(-size // divisor)


@pytest.mark.parametrize("size", [UNKNOWN + 1, 3 - UNKNOWN, UNKNOWN * T, T * S, UNKNOWN // 2, T // S, T // 0])
def test_what_can_not_be_known_stays_unknown(size: Dim) -> None:
    assert size is UNKNOWN
    assert not surely_equal(size, size) and not surely_different(size, 3)


def test_products() -> None:
    assert product([]) == 1
    assert product([2, T, 3]) == 6 * T
    assert product([T, T]) is UNKNOWN
    assert product([T, 0]) == 0


# Shapes


dims = st.integers(1, 3)


@given(st.lists(dims, max_size=4), st.lists(dims, max_size=4))
def test_broadcasting_is_that_of_numpy(left: list[int], right: list[int]) -> None:
    found = broadcast_shapes(tuple(left), tuple(right))
    try:
        assert found == np.broadcast_shapes(tuple(left), tuple(right))
    except ValueError:
        assert found is None


@pytest.mark.parametrize(
    ("left", "right", "joined"),
    [
        ((T,), (T,), (T,)), ((T,), (1,), (T,)), ((1,), (UNKNOWN,), (UNKNOWN,)), ((UNKNOWN,), (4,), (4,)),
        ((T,), (T + 1,), None), ((T, 3), (3,), (T, 3)), ((), (T,), (T,)),
    ],
)  # fmt: skip
def test_broadcasting_with_open_sizes(left: Shape, right: Shape, joined: Shape | None) -> None:
    assert broadcast_shapes(left, right) == joined


@pytest.mark.parametrize(
    ("shape", "too_large"),
    [
        ((), False), ((INTEGER_LIMIT - 1,), False), ((INTEGER_LIMIT,), True), ((65536, 32767), False),
        ((65536, 32768), True), ((UNKNOWN, 2**30), False), ((T, 2**30, 2), True), ((2**30 * T,), False),
        ((2**31 * T,), True), ((0, 2**40), True), ((10,) * 50, True),
    ],
)  # fmt: skip
def test_what_is_too_large_to_be_held(shape: Shape, too_large: bool) -> None:
    assert exceeds(shape) is too_large


def test_types_read_as_specs_write_them() -> None:
    assert str(TensorType("float32", (28, T, UNKNOWN))) == "float32[28, T, ?]"
    assert str(TensorType("int32", ())) == "int32"
    assert str(TensorType("bool", None)) == "bool[…]"
    assert shape_text(()) == "[]"


def test_a_new_shape_forgets_the_values() -> None:
    known = TensorType("float32", (4,), interval=Interval(0, 1))
    assert known.with_shape((5,)).interval == Interval()
    assert known == TensorType("float32", (4,)), "ranges are no part of what a type is"
    assert known.rank == 1 and known.is_float and not known.is_integer
    assert TensorType("uint8", None).rank is None and TensorType("uint8", None).is_integer


# Ranges

ends = st.floats(-100, 100)
intervals = st.builds(lambda one, two: Interval(min(one, two), max(one, two)), ends, ends)


@given(intervals, intervals, ends)
def test_ranges_are_sets_of_numbers(left: Interval, right: Interval, value: float) -> None:
    inside = left.low <= value <= left.high
    if inside:
        joined = left.join(right)
        assert joined.low <= value <= joined.high
        clipped = left.clip(right.low, right.high)
        assert clipped.low <= min(max(value, right.low), right.high) <= clipped.high
    if inside and left.within(right.low, right.high):
        assert right.low <= value <= right.high
    if inside and left.outside(right.low, right.high):
        assert not right.low <= value <= right.high


@pytest.mark.parametrize(
    ("interval", "text"),
    [
        (Interval(0, 1), "0..1"),
        (Interval(), "-inf..inf"),
        (Interval(-0.5, 2), "-0.5..2"),
        (Interval(0, 1e9), "0..1000000000"),
    ],
)
def test_ranges_read_as_specs_write_them(interval: Interval, text: str) -> None:
    assert str(interval) == text
