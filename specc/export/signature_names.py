"""Input names that TensorFlow's tracing does not take, and how a signature bears them all the same.

A signature is traced with one placeholder an input. A placeholder cannot be named `class`, `self` or `_x`, nor `a`
beside `A`; a SignatureDef's input can. Such an input is traced under a name that works and gets its own in the
written file.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Collection, Mapping
from typing import Any, TypeAlias

import tensorflow as tf

from specc.export.summary import Signature

__all__ = ["Renames", "input_specs", "rename_signatures", "safe_names"]

PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_.\-]*")
Renames: TypeAlias = Mapping[str, Mapping[str, str]]
"""Signature name to a map from each input's name to the name it is traced under."""


def safe_names(names: Collection[str]) -> dict[str, str]:
    """A name to trace each input under, unlike any other's: its own where that works, else one with `_` behind it."""
    safe: dict[str, str] = {}
    taken: set[str] = set()
    for name in names:
        if PLAIN.fullmatch(name) and not keyword.iskeyword(name) and name != "self" and _folded(name) not in taken:
            safe[name] = name
            taken.add(_folded(name))
    for name in names:
        if name not in safe:
            stem = re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_")
            stem = stem if PLAIN.fullmatch(stem) else f"input_{stem}"
            candidates = (stem + "_" * count for count in range(1, len(taken) + 2))
            safe[name] = next(candidate for candidate in candidates if _folded(candidate) not in taken)
            taken.add(_folded(safe[name]))
    return safe


def input_specs(signature: Signature, names: Mapping[str, str]) -> dict[str, Any]:
    """What the inputs of a signature are traced as, by their own names."""
    return {
        tensor.name: tf.TensorSpec(tensor.shape, tensor.dtype, name=names[tensor.name]) for tensor in signature.inputs
    }


def rename_signatures(meta_graph: Any, renames: Renames) -> None:
    """Give the inputs of a SavedModel's MetaGraphDef their own names, in the SignatureDefs and for Python."""
    changes = {
        signature: {traced: name for name, traced in names.items() if traced != name}
        for signature, names in renames.items()
    }
    for signature, change in changes.items():
        definition = meta_graph.signature_def[signature]
        for traced, name in change.items():
            for field in (definition.inputs, definition.defaults):
                if traced in field:
                    field[name].CopyFrom(field[traced])
                    del field[traced]
    nodes = meta_graph.object_graph_def.nodes
    signature_map = next(child.node_id for child in nodes[0].children if child.local_name == "signatures")
    for child in nodes[signature_map].children:
        arguments = nodes[child.node_id].bare_concrete_function.argument_keywords
        arguments[:] = [changes[child.local_name].get(argument, argument) for argument in arguments]


def _folded(name: str) -> str:
    """What TensorFlow makes of the name of a function's argument."""
    return re.sub(r"\W|_", "_", name.lower())
