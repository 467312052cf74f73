"""How findings look: one renderer per format, each made from the same `Diagnostic` objects.

A renderer is a pure function. What it returns is the whole output, each line ended by a newline, and is empty when the
format has nothing to say. A format's module is imported when the format is first used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from importlib import import_module
from types import MappingProxyType
from typing import Final, TypeAlias

from specc.diagnostics.model import Diagnostic

Renderer: TypeAlias = Callable[[Iterable[Diagnostic]], str]


def _render(name: str, diagnostics: Iterable[Diagnostic]) -> str:
    renderer: Renderer = getattr(import_module(f"{__name__}.{name}"), name)
    return renderer(diagnostics)


FORMATS: Final[Mapping[str, Renderer]] = MappingProxyType(
    {name: partial(_render, name) for name in ("full", "concise", "json", "sarif", "github", "gitlab", "junit")}
)
"""The renderers by the name that `--output-format` takes: for people first, then for programs."""

__all__ = ["FORMATS", "Renderer"]
