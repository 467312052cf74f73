"""Checked graph to Keras functional models. Only from here on Keras is imported.

Every node becomes a call of a Keras layer under the name that the file gives it. Nodes of one instance share a layer;
what is shared in the file (a named layer, a const, a model) is one object for all models.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, cast

import keras
import tensorflow as tf

from specc.catalogue.values import TensorArgument, Value
from specc.constructs.bank import Mix, Select
from specc.constructs.base import Construct
from specc.forms import Form, UnportableError
from specc.graph.infer import CheckedGraph, CheckedProgram
from specc.graph.model import (
    ConstantTensor,
    ConstructCall,
    Graph,
    InputTensor,
    KnobTensor,
    LayerCall,
    ModelCall,
    Node,
    OperationCall,
    Tensor,
    WeightTensor,
)
from specc.graph.routing import Branch, Route, RoutedBranches, RoutedDense, Routing, route
from specc.keras_backend import layers, making
from specc.keras_backend.configure import all_configured, configured
from specc.keras_backend.model import SpecModel
from specc.keras_backend.portability import refuse_unportable
from specc.keras_backend.seeds import seeded
from specc.keras_backend.train import compile_for_training, loss_terms
from specc.types import TensorType

VALID = "specc.valid"
"""The name of the output of a portable model that says which samples have passed all guards, bool `[B]`."""


def lower(
    program: CheckedProgram, names: Sequence[str], seed: int | None, form: Form = Form.ROUTED
) -> dict[str, SpecModel]:
    """The Keras models of these names and whatever they call.

    Args:
        seed: the seed of all weights and random layers; none draws fresh ones.
        form: how what is computed for each sample by itself is lowered. In the portable form a model that guards
            something has an output more, `VALID`.

    Raises:
        UnportableError: if a node has no portable form.
    """
    run = _Lowering(program, seed, form)
    return {name: run.model(program.graphs[name]) for name in names}


class DisagreementError(Exception):
    """Keras does not agree with what was proven of a node: a bug of specc's, at the place of the statement."""

    def __init__(self, node: Node, message: str) -> None:
        span = node.span
        super().__init__(f"{span.source.name}:{span.line}:{span.column}: `{node.name}`: {message}")


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__


class _Lowering:
    """What the models of a program have in common."""

    def __init__(self, program: CheckedProgram, seed: int | None, form: Form) -> None:
        self.program = program
        self.seed = seed
        self.form = form
        self.shared: dict[str, keras.layers.Layer] = {}
        self._models: dict[int, SpecModel] = {}

    def model(self, checked: CheckedGraph) -> SpecModel:
        """The model of a graph, made once."""
        found = self._models.get(id(checked.graph))
        if found is None:
            found = _ModelLowering(self, checked).model()
            self._models[id(checked.graph)] = found
        return found

    def called(self, graph: Graph) -> SpecModel:
        return self.model(self.program.of(graph))


@dataclass(slots=True)
class _Frame:
    """The Keras tensors of a functional model that is being made: a model, or a branch of a routed mux inside one.

    `anchor` is a tensor with the batch axis; `repeated` holds what has been repeated for each sample; `valid` what each
    guard of the portable form says of the samples.
    """

    tensors: dict[Tensor, Any] = field(default_factory=dict)
    repeated: dict[Tensor, Any] = field(default_factory=dict)
    anchor: Any = None
    valid: list[Any] = field(default_factory=list)


