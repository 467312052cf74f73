"""What is proven to lie in its range is guarded once, where it comes in; everything else where it is used."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import specc

USES = {
    "a mux of groups": "output y = x -> Dense(6) -> mux(c, of=3)",
    "a mux of groups that others read": "h = x -> Dense(6)\n  output z = h\n  output y = h -> mux(c, of=3)",
    "a mux of branches": "output y = x -> [Dense(2), Dense(3) -> Dense(2), Dense(2)] -> mux(c)",
    "a mux of tensors": "output y = (x, x -> tanh, x -> relu) -> mux(c)",
    "a bank": "weight bank: float32[3, 4]\n  output y = (x, bank[c]) -> add",
}


def built(use: str, declared: str, routing: bool) -> keras.Model:
    text = f"model m {{\n  input x: float32[4]\n  input c: int32{declared}\n  {USES[use]}\n}}\n"
    return specc.build(text, routing=routing)


def guarding(model: keras.Model) -> list[bool]:
    return [layer.guarded for layer in model.layers if hasattr(layer, "guarded")]


@pytest.mark.parametrize("routing", [True, False])
@pytest.mark.parametrize(("declared", "guarded"), [(" in 0..3", False), ("", True)])
@pytest.mark.parametrize("use", USES)
def test_a_guard_stands_where_nothing_is_proven(use: str, declared: str, guarded: bool, routing: bool) -> None:
    model = built(use, declared, routing)
    assert guarding(model) == [guarded]
    given: dict[str, Any] = {"x": np.ones([2, 4], "float32"), "c": np.array([2, 0], "int32")}
    assert np.all(np.isfinite(model(given)["y"]))
    for bad in (3, -1):
        with pytest.raises(tf.errors.InvalidArgumentError, match=f"{bad}.*outside 0..3"):
            model({**given, "c": np.array([2, bad], "int32")})
