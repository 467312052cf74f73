"""Interval arithmetic: where the values of a result lie when those of the operands are known to lie somewhere.

Every function here is sound for real arithmetic: it may say too little, never too much.
Source: Moore, Kearfott and Cloud, Introduction to Interval Analysis (SIAM 2009), chapters 2 and 5.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from typing import Final, TypeAlias

from specc.types import ANYTHING, Dim, Interval

RangeLaw: TypeAlias = Callable[[Interval], Interval]

UNIT: Final = Interval(0.0, 1.0)
NOT_NEGATIVE: Final = Interval(0.0, math.inf)
_BEYOND: Final = math.inf


def rising(function: Callable[[float], float], low: float = -_BEYOND, high: float = _BEYOND) -> RangeLaw:
    """The law of a function that never falls and tends to `low` and `high` at minus and plus infinity."""

    def law(values: Interval) -> Interval:
        return Interval(_at(function, values.low, low, high), _at(function, values.high, low, high))

    return law


def _at(function: Callable[[float], float], value: float, low: float, high: float) -> float:
    if math.isinf(value):
        return low if value < 0 else high
    try:
        return min(max(function(value), low), high)
    except OverflowError:
        return low if value < 0 else high


def dipping(least: float) -> RangeLaw:
    """The law of a function such as SiLU: it dips to `least` left of 0, and lies in 0..x right of it."""
    return lambda values: Interval(least if values.low < 0 else 0.0, max(values.high, 0.0))


def fixed(low: float, high: float) -> RangeLaw:
    """The law of a function whose values always lie in `low..high`."""
    return lambda values: Interval(low, high)


def keep(values: Interval) -> Interval:
    return values


def sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value)) if value >= 0 else math.exp(value) / (1 + math.exp(value))


def softplus(value: float) -> float:
    return max(value, 0.0) + math.log1p(math.exp(-abs(value)))


_SELU_SCALE: Final = 1.0507009873554805
_SELU_ALPHA: Final = 1.6732632423543772


def elu(alpha: float = 1.0) -> RangeLaw:
    """Source: Clevert et al., https://arxiv.org/abs/1511.07289. A negative alpha makes it fall and rise again."""
    if alpha < 0:
        return lambda values: ANYTHING if values.low < 0 else values
    return rising(lambda value: value if value > 0 else alpha * math.expm1(value), low=-alpha)


def leaky_relu(slope: float) -> RangeLaw:
    if slope < 0:
        return lambda values: NOT_NEGATIVE if values.low < 0 else values
    return rising(lambda value: value if value > 0 else slope * value, low=-_BEYOND if slope else 0.0)


def relu(values: Interval) -> Interval:
    return values.clip(0.0, math.inf)


def shrink(values: Interval) -> Interval:
    """Of functions that move values towards 0 and never across it."""
    return Interval(min(values.low, 0.0), max(values.high, 0.0))


def linear(factor: float, offset: float) -> RangeLaw:
    """Of `factor * x + offset`."""
    return lambda values: add(multiply(values, Interval(factor, factor)), Interval(offset, offset))


ACTIVATION_RANGES: Final[Mapping[str, RangeLaw]] = {
    "celu": elu(),
    "elu": elu(),
    "exponential": rising(math.exp, low=0.0),
    # The least values of the dipping ones, rounded down in the last place given.
    "gelu": dipping(-0.17005),
    "hard_shrink": shrink,
    "hard_sigmoid": lambda values: linear(1 / 6, 0.5)(values).clip(0.0, 1.0),
    "hard_silu": dipping(-0.375),
    "hard_swish": dipping(-0.375),
    "hard_tanh": lambda values: values.clip(-1.0, 1.0),
    "leaky_relu": leaky_relu(0.2),
    "linear": keep,
    "log_sigmoid": rising(lambda value: -softplus(-value), high=0.0),
    "log_softmax": fixed(-math.inf, 0.0),
    "mish": dipping(-0.30885),
    "relu": relu,
    "relu6": lambda values: values.clip(0.0, 6.0),
    "selu": rising(
        lambda value: _SELU_SCALE * (value if value > 0 else _SELU_ALPHA * math.expm1(value)),
        low=-_SELU_SCALE * _SELU_ALPHA,
    ),
    "sigmoid": rising(sigmoid, 0.0, 1.0),
    "silu": dipping(-0.27847),
    "soft_shrink": shrink,
    "softmax": fixed(0.0, 1.0),
    "softplus": rising(softplus, low=0.0),
    "softsign": rising(lambda value: value / (1 + abs(value)), -1.0, 1.0),
    "sparse_plus": lambda values: NOT_NEGATIVE,
    "sparse_sigmoid": fixed(0.0, 1.0),
    # Not 0..1: Keras 3.15 sums the sums of the support and gives more than shares of 1.
    "sparsemax": fixed(0.0, math.inf),
    "squareplus": lambda values: NOT_NEGATIVE,
    "swish": dipping(-0.27847),
    "tanh": rising(math.tanh, -1.0, 1.0),
    "tanh_shrink": shrink,
}
"""Where the values of an activation lie, by its string."""


