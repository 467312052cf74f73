"""The batch axis never aligns with a feature axis."""

import numpy as np
import pytest

from specc.keras_backend.layers.alignment import align_batched, broadcasts_into


@pytest.mark.parametrize(
    ("shape", "aligned"), [((4,), (4, 1, 1)), ((4, 3), (4, 1, 3)), ((4, 2, 3), (4, 2, 3)), ((0,), (0, 1, 1))]
)
def test_axes_are_inserted_behind_the_batch(shape: tuple[int, ...], aligned: tuple[int, ...]) -> None:
    assert align_batched(np.zeros(shape), 3).shape == aligned


def test_too_many_axes_are_refused() -> None:
    with pytest.raises(ValueError, match="does not broadcast into one of 1 axes"):
        align_batched(np.zeros((4, 3)), 1)


@pytest.mark.parametrize(
    ("part", "whole", "fits"),
    [
        ((), (2, 3), True),
        ((3,), (2, 3), True),
        ((1, 3), (2, 3), True),
        ((None,), (2, 3), True),
        ((3,), (2, None), True),
        ((2,), (2, 3), False),
        ((3,), (2, 1), False),
        ((1, 2, 3), (2, 3), False),
    ],
)
def test_broadcasting_never_widens(part: tuple[int | None, ...], whole: tuple[int | None, ...], fits: bool) -> None:
    assert broadcasts_into(part, whole) is fits
