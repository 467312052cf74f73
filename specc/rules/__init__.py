"""Rules over whole checked graphs, one a file; a new one is a file here and a line in `RULES`."""

from __future__ import annotations

from collections.abc import Callable

from specc.diagnostics import Kind, Sink
from specc.graph.infer import CheckedGraph
from specc.rules import contracts, loss_mismatch, lost_parts, redundant_bias, unused

RULES: tuple[Callable[[CheckedGraph, Sink], None], ...] = (
    lost_parts.check,
    unused.check,
    redundant_bias.check,
    loss_mismatch.check,
    contracts.check,
)

KINDS: tuple[Kind, ...] = (
    *lost_parts.KINDS,
    *unused.KINDS,
    *redundant_bias.KINDS,
    *loss_mismatch.KINDS,
    *contracts.KINDS,
)

__all__ = ["KINDS", "RULES"]
