"""Per-sample broadcasting: shapes align from the right, and the batch axis never aligns with a feature axis."""

from collections.abc import Sequence
from typing import Any

Shape = Sequence[int | None]


def align_batched(tensor: Any, rank: int) -> Any:
    """Return a batched `tensor` with axes of one inserted after the batch axis until it has `rank` axes.

    A scalar per sample `[B]` becomes `[B, 1, ..., 1]`, a `[B, C]` becomes `[B, 1, ..., C]`.

    Raises:
        ValueError: `tensor` has more than `rank` axes.
    """
    missing = rank - len(tensor.shape)
    if missing < 0:
        raise ValueError(f"a tensor of shape {tuple(tensor.shape)} does not broadcast into one of {rank} axes")
    return tensor[(slice(None), *(None,) * missing)] if missing else tensor


def broadcasts_into(part: Shape, whole: Shape) -> bool:
    """Whether per-sample shape `part` broadcasts into `whole` without widening it; an unknown dim matches any."""
    if len(part) > len(whole):
        return False
    aligned = whole[len(whole) - len(part) :]
    return all(p in (1, None, w) or w is None for p, w in zip(part, aligned, strict=True))
