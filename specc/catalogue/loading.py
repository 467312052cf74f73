"""Reads the generated data files of this room."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from specc.catalogue.entries import Argument
from specc.catalogue.kinds import Kind


@cache
def data(name: str) -> Any:
    """A data file as JSON reads it; callers do not change it."""
    # Costs milliseconds that whoever asks for no entry does not pay.
    from importlib.resources import files

    return json.loads(files("specc.catalogue").joinpath("data", name).read_text(encoding="utf-8"))


def arguments(parameters: Iterable[list[Any]], kind_of: Callable[[str], Kind]) -> tuple[Argument, ...]:
    """Generated parameters with their kinds; one whose default is none may always be none."""
    result = []
    for name, *default in parameters:
        kind = kind_of(name)
        value = default[0] if default else None
        result.append(Argument(name, not default, value, kind.optional() if default and value is None else kind))
    return tuple(result)
