"""Graph to checked graph: every wire gets a type and a range, every node its weights and its work.

Nodes are visited in their order, each once. What a fault has spoilt stays unknown and silent, so that one fault gives
one finding.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from specc.catalogue.facts import Fault, LayerFacts, WeightFact
from specc.catalogue.values import TensorArgument, Value
from specc.constructs import CONSTRUCTS, Construct, Select
from specc.diagnostics import Kind, Label
from specc.graph.blame import BlameSink
from specc.graph.kinds import OUT_OF_BOUNDS
from specc.graph.matching import fit, substituted
from specc.graph.model import (
    ConstantTensor,
    Constraint,
    ConstructCall,
    Graph,
    InputTensor,
    KnobTensor,
    LayerCall,
    Missing,
    ModelCall,
    Node,
    OperationCall,
    Program,
    Tensor,
    WeightTensor,
)
from specc.graph.trace import TRACED, origin, trail
from specc.graph.type_kinds import MERGE_MISMATCH, TYPE_KINDS
from specc.records import value_object
from specc.types import ANYTHING, Dim, Shape, TensorType, exceeds, product, shape_text, surely_different, surely_equal

_SHOWN: Final = 4
"""How many of the tensors that do not go together are pointed at."""

_CONSTRUCTS: tuple[type[Construct], ...] = (*CONSTRUCTS, Select)
KIND_OF: Mapping[str, Kind] = {
    kind.id: kind for kind in (*TYPE_KINDS, *(kind for construct in _CONSTRUCTS for kind in construct.kinds))
}


@value_object
class CheckedGraph:
    """A graph whose wires have types. `facts` has no entry for a node that a fault has spoilt."""

    graph: Graph
    facts: dict[Node, LayerFacts] = field(repr=False)
    called: dict[int, CheckedGraph] = field(repr=False)
    """The checked graphs of a run, those that this one calls among them, by the identity of their graphs."""

    def type(self, tensor: Tensor) -> TensorType:
        return self.facts[tensor.node].outputs[tensor.output]

    def arriving(self, node: Node) -> dict[str, TensorType]:
        """The types that arrive at a node, by port."""
        return {port: self.type(tensor) for port, tensor in self.graph.arriving(node).items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedProgram:
    """All models of a file, checked, in its order; `called` are also those of other files that they call."""

    graphs: dict[str, CheckedGraph]
    called: dict[int, CheckedGraph] = field(repr=False)

    def of(self, graph: Graph) -> CheckedGraph:
        """A graph that some model of the file calls, checked."""
        return self.called[id(graph)]


def infer(program: Program) -> CheckedProgram:
    """Types for all models of a program; faults go to its sink, which then hands all of them on."""
    run = _Run(program.sink)
    graphs = {name: _Inference(graph, run).run() for name, graph in program.graphs.items()}
    for graph in program.alone:
        _Inference(graph, run).run()
    program.sink.settle((node.span, node.uses) for checked in run.known.values() for node in checked.facts)
    return CheckedProgram(graphs=graphs, called=run.known)


_Instances: TypeAlias = dict[str, tuple[Node, tuple[WeightFact, ...]]]


@dataclass(slots=True)
class _Run:
    """What the graphs of a program have in common."""

    sink: BlameSink
    known: dict[int, CheckedGraph] = field(default_factory=dict)
    instances: _Instances = field(default_factory=dict)
    """The weights of the layers that the models of a file share."""


class _Inference:
    def __init__(self, graph: Graph, run: _Run) -> None:
        self.graph = graph
        self.whole = run
        self.sink = run.sink
        self.known = run.known
        self.facts: dict[Node, LayerFacts] = {}
        self.instances: _Instances = {}

    def run(self) -> CheckedGraph:
        if id(self.graph) not in self.known:
            for node in self.graph:
                self.visit(node)
            self._constraints()
            self.known[id(self.graph)] = CheckedGraph(self.graph, self.facts, self.known)
        return self.known[id(self.graph)]

    def visit(self, node: Node) -> None:
        """Find the facts of a node, whose inputs have been visited."""
        with self.sink.at(node.uses):
            facts = self._node(node)
            if isinstance(facts, LayerFacts) and self._same_weights(node, facts) and self._bounded(node, facts):
                self.facts[node] = facts

    def _bounded(self, node: Node, facts: LayerFacts) -> bool:
        """Whether what a node makes can be held at all: TensorFlow counts elements in 31 bits."""
        for weight in facts.weights:
            if exceeds(weight.shape):
                message = f"weight `{weight.name}` of shape {shape_text(weight.shape)} has 2**31 elements or more"
                self.sink.report(OUT_OF_BOUNDS, node.span, message)
                return False
        for output in facts.outputs:
            if exceeds(output.shape or ()):
                message = f"the result, {output}, has 2**31 elements or more per sample"
                self.sink.report(OUT_OF_BOUNDS, node.span, message)
                return False
        return True

    def _node(self, node: Node) -> LayerFacts | None:
        """The facts of a node; none once its fault has been reported, here or further up."""
        tensors = self.graph.arriving(node)
        if any(tensor.node not in self.facts for tensor in tensors.values()):
            return None
        types = {port: self.facts[tensor.node].outputs[tensor.output] for port, tensor in tensors.items()}
        found = self._infer(node, types)
        if isinstance(found, Fault):
            self._report(node, found, tensors)
            return None
        return found

    def _infer(self, node: Node, types: dict[str, TensorType]) -> LayerFacts | Fault | None:
        match node.action:
            case InputTensor(type=type):
                return LayerFacts((type,)) if type is not None else None
            case ConstantTensor(array=array):
                return LayerFacts((TensorType(array.dtype, array.shape, False, array.interval),), (
                    WeightFact("value", array.shape, trainable=False),
                ))  # fmt: skip
            case WeightTensor(type=type):
                return LayerFacts((type,), (WeightFact("value", type.shape or (), node.trainable),))
            case KnobTensor(interval=interval):
                scalar = TensorType("float32", (), False, interval or ANYTHING)
                return LayerFacts((scalar,), (WeightFact("value", (), trainable=False),))
            case LayerCall() as action:
                return self._layer(node, action, types)
            case OperationCall(entry=entry, checked=checked):
                return entry.infer(checked, {name: _operands(value, types) for name, value in checked.items()
                                             if _holds_port(value)})  # fmt: skip
            case ConstructCall():
                return self._construct(node, node.action, types)
            case ModelCall(graph=graph):
                return self._model(node, graph, types)
            case Missing():
                return None

    def _layer(self, node: Node, action: LayerCall, types: dict[str, TensorType]) -> LayerFacts | Fault:
        inputs = tuple(replace(types[port], batched=True) for port in types if port.isdigit())
        others = types.keys() - set(action.conditioned)
        arguments = {port: types[port] for port in types if port in others and not port.isdigit()}
        facts = action.entry.infer(action.checked, inputs, arguments)
        if isinstance(facts, Fault):
            return facts
        fault = _conditioned_fault(action, inputs, types)
        if fault is not None:
            return fault
        weights = tuple(weight for weight in facts.weights if weight.name not in action.conditioned)
        if not node.trainable:
            weights = tuple(replace(weight, trainable=False) for weight in weights)
        return replace(facts, weights=weights)

    def _construct(self, node: Node, action: ConstructCall, types: dict[str, TensorType]) -> LayerFacts | Fault:
        construct = action.construct
        inputs = tuple(type for port, type in types.items() if port.isdigit())
        arguments = {port: type for port, type in types.items() if not port.isdigit()}
        if any(type.shape is None for type in types.values()):
            dtype = next(iter(types.values())).dtype
            return LayerFacts((TensorType(dtype, None),) * node.outputs, proven=False)
        facts = construct.infer(inputs, arguments)
        if isinstance(facts, LayerFacts):
            for warning in construct.warnings(inputs, arguments):
                self._report(node, warning, self.graph.arriving(node))
        return facts

    def _model(self, node: Node, graph: Graph, types: dict[str, TensorType]) -> LayerFacts | Fault | None:
        with self.sink.at(()):
            inner = _Inference(graph, self.whole).run()
        sizes: dict[str, Dim] = {}
        for entry in graph.inputs:
            action = entry.action
            assert isinstance(action, InputTensor)
            if action.type is None:
                return None
            fault = fit(action.type, types[entry.name], sizes, entry.name)
            if fault is not None:
                return replace(fault, argument=entry.name)
            declared, arriving = action.interval, types[entry.name].interval
            if declared is not None and arriving.outside(declared.low, declared.high):
                message = f"`{entry.name}` lies in {declared}, and what arrives in {arriving}"
                return Fault("value-range", message, argument=entry.name)
        ends = [output.tensor for output in graph.outputs.values()]
        if any(tensor.node not in inner.facts for tensor in ends):
            return None
        outputs = tuple(replace(substituted(inner.type(tensor), sizes), batched=True) for tensor in ends)
        # The weights of a model are counted once, in `totals`, however often it is called.
        proven = all(facts.proven for facts in inner.facts.values())
        return LayerFacts(outputs, macs=total_macs(inner), proven=proven)

    def _same_weights(self, node: Node, facts: LayerFacts) -> bool:
        """Whether a shared layer needs the weights that it already has."""
        if node.instance == node.name or not facts.weights:
            return True
        instances = self.whole.instances if node.shared else self.instances
        first, weights = instances.setdefault(node.instance, (node, facts.weights))
        for had, needs in zip(weights, facts.weights, strict=True):
            if len(had.shape) != len(needs.shape) or any(map(surely_different, had.shape, needs.shape)):
                message = (
                    f"layer `{node.instance}` has a {had.name} of shape {shape_text(had.shape)},"
                    f" and here it would need {shape_text(needs.shape)}"
                )
                self.sink.report(
                    KIND_OF["instance-mismatch"],
                    node.span,
                    message,
                    Label(first.uses[-1] if first.uses else first.span, "it has them from here"),
                )
                return False
        return True

    def _constraints(self) -> None:
        for constraint in self.graph.constraints:
            self.fitting(constraint)

    def fitting(self, constraint: Constraint) -> TensorType | None:
        """The type that arrives where a block declares one; none once a fault has been reported."""
        if constraint.tensor.node not in self.facts:
            return None
        arriving = self.facts[constraint.tensor.node].outputs[constraint.tensor.output]
        fault = fit(constraint.type, arriving, constraint.sizes, constraint.name)
        if fault is None:
            return arriving
        labels = [Label(constraint.span, "it is declared here"), origin(constraint.tensor, self.facts)]
        with self.sink.at(constraint.uses):
            self.sink.report(KIND_OF[fault.pattern], constraint.used, fault.message, *labels, help=fault.help)
        return None

    def _report(self, node: Node, fault: Fault, tensors: dict[str, Tensor]) -> None:
        port = fault.argument if fault.argument in tensors else str(fault.input) if fault.input is not None else None
        labels = []
        if port in tensors:
            labels.append(origin(tensors[port], self.facts))
        if fault.pattern == MERGE_MISMATCH.id:
            others = [tensor for name, tensor in tensors.items() if name != port]
            labels += [origin(tensor, self.facts) for tensor in others[:_SHOWN]]
        elif port in tensors and fault.pattern in TRACED:
            labels += trail(self.graph, tensors[port], self.facts)
        # One of several tensors of an argument arrives at a port of its own, `initial_state.1`.
        span = node.spans.get((fault.argument or "").partition(".")[0], node.span)
        self.sink.report(KIND_OF[fault.pattern], span, fault.message, *labels, help=fault.help)


class Foresight:
    """Types in a graph that is still being made, for sizes that decide how it goes on.

    Each node is looked at once, and only if a size that is asked for depends on it. What is found wrong on the way goes
    to the sink; `infer` finds it again, and the sink keeps it once.
    """

    def __init__(self, graph: Graph, sink: BlameSink) -> None:
        self._inference = _Inference(graph, _Run(sink))
        self._visited: set[Node] = set()

    def arriving(self, constraint: Constraint) -> TensorType | None:
        """What arrives where a block declares a type; none once a fault has been reported."""
        waiting = [constraint.tensor.node]
        while waiting:
            node = waiting[-1]
            arriving = self._inference.graph.arriving(node).values()
            before = [tensor.node for tensor in arriving if tensor.node not in self._visited]
            if node in self._visited or not before:
                waiting.pop()
                self._visit(node)
            else:
                waiting += before
        return self._inference.fitting(constraint)

    def _visit(self, node: Node) -> None:
        if node not in self._visited:
            self._visited.add(node)
            self._inference.visit(node)


def _holds_port(value: Value) -> bool:
    return isinstance(value, TensorArgument) or (isinstance(value, list | tuple) and any(map(_holds_port, value)))


def _operands(value: Value, types: Mapping[str, TensorType]) -> TensorType | tuple[TensorType | float, ...]:
    if isinstance(value, TensorArgument):
        return types[value.port]
    assert isinstance(value, list | tuple)
    return tuple(types[item.port] if isinstance(item, TensorArgument) else item for item in value)  # type: ignore[misc]


def _conditioned_fault(
    action: LayerCall, inputs: tuple[TensorType, ...], types: Mapping[str, TensorType]
) -> Fault | None:
    """Why a kernel or bias of the graph does not fit the layer, with the `Reshape` that would mend it."""
    entry = action.entry
    for name in action.conditioned:
        given = types[name]
        own = (entry.kernel_shape if name == "kernel" else entry.bias_shape)(action.checked, inputs)
        if name == "bias" and action.checked.get("use_bias") is False:
            return Fault("kernel-shape", "a bias is given, and use_bias is false", argument=name)
        if not given.is_float:
            return Fault("dtype-mismatch", f"a {name} is a float tensor, this one is {given}", argument=name)
        if own is None or given.shape is None or _may_be(given.shape, own):
            continue
        message = f"{entry.name} needs a {name} of shape {shape_text(own)}, this one is {shape_text(given.shape)}"
        return Fault("kernel-shape", message, _reshape_help(given, own), argument=name)
    return None


def _may_be(given: Shape, own: Shape) -> bool:
    return len(given) == len(own) and not any(map(surely_different, given, own))


def _reshape_help(given: TensorType, own: Shape) -> str | None:
    wanted, has = product(own), product(given.shape or ())
    if surely_equal(wanted, has):
        return f"`-> Reshape({shape_text(own)})` gives it that shape"
    stages = f"`-> Dense({wanted}) -> Reshape({shape_text(own)})`"
    return f"it has {has} elements, the layer needs {wanted}: {stages} would do"


def total_macs(checked: CheckedGraph) -> Dim:
    """The multiply-accumulates of a forward pass of one sample through what the outputs need."""
    useful = checked.graph.useful()
    total: Dim = 0
    for node, facts in checked.facts.items():
        if node in useful:
            total = total + facts.macs
    return total
