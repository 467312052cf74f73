"""specc compiles short, readable specs of neural networks into Keras models and SavedModels."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from specc.api import SpecError, build, check, compile, set_knobs
    from specc.diagnostics import Diagnostic

__all__ = ["Diagnostic", "SpecError", "build", "check", "compile", "set_knobs"]


def __getattr__(name: str) -> Any:
    """Load the compiler when one of its names is first asked for, and not for a module of the package.

    The command line is such a module: it chooses how to load what a command needs.
    """
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("specc.api"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
