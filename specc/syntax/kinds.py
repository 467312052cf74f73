"""The kinds of findings that the text alone can show."""

from specc.diagnostics import Kind

SYNTAX = Kind(
    id="syntax",
    explanation="The text does not follow the grammar. The message says what may stand at this place; checking goes "
    "on at the next statement, and names that the broken statement would have bound count as known.",
    faulty="model m {\n  input x: float32[4]\n  output y = x -> Dense(2 3)\n}\n",
    mended="model m {\n  input x: float32[4]\n  output y = x -> Dense(2)\n}\n",
)

TOO_LARGE = Kind(
    id="too-large",
    explanation="A spec is bounded, so that checking one can not exhaust the machine: 16 MiB of text, brackets "
    "nested 64 deep, 200 operators in one expression, integers below 2**31, strings of 4,096 characters.",
    faulty="model m {\n  input x: float32[4]\n  output y = x -> Dense(3000000000)\n}\n",
    mended="model m {\n  input x: float32[4]\n  output y = x -> Dense(300)\n}\n",
)
