"""How each listed op runs on tensors with and without a batch axis, by families.

The forms follow the rules of the catalogue, which say the same of shapes and dtypes before anything runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from specc.keras_backend.layers.operations import axes, elementwise, indexing, linear, reductions, sampling, shaping
from specc.keras_backend.layers.operations.base import Form, Operand

__all__ = ["FORMS", "RANDOM", "TRACED", "Form", "Operand"]

FORMS: Final[Mapping[str, Form]] = {
    **elementwise.FORMS,
    **reductions.FORMS,
    **axes.FORMS,
    **shaping.FORMS,
    **linear.FORMS,
    **indexing.FORMS,
    **sampling.FORMS,
}
"""The form of every op by its name."""

RANDOM: Final = frozenset(sampling.FORMS)
"""The ops whose `seed` is a generator of random numbers, which the layer keeps."""

TRACED: Final = frozenset({"arctan2", "logaddexp", "logsumexp", "mod", "normalize", "reciprocal", "take_along_axis"})
"""The ops whose results are known by tracing them, which takes a few milliseconds.

The forms of the others take symbolic tensors too. But `keras.ops` errs in some symbolic dtypes: of `reciprocal`,
`logsumexp` and `normalize` in float16, and of `arctan2`, `logaddexp` and `mod` with a number.
"""
