"""Laws of the parser: layout means nothing, operators bind as in Python, every node knows its place, nothing raises."""

from __future__ import annotations

import ast as python
from dataclasses import fields

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specc.diagnostics import Sink
from specc.source import Source, Span
from specc.syntax import ast, parse
from specc.syntax.build import MAXIMAL_OPERATORS
from specc.syntax.parse import MAXIMAL_NESTING, MAXIMAL_TEXT


def tree(text: str) -> ast.File:
    sink = Sink()
    file = parse(Source(text), sink)
    assert list(sink) == [], [str(found) for found in sink]
    return file


def faults(text: str) -> list[str]:
    sink = Sink()
    parse(Source(text), sink)
    return [f"{found.line}:{found.column} {found.kind.id}: {found.message}" for found in sink.in_order()]


def expression(text: str) -> ast.Expression:
    (model,) = tree(f"model m {{ y = {text} }}").items
    assert isinstance(model, ast.Model)
    (binding,) = model.body
    assert isinstance(binding, ast.Binding)
    return binding.value


# Layout

SPEC = """
use "blocks.cnet": part, other as mine
const table: float32[2, ?] = [[1, 2.5], [3, 4]]
layer embed = Dense(4) -> ReLU()
block part(n, m=2) { input x: float32[T, n + 1] output y = x -> Dense(n, use_bias=not false) }
model m(deep=true) {
  input x: float32[4] in -1..1 = 0.5
  weight w: float32[4] = HeNormal()
  knob g = 0.3 in 0..1
  near, far = x -> gate(g)
  a = (near, far) -> [A(), B() -> C()] -> [D(i) for i in 0..3] -> for i in 0..2 { E({a: 1, "b c": [i, none]}) }
  b = x -> (F() -> G()) -> (H() if deep else I() -> J()) if a[0][-1] == "q" and not deep or 1 < 2 else (-x ** 2, x,)
  output a
  output y = [x * i for i in 0..3]
  train { optimizer = "adam" loss y = L() metric y = "mae" }
  expect params <= 3 and shape(y) == [2]
}
"""


def nodes(value: object) -> list[ast.Node]:
    """Every node in a tree."""
    found: list[ast.Node] = []
    if isinstance(value, ast.File | tuple):
        for part in value.items if isinstance(value, ast.File) else value:
            found += nodes(part)
    elif isinstance(value, ast.Node):
        found.append(value)
        for field in fields(value):
            found += nodes(getattr(value, field.name))
    return found


@pytest.mark.parametrize("space", ["\n", "\t", " # a comment\n", "\r\n", "\f  "])
def test_layout_means_nothing(space: str) -> None:
    spread = "".join(space if character in " \n" else character for character in SPEC)
    # A string keeps the characters it has.
    spread = spread.replace(f'"b{space}c"', '"b c"')
    assert tree(spread).items == tree(SPEC).items


def test_trees_of_different_texts_differ() -> None:
    assert tree(SPEC).items != tree(SPEC.replace("2.5", "2.6")).items
    assert tree(SPEC).items != tree(SPEC.replace("A(), B()", "B(), A()")).items


def test_trailing_commas_mean_nothing() -> None:
    plain, commas = (
        "model m(n = 2) { input x: float32[4] y = A([1, 2], b={c: 1}) }",
        ("model m(n = 2,) { input x: float32[4,] y = A([1, 2,], b={c: 1,},) }"),
    )
    assert tree(plain).items == tree(commas).items


def test_every_node_spans_what_was_written() -> None:
    file = tree(SPEC)
    found = nodes(file)
    assert len(found) > 100
    assert {type(node) for node in found} >= {
        ast.Use, ast.Imported, ast.Const, ast.NamedLayer, ast.Block, ast.Model, ast.Parameter, ast.Input, ast.Output,
        ast.Weight, ast.Knob, ast.Train, ast.Loss, ast.Metric, ast.Setting, ast.Expect, ast.Binding, ast.Target,
        ast.TypeExpression, ast.UnknownSize, ast.Range, ast.Name, ast.Literal, ast.Argument, ast.Call, ast.Tuple,
        ast.List, ast.Comprehension, ast.Mapping, ast.Index, ast.Unary, ast.Binary, ast.Conditional, ast.Pipe,
        ast.Parallel, ast.ParallelFor, ast.Repeat, ast.Choice, ast.Group,
    }  # fmt: skip
    for node in found:
        assert node.span.text == node.span.text.strip() != ""
        if isinstance(node, ast.Name):
            assert node.span.text == node.id
        if isinstance(node, ast.Named):
            assert node.name_span.text == node.name
            assert node.span.start <= node.name_span.start and node.name_span.end <= node.span.end
        if isinstance(node, ast.Call):
            assert node.span.text.startswith(node.name_span.text) and node.span.text.endswith(")")
        if isinstance(node, ast.Binary):
            assert node.operator_span.text == node.operator


