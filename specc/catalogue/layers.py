"""Keras' layers: their arguments, what their inputs must be and what follows from both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from specc.catalogue.entries import Argument, ArgumentFault, Entry
from specc.catalogue.facts import Fault, LayerFacts
from specc.catalogue.layer_kinds import kind_of
from specc.catalogue.loading import arguments as loaded_arguments
from specc.catalogue.loading import data
from specc.catalogue.rules import RULES
from specc.catalogue.rules.base import Call, InputStyle, Rule, compute_dtype, suits
from specc.catalogue.values import Configured, Value
from specc.types import FLOAT_DTYPES, Shape, TensorType, shape_text


class LayerEntry(Entry):
    """A layer class of Keras."""

    def __init__(
        self, name: str, arguments: tuple[Argument, ...], call_arguments: tuple[Argument, ...], rule: Rule
    ) -> None:
        super().__init__(name, arguments, rule.legality)
        self.call_arguments = call_arguments
        self._rule = rule

    @property
    def accepted(self) -> tuple[Argument, ...]:
        """The constructor's arguments, then those of a call; no layer has the same name in both."""
        return self.arguments + self.call_arguments

    def check(self, arguments: Mapping[str, Value]) -> tuple[dict[str, Any], list[ArgumentFault]]:
        values, faults = super().check(arguments)
        if values.get("dtype") == "bfloat16":
            faults = [
                ArgumentFault(
                    name, "illegal-value", f"`{name}` is orthogonal, which TensorFlow can not make in bfloat16"
                )
                for name, value in values.items()
                if name.endswith("_initializer") and _is_orthogonal(value)
            ]
        return ({}, faults) if faults else (values, faults)

    @property
    def input_style(self) -> InputStyle:
        return self._rule.style

    @property
    def least_inputs(self) -> int:
        return self._rule.least_inputs

    @property
    def most_inputs(self) -> int | None:
        """The largest number of inputs; none when there is no limit."""
        return self._rule.most_inputs

    @property
    def takes_kernel(self) -> bool:
        """Whether `kernel=` may bring the kernel from the graph."""
        return self._rule.kernel is not None

    def number_of_outputs(self, arguments: Mapping[str, Any]) -> int:
        """How many tensors come out, from the checked arguments alone."""
        return self._rule.outputs(arguments)

    def kernel_shape(self, arguments: Mapping[str, Any], inputs: tuple[TensorType, ...]) -> Shape | None:
        """The shape of the kernel with these checked arguments and inputs; none while a size it needs is unknown."""
        return self._shape(self._rule.kernel, arguments, inputs)

    def bias_shape(self, arguments: Mapping[str, Any], inputs: tuple[TensorType, ...]) -> Shape | None:
        """The shape of the bias, as `kernel_shape`."""
        return self._shape(self._rule.bias, arguments, inputs)

    def _shape(self, shape: Any, arguments: Mapping[str, Any], inputs: tuple[TensorType, ...]) -> Shape | None:
        if shape is None or any(entry.shape is None for entry in inputs):
            return None
        call = Call(self.name, arguments, inputs)
        if self._refused_rank(call) is not None:
            return None
        found: Shape | None = shape(call)
        return found

    def infer(
        self,
        arguments: Mapping[str, Any],
        inputs: tuple[TensorType, ...],
        tensor_arguments: Mapping[str, TensorType] | None = None,
    ) -> LayerFacts | Fault:
        """What follows from calling the layer with checked arguments on these inputs (shapes per sample).

        An input of unknown rank gives outputs of unknown rank and no fault.
        """
        refused = self._refused_count(len(inputs)) or self._refused_dtype(inputs)
        if refused is not None:
            return refused
        dtype = compute_dtype(arguments)
        tensors = dict(tensor_arguments or {})
        call = Call(self.name, arguments, tuple(_autocast(entry, dtype) for entry in inputs), tensors)
        if any(entry.shape is None for entry in (*inputs, *tensors.values())):
            return LayerFacts((call.output(None),) * self.number_of_outputs(arguments), proven=False)
        refused = self._refused_rank(call)
        if refused is not None:
            return refused
        facts = self._rule.infer(call)
        if isinstance(facts, Fault):
            return facts
        refused = self._rule.tensors(call) if self._rule.tensors is not None and tensors else None
        if refused is not None:
            return refused
        if arguments.get("activity_regularizer") is not None and not all(output.is_float for output in facts.outputs):
            message = f"`activity_regularizer` needs float outputs, those of {self.name} are {facts.outputs[0].dtype}"
            return Fault("dtype-mismatch", message, argument="activity_regularizer")
        if arguments.get("trainable") is False:
            return replace(facts, weights=tuple(replace(weight, trainable=False) for weight in facts.weights))
        return facts

    def _refused_count(self, count: int) -> Fault | None:
        least, most = self.least_inputs, self.most_inputs
        if self.input_style == "cell":
            message = f"{self.name} is a cell: it makes one step and is given to a layer that runs over the steps"
            return Fault("input-count", message, f"write `RNN({self.name}(…))`")
        if least <= count and (most is None or count <= most):
            return None
        wanted = f"{least}" if least == most else f"{least} or more" if most is None else f"{least} to {most}"
        message = f"{self.name} takes {wanted} input{'s' if wanted != '1' else ''}, not {count}"
        return Fault("input-count", message, "several inputs are a tuple: `(a, b) -> …`" if count < least else None)

    def _refused_dtype(self, inputs: tuple[TensorType, ...]) -> Fault | None:
        for place, entry in enumerate(inputs):
            if not suits(entry, self._rule.takes):
                wanted = "floats" if self._rule.takes == "floats" else "numbers"
                message = f"{self.name} computes with {wanted}, the input is {entry}"
                help = (
                    None
                    if entry.dtype == "string"
                    else '`cast(x, "float32")` or, for images, `Rescaling(1 / 255)` makes them'
                )
                return Fault("dtype-mismatch", message, help, input=place)
        return None

    def _refused_rank(self, call: Call) -> Fault | None:
        axes, least = self._rule.axes, self._rule.least_rank
        for place, entry in enumerate(call.inputs):
            rank = len(entry.shape or ())
            if axes is not None and rank != len(axes):
                names = (axes[-1], *axes[:-1]) if call.channels_first else axes
                plural = "s" if len(axes) > 1 else ""
                message = (
                    f"{self.name} needs {len(axes)} dim{plural} per sample ({', '.join(names)}),"
                    f" the input is {shape_text(entry.shape)}"
                )
                return Fault("shape-mismatch", message, _reshape_advice(entry.shape or (), axes), input=place)
            if rank < least:
                message = (
                    f"{self.name} needs at least {least} dim{'s' if least > 1 else ''} per sample,"
                    f" the input is {shape_text(entry.shape)}"
                )
                return Fault("shape-mismatch", message, input=place)
        return None


