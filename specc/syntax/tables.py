"""The parser of the grammar. Its tables are made once and checked in, since making them takes longer than a check.

Tables that belong to another text of the grammar, or to another Lark, are left aside and made anew; a test wants the
checked-in ones to fit, and `specc.syntax.generate` writes them.
"""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from lark import Lark

TABLES: Final = Path(__file__).with_name("tables.json")


def grammar_path() -> Path:
    """Where the grammar is: in the installed package, or in the checkout for an editable install."""
    package = Path(__file__).parents[1]
    for folder in (package / "grammar", package.parent / "grammar"):
        if (folder / "cnet.lark").is_file():
            return folder / "cnet.lark"
    raise FileNotFoundError(f"cnet.lark is neither in {package} nor beside it")


def parser(transformer: Any, comment: Any) -> Lark:
    """The LALR parser of the grammar.

    Args:
        transformer: has a method for each rule, called with the rule's children.
        comment: called with each comment's token.
    """
    grammar = grammar_path().read_text(encoding="utf-8")
    callbacks = {"COMMENT": comment}
    tables = fitting_tables(grammar)
    if tables is None:
        return made(grammar, transformer=transformer, lexer_callbacks=callbacks)
    load: Any = Lark._load_from_dict  # What Lark's own stand-alone parsers call.
    loaded: Lark = load(*tables, transformer=transformer, lexer_callbacks=callbacks)
    return loaded


def made(grammar: str, **options: Any) -> Lark:
    """The parser, made from the grammar's text."""
    return Lark(grammar, parser="lalr", lexer="basic", maybe_placeholders=False, **options)


def belongs_to(grammar: str) -> dict[str, str]:
    """What tables are good for: a Lark and a text of the grammar."""
    return {"lark": version("lark"), "grammar": hashlib.sha256(grammar.encode()).hexdigest()}


def fitting_tables(grammar: str) -> tuple[Any, Any] | None:
    """Lark's tables and the objects that they refer to by number; JSON has made strings of the numbers."""
    stored = json.loads(TABLES.read_text(encoding="utf-8")) if TABLES.is_file() else {}
    if stored.get("belongs_to") != belongs_to(grammar):
        return None
    data, memo = stored["data"], stored["memo"]
    tables = data["parser"]["parser"]
    tables["tokens"] = {int(number): token for number, token in tables["tokens"].items()}
    tables["states"] = {
        int(state): {int(token): action for token, action in actions.items()}
        for state, actions in tables["states"].items()
    }
    return data, {int(number): value for number, value in memo.items()}
