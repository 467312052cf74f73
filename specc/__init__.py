"""specc compiles short, readable specs of neural networks into Keras models and SavedModels."""

from specc.api import SpecError, build, check, compile, set_knobs
from specc.diagnostics import Diagnostic

__all__ = ["Diagnostic", "SpecError", "build", "check", "compile", "set_knobs"]
