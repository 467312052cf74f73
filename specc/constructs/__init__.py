"""The constructs that the language adds to Keras' layers. A new one is a file here and a line in `CONSTRUCTS`."""

from __future__ import annotations

from specc.constructs.bank import Mix, Select
from specc.constructs.base import Construct, check
from specc.constructs.gate import Gate, Gated
from specc.constructs.merge import WeightedProduct, WeightedSum
from specc.constructs.mux import Mux
from specc.constructs.split import Split

CONSTRUCTS: tuple[type[Construct], ...] = (Gate, Gated, Split, Mux, WeightedSum, WeightedProduct, Mix)
"""What a spec can call; `Select` is written as an index."""

BY_NAME = {construct.name: construct for construct in CONSTRUCTS}

__all__ = ["BY_NAME", "CONSTRUCTS", "Construct", "Select", "check"]
