"""How a formatted spec is spaced: what each token is, and what stands between two of one line."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto
from typing import Final

from lark import Token

from specc.records import record


class Bracket(Enum):
    """What a bracket holds.

    Attributes:
        BODY: the statements of a block, of a model or of a `train`.
        REPEAT: the stages of a `for`.
        OTHER: anything else.
    """

    BODY = auto()
    REPEAT = auto()
    OTHER = auto()


@record
class Mark:
    """A token, and what it is.

    Args:
        begins: whether an item, a statement or an entry of a `train` begins with it.
        around: the innermost bracket that it is in; a closing bracket is in its own, an opening one is not.
        opens: what it opens, if it is an opening bracket.
        unary: whether it is a minus without a left operand.
    """

    token: Token
    begins: bool
    around: Bracket | None
    opens: Bracket | None
    unary: bool

    @property
    def closes(self) -> bool:
        return self.token.type in CLOSING


OPENING: Final = frozenset({"LEFT_PARENTHESIS", "LEFT_BRACKET", "LEFT_BRACE"})
CLOSING: Final = frozenset({"RIGHT_PARENTHESIS", "RIGHT_BRACKET", "RIGHT_BRACE"})
OPERANDS: Final = frozenset({"NAME", "NUMBER", "STRING", "QUESTION", "TRUE", "FALSE", "NONE"})
HEADERS: Final = frozenset({"BLOCK", "MODEL", "TRAIN"})
AIRY: Final = frozenset({Bracket.BODY, Bracket.REPEAT})


def marked(tokens: Sequence[Token], begins: frozenset[int]) -> list[Mark]:
    """The tokens of a text without faults, marked; `begins` are the offsets at which something begins."""
    marks: list[Mark] = []
    open_: list[Bracket] = []
    in_header = False
    # At how many open brackets a `for` has been read whose brace is still to come.
    repeats: set[int] = set()
    for token in tokens:
        around = open_[-1] if open_ else None
        begin = token.start_pos in begins
        if begin:
            in_header = token.type in HEADERS
        if token.type == "FOR":
            repeats.add(len(open_))
        opens = None
        if token.type in OPENING:
            opens = Bracket.OTHER
            if token.type == "LEFT_BRACE" and in_header and around in (None, Bracket.BODY):
                opens, in_header = Bracket.BODY, False
            elif token.type == "LEFT_BRACE" and len(open_) in repeats:
                opens = Bracket.REPEAT
                repeats.remove(len(open_))
            open_.append(opens)
        elif token.type in CLOSING:
            repeats.discard(len(open_))
            open_.pop()
        unary = token.type == "MINUS" and not (marks and _ends_operand(marks[-1].token))
        marks.append(Mark(token=token, begins=begin, around=around, opens=opens, unary=unary))
    return marks


def between(before: Mark, mark: Mark, gap: str) -> str:
    """What stands between two tokens of one line, where the author has put `gap`."""
    left, right = before.token.type, mark.token.type
    if before.opens or mark.closes:
        inside = before.opens or mark.around
        empty = before.opens and mark.closes
        return " " if inside in AIRY and not empty else ""
    if mark.begins:
        return "  "
    if before.unary or right in ("COMMA", "COLON") or "DOTS" in (left, right):
        return ""
    if "EQUAL" in (left, right):
        return "" if mark.around is Bracket.OTHER else " "
    if right == "LEFT_PARENTHESIS":
        return "" if left == "NAME" else " "
    if right == "LEFT_BRACKET":
        return "" if _ends_operand(before.token) else " "
    if left == "COMMA" and right in ("NUMBER", "MINUS"):
        # How the numbers of an array stand below each other is the author's.
        return gap or " "
    return " "


def _ends_operand(token: Token) -> bool:
    """Whether an operand may end with it: a minus behind it subtracts, a bracket behind it indexes."""
    return token.type in OPERANDS or token.type in CLOSING
