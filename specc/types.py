"""What flows along an arrow: dtypes, per-sample shapes, symbolic dims and value ranges.

Shapes never contain the batch axis. A tensor that is the same for every sample (a weight, a constant, a knob) has
`batched=False`; everything else has one value per sample.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from typing import Final, TypeAlias

from specc.records import value_object

FLOAT_DTYPES: Final = ("float16", "bfloat16", "float32", "float64")
SIGNED_DTYPES: Final = ("int8", "int16", "int32", "int64")
UNSIGNED_DTYPES: Final = ("uint8", "uint16", "uint32", "uint64")
INTEGER_DTYPES: Final = SIGNED_DTYPES + UNSIGNED_DTYPES
DTYPES: Final = (*FLOAT_DTYPES, *INTEGER_DTYPES, "bool", "string")

INTEGER_LIMIT: Final = 2**31
"""Every integer of a spec is smaller than this: TensorFlow aborts the process on larger kernel sizes and strides."""


@value_object
class UnknownDim:
    """A size nobody knows before the model runs; arithmetic on it stays unknown."""

    def __add__(self, other: Dim) -> UnknownDim:
        return self

    __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __floordiv__ = __add__

    def __str__(self) -> str:
        return "?"


UNKNOWN: Final = UnknownDim()


@value_object
class Floor:
    """The atom `dividend // divisor` of a symbolic size that does not divide evenly."""

    dividend: SymbolicDim
    divisor: int

    def __str__(self) -> str:
        text = str(self.dividend)
        return f"{text} // {self.divisor}" if text.isidentifier() else f"({text}) // {self.divisor}"


Atom: TypeAlias = "str | Floor"


@value_object
class SymbolicDim:
    """A size as `constant + Σ factor · atom`, in a normal form: equal sizes compare equal.

    An atom is a symbol's name (`T`) or a floor division of another symbolic size (`(T + 1) // 2`).
    """

    terms: tuple[tuple[Atom, int], ...]
    constant: int = 0

    @staticmethod
    def symbol(name: str) -> SymbolicDim:
        return SymbolicDim(((name, 1),))

    def __add__(self, other: Dim) -> Dim:
        return summed((self, other))

    __radd__ = __add__

    def __mul__(self, other: Dim) -> Dim:
        if isinstance(other, int):
            return _normal({atom: factor * other for atom, factor in self.terms}, self.constant * other)
        return UNKNOWN

    __rmul__ = __mul__

    def __sub__(self, other: Dim) -> Dim:
        return self + other * -1

    def __rsub__(self, other: Dim) -> Dim:
        return self * -1 + other

    def __floordiv__(self, other: Dim) -> Dim:
        if not isinstance(other, int) or other <= 0:
            return UNKNOWN
        if other == 1:
            return self
        # What is divisible leaves the floor: (4T + 6) // 2 is 2T + 3, and (2T + 3) // 2 is T + 3 // 2.
        if all(factor % other == 0 for _, factor in self.terms):
            return _normal({atom: factor // other for atom, factor in self.terms}, self.constant // other)
        match self:
            # Nested floors merge, so that halving twice is quartering: ((T + a) // b + c) // d = (T + a + bc) // bd.
            case SymbolicDim(terms=((Floor(dividend, divisor), 1),), constant=constant):
                return (dividend + constant * divisor) // (divisor * other)
        whole, rest = divmod(self.constant, other)
        return SymbolicDim(((Floor(replace(self, constant=rest), other), 1),), whole)

    def symbols(self) -> frozenset[str]:
        """The names that this size depends on."""
        found: set[str] = set()
        for atom, _ in self.terms:
            found |= {atom} if isinstance(atom, str) else atom.dividend.symbols()
        return frozenset(found)

    def substitute(self, sizes: Mapping[str, Dim]) -> Dim:
        """This size with symbols replaced."""
        values: list[Dim] = [self.constant]
        for atom, factor in self.terms:
            value: Dim
            if isinstance(atom, str):
                value = sizes.get(atom, SymbolicDim.symbol(atom))
            else:
                value = atom.dividend.substitute(sizes) // atom.divisor
            values.append(value * factor)
        return summed(values)

    def __str__(self) -> str:
        text = ""
        for atom, factor in self.terms:
            sign = " - " if factor < 0 else " + "
            count = "" if abs(factor) == 1 else f"{abs(factor)} * "
            body = f"({atom})" if isinstance(atom, Floor) and (count or len(self.terms) > 1 or self.constant) else atom
            text += (sign if text else sign.strip().replace("+", "")) + f"{count}{body}"
        if self.constant:
            text += f" {'-' if self.constant < 0 else '+'} {abs(self.constant)}"
        return text


def _normal(factors: Mapping[Atom, int], constant: int) -> Dim:
    terms = tuple(sorted(((atom, factor) for atom, factor in factors.items() if factor), key=lambda term: str(term[0])))
    return SymbolicDim(terms, constant) if terms else constant


Dim: TypeAlias = int | SymbolicDim | UnknownDim
Shape: TypeAlias = tuple[Dim, ...]


def ceil_div(size: Dim, divisor: int) -> Dim:
    """`ceil(size / divisor)`, as strides with `padding="same"` count."""
    return (size + (divisor - 1)) // divisor


def summed(sizes: Iterable[Dim]) -> Dim:
    """The sum of sizes, brought into its normal form once, however many there are."""
    factors: dict[Atom, int] = {}
    constant = 0
    for size in sizes:
        match size:
            case int():
                constant += size
            case SymbolicDim():
                constant += size.constant
                for atom, factor in size.terms:
                    factors[atom] = factors.get(atom, 0) + factor
            case _:
                return UNKNOWN
    return _normal(factors, constant)


def product(sizes: Iterable[Dim]) -> Dim:
    """The product of sizes; unknown as soon as two of them are symbolic."""
    total: Dim = 1
    for size in sizes:
        total = total * size
    return total


def exceeds(shape: Shape) -> bool:
    """Whether a tensor of this shape has 2**31 elements or more, or more with every size that nobody knows."""
    total = 1
    for size in shape:
        if isinstance(size, int):
            if size >= INTEGER_LIMIT:
                return True
            total *= size
        elif isinstance(size, SymbolicDim) and any(abs(factor) >= INTEGER_LIMIT for _, factor in size.terms):
            return True
        if total >= INTEGER_LIMIT:
            return True
    return False


def surely_different(left: Dim, right: Dim) -> bool:
    """Whether two sizes can not be equal, whatever the symbols stand for."""
    difference = left - right
    return isinstance(difference, int) and difference != 0


def surely_equal(left: Dim, right: Dim) -> bool:
    """Whether two sizes are equal, whatever the symbols stand for."""
    return left - right == 0


@value_object
class Interval:
    """The closed range that every element of a tensor is known to lie in; NaN is not spoken of."""

    low: float = -math.inf
    high: float = math.inf

    def within(self, low: float, high: float) -> bool:
        return low <= self.low and self.high <= high

    def outside(self, low: float, high: float) -> bool:
        """Whether no value of this range lies in `low..high`."""
        return self.high < low or self.low > high

    def join(self, other: Interval) -> Interval:
        """The smallest interval that holds both."""
        return Interval(min(self.low, other.low), max(self.high, other.high))

    def clip(self, low: float, high: float) -> Interval:
        return Interval(min(max(self.low, low), high), min(max(self.high, low), high))

    def __str__(self) -> str:
        return f"{_figure(self.low)}..{_figure(self.high)}"


def _figure(value: float) -> str:
    return str(int(value)) if math.isfinite(value) and value == int(value) else f"{value:g}"


ANYTHING: Final = Interval()


@value_object
class TensorType:
    """Dtype (Keras' names), per-sample shape (`None`: not even the rank is known) and known value range."""

    dtype: str
    shape: Shape | None
    batched: bool = True
    interval: Interval = field(default=ANYTHING, compare=False)

    @property
    def rank(self) -> int | None:
        return None if self.shape is None else len(self.shape)

    @property
    def is_float(self) -> bool:
        return self.dtype in FLOAT_DTYPES

    @property
    def is_integer(self) -> bool:
        return self.dtype in INTEGER_DTYPES

    def with_shape(self, shape: Shape | None) -> TensorType:
        """The same dtype with another shape; what was known of the values no longer holds."""
        return replace(self, shape=shape, interval=ANYTHING)

    def __str__(self) -> str:
        return f"{self.dtype}{shape_text(self.shape) if self.shape != () else ''}"


def shape_text(shape: Shape | None) -> str:
    """A shape as specs write it: `[28, 28, 1]`, `[T, ?]`, `[…]` when the rank is unknown."""
    return "[…]" if shape is None else f"[{', '.join(map(str, shape))}]"


def broadcast_shapes(left: Shape, right: Shape) -> Shape | None:
    """Shapes aligned from the right as NumPy does it, without the batch axis; `None` if they can not be.

    Source: https://numpy.org/doc/stable/user/basics.broadcasting.html
    """
    result: list[Dim] = []
    for place in range(1, max(len(left), len(right)) + 1):
        first = left[-place] if place <= len(left) else 1
        second = right[-place] if place <= len(right) else 1
        if first == 1 or second == 1:
            result.append(second if first == 1 else first)
        elif surely_different(first, second):
            return None
        else:
            result.append(first if not isinstance(first, UnknownDim) else second)
    return tuple(reversed(result))
