"""Specs that are made to exhaust the machine are refused before any work is done, or cost what their length says."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable

import pytest

from specc import pipeline
from specc.diagnostics import Diagnostic
from specc.source import Source

SECONDS = 6.0
"""Of processor time: each takes about one on a machine that does nothing else; without its bound, none would end."""
MEGABYTES = 100


def model(*lines: str, input: str = "x: float32[4]") -> str:
    return "\n".join(["model m {", f"  input {input}", *(f"  {line}" for line in lines), "}", ""])


def doubling(block: str, count: int, last: str) -> str:
    """Blocks of which each uses the next one twice."""
    return "".join(block.format(i, i + 1, i + 1) for i in range(count)) + last


BLOCK = "block b{} {{ input x output y = x -> b{} -> b{} }}\n"
NESTED = "for i in 0..100000 {{ {} }}"

REFUSED = {
    "a for of nine million": model("output y = x -> for i in 0..9000000 { Dense(4) }"),
    "for in for": model("output y = x -> for i in 0..99999 { for j in 0..99999 { Dense(4) } }"),
    "for in for with nothing inside": model(
        "output y = x -> for i in 0..99999 { for j in 0..99999 { for k in 0..0 { Dense(4) } } }"
    ),
    "branches of branches": model("output y = x -> [[Dense(1) for i in 0..99999] -> Add() for j in 0..99999] -> Add()"),
    "lists of lists": model("const c = [[[1 for i in 0..99999] for j in 0..99999] for k in 0..99999]", "output y = x"),
    "lists that double with every name": model(
        *(f"c{i} = [c{i + 1}, c{i + 1}]" for i in range(60)), "c60 = [1, 2]", "output y = x -> Reshape(c0)"
    ),
    "tuples that double with every name": model(
        "c0 = (x, x)", *(f"c{i} = (c{i - 1}, c{i - 1})" for i in range(1, 60)), "output y = c59 -> Add()"
    ),
    "blocks that double": doubling(BLOCK, 40, "block b40 { input x output y = x -> Dense(4) }\n")
    + model("output y = x -> b0"),
    "blocks that double and do nothing": doubling(BLOCK, 40, "block b40 { input x output y = x }\n")
    + model("output y = x -> b0"),
    "blocks that double and are not used": doubling(BLOCK, 40, "block b40 { input x output y = x }\n"),
    "layers that double": doubling("layer b{} = b{} -> b{}\n", 60, "layer b60 = Dense(4)\n")
    + model("output y = x -> b0"),
    "a block that uses itself twice": "block b { input x output y = x -> b -> b }\n" + model("output y = x -> b"),
    "a block that uses itself with other arguments": "block b(n) { input x output y = x -> b(n + 1) -> b(n + 2) }\n"
    + model("output y = x -> b(1)"),
    "stages that are given stages": "block b(s) { input x output y = x -> s -> s }\n"
    + model("output y = x -> " + "b(" * 40 + "Dense(4)" + ")" * 40),
    "models that expand": "".join(
        f"model m{i} {{ input x: float32[4] output y = x -> for i in 0..99999 {{ Dense(4) }} }}\n" for i in range(200)
    ),
    "a power of powers": model("output y = x -> Dense(2 ** 10 ** 9)"),
    "products of powers": model("output y = x -> Dense(" + " * ".join(["2 ** 30"] * 100) + ")"),
    "brackets": model("output y = " + "(" * 100_000 + "x" + ")" * 100_000),
    "signs": model("output y = " + "-" * 100_000 + "x"),
    "operators": model("output y = x" + " + 1" * 50_000),
    "conditionals": model("output y = " + "x if false else " * 3_000 + "x"),
    "indices": model("output y = x" + "[0]" * 20_000),
    "names that wait for names": model(*(f"a{i} = a{i + 1} -> ReLU()" for i in range(3_000)), "output y = a0"),
    "a number of a million digits": model("output y = x -> Dense(" + "9" * 10**6 + ")"),
    "a string of a million letters": model('output y = x -> Dense("' + "a" * 10**6 + '")'),
    "quotes": '"' * 100_000,
    "two thousand million parts": model("output y = x -> split(2000000000) -> Add()", input="x: float32[2000000000]"),
    "a huge kernel": model("output y = x -> Dense(100000)", input="x: float32[100000]"),
    "a huge embedding": model("output y = x -> Embedding(2000000000, 2000000000)", input="x: int32"),
    "a huge weight": model("weight w: float32[2000000000, 2000000000]", "output y = x * mean(w)"),
    "a huge tensor": model("output y = x -> RepeatVector(2000000000)"),
    "a huge one-hot": model("output y = one_hot(x, 2000000000)", input="x: int32[2000000000]"),
    "a size that doubles": model("output y = x -> for i in 0..9000 { UpSampling1D(2) }", input="x: float32[T, 3]"),
}


def findings(text: str) -> list[Diagnostic]:
    return pipeline.check(Source(text, "hostile.cnet")).findings.in_order()


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_a_hostile_spec_is_refused_at_once(text: str) -> None:
    findings("model warm { input x: float32[4] output y = x -> Dense(2) }")
    start = time.process_time()
    found = findings(text)
    assert time.process_time() - start < SECONDS
    assert 1 <= len(found) <= 3
    assert {each.kind.id for each in found} <= {
        "out-of-bounds", "too-large", "illegal-value", "syntax", "no-output", "unused-binding",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["tuples that double with every name", "two thousand million parts"])
def test_a_hostile_spec_takes_no_memory(name: str) -> None:
    tracemalloc.start()
    try:
        findings(REFUSED[name])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MEGABYTES * 2**20


def chain(head: str) -> Callable[[int], str]:
    return lambda n: model(f"a0 = {head}", *(f"a{i + 1} = a{i} -> ReLU()" for i in range(n)), f"output y = a{n}")


def lines(text: str) -> Callable[[int], str]:
    return lambda n: model("output y = x", *(text.format(i) for i in range(n)))


def calling_models(n: int) -> str:
    first = "model m0 { input x: float32[4] output y = x -> Dense(4) }\n"
    return first + "".join(f"model m{i + 1} {{ input x: float32[4] output y = x -> m{i} }}\n" for i in range(n // 4))


def symbols(n: int) -> str:
    inputs = "".join(f"  input x{i}: float32[T{i}, 3]\n" for i in range(n // 4))
    listed = ", ".join(f"x{i}" for i in range(n // 4))
    return f"model m {{\n{inputs}  output y = ({listed}) -> Concatenate(axis=1)\n}}\n"


LONG: dict[str, Callable[[int], str]] = {
    "a chain of names": chain("x"),
    "an unknown name at the head of a chain": chain("q"),
    "stages in a row": lambda n: model("output y = x" + " -> ReLU()" * n),
    "faults in every line": lines("a{} = x -> Dens(3)"),
    "broken lines": lines("a{} = x -> Dense(3 3)"),
    "one name bound in every line": lines("a = x -> ReLU()"),
    "models that call each other": calling_models,
    "arguments that do not exist": lambda n: model(
        f"output y = x -> Dense(2, {', '.join(f'a{i}=1' for i in range(n))})"
    ),
    "symbols": symbols,
    "comments": lambda n: "# nothing\n" * n + model("output y = x"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", LONG)
def test_a_long_spec_costs_what_its_length_says(name: str) -> None:
    short, long = (least_seconds(LONG[name](size)) for size in (1_500, 6_000))
    # Four times the text may take four times as long and half as much again, but not sixteen times.
    assert long < 8 * short + 0.2


def least_seconds(text: str) -> float:
    """The processor time of a check, the best of three: one may meet a collection of what other tests left."""
    seconds = []
    for _ in range(3):
        start = time.process_time()
        findings(text)
        seconds.append(time.process_time() - start)
    return min(seconds)


def test_one_unknown_name_in_a_long_spec_is_one_finding() -> None:
    (found,) = findings(LONG["an unknown name at the head of a chain"](5_000))
    assert found.message == "nothing is named `q`"
