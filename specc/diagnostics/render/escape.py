"""The one place where foreign text (messages, names, lines of a spec) is made harmless."""

from __future__ import annotations

import re


def visible(text: str) -> str:
    r"""`text` on one line, for people: what can not be seen is written out as `repr` would (`\x1b`, `\u202e`, `\n`).

    That covers control characters, ANSI escapes, bidirectional overrides, zero-width characters, odd spaces, lone
    surrogates and unassigned code points (https://docs.python.org/3/library/stdtypes.html#str.isprintable). What is
    left is free of everything that XML 1.0 forbids.
    """
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )


def log_line(text: str) -> str:
    r"""`text` as a line of a log, which no CI runner takes for a workflow command (`::error ::…`)."""
    return re.sub(r"^(\s*):(?=:)", r"\1\\x3a", visible(text))


def encodable(text: str) -> str:
    r"""`text` for programs: unchanged but for lone surrogates, written out as `\udc80`, as UTF-8 can not hold them."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
