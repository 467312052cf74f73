"""Lark's LALR automaton, run over a list of tokens by a loop of ours.

The tables, the stacks and what is called at a reduction are Lark's, and so is what comes out. Lark looks up each of
them when it comes to it; here every action of the tables has been turned beforehand into what is to be done. And a rule
that hands its only child on, which is two reductions of five, changes the state and calls nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from lark import Lark, Token
from lark.parse_tree_builder import ExpandSingleChild
from lark.parsers.lalr_analysis import Shift
from lark.parsers.lalr_parser_state import ParserState

Reduction: TypeAlias = tuple[int, Callable[[list[Any]], Any], str]
"""How many values a rule takes off the stack, what makes one value of them, and the rule's name."""

Table: TypeAlias = dict[int, dict[str, Any]]
"""For each state by the name of the next terminal, or of the rule that has been read: the state to go to (`int`), the
name of a rule that hands its only child on (`str`), or a `Reduction`."""


def table_of(lark: Lark) -> Table:
    """The actions of a parser's automaton."""
    parser: Any = lark.parser.parser
    actions = {rule: _reduction(rule, make) for rule, make in parser.parser.callbacks.items()}
    return {
        state: {name: argument if action is Shift else actions[argument] for name, (action, argument) in row.items()}
        for state, row in parser._parse_table.states.items()
    }


def _reduction(rule: Any, make: Callable[[list[Any]], Any]) -> str | Reduction:
    name, size = str(rule.origin.name), len(rule.expansion)
    return name if size == 1 and isinstance(make, ExpandSingleChild) else (size, make, name)


def feed(table: Table, state: ParserState[int], tokens: Sequence[Token]) -> int:
    """Read tokens up to the first that does not fit; how many have been read. The end of the text is for Lark to read,
    and with it the rule that is reduced when there is nothing on the stack.
    """
    states, values = state.state_stack, state.value_stack
    for place, token in enumerate(tokens):
        kind = token.type
        action = table[states[-1]].get(kind)
        while action.__class__ is not int:
            if action is None:
                return place
            if action.__class__ is str:
                states[-1] = table[states[-2]][action]
            else:
                size, make, name = action
                children = values[-size:]
                del states[-size:], values[-size:]
                values.append(make(children))
                states.append(table[states[-1]][name])
            action = table[states[-1]].get(kind)
        states.append(action)
        values.append(token)
    return len(tokens)
