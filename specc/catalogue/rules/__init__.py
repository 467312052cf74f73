"""The shape, range and parameter rules of Keras' layers, one module a family."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from specc.catalogue.rules import (
    activations,
    attention,
    convolution,
    core,
    einsum,
    images,
    merging,
    normalization,
    pooling,
    preprocessing,
    recurrent,
    reshaping,
    spectra,
    wrappers,
)
from specc.catalogue.rules.base import Rule

FAMILIES: Final = (
    core,
    einsum,
    activations,
    convolution,
    pooling,
    normalization,
    merging,
    reshaping,
    recurrent,
    wrappers,
    attention,
    preprocessing,
    images,
    spectra,
)

RULES: Final[Mapping[str, Rule]] = {name: rule for family in FAMILIES for name, rule in family.RULES.items()}
"""The rule of every layer class."""