def _autocast(tensor: TensorType, dtype: str) -> TensorType:
    """What a layer makes of a float input before it is called (`keras.DTypePolicy.convert_input`)."""
    if tensor.is_float and tensor.dtype != dtype and dtype in FLOAT_DTYPES:
        return replace(tensor, dtype=dtype)
    return tensor


def _reshape_advice(shape: Shape, axes: tuple[str, ...]) -> str | None:
    if len(shape) > len(axes) and len(axes) == 1:
        return "`Flatten()` or a pooling layer before it makes one axis of several"
    if len(shape) == len(axes) - 1 and axes[-1] == "channels" and len(shape) > 0:
        return (
            f"`Reshape({shape_text((*shape, 1))})` before it gives the input a channel axis" if _static(shape) else None
        )
    if len(shape) == 1 and len(axes) == 3 and isinstance(shape[0], int):
        side = round(shape[0] ** 0.5)
        if side * side == shape[0] > 1:
            return f"`Reshape([{side}, {side}, 1])` before it makes an image of the input"
    return None


def _static(shape: Shape) -> bool:
    return all(isinstance(entry, int) for entry in shape)


def _is_orthogonal(initializer: Value) -> bool:
    name = initializer.name if isinstance(initializer, Configured) else initializer
    return name in ("orthogonal", "Orthogonal", "OrthogonalInitializer")


@cache
def layer(name: str) -> LayerEntry | None:
    """The layer class `name`, or none. Aliases (`Convolution2D`) give the entry of the class they stand for."""
    known = data("layers.json")
    name = known["aliases"].get(name, name)
    found = known["classes"].get(name)
    if found is None:
        return None
    return LayerEntry(
        name,
        loaded_arguments(found["arguments"], lambda argument: kind_of(name, argument)),
        loaded_arguments(found["call"], lambda argument: kind_of(name, argument)),
        RULES[name],
    )


def layer_names() -> tuple[str, ...]:
    """Every layer class that a spec may use, aliases included."""
    known = data("layers.json")
    return (*known["classes"], *known["aliases"])