def test_a_child_lies_inside_of_its_parent() -> None:
    def check(node: ast.Node) -> None:
        for field in fields(node):
            value = getattr(node, field.name)
            for child in value if isinstance(value, tuple) else (value,):
                if isinstance(child, ast.Node):
                    assert node.span.start <= child.span.start and child.span.end <= node.span.end
                    check(child)

    for item in tree(SPEC).items:
        check(item)


def test_what_spans_say_can_be_parsed_again() -> None:
    for node in nodes(tree(SPEC)):
        if isinstance(node, ast.Name | ast.Literal | ast.Call | ast.Tuple | ast.List | ast.Comprehension | ast.Pipe):
            assert expression(node.span.text) == node


# Operators: Python is the oracle

_BINARY = {
    python.Add: "+", python.Sub: "-", python.Mult: "*", python.Div: "/", python.FloorDiv: "//", python.Mod: "%",
    python.Pow: "**", python.Lt: "<", python.LtE: "<=", python.Gt: ">", python.GtE: ">=", python.Eq: "==",
    python.NotEq: "!=", python.And: "and", python.Or: "or", python.Not: "not", python.USub: "-",
}  # fmt: skip


def from_python(node: python.expr) -> str:
    """A Python expression with every operation in brackets."""
    match node:
        case python.Name(id=name):
            return name
        case python.Constant(value=value):
            return str(value)
        case python.BinOp(left=left, op=op, right=right):
            return f"({from_python(left)} {_BINARY[type(op)]} {from_python(right)})"
        case python.Compare(left=left, ops=[op], comparators=[right]):
            return f"({from_python(left)} {_BINARY[type(op)]} {from_python(right)})"
        case python.UnaryOp(op=op, operand=operand):
            return f"({_BINARY[type(op)]} {from_python(operand)})"
        case python.BoolOp(op=op, values=[*values, last]):
            before = values[0] if len(values) == 1 else python.BoolOp(op=op, values=values)
            return f"({from_python(before)} {_BINARY[type(op)]} {from_python(last)})"
        case python.IfExp(test=test, body=body, orelse=orelse):
            return f"({from_python(body)} if {from_python(test)} else {from_python(orelse)})"
        case python.Subscript(value=value, slice=index):
            return f"{from_python(value)}[{from_python(index)}]"
    raise NotImplementedError(python.dump(node))


def from_spec(node: ast.Expression) -> str:
    match node:
        case ast.Name(id=name):
            return name
        case ast.Literal(value=value):
            return str(value)
        case ast.Binary(operator=operator, left=left, right=right):
            return f"({from_spec(left)} {operator} {from_spec(right)})"
        case ast.Unary(operator=operator, operand=operand):
            return f"({operator} {from_spec(operand)})"
        case ast.Conditional(test=test, then=then, otherwise=otherwise):
            return f"({from_spec(then)} if {from_spec(test)} else {from_spec(otherwise)})"
        case ast.Index(value=value, index=index):
            return f"{from_spec(value)}[{from_spec(index)}]"
    raise NotImplementedError(str(node))


operands = st.sampled_from(
    ["a", "b", "1", "2.5", "(a + b)", "(not a)", "(1 < b)", "(a if b else c)", "a[1]", "b[a][0]"]
)
arithmetic = st.sampled_from(["+", "-", "*", "/", "//", "%", "**"])
sums = st.recursive(
    operands, lambda inner: st.builds("{} {} {}".format, inner, arithmetic, inner) | st.builds("-{}".format, inner)
)
comparisons = sums | st.builds("{} {} {}".format, sums, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), sums)
logic = st.recursive(
    comparisons,
    lambda inner: (
        st.builds("{} {} {}".format, inner, st.sampled_from(["and", "or"]), inner) | st.builds("not {}".format, inner)
    ),
)
expressions = logic | st.builds("{} if {} else {}".format, logic, logic, logic)


@settings(max_examples=300, deadline=None)
@given(expressions)
def test_operators_bind_as_in_python(text: str) -> None:
    assert from_spec(expression(text)) == from_python(python.parse(text, mode="eval").body)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("a + b -> A()", "(a + b) -> A()"),
        ("a -> A() if c else b -> B()", "(a -> A()) if c else (b -> B())"),
        ("a if c else b if d else e", "a if c else (b if d else e)"),
        ("a -> A() if c else b if d else e -> B()", "(a -> A()) if c else (b if d else (e -> B()))"),
        ("not a and b or c -> A()", "(((not a) and b) or c) -> A()"),
        ("-a ** -b", "-(a ** (-b))"),
        ("(a, b) -> A() -> B()", "((a, b)) -> A() -> B()"),
    ],
)
def test_the_arrow_comes_before_the_conditional_alone(written: str, meant: str) -> None:
    assert expression(written) == expression(meant)


