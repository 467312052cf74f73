"""What lets a service recognise a finding of an earlier run although lines were added or removed above it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from hashlib import sha256

from specc.diagnostics.model import Diagnostic


def fingerprints(diagnostics: Sequence[Diagnostic]) -> list[str]:
    """A fingerprint for each finding, all different: 32 hexadecimal digits of SHA-256.

    It depends on the kind, the file's name, the text that is marked and that of its line (whatever the indentation),
    and, among findings that agree in all that, on which one it is. The message is left out, as its wording may change.
    """
    seen: Counter[tuple[str, ...]] = Counter()
    result = []
    for diagnostic in diagnostics:
        line = " ".join(diagnostic.source.line(diagnostic.line).split())
        key = (diagnostic.kind.id, diagnostic.source.name, line, diagnostic.span.text)
        result.append(sha256(repr((*key, seen[key])).encode()).hexdigest()[:32])
        seen[key] += 1
    return result
