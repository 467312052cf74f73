"""What Lark calls at each reduction: it builds the syntax tree at once, so that no Lark tree is ever made."""

from __future__ import annotations

import math
import re
from typing import Any

from lark import Token

from specc.diagnostics import Sink
from specc.source import Source, Span, span
from specc.syntax import ast
from specc.syntax.kinds import SYNTAX, TOO_LARGE
from specc.syntax.operators import bind
from specc.types import INTEGER_LIMIT

MAXIMAL_OPERATORS = 200
MAXIMAL_STRING = 4096

_SURROGATE = re.compile("[\ud800-\udfff]")
_CONSTANTS = {"true": True, "false": False, "none": None}
_ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\"}

Children = list[Any]


class Builder:
    """One method a grammar rule; `source`, `sink` and `comments` are set for each parse."""

    source: Source
    sink: Sink
    comments: dict[int, ast.Comment]

    def comment(self, token: Token) -> Token:
        """Keep a comment, which the lexer leaves out of the tokens."""
        span = self.span(token)
        line, column = self.source.position(span.start)
        alone = not self.source.line(line)[: column - 1].strip()
        text = token.removeprefix("#").strip()
        self.comments[line] = ast.Comment(text=text, alone=alone, span=span)
        return token

    def span(self, token: Token) -> Span:
        # Lark's tokens have both whenever a lexer has made them.
        return span((self.source, token.start_pos, token.end_pos))  # type: ignore[arg-type]

    def _stretch(self, first: Any, last: Any) -> Span:
        start: int = first.start_pos or 0 if isinstance(first, Token) else first.span.start
        end: int = last.end_pos or 0 if isinstance(last, Token) else last.span.end
        return span((self.source, start, end))

    def _named(self, children: Children) -> dict[str, Any]:
        """Span and name of a statement whose second child is the name it binds."""
        name = children[1]
        return {
            "span": self._stretch(children[0], children[-1]),
            "name": name.value,
            "name_span": self.span(name),
        }

    # Atoms

    def name(self, children: Children) -> ast.Name:
        token = children[0]
        return ast.Name(id=token.value, span=self.span(token))

    def number(self, children: Children) -> ast.Literal | ast.Broken:
        token = children[0]
        text: str = token.value.replace("_", "")
        value: float
        if text.isdigit():
            # The length is looked at first: converting a long run of digits takes time that grows with its square.
            value = int(text) if len(text) < 20 else INTEGER_LIMIT
            too_large = value >= INTEGER_LIMIT
        else:
            value = float(text)
            too_large = math.isinf(value)
        if too_large:
            self.sink.report(TOO_LARGE, self.span(token), "this number is too large", help="integers are below 2**31")
            return ast.Broken(span=self.span(token))
        return ast.Literal(value=value, span=self.span(token))

    def string(self, children: Children) -> ast.Literal | ast.Broken:
        token = children[0]
        if len(token) > MAXIMAL_STRING:
            self.sink.report(TOO_LARGE, self.span(token), f"this string has more than {MAXIMAL_STRING} characters")
            return ast.Broken(span=self.span(token))
        if not token.isascii() and _SURROGATE.search(token):
            self.sink.report(SYNTAX, self.span(token), "this string holds half of a pair of surrogates")
            return ast.Broken(span=self.span(token))
        return ast.Literal(value=_unescape(token.value[1:-1]), span=self.span(token))

    def constant(self, children: Children) -> ast.Literal:
        return ast.Literal(value=_CONSTANTS[str(children[0])], span=self.span(children[0]))

    def grouped(self, children: Children) -> ast.Expression:
        expression: ast.Expression = children[0]
        return expression

    def several(self, children: Children) -> ast.Tuple:
        return ast.Tuple(items=tuple(children[1:-1]), span=self._stretch(children[0], children[-1]))

    def sequence(self, children: Children) -> ast.List:
        return ast.List(items=tuple(children[1:-1]), span=self._stretch(children[0], children[-1]))

    def comprehension(self, children: Children) -> ast.Comprehension:
        opening, element, variable, range_, closing = children
        return ast.Comprehension(
            element=element, variable=str(variable), range=range_, span=self._stretch(opening, closing)
        )

    def mapping(self, children: Children) -> ast.Mapping:
        return ast.Mapping(pairs=tuple(children[1:-1]), span=self._stretch(children[0], children[-1]))

    def pair(self, children: Children) -> tuple[str, ast.Expression]:
        key, value = children
        return (_unescape(key[1:-1]) if key.type == "STRING" else str(key)), value

    def call(self, children: Children) -> ast.Call:
        name, *arguments, closing = children
        named = [
            each if type(each) is ast.Argument else ast.Argument(name=None, value=each, span=each.span)
            for each in arguments
        ]
        return ast.Call(
            name=name.value,
            name_span=self.span(name),
            arguments=tuple(named),
            span=span((self.source, name.start_pos, closing.end_pos)),
        )

    def keyword(self, children: Children) -> ast.Argument:
        name, value = children
        return ast.Argument(name=name.value, value=value, span=span((self.source, name.start_pos, value.span.end)))

    # Expressions

    def index(self, children: Children) -> ast.Index:
        value, index, closing = children
        return ast.Index(value=value, index=index, span=self._stretch(value, closing))

    def operation(self, children: Children) -> ast.Expression:
        operators = [part for part in children if isinstance(part, Token)]
        if len(operators) > MAXIMAL_OPERATORS:
            span = self.span(operators[MAXIMAL_OPERATORS])
            self.sink.report(TOO_LARGE, span, f"this expression has more than {MAXIMAL_OPERATORS} operators")
            return ast.Broken(span=self._stretch(children[0], children[-1]))
        return bind(children, self.span, self._misplaced_operator)

    def _misplaced_operator(self, token: Token, message: str) -> None:
        self.sink.report(SYNTAX, self.span(token), message)

    def conditional(self, children: Children) -> ast.Conditional:
        value, *stages, test, otherwise = children
        then = self.pipe([value, *stages]) if stages else value
        return ast.Conditional(then=then, test=test, otherwise=otherwise, span=self._stretch(then, otherwise))

    def pipe(self, children: Children) -> ast.Pipe:
        value, *stages = children
        return ast.Pipe(value=value, stages=tuple(stages), span=value.span.to(stages[-1].span))

    def stretch(self, children: Children) -> ast.Range:
        low, high = children
        return ast.Range(low=low, high=high, span=low.span.to(high.span))

    # Stages

    def stages(self, children: Children) -> tuple[ast.Stage, ...]:
        return tuple(children)

    def parallel(self, children: Children) -> ast.Parallel:
        return ast.Parallel(branches=tuple(children[1:-1]), span=self._stretch(children[0], children[-1]))

    def parallel_for(self, children: Children) -> ast.ParallelFor:
        opening, branch, variable, range_, closing = children
        return ast.ParallelFor(
            branch=branch, variable=str(variable), range=range_, span=self._stretch(opening, closing)
        )

    def repeat(self, children: Children) -> ast.Repeat:
        keyword, variable, range_, stages, closing = children
        return ast.Repeat(stages=stages, variable=str(variable), range=range_, span=self._stretch(keyword, closing))

    def grouped_stages(self, children: Children) -> ast.Group:
        (stages,) = children
        return ast.Group(stages=stages, span=stages[0].span.to(stages[-1].span))

    def choice(self, children: Children) -> ast.Choice:
        opening, then, test, otherwise, closing = children
        return ast.Choice(then=then, test=test, otherwise=otherwise, span=self._stretch(opening, closing))

    # Statements

    def declaration(self, children: Children) -> ast.TypeExpression:
        dtype = children[0]
        return ast.TypeExpression(
            dtype=str(dtype),
            dtype_span=self.span(dtype),
            sizes=tuple(child for child in children[1:] if not isinstance(child, Token)),
            span=self._stretch(dtype, children[-1]),
        )

    def unknown_dim(self, children: Children) -> ast.UnknownSize:
        return ast.UnknownSize(span=self.span(children[0]))

    def input(self, children: Children) -> ast.Input:
        parts = _behind(children)
        return ast.Input(
            **self._named(children), type=parts.get("COLON"), range=parts.get("IN"), default=parts.get("EQUAL")
        )

    def output(self, children: Children) -> ast.Output:
        return ast.Output(**self._named(children), value=_behind(children).get("EQUAL"))

    def const(self, children: Children) -> ast.Const:
        parts = _behind(children)
        return ast.Const(**self._named(children), type=parts.get("COLON"), value=parts["EQUAL"])

    def weight(self, children: Children) -> ast.Weight:
        parts = _behind(children)
        return ast.Weight(**self._named(children), type=parts["COLON"], value=parts.get("EQUAL"))

    def knob(self, children: Children) -> ast.Knob:
        parts = _behind(children)
        return ast.Knob(**self._named(children), value=parts["EQUAL"], range=parts.get("IN"))

    def named_layer(self, children: Children) -> ast.NamedLayer:
        stages: tuple[ast.Stage, ...] = children[-1]
        named = self._named([*children[:-1], stages[-1]])
        return ast.NamedLayer(**named, stages=stages)

    def loss(self, children: Children) -> ast.Loss:
        return ast.Loss(**self._named(children), value=children[-1])

    def metric(self, children: Children) -> ast.Metric:
        return ast.Metric(**self._named(children), value=children[-1])

    def setting(self, children: Children) -> ast.Setting:
        name, _, value = children
        return ast.Setting(name=name.value, name_span=self.span(name), value=value, span=self._stretch(name, value))

    def train(self, children: Children) -> ast.Train:
        entries = tuple(child for child in children if not isinstance(child, Token))
        return ast.Train(entries=entries, span=self._stretch(children[0], children[-1]))

    def expect(self, children: Children) -> ast.Expect:
        keyword, condition = children
        return ast.Expect(condition=condition, span=self._stretch(keyword, condition))

    def binding(self, children: Children) -> ast.Binding:
        value = children[-1]
        targets = [ast.Target(name=name.value, span=self.span(name)) for name in children[:-2:2]]
        return ast.Binding(targets=tuple(targets), value=value, span=targets[0].span.to(value.span))

    # Items

    def imported(self, children: Children) -> ast.Imported:
        original, alias = children[0], children[-1]
        return ast.Imported(
            name=str(alias),
            name_span=self.span(alias),
            original=str(original),
            span=self._stretch(original, alias),
        )

    def use(self, children: Children) -> ast.Use:
        origin = children[1]
        library = origin.type == "NAME"
        return ast.Use(
            origin=str(origin) if library else _unescape(origin[1:-1]),
            origin_span=self.span(origin),
            library=library,
            imports=tuple(child for child in children if isinstance(child, ast.Imported)),
            span=self._stretch(children[0], children[-1]),
        )

    def parameter(self, children: Children) -> ast.Parameter:
        name, value = children[0], children[-1]
        return ast.Parameter(
            name=name.value,
            name_span=self.span(name),
            default=None if value is name else value,
            span=self._stretch(name, value),
        )

    def parameters(self, children: Children) -> tuple[ast.Parameter, ...]:
        return tuple(children)

    def body(self, children: Children) -> tuple[tuple[ast.Statement, ...], Token]:
        *statements, closing = children
        return tuple(statements), closing

    def block(self, children: Children) -> ast.Block:
        return ast.Block(**self._definition(children))

    def model(self, children: Children) -> ast.Model:
        return ast.Model(**self._definition(children))

    def _definition(self, children: Children) -> dict[str, Any]:
        statements, closing = children[-1]
        parameters: tuple[ast.Parameter, ...] = children[2] if len(children) == 4 else ()
        return {**self._named([*children[:-1], closing]), "parameters": parameters, "body": statements}

    def start(self, children: Children) -> tuple[ast.Item, ...]:
        return tuple(children)


def _behind(children: Children) -> dict[str, Any]:
    """What stands behind each token: `{"COLON": type, "EQUAL": value}`."""
    return {
        child.type: children[place + 1]
        for place, child in enumerate(children[:-1])
        if isinstance(child, Token) and not isinstance(children[place + 1], Token)
    }


def _unescape(text: str) -> str:
    if "\\" not in text:
        return text
    parts = iter(text)
    return "".join(_ESCAPES[next(parts)] if character == "\\" else character for character in parts)
