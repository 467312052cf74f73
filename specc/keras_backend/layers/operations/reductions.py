"""Ops that reduce axes to one value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from keras import ops

from specc.keras_backend.layers.operations.base import Form, flattened, single


def _reduction(function: Callable[..., Any]) -> Form:
    """The form of a reduction over `axis`, or over all axes of a sample."""

    def reduced(x: Any, axis: int | tuple[int, ...] | None = None, **arguments: Any) -> Any:
        if axis is not None:
            return function(x, axis=axis, **arguments)
        keepdims = arguments.pop("keepdims", False)
        result = function(flattened(x), axis=-1, **arguments)
        return ops.reshape(result, (-1, *(1,) * (len(x.shape) - 1))) if keepdims else result

    return single(reduced)


FORMS: Final[Mapping[str, Form]] = {
    name: _reduction(getattr(ops, name))
    for name in (
        "all", "amax", "amin", "any", "argmax", "argmin", "count_nonzero", "logsumexp", "max", "mean", "median", "min",
        "prod", "std", "sum", "var",
    )
}  # fmt: skip
