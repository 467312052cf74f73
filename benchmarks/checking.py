"""How fast a spec is checked: as a whole process, in the parser, and as specs grow."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.measuring import Figure, cpu, in_turn, processes
from specc.diagnostics import Sink
from specc.pipeline import check
from specc.source import Source
from specc.syntax import parse
from specc.syntax.tables import grammar_path, made

PROCESSES = 7
PARSES = 7
CHECKS = 3


def measured() -> Iterator[Figure]:
    """Every figure of this file, one after the other."""
    checking, importing = processes(
        PROCESSES, ["-m", "specc", "check", "examples/gated_skip.cnet"], ["-c", "import tensorflow"]
    )
    yield Figure(
        what="specc check, gated_skip",
        against="import tensorflow",
        phase="whole process",
        ours=checking.seconds,
        theirs=importing.seconds,
        unit="s",
        wanted=0.12,
    )
    yield Figure(
        what="specc check, gated_skip",
        against="import tensorflow",
        phase="peak memory",
        ours=checking.megabytes,
        theirs=importing.megabytes,
        unit="MB",
        wanted=None,
    )
    statements = Source(chain(10_000))
    lexer = made(grammar_path().read_text(encoding="utf-8"))
    parsing, lexing = in_turn(
        PARSES, cpu(lambda: parse(statements, Sink())), cpu(lambda: sum(1 for _ in lexer.lex(statements.text)))
    )
    yield Figure(
        what="10,000 statements to a syntax tree",
        against="Lark's bare lexing",
        phase="processor time",
        ours=parsing,
        theirs=lexing,
        unit="s",
        wanted=2.0,
    )
    small, large = 1_000, 100_000
    few, many = Source(chain(small)), Source(chain(large))
    fast, slow = in_turn(CHECKS, cpu(lambda: check(few)), cpu(lambda: check(many)))
    yield Figure(
        what="specc check, time a node, 100,000 nodes",
        against="1,000 nodes",
        phase="processor time",
        ours=slow / large * 1e6,
        theirs=fast / small * 1e6,
        unit="µs",
        wanted=1.5,
    )


def chain(layers: int) -> str:
    """A spec of a chain of convolutions, one statement each."""
    step = '  h{} = h{} -> Conv2D(16, 3, padding="same", activation="relu")\n'
    body = "".join(step.format(number, number - 1) for number in range(1, layers + 1))
    return f"model chain {{\n  input h0: float32[28, 28, 16]\n{body}  output y = h{layers} -> Flatten()\n}}\n"
