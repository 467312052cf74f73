"""Keras' ops as entries: their parameters, what their operands must be and what follows from both."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, TypeAlias

from specc.catalogue.entries import Argument, Entry
from specc.catalogue.facts import Fault, LayerFacts
from specc.catalogue.kinds import Kind
from specc.catalogue.loading import arguments as loaded_arguments
from specc.catalogue.loading import data
from specc.catalogue.operations import RULES
from specc.catalogue.operations.base import (
    NUMBER_OR_TENSOR,
    TENSOR_LIST,
    Operand,
    OperandKind,
    OperationCall,
    OperationRule,
    literal,
    operand,
)
from specc.catalogue.rules.base import suits
from specc.records import value_object
from specc.types import TensorType

Operands: TypeAlias = Mapping[str, "TensorType | tuple[TensorType | float, ...]"]
"""The types of the tensors by parameter; a list may hold numbers among its tensors."""


@value_object
class Parameter(Argument):
    """A parameter of an op: a tensor, a list of tensors or a value that configures it."""

    operand: OperandKind = "value"


class OperationEntry(Entry):
    """An op."""

    def __init__(self, name: str, parameters: tuple[Parameter, ...], rule: OperationRule) -> None:
        super().__init__(name, parameters, rule.legality)
        self.parameters = parameters
        self._rule = rule

    @property
    def elementwise(self) -> bool:
        """Whether each element of the result depends on the elements at its place alone, after broadcasting."""
        return self._rule.elementwise

    def number_of_outputs(self, arguments: Mapping[str, Any]) -> int:
        """How many tensors come out, from the checked arguments alone."""
        return self._rule.outputs(arguments)

    def infer(self, arguments: Mapping[str, Any], operands: Operands) -> LayerFacts | Fault:
        """What follows from calling the op with checked arguments; `operands` has the types of the tensors among them.

        A number where a tensor may stand is read from the arguments. An operand of unknown rank gives a result of
        unknown rank and no fault.
        """
        call = OperationCall(self.name, arguments, {
            parameter.name: _operands(operands.get(parameter.name), arguments.get(parameter.name))
            for parameter in self.parameters
            if parameter.operand != "value"
        })  # fmt: skip
        refused = self._refused_dtype(call)
        if refused is not None:
            return refused
        if any(entry.type.shape is None for entry in call.all):
            dtype = self._rule.dtype(call)
            if isinstance(dtype, Fault):
                return dtype
            unknown = TensorType(dtype, None, call.batched)
            return LayerFacts((unknown,) * self.number_of_outputs(arguments), proven=False)
        return self._rule.infer(call)

    def _refused_dtype(self, call: OperationCall) -> Fault | None:
        for place, entry in enumerate(call.all):
            if entry.dtype == entry.type.dtype and not suits(entry.type, self._rule.takes):
                wanted = "floats" if self._rule.takes == "floats" else "numbers"
                message = f"{self.name} computes with {wanted}, the operand is {entry.type}"
                help = None if entry.type.dtype == "string" else '`cast(x, "float32")` makes them'
                return Fault("dtype-mismatch", message, help, input=place)
        return None


def _operands(types: TensorType | tuple[TensorType | float, ...] | None, value: Any) -> tuple[Operand, ...]:
    if isinstance(types, TensorType):
        return (operand(types),)
    if types is not None:
        return tuple(operand(entry) if isinstance(entry, TensorType) else literal(entry) for entry in types)
    return () if value is None else (literal(value),)


@cache
def operation(name: str) -> OperationEntry | None:
    """The op `name`, or none."""
    rule = RULES.get(name)
    if rule is None:
        return None
    generated = rule.own if rule.own is not None else data("operations.json")[name]

    def kind_of(parameter: str) -> Kind:
        match rule.operands.get(parameter, "value"):
            case "tensor":
                return NUMBER_OR_TENSOR
            case "tensors":
                return TENSOR_LIST
        return rule.kinds[parameter]

    parameters = loaded_arguments([list(entry) for entry in generated], kind_of)
    return OperationEntry(
        name,
        tuple(
            Parameter(entry.name, entry.required, entry.default, entry.kind, rule.operands.get(entry.name, "value"))
            for entry in parameters
        ),
        rule,
    )


def operation_names() -> tuple[str, ...]:
    """Every op that a spec may use."""
    return tuple(RULES)
