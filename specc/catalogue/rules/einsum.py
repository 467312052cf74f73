"""The rule of EinsumDense.

The equation's first letter is the batch axis: `"abc,cd->abd"`, `"...x,xy->...y"`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from specc.catalogue.entries import ArgumentFault
from specc.catalogue.facts import Fault, LayerFacts, WeightFact
from specc.catalogue.ranges import activated
from specc.catalogue.rules.base import Call, Rule, size, unknown_size
from specc.catalogue.rules.core import lora, lora_legality
from specc.records import value_object
from specc.types import ANYTHING, UNKNOWN, Dim, Shape, product, shape_text, surely_different

_PLAIN: Final = re.compile(r"([a-zA-Z]+),([a-zA-Z]+)->([a-zA-Z]+)")
_LEFT: Final = re.compile(r"\.\.\.([a-zA-Z]+),([a-zA-Z]+)->\.\.\.([a-zA-Z]+)")
_RIGHT: Final = re.compile(r"([a-zA-Z]{2,})\.\.\.,([a-zA-Z]+)->([a-zA-Z]+)\.\.\.")


@value_object
class _Equation:
    input: str
    kernel: str
    output: str
    left: bool = False
    right: bool = False


def _equation(text: str) -> _Equation | None:
    for pattern in (_PLAIN, _LEFT, _RIGHT):
        if found := pattern.fullmatch(text):
            return _Equation(found[1], found[2], found[3], left=pattern is _LEFT, right=pattern is _RIGHT)
    return None


def _legality(arguments: Mapping[str, Any]) -> Iterator[ArgumentFault]:
    yield from lora_legality(arguments)
    equation = _equation(arguments["equation"])
    if equation is None:
        message = f'`equation` "{arguments["equation"]}" can not be read'
        help = 'write "abc,cd->abd", "...x,xy->...y" or "ab...,bc->ac..."'
        yield ArgumentFault("equation", "illegal-value", message, help)
        return
    for message in _faulty_letters(equation):
        yield ArgumentFault("equation", "illegal-value", message)
        return
    strange = [letter for letter in arguments["bias_axes"] or "" if letter not in equation.output]
    if arguments["bias_axes"] == "" or strange:
        message = f'`bias_axes` has to name axes of the output "{equation.output}"'
        yield ArgumentFault("bias_axes", "illegal-value", message)
    given = arguments["output_shape"]
    count = 1 if isinstance(given, int) else len(given)
    wanted = len(equation.output) - (0 if equation.left else 1)
    if count != wanted:
        message = f'`output_shape` needs {wanted} sizes for the output "{equation.output}", not {count}'
        yield ArgumentFault("output_shape", "illegal-value", message)


def _faulty_letters(equation: _Equation) -> Iterator[str]:
    for part in (equation.input, equation.kernel, equation.output):
        if len(set(part)) != len(part):
            yield f'`equation` names an axis twice in "{part}"'
    for letter in equation.output:
        if letter not in equation.input + equation.kernel:
            yield f"`equation` makes the axis {letter} from nothing"
    for letter in equation.kernel:
        if letter not in equation.input + equation.output:
            yield f"`equation` gives the kernel an axis {letter} that is neither the input's nor the output's"
    if not equation.left:
        batch = equation.input[0]
        if not equation.output.startswith(batch) or batch in equation.kernel:
            yield f"the first letter of `equation`, {batch}, is the batch axis: it leads the output, not the kernel"


@value_object
class _Shapes:
    output: Shape
    kernel: Shape
    bias: Shape | None
    summed: Shape


def _shapes(call: Call) -> _Shapes | Fault:
    equation = _equation(call.arguments["equation"])
    assert equation is not None
    full: Shape = (UNKNOWN, *call.shape)
    elided = len(full) - len(equation.input)
    if elided < (1 if equation.left else 0) or (elided and not (equation.left or equation.right)):
        text = call.arguments["equation"]
        message = f'`equation` "{text}" does not fit the input {shape_text(call.shape)} and its batch axis'
        return Fault("argument-shape", message, argument="equation", input=0)
    start = elided if equation.left else 0
    sizes: dict[str, Dim] = {letter: full[start + place] for place, letter in enumerate(equation.input)}
    given = call.arguments["output_shape"]
    letters = equation.output if equation.left else equation.output[1:]
    told = dict(zip(letters, [given] if isinstance(given, int) else given, strict=True))
    for letter, wanted in told.items():
        if wanted is not None and letter in sizes and surely_different(sizes[letter], wanted):
            message = f"`output_shape` says {wanted} for the axis {letter}, the input has {sizes[letter]}"
            return Fault("argument-shape", message, argument="output_shape", input=0)
    rest = full[1:elided] if equation.left else full[len(equation.input) :]
    if equation.left and rest != rest[::-1]:
        # Keras' static shape has the elided axes in reverse order (keras.layers.EinsumDense in 3.15).
        message = f"`...` stands for the axes {shape_text(rest)}, and Keras takes only equal ones for several"
        return Fault("argument-shape", message, 'name them: `equation="abcx,xy->abcy"`', "equation", 0)
    kept = tuple(sizes.get(letter, UNKNOWN) if told[letter] is None else told[letter] for letter in letters)
    # Keras makes weights of the sizes in `output_shape` alone, even where the input knows better.
    made = {**sizes, **{letter: UNKNOWN if wanted is None else wanted for letter, wanted in told.items()}}
    kernel = tuple(made.get(letter, UNKNOWN) for letter in equation.kernel)
    summed = tuple(sizes[letter] for letter in equation.input if letter not in equation.output)
    output = (*rest, *kept) if equation.left else (*kept, *rest)
    return _Shapes(output, kernel, _bias(call, equation, made, len(rest)), summed)


def _bias(call: Call, equation: _Equation, sizes: Mapping[str, Dim], rest: int) -> Shape | None:
    axes = call.arguments["bias_axes"]
    if axes is None:
        return None
    first = min(equation.output.index(letter) for letter in axes)
    shape = tuple(sizes.get(letter, UNKNOWN) if letter in axes else 1 for letter in equation.output[first:])
    return shape + (1,) * (rest if equation.right else 0)


def _kernel_shape(call: Call) -> Shape | None:
    shapes = _shapes(call)
    if isinstance(shapes, Fault) or any(size(entry) is None for entry in shapes.kernel):
        return None
    return shapes.kernel


def _bias_shape(call: Call) -> Shape | None:
    shapes = _shapes(call)
    return None if isinstance(shapes, Fault) else shapes.bias


def _einsum_dense(call: Call) -> LayerFacts | Fault:
    shapes = _shapes(call)
    if isinstance(shapes, Fault):
        return shapes
    if any(size(entry) is None for entry in (*shapes.kernel, *(shapes.bias or ()))):
        return unknown_size(call, "every size of its kernel and bias", call.shape)
    bias = () if shapes.bias is None else (WeightFact("bias", shapes.bias),)
    values = activated(ANYTHING, call.arguments["activation"])
    macs = product((*shapes.output, *shapes.summed))
    return call.facts(shapes.output, values, *lora(call.arguments, shapes.kernel), *bias, macs=macs)


RULES: Final = {
    "EinsumDense": Rule(
        takes="booleans", infer=_einsum_dense, legality=_legality, kernel=_kernel_shape, bias=_bias_shape
    ),
}
