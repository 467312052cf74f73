"""SARIF 2.1.0, which code scanning services read: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from specc.diagnostics.explain import explanation
from specc.diagnostics.model import Diagnostic, Kind, Label
from specc.diagnostics.render.escape import encodable, visible
from specc.diagnostics.render.fingerprint import fingerprints
from specc.source import Source


def sarif(diagnostics: Iterable[Diagnostic]) -> str:
    """A log of one run: a rule for each kind that was found, and a result for each finding."""
    found = list(diagnostics)
    kinds = list({diagnostic.kind.id: diagnostic.kind for diagnostic in found}.values())
    places = {kind.id: place for place, kind in enumerate(kinds)}
    run = {
        "tool": {"driver": {"name": "specc", "rules": [_rule(kind) for kind in kinds]}},
        # Columns and offsets count characters; the other choice, and the default, is UTF-16 code units.
        "columnKind": "unicodeCodePoints",
        "results": [
            _result(diagnostic, places[diagnostic.kind.id], fingerprint)
            for diagnostic, fingerprint in zip(found, fingerprints(found), strict=True)
        ],
    }
    log = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2) + "\n"


def _rule(kind: Kind) -> dict[str, Any]:
    return {
        "id": kind.id,
        "shortDescription": {"text": kind.id.replace("-", " ").capitalize()},
        "fullDescription": _message(kind.explanation),
        "help": _message(explanation(kind)),
        "defaultConfiguration": {"level": kind.severity},
    }


def _result(diagnostic: Diagnostic, rule: int, fingerprint: str) -> dict[str, Any]:
    help = f"\nhelp: {diagnostic.help}" if diagnostic.help else ""
    result = {
        "ruleId": diagnostic.kind.id,
        "ruleIndex": rule,
        "level": diagnostic.severity,
        "message": _message(diagnostic.message + help),
        "locations": [_location(diagnostic.labels[0])],
        "partialFingerprints": {"specc/v1": fingerprint},
    }
    if related := [{"id": place, **_location(label)} for place, label in enumerate(diagnostic.labels[1:], start=1)]:
        result["relatedLocations"] = related
    return result


def _location(label: Label) -> dict[str, Any]:
    span = label.span
    line, column = span.source.position(span.start)
    end_line, end_column = span.source.position(span.end)
    region = {
        "startLine": line,
        "startColumn": column,
        "endLine": end_line,
        "endColumn": end_column,
        "charOffset": span.start,
        "charLength": span.end - span.start,
    }
    place = {"physicalLocation": {"artifactLocation": {"uri": _uri(span.source)}, "region": region}}
    return {**place, "message": _message(label.text)} if label.text else place


def _uri(source: Source) -> str:
    """The name as a relative reference of RFC 3986, or as a `file` URI if it is an absolute path."""
    uri = quote(encodable(source.name))
    return f"file://{uri}" if uri.startswith("/") else uri


def _message(text: str) -> dict[str, str]:
    """A plain text message; `[text](target)` in it would be a link (SARIF 3.11.6) unless its bracket is escaped."""
    lines = "\n".join(map(visible, text.splitlines()))
    return {"text": re.sub(r"\[(?=[^\[\]]*\]\()", r"\\[", lines)}