def activated(values: Interval, activation: object) -> Interval:
    """The range behind an activation given as its string, or behind none."""
    if activation is None:
        return values
    return ACTIVATION_RANGES[activation](values) if isinstance(activation, str) else ANYTHING


def join(ranges: Iterable[Interval]) -> Interval:
    return reduce(Interval.join, ranges)


def add(left: Interval, right: Interval) -> Interval:
    return Interval(left.low + right.low, left.high + right.high)


def negate(values: Interval) -> Interval:
    return Interval(-values.high, -values.low)


def subtract(left: Interval, right: Interval) -> Interval:
    return add(left, negate(right))


def _product(left: float, right: float) -> float:
    """With 0 x infinity = 0: an end of infinity stands for numbers that are large, not for infinity itself."""
    return 0.0 if left == 0 or right == 0 else left * right


def multiply(left: Interval, right: Interval) -> Interval:
    products = [_product(first, second) for first in (left.low, left.high) for second in (right.low, right.high)]
    return Interval(min(products), max(products))


def square(values: Interval) -> Interval:
    high = max(_product(values.low, values.low), _product(values.high, values.high))
    return Interval(0.0, high) if values.low <= 0 <= values.high else multiply(values, values)


def divide(left: Interval, right: Interval) -> Interval:
    if right.low <= 0 <= right.high:
        return ANYTHING
    return multiply(left, Interval(_inverse(right.high), _inverse(right.low)))


def _inverse(value: float) -> float:
    return 0.0 if math.isinf(value) else 1 / value


def absolute(values: Interval) -> Interval:
    if values.low >= 0:
        return values
    return negate(values) if values.high <= 0 else Interval(0.0, max(-values.low, values.high))


def power(base: Interval, exponent: Interval) -> Interval:
    """Of `base ** exponent`; without knowledge where the base may be negative, or 0 with a negative exponent."""
    if exponent.low == exponent.high == 2:
        return square(base)
    if base.low < 0:
        even = exponent.low == exponent.high and exponent.low > 0 and exponent.low % 2 == 0
        return NOT_NEGATIVE if even else ANYTHING
    if exponent.low < 0 and base.low == 0:
        return NOT_NEGATIVE
    corners = [_power(number, by) for number in (base.low, base.high) for by in (exponent.low, exponent.high)]
    # Between the corners a power is monotone in either argument; where a base of 1 is crossed, 1 is in between.
    return Interval(min(corners), max(corners))


def _power(base: float, exponent: float) -> float:
    try:
        return math.pow(base, exponent)
    except OverflowError:
        return math.inf


def scaled_by_count(values: Interval, count: Dim) -> Interval:
    """Of a sum of `count` values."""
    if isinstance(count, int):
        return multiply(values, Interval(count, count))
    return Interval(0.0 if values.low >= 0 else -math.inf, 0.0 if values.high <= 0 else math.inf)


def with_zero(values: Interval) -> Interval:
    """Of values some of which may have become 0, by padding or masking."""
    return values.join(Interval(0.0, 0.0))


def dropped(values: Interval, rate: float) -> Interval:
    """Behind inverted dropout, in training and in inference: 0, the value, or the value over `1 - rate`.

    Source: Srivastava et al., https://jmlr.org/papers/v15/srivastava14a.html
    """
    if rate >= 1:
        return with_zero(values)
    return with_zero(values.join(multiply(values, Interval(1 / (1 - rate), 1 / (1 - rate)))))