class _ModelLowering:
    """One graph on its way to a functional model."""

    def __init__(self, run: _Lowering, checked: CheckedGraph) -> None:
        self.run = run
        self.checked = checked
        self.graph = checked.graph
        self.routing = route(checked) if run.form is Form.ROUTED else Routing()
        self.own: dict[str, keras.layers.Layer] = {}
        self.frame = _Frame()

    def model(self) -> SpecModel:
        inputs = {node.name: self._input(node) for node in self.graph.inputs}
        useful = self.graph.useful()
        for node in self.graph:
            if node in useful and node not in self.routing.inside and not isinstance(node.action, InputTensor):
                self._call(node)
        outputs = {name: self._end(name, output.tensor) for name, output in self.graph.outputs.items()}
        outputs = loss_terms(self.graph, outputs, self.frame.tensors)
        if self.frame.valid:
            outputs[VALID] = layers.AllValid(name=VALID)(self.frame.valid)
        defaults = {
            node.name: making.repeated(node.action.default, node.action.type)
            for node in self.graph.inputs
            if isinstance(node.action, InputTensor) and node.action.default is not None
        }
        model = SpecModel(inputs=inputs, outputs=outputs, name=self.graph.name, input_defaults=defaults)
        if self.graph.training is not None:
            compile_for_training(model, self.graph.training)
        return model

    def _input(self, node: Node) -> Any:
        action = cast(InputTensor, node.action)
        type = action.type
        assert type is not None and type.shape is not None
        shape = tuple(size if isinstance(size, int) else None for size in type.shape)
        tensor = keras.Input(shape=shape, dtype=type.dtype, name=node.name)
        if self.frame.anchor is None:
            self.frame.anchor = tensor
        if action.interval is not None:
            low, high = action.interval.low, action.interval.high
            # The guard speaks as the file does: of integers the high end does not belong.
            end = high + 1 if type.is_integer else high
            name = f"{node.name}.guard"
            if self.run.form is Form.PORTABLE:
                self.frame.tensors[Tensor(node)] = self._clamped(name, tensor, low, end)
            else:
                guard = layers.Guard(low=low, high=end, subject=f"input `{node.name}`", name=name)
                self.frame.tensors[Tensor(node)] = guard(tensor)
        else:
            self.frame.tensors[Tensor(node)] = tensor
        return tensor

    def _call(self, node: Node) -> None:
        try:
            with self._seeded(node):
                results = self._results(node)
        except (TypeError, ValueError, tf.errors.OpError) as error:
            raise DisagreementError(node, f"Keras refuses it: {_first_line(error)}") from error
        if node.outputs == 1 and not isinstance(results, list | tuple):
            results = (results,)
        for output, result in enumerate(results):
            self._compare(node, self.checked.type(Tensor(node, output)), result)
            self.frame.tensors[Tensor(node, output)] = result

    def _compare(self, node: Node, proven: TensorType, made: Any) -> None:
        """Hold what Keras makes against what was proven of it."""
        if proven.shape is None:
            return
        shape = tuple(made.shape)[1:] if proven.batched else tuple(made.shape)
        sizes = zip(proven.shape, shape, strict=False)
        if len(shape) != len(proven.shape) or any(
            isinstance(ours, int) and theirs is not None and ours != theirs for ours, theirs in sizes
        ):
            raise DisagreementError(node, f"specc has proven {proven}, and Keras makes {list(shape)} of it")

    def _seeded(self, node: Node) -> AbstractContextManager[None]:
        # Two models may have layers of one name; what the file shares starts alike in all of them.
        home = "" if node.shared else self.graph.name
        return seeded(self.run.seed, f"{home}/{node.instance}")

    def _results(self, node: Node) -> Any:
        if self.run.form is Form.PORTABLE:
            refuse_unportable(self.checked, node)
        match self.routing.routes.get(node):
            case RoutedDense(dense=dense):
                return self._routed_dense(node, dense)
            case RoutedBranches(branches=branches):
                return self._routed_branches(node, branches)
        action = node.action
        arriving = self.graph.arriving(node)
        match action:
            case ConstantTensor() | KnobTensor():
                return self._instance(node, lambda name: making.source(name, action))(self.frame.anchor)
            case WeightTensor():
                bank = self._is_bank(node)
                return self._instance(node, lambda name: making.weight(name, action, bank))(self.frame.anchor)
            case OperationCall():
                ports = {port: place for place, port in enumerate(arriving)}
                batched = [self.checked.type(tensor).batched for tensor in arriving.values()]
                layer = self._instance(node, lambda name: making.operation(name, action, ports, batched))
                return layer([self.frame.tensors[tensor] for tensor in arriving.values()])
            case ConstructCall(construct=construct):
                return self._construct(node, construct, arriving)
            case LayerCall():
                return self._layer(node, action, arriving)
            case ModelCall(graph=graph):
                model = self.run.called(graph)
                found = model({name: self._batched(tensor) for name, tensor in arriving.items()})
                if VALID in found:
                    self.frame.valid.append(found[VALID])
                return tuple(found[name] for name in graph.outputs)
        raise AssertionError(f"{type(action).__name__} has no Keras form")

    def _construct(self, node: Node, construct: Construct, arriving: Mapping[str, Tensor]) -> Any:
        inputs, arguments = self._types(node)
        tensors = {
            port: self._batched(tensor) if port.isdigit() else self.frame.tensors[tensor]
            for port, tensor in arriving.items()
        }
        unproven = construct.guarded(inputs, arguments)
        portable = self.run.form is Form.PORTABLE
        guarded = unproven is not None and not portable
        layer = self._instance(node, lambda name: making.construct(name, construct, inputs, arguments, guarded))
        if unproven is not None and portable:
            port, count = unproven
            if not isinstance(count, int):
                raise UnportableError(f"the guard of `{node.name}` needs a known number of rows in its portable form")
            tensors[port] = self._clamped(f"{node.name}.guard", tensors[port], 0, count)
        return layer(list(tensors.values()) if len(tensors) > 1 else next(iter(tensors.values())))

    def _types(self, node: Node) -> tuple[tuple[TensorType, ...], dict[str, TensorType]]:
        """The types of what arrives at a construct: of what flows in, and of the tensors among its arguments."""
        types = self.checked.arriving(node)
        inputs = tuple(type for port, type in types.items() if port.isdigit())
        return inputs, {port: type for port, type in types.items() if not port.isdigit()}

    def _mux_settings(self, mux: Node) -> dict[str, Any]:
        unproven = cast(ConstructCall, mux.action).construct.guarded(*self._types(mux))
        return making.mux_settings(mux, guarded=unproven is not None)

    def _clamped(self, name: str, tensor: Any, low: float, high: float) -> Any:
        """A tensor whose values outside of a range have been moved to its ends, which makes their sample invalid."""
        clamped, valid = layers.Clamp(low=low, high=high, name=name)(tensor)
        self.frame.valid.append(valid)
        return clamped

    def _layer(self, node: Node, action: LayerCall, arriving: Mapping[str, Tensor]) -> Any:
        inputs = [self._batched(tensor) for port, tensor in arriving.items() if port.isdigit()]
        if action.conditioned:
            kernels = [arriving[name] for name in action.conditioned]
            batched = [self.checked.type(tensor).batched for tensor in kernels]
            portable = self.run.form is Form.PORTABLE
            layer = self._instance(node, lambda name: making.conditioned(name, action, batched, portable))
            return layer([*inputs, *(self.frame.tensors[tensor] for tensor in kernels)])
        layer = self._instance(node, lambda name: making.keras_layer(name, action))
        call = {
            argument.name: self._argument(action.written[argument.name], arriving)
            for argument in action.entry.call_arguments
            if argument.name in action.written
        }
        if action.entry.input_style == "positional":
            return layer(*inputs, **call)
        return layer(inputs if action.entry.input_style == "list" else inputs[0], **call)

    def _is_bank(self, weight: Node) -> bool:
        """Whether a weight is read row by row only, so that each row is a weight of its own."""
        readers = [(reader.action, wire.port) for reader, wire in self.graph.readers(weight)]
        return bool(readers) and all(
            isinstance(action, ConstructCall) and isinstance(action.construct, Select | Mix) and port == "bank"
            for action, port in readers
        )

    def _routed_dense(self, mux: Node, dense: Node) -> Any:
        """The group of a Dense that a mux selects; it bears the name of the Dense, whose weights it has."""
        settings = self._mux_settings(mux)
        action = cast(LayerCall, dense.action)

        def make(name: str) -> keras.layers.Layer:
            return layers.RoutedDense(name=name, **settings, **all_configured(action.written))

        x = self._batched(self.graph.arriving(dense)["0"])
        control = self.frame.tensors[self.graph.arriving(mux)["control"]]
        with self._seeded(dense):
            routed = self._instance(dense, make)([x, control])
        # The mux keeps its place among the layers, by which Keras finds weights in a file.
        return keras.layers.Identity(name=mux.instance)(routed)

    def _routed_branches(self, mux: Node, branches: Sequence[Branch]) -> Any:
        """A mux that sends samples through functional models, one for each branch."""
        boundary = list(dict.fromkeys(tensor for branch in branches for tensor in branch.boundary))
        layer = layers.RoutedBranches(
            branches=[self._branch(mux, number, branch) for number, branch in enumerate(branches)],
            inputs=[[boundary.index(tensor) for tensor in branch.boundary] for branch in branches],
            batched=[self.checked.type(tensor).batched for tensor in boundary],
            name=mux.instance,
            **self._mux_settings(mux),
        )
        control = self.frame.tensors[self.graph.arriving(mux)["control"]]
        return layer([*(self.frame.tensors[tensor] for tensor in boundary), control])

    def _branch(self, mux: Node, number: int, branch: Branch) -> keras.Model | None:
        """The functional model of a branch; none for one that hands on what flows in."""
        if not branch.nodes:
            return None
        outer = self.frame
        inputs = {
            tensor: keras.Input(batch_shape=outer.tensors[tensor].shape, dtype=outer.tensors[tensor].dtype)
            for tensor in branch.boundary
        }
        anchor = next(inputs[tensor] for tensor in branch.boundary if self.checked.type(tensor).batched)
        self.frame = _Frame(tensors=dict(inputs), anchor=anchor)
        inside = {node for found in self._routes_within(branch) for node in found.inside}
        for node in branch.nodes:
            if node not in inside:
                self._call(node)
        model = keras.Model(list(inputs.values()), self._batched(branch.end), name=f"{mux.name}.branch_{number}")
        self.frame = outer
        return model

    def _routes_within(self, branch: Branch) -> list[Route]:
        return [self.routing.routes[node] for node in branch.nodes if node in self.routing.routes]

    def _argument(self, value: Value, arriving: Mapping[str, Tensor]) -> Any:
        """An argument of a layer's call: tensors, or a setting."""
        if isinstance(value, TensorArgument):
            return self._batched(arriving[value.port])
        if isinstance(value, list | tuple):
            return [self._argument(item, arriving) for item in value]
        return configured(value)

    def _instance(self, node: Node, make: Callable[[str], keras.layers.Layer]) -> keras.layers.Layer:
        """The layer that serves a node; nodes of one instance get the same."""
        known = self.run.shared if node.shared else self.own
        if node.instance not in known:
            known[node.instance] = make(node.instance)
            if not node.trainable:
                known[node.instance].trainable = False
        return known[node.instance]

    def _batched(self, tensor: Tensor) -> Any:
        """A tensor as layers take it: what is the same for every sample is repeated for each."""
        if self.checked.type(tensor).batched:
            return self.frame.tensors[tensor]
        if tensor not in self.frame.repeated:
            name = f"{tensor.node.name}.per_sample"
            self.frame.repeated[tensor] = layers.PerSample(name=name)([self.frame.tensors[tensor], self.frame.anchor])
        return self.frame.repeated[tensor]

    def _end(self, name: str, tensor: Tensor) -> Any:
        """An output; one that is nothing but an input is passed through a layer, which Keras wants there."""
        found = self._batched(tensor)
        if isinstance(tensor.node.action, InputTensor):
            return keras.layers.Identity(name=f"{name}.output")(found)
        return found
