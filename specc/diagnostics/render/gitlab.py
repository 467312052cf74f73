"""GitLab's Code Quality report: https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format."""

from __future__ import annotations

import json
from collections.abc import Iterable
from posixpath import normpath
from typing import Any

from specc.diagnostics.model import Diagnostic, Severity
from specc.diagnostics.render.escape import encodable, visible
from specc.diagnostics.render.fingerprint import fingerprints


def gitlab(diagnostics: Iterable[Diagnostic]) -> str:
    """An array with an entry for each finding; errors are `major`, warnings `minor`."""
    found = list(diagnostics)
    report = [_entry(diagnostic, one) for diagnostic, one in zip(found, fingerprints(found), strict=True)]
    return json.dumps(report, indent=2) + "\n"


def _entry(diagnostic: Diagnostic, fingerprint: str) -> dict[str, Any]:
    source, span = diagnostic.source, diagnostic.span
    return {
        "description": visible(diagnostic.message),
        "check_name": diagnostic.kind.id,
        "fingerprint": fingerprint,
        "severity": "major" if diagnostic.severity is Severity.ERROR else "minor",
        "location": {
            # GitLab compares paths with those of the repository, which never begin with "./".
            "path": encodable(normpath(source.name)),
            "positions": {
                place: dict(zip(("line", "column"), source.position(offset), strict=True))
                for place, offset in (("begin", span.start), ("end", span.end))
            },
        },
    }
