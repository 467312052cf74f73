"""Findings as data; how they look is decided by the renderers."""

from specc.diagnostics.model import Diagnostic, Kind, Label, Reported, Severity, Sink, suggestion

__all__ = ["Diagnostic", "Kind", "Label", "Reported", "Severity", "Sink", "suggestion"]
