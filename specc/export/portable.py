"""What the formats for other runtimes have in common: one traced function, with nothing that only TensorFlow has.

There are no assertions in ONNX and LiteRT, so a guard can not stop a run. Every output of a sample that fails one is
NaN instead. Integers have no NaN: a model that guards something and has an output of another kind is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

import tensorflow as tf

# TensorFlow has no public name for what it knows of an operation inside of a function.
from tensorflow.python.framework import op_def_registry

from specc.export.signature_names import input_specs, safe_names
from specc.export.summary import Signature, model_signature
from specc.forms import UnportableError
from specc.keras_backend.layers.validity import hidden
from specc.keras_backend.lower import VALID
from specc.keras_backend.model import SpecModel

__all__ = ["Portable", "portable"]

MAXIMAL_BYTES: Final = 2**31 - 2**20
"""Of the weights in a file: both formats count bytes in 31 bits, and have to hold the graph as well."""
HARMLESS: Final = frozenset({"ReadVariableOp", "Placeholder", "StatefulPartitionedCall", "If", "While"})
"""Operations that TensorFlow counts among those with a state, and that change nothing by themselves."""


@dataclass(frozen=True, slots=True)
class Portable:
    """A model's inference for another runtime.

    Attributes:
        model: the model.
        signature: its inputs and outputs by the names of the spec.
        function: a concrete function from one dict of inputs to a dict of outputs.
        names: the name that each input was traced under.
    """

    model: SpecModel
    signature: Signature
    function: Any
    names: Mapping[str, str]

    def refused(self, operations: Iterable[str], format: str) -> UnportableError:
        """The error that names what in the model needs operations that the format does not have."""
        places = dict(_operations(self.function))
        parts = [f"{_node(self.model, places[each])} ({each})" if each in places else each for each in operations]
        what = ", ".join(dict.fromkeys(parts)) or f"model `{self.model.name}`: its converter fails"
        return UnportableError(f"{format} can not hold {what}")


def portable(model: SpecModel, format: str) -> Portable:
    """Trace a model that was lowered in its portable form.

    Args:
        format: what the messages call the file, as in "an ONNX file".

    Raises:
        UnportableError: it takes or gives strings, has an output that can not tell that a guard fails, changes
            something while it runs, as random numbers do, or has more weights than a file holds.
    """
    signature = model_signature(model)
    guarded = any(output.name == VALID for output in signature.outputs)
    signature = replace(signature, outputs=tuple(output for output in signature.outputs if output.name != VALID))
    _refuse_tensors(signature, guarded, format)
    size = sum(weight.value.dtype.size * weight.value.shape.num_elements() for weight in model.weights)
    if size > MAXIMAL_BYTES:
        raise UnportableError(f"{format} can not hold model `{model.name}`: it has {size / 1e9:.1f} GB of weights")
    names = safe_names([tensor.name for tensor in signature.inputs])

    def infer(inputs: Mapping[str, Any]) -> dict[str, Any]:
        outputs = model(dict(inputs), training=False)
        if guarded:
            return {each.name: hidden(outputs[each.name], outputs[VALID]) for each in signature.outputs}
        return {each.name: outputs[each.name] for each in signature.outputs}

    with _functions_inlined():
        function = tf.function(infer, autograph=False).get_concrete_function(input_specs(signature, names))
    for operation, place in _operations(function):
        if _has_state(operation):
            raise UnportableError(f"{format} can not hold {_node(model, place)}, which {_deed(operation)}")
    return Portable(model, signature, function, names)


@contextmanager
def _functions_inlined() -> Iterator[None]:
    """Trace functions into whatever calls them: grouped convolutions are one that only TensorFlow's XLA can run."""
    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(before)


def _refuse_tensors(signature: Signature, guarded: bool, format: str) -> None:
    for kind, tensors in (("input", signature.inputs), ("output", signature.outputs)):
        for tensor in tensors:
            if tensor.dtype == "string":
                raise UnportableError(f"{format} can not hold the {kind} `{tensor.name}`: it is of strings")
    for output in signature.outputs:
        if guarded and "float" not in output.dtype:
            message = "a guard tells by NaN that it fails, which only floats have"
            raise UnportableError(f"{format} can not hold the output `{output.name}`, {output.dtype}: {message}")


def _operations(function: Any) -> Iterator[tuple[str, str]]:
    """The type of every operation that runs, with its name or, if it is inside another function, that of the call."""
    definition = function.graph.as_graph_def()
    library = {each.signature.name: each.node_def for each in definition.library.function}
    for outer in definition.node:
        waiting, seen = [outer], set()
        while waiting:
            node = waiting.pop()
            yield node.op, outer.name
            for value in node.attr.values():
                for called in (value.func.name, *(each.name for each in value.list.func)):
                    if called in library and called not in seen:
                        seen.add(called)
                        waiting.extend(library[called])


def _has_state(operation: str) -> bool:
    definition = op_def_registry.get(operation)
    return definition is not None and definition.is_stateful and operation not in HARMLESS


def _deed(operation: str) -> str:
    if "Random" in operation or operation.startswith("Assign"):
        return "draws random numbers"
    return "looks up words" if "Table" in operation else f"keeps a state ({operation})"


def _node(model: SpecModel, place: str) -> str:
    """The node that an operation belongs to: its name goes through the layers, which TensorFlow may have numbered."""
    layer: Any = model
    found = f"model `{model.name}`"
    for scope in place.split("/"):
        inner = {each.name: each for each in getattr(layer, "layers", [])}
        name = scope if scope in inner else re.sub(r"_\d+$", "", scope)
        if name in inner:
            layer, found = inner[name], f"`{name}`"
    return found
