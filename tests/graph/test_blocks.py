"""What a block may ask of what arrives, and what it may be given and give: sizes, tensors, copies of itself, tuples."""

from __future__ import annotations

import pytest

import specc

SQUARE = "block square {\n  input x: float32[?, C]\n  output y = x -> Dense(C)\n}\n"


def found(blocks: str, *body: str) -> list[tuple[str, str]]:
    """Kind and message of what is found in a model of these statements."""
    text = f"{blocks}\nmodel one {{\n  " + "\n  ".join(body) + "\n}\n"
    return [(finding.kind.id, finding.message) for finding in specc.check(text)]


def test_a_symbol_is_the_size_that_arrives() -> None:
    assert not found(SQUARE, "input x: float32[5, 3]", "output y = x -> square", "expect params == 3 * 3 + 3")


def test_a_symbol_is_another_size_in_each_copy() -> None:
    chain = "x -> for i in 0..3 { Dense(2 ** i, use_bias=false) -> square() }"
    sizes = "expect params == (3 * 1 + 1 + 1) + (1 * 2 + 4 + 2) + (2 * 4 + 16 + 4)"
    assert not found(SQUARE, "input x: float32[5, 3]", f"output y = {chain}", sizes)


@pytest.mark.parametrize(("size", "params", "depth"), [(4, 4 + 16, 4), (2, 2 + 4, 2)])
def test_a_symbol_serves_weights_conditions_loops_and_named_layers(size: int, params: int, depth: int) -> None:
    block = """
block every {
  input x: float32[?, C]
  weight w: float32[C]
  layer same = Dense(C, use_bias=false)
  output y = w * (x -> for i in 1..C { same }) if C > 2 else w * (x -> same)
}
"""
    body = (f"input x: float32[5, {size}]", "output y = x -> every", f"expect params == {params} and depth == {depth}")
    assert not found(block, *body)


def test_a_symbol_may_be_the_same_for_several_inputs() -> None:
    block = "block both {\n  input a: float32[C]\n  input b: float32[C]\n  output y = a + (b -> Dense(C))\n}\n"
    assert not found(block, "input x: float32[3]", "output y = (x, x) -> both", "expect params == 12")
    (fault, *_) = found(block, "input x: float32[3]", "input z: float32[4]", "output y = (x, z) -> both")
    assert fault == ("symbol-mismatch", "`b` is declared as float32[C] with C = 3, and 4 arrives")


def test_a_symbol_that_is_read_must_be_known() -> None:
    (fault,) = found(SQUARE, "input x: float32[5, ?]", "output y = x -> square")
    assert fault == ("not-known-now", "`C` must be known when compiling; `x` is float32[5, ?] here")
    unread = "block any {\n  input x: float32[?, C]\n  output y = x -> ReLU()\n}\n"
    assert not found(unread, "input x: float32[5, ?]", "output y = x -> any")


def test_what_spoils_a_size_is_reported_once() -> None:
    (fault,) = found(SQUARE, "input x: float32[5, 3]", "output y = x -> Reshape([4, 4]) -> square -> square")
    assert fault[0] == "shape-mismatch"
    (fault,) = found(SQUARE, "input x: float32[5]", "output y = x -> square -> square")
    assert fault == ("shape-mismatch", "`x` is declared as float32[?, C], and [5] arrives")


def test_a_name_of_the_body_or_a_parameter_is_no_symbol() -> None:
    block = "block b(C) {\n  input x: float32[?, C]\n  output y = x -> Dense(C)\n}\n"
    assert not found(block, "input x: float32[5, 3]", "output y = x -> b(3)")
    (fault,) = found(block, "input x: float32[5, 3]", "output y = x -> b(4)")
    assert fault == ("shape-mismatch", "`x` is declared as float32[?, 4], and [5, 3] arrives")


# Copies of itself

HALVING = """
block halving(times) {
  input x: float32[C]
  inner = x -> Dense(C // 2) -> halving(times - 1) if times > 0 else x
  output y = inner
}
"""


def test_a_block_may_use_itself_until_a_condition_ends_it() -> None:
    sizes = "expect params == (8 * 4 + 4) + (4 * 2 + 2) + (2 * 1 + 1) and shape(y) == [1]"
    assert not found(HALVING, "input x: float32[8]", "output y = x -> halving(3)", sizes)


def test_a_block_that_uses_itself_without_end_is_refused() -> None:
    endless = "block endless {\n  input x\n  inner = x -> Dense(2) -> endless()\n  output y = inner\n}\n"
    (fault,) = found(endless, "input x: float32[8]", "output y = x -> endless")
    assert fault[0] == "out-of-bounds" and "does `endless` use itself?" in fault[1]


def test_a_circle_inside_one_copy_is_still_a_circle() -> None:
    block = "block b {\n  input x\n  a = c -> Dense(2)\n  c = (x, a) -> Add()\n  output y = a\n}\n"
    (fault,) = found(block, "input x: float32[2]", "output y = x -> b")
    assert fault[0] == "cycle" and "a → c → a" in fault[1]


# Tensors as arguments, tuples as outputs


def test_a_tensor_may_be_an_argument() -> None:
    block = "block shifted(by) {\n  input x: float32[?, C]\n  output y = x + (by -> Dense(C))\n}\n"
    body = ("input x: float32[5, 3]", "input c: float32[2]")
    assert not found(block, *body, "output y = x -> for i in 0..2 { shifted(c) }", "expect params == 2 * 9")


def test_an_output_of_a_block_may_be_a_tuple() -> None:
    block = "block fan(count) {\n  input x\n  output y = x -> [Dense(i + 1) for i in 0..count]\n  output z = x\n}\n"
    body = ("input x: float32[4]", "a, b, rest = x -> fan(2)", "output y = (a, b, rest) -> Concatenate()")
    assert not found(block, *body, "expect shape(y) == [1 + 2 + 4]")
    number = "block b {\n  input x\n  h = x -> Dense(2)\n  output y = 3\n  output z = h\n}\n"
    (fault,) = found(number, "input x: float32[4]", "output y = (x -> b)[0]")
    assert fault == ("no-tensor", "an output is a tensor, not 3")


def test_layers_of_both_directions_count() -> None:
    body = ("input x: float32[T, 3]", "output y = x -> Bidirectional(LSTM(2))")
    assert not found("", *body, "expect params == 2 * 4 * (3 * 2 + 2 * 2 + 2)")
