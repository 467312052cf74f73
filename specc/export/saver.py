"""The saver of a SavedModel: the operations by which a session, as in TensorFlow Serving, restores its variables.

TensorFlow traces functions for it, variable by variable, and where a model has many this takes a third of all the time
that compiling does. Here it is one `RestoreV2` and one `SaveV2` over the variables that the signatures read or write,
as https://www.tensorflow.org/api_docs/python/tf/compat/v1/train/Saver makes them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

import tensorflow as tf
from tensorflow.core.protobuf import saver_pb2

__all__ = ["add_saver"]

IO_DEVICE: Final = "/device:CPU:0"
CALLS: Final = frozenset({"StatefulPartitionedCall", "PartitionedCall"})


@dataclass(frozen=True, slots=True)
class _Stored:
    """A variable of the graph: its handle, the enum of its dtype, and its key in the checkpoint."""

    handle: str
    dtype: int
    key: str


class _Scope:
    """Operations that are added to a GraphDef, under a prefix that no name in it has."""

    def __init__(self, graph: Any) -> None:
        taken = {node.name.split("/")[0] for node in graph.node}
        self._name = next(name for name in ("saver" + "_" * more for more in count()) if name not in taken)
        self._graph = graph

    def add(self, op: str, name: str, *inputs: str, **types: int | list[int]) -> Any:
        """Add an operation whose attributes are the enums of dtypes, or lists of them."""
        node = self._graph.node.add(op=op, name=f"{self._name}/{name}", input=inputs)
        for attribute, value in types.items():
            if isinstance(value, list):
                node.attr[attribute].list.type.extend(value)
            else:
                node.attr[attribute].type = value
        return node


def add_saver(meta_graph: Any) -> None:
    """Add a saver to a MetaGraphDef whose root holds all of its variables in a list, `variables`.

    A variable that no signature captures is not restored: nothing that a session can run reads it.
    """
    graph = _Scope(meta_graph.graph_def)
    prefix = graph.add("Placeholder", "prefix", dtype=tf.string.as_datatype_enum)
    prefix.attr["shape"].shape.SetInParent()
    variables = sorted(set(_captured(meta_graph)), key=lambda variable: variable.handle)
    # `SaveV2` and `RestoreV2` take no empty list; those who load a SavedModel ask for a saver all the same.
    saving, restoring = _saving_and_restoring(graph, prefix.name, variables) if variables else ([], [])
    saved = graph.add("Identity", "saved", prefix.name, *saving, T=tf.string.as_datatype_enum)
    restored = graph.add("NoOp", "restored", *restoring)
    meta_graph.saver_def.CopyFrom(
        saver_pb2.SaverDef(
            filename_tensor_name=f"{prefix.name}:0",
            save_tensor_name=f"{saved.name}:0",
            restore_op_name=restored.name,
            version=saver_pb2.SaverDef.V2,
        )
    )


def _captured(meta_graph: Any) -> Iterator[_Stored]:
    """The variables that are captured by what the graph calls.

    A call is what connects a handle with its place in the checkpoint: its last inputs are the handles of what the
    called function captures, for which the function lists objects by number.
    """
    nodes, objects = meta_graph.graph_def.node, meta_graph.object_graph_def
    dtypes = {node.name: node.attr["dtype"].type for node in nodes if node.op == "VarHandleOp"}
    root = {child.local_name: child.node_id for child in objects.nodes[0].children}
    keys = {
        child.node_id: f"variables/{child.local_name}/.ATTRIBUTES/VARIABLE_VALUE"
        for child in objects.nodes[root["variables"]].children
    }
    for node in nodes:
        function = node.attr["f"].func.name if node.op in CALLS else ""
        if function in objects.concrete_functions:
            captured = objects.concrete_functions[function].bound_inputs
            inputs = [name for name in node.input if not name.startswith("^")]
            for handle, number in zip(inputs[len(inputs) - len(captured) :], captured, strict=True):
                if number in keys:
                    yield _Stored(handle, dtypes[handle], keys[number])


def _saving_and_restoring(graph: _Scope, prefix: str, variables: Sequence[_Stored]) -> tuple[list[str], list[str]]:
    """Add the operations that write and those that read a checkpoint, and return them as control inputs."""
    names = _strings(graph, "tensor_names", [variable.key for variable in variables])
    slices = _strings(graph, "shape_and_slices", [""] * len(variables))
    dtypes = [variable.dtype for variable in variables]
    values = [
        graph.add("ReadVariableOp", f"read_{i}", variable.handle, dtype=variable.dtype).name
        for i, variable in enumerate(variables)
    ]
    save = graph.add("SaveV2", "save", prefix, names, slices, *values, dtypes=dtypes)
    restore = graph.add("RestoreV2", "restore", prefix, names, slices, dtypes=dtypes)
    save.device = restore.device = IO_DEVICE
    assigned = [
        graph.add("AssignVariableOp", f"assign_{i}", variable.handle, f"{restore.name}:{i}", dtype=variable.dtype)
        for i, variable in enumerate(variables)
    ]
    return [f"^{save.name}"], [f"^{assign.name}" for assign in assigned]


def _strings(graph: _Scope, name: str, values: list[str]) -> str:
    """Add a constant, string `[len(values)]`."""
    node = graph.add("Const", name, dtype=tf.string.as_datatype_enum)
    node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(values, tf.string, [len(values)]))
    return str(node.name)
