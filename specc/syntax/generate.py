"""Writes the parser's tables. Run as `python -m specc.syntax.generate` after a change of the grammar or of Lark."""

from __future__ import annotations

import json
from typing import Any

from lark.grammar import Rule
from lark.lexer import TerminalDef

from specc.syntax.tables import TABLES, belongs_to, grammar_path, made


def made_tables() -> str:
    """The text of the tables' file for the grammar as it stands."""
    grammar = grammar_path().read_text(encoding="utf-8")
    serialize: Any = made(grammar).memo_serialize
    data, memo = serialize([TerminalDef, Rule])
    return json.dumps({"belongs_to": belongs_to(grammar), "data": data, "memo": memo}, separators=(",", ":")) + "\n"


if __name__ == "__main__":
    TABLES.write_text(made_tables(), encoding="utf-8")
