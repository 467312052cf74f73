"""Keras' implicit dtype promotion.

Source: `keras.backend.result_type`, which follows https://docs.jax.dev/en/latest/type_promotion.html; a Python number
is weak: it takes the dtype of the tensors it meets as long as its class (integer, float) fits.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Final

from specc.types import FLOAT_DTYPES

WEAK_INTEGER: Final = "int"
WEAK_FLOAT: Final = "float"

_NEXT: Final = {
    "bool": ("int",),
    "int": ("uint8", "int8"),
    "uint8": ("int16", "uint16"),
    "uint16": ("int32", "uint32"),
    "uint32": ("int64", "uint64"),
    "uint64": ("float",),
    "int8": ("int16",),
    "int16": ("int32",),
    "int32": ("int64",),
    "int64": ("float",),
    "float": ("bfloat16", "float16"),
    "bfloat16": ("float32",),
    "float16": ("float32",),
    "float32": ("float64",),
    "float64": (),
}
"""The lattice: what each dtype, weak ones included, is promoted to next."""


@cache
def _above(dtype: str) -> frozenset[str]:
    return frozenset({dtype}).union(*(_above(higher) for higher in _NEXT[dtype]))


def result_dtype(dtypes: Iterable[str]) -> str | None:
    """The least dtype that all can be promoted to; none when there is no way (`string`).

    Weak numbers alone give int32 and float32.
    """
    distinct = set(dtypes)
    if len(distinct) == 1:
        return _strong(distinct.pop())
    if not distinct <= _NEXT.keys():
        return None
    common = frozenset.intersection(*map(_above, distinct))
    least = next((entry for entry in common if common <= _above(entry)), None)
    return None if least is None else _strong(least)


def _strong(dtype: str) -> str:
    return {WEAK_INTEGER: "int32", WEAK_FLOAT: "float32"}.get(dtype, dtype)


def float_dtype(dtype: str) -> str:
    """What ops such as `exp` and `mean` compute integers and booleans in."""
    return dtype if dtype in FLOAT_DTYPES else "float32"