@pytest.mark.parametrize(
    ("text", "value"),
    [("12", 12), ("1_000_000", 1_000_000), ("1e-3", 1e-3), ("2.50", 2.5), ("0.1E2", 10.0), ("2147483647", 2147483647),
     ("true", True), ("false", False), ("none", None), ('"a b"', "a b"), (r'"\"\\\n\t"', '"\\\n\t'), ('"#"', "#")],
)  # fmt: skip
def test_literals(text: str, value: object) -> None:
    literal = expression(text)
    assert isinstance(literal, ast.Literal)
    assert literal.value == value and type(literal.value) is type(value)


def test_comments_document_what_stands_below() -> None:
    lines = ["# one", "# two", "model m { # beside", "  # three", "  input x: float32 # four", ""]
    file = tree("\n".join([*lines, "  # far", "", "  output y = x", "}"]))
    (model,) = file.items
    assert isinstance(model, ast.Model)
    assert file.documentation(model) == "one\ntwo"
    assert [file.documentation(statement) for statement in model.body] == ["three", ""]


# Faults: where, and what is read all the same


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "model m { input x: float32 4 }",
            ["1:28 syntax: unexpected `4`; expected a statement, `=`, `in`, `[` or `}`"],
        ),
        ("model m {", ["1:10 syntax: the file ends where a statement or `}` is expected"]),
        ("", []),
        ("# nothing\n", []),
        ("model", ["1:6 syntax: the file ends where a name is expected"]),
        ("model m { y = 1 < 2 < 3 }", ["1:21 syntax: comparisons do not chain"]),
        ("model m { y = 1 + not a }", ["1:19 syntax: `not` needs parentheses here"]),
        ("model m { y = 2147483648 }", ["1:15 too-large: this number is too large"]),
        ("model m {\n  a = b -> C(1\n  d = e }", ["2:15 syntax: expected `,` or `)` before `d`"]),
        (
            "}",
            ["1:1 syntax: unexpected `}`; expected `model`, `block`, `use`, `const` or `layer` or the end of the file"],
        ),
    ],
)  # fmt: skip
def test_faults_stand_at_their_place(text: str, found: list[str]) -> None:
    assert faults(text) == found


def test_the_statements_around_a_broken_one_are_kept() -> None:
    sink = Sink()
    text = "model m {\n  input x: float32\n  a, b = x -> A(1 2)\n  c = x -> B()\n}\nmodel n { output y }\n"
    file = parse(Source(text), sink)
    assert [item.name for item in file.items if isinstance(item, ast.Model)] == ["m", "n"]
    (m, _) = file.items
    assert isinstance(m, ast.Model)
    assert [type(statement) for statement in m.body] == [ast.Input, ast.Binding]
    assert file.broken == {"a", "b"} and not file.whole
    assert len(list(sink)) == 1


def test_bodies_without_an_end_are_kept() -> None:
    sink = Sink()
    file = parse(Source("model m {\n  a = b -> for i in 0..3 { C()\nmodel n {\n  input x: float32"), sink)
    assert [item.name for item in file.items if isinstance(item, ast.Model)] == ["m", "n"]
    assert [found.line for found in sink] == [2, 4]


def test_a_thousand_faults_are_found_in_one_run() -> None:
    body = "".join(f"  a{number} = x -> A(1 2)\n" for number in range(1_000))
    assert len(faults("model m {\n" + body + "}")) == 1_000


# Bounds, each at its limit and one beyond


def test_nesting_is_bounded() -> None:
    inside = MAXIMAL_NESTING - 1
    assert faults(f"model m {{ y = {'(' * inside}x{')' * inside} }}") == []
    (found,) = faults(f"model m {{ y = {'(' * (inside + 1)}x{')' * (inside + 1)} }}")
    assert found == f"1:{14 + MAXIMAL_NESTING} too-large: brackets are nested more than {MAXIMAL_NESTING} deep"


def test_operators_are_bounded() -> None:
    assert faults(f"model m {{ y = x{' + 1' * MAXIMAL_OPERATORS} }}") == []
    (found,) = faults(f"model m {{ y = x{' + 1' * (MAXIMAL_OPERATORS + 1)} }}")
    assert f"more than {MAXIMAL_OPERATORS} operators" in found


def test_text_is_bounded() -> None:
    assert faults("#" * (MAXIMAL_TEXT + 1)) == [f"1:1 too-large: the spec has more than {MAXIMAL_TEXT} characters"]


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=80) | st.lists(st.sampled_from(SPEC.split()), max_size=30).map(" ".join))
def test_no_text_raises(text: str) -> None:
    sink = Sink()
    file = parse(Source(text), sink)
    assert file.whole or sink.has_errors
    for found in sink:
        assert isinstance(found.span, Span)
        assert 0 <= found.span.start <= found.span.end <= len(text)
