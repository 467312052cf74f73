"""One seed for a spec becomes one for each layer, so that the same spec and seed give the same weights.

Keras draws the seed of an initializer or a dropout that has none from Python's `random`. Each layer is made and built
with `random` seeded from the spec's seed and the layer's name: its weights depend on nothing else, and two layers, or
two weights of a layer, never start alike.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def seeded(seed: int | None, name: str) -> Iterator[None]:
    """Within, what is drawn depends on `seed` and `name` alone; without a seed on Python's `random` as it stands."""
    if seed is None:
        yield
        return
    before = random.getstate()
    random.seed(int.from_bytes(hashlib.sha256(f"{seed}/{name}".encode()).digest()[:8], "big"))
    try:
        yield
    finally:
        random.setstate(before)
