"""Syntax tree to graphs: names are resolved, `for`, `if` and blocks unfolded, arguments checked.

Here are bodies and names; expressions are `evaluate.py`, stages `stages.py`, calls `calls.py`, statements that bring
values `sources.py`, `train` blocks `training.py`, files `files.py`. They all work on one `Elaboration`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import chain

from specc import catalogue
from specc.diagnostics import Label, Reported, Sink
from specc.graph import blocks, calls, evaluate, leftovers, sources, stages, training, unread
from specc.graph.arguments import Arguments
from specc.graph.blame import BlameSink
from specc.graph.evaluate import known
from specc.graph.kinds import (
    ARITY,
    CYCLE,
    DUPLICATE_NAME,
    ILLEGAL_STATEMENT,
    ILLEGAL_TYPE,
    MISSING_ARGUMENT,
    NO_OUTPUT,
    NO_TENSOR,
    NOT_KNOWN_NOW,
    UNKNOWN_NAME,
    WRONG_KIND,
)
from specc.graph.model import Expectation, Graph, ModelCall, OutputTensor, Program, Tensor
from specc.graph.parameters import Parameters, given
from specc.graph.scope import ArrivingSize, Binding, Bound, Entry, FileScope, Item, Place, Scope, Taken
from specc.graph.state import MAXIMAL_CHAIN, Elaboration, Spent
from specc.graph.totals import FIGURES
from specc.graph.values import Bundle, Result, described, has_tensor
from specc.source import Span
from specc.syntax import ast
from specc.types import UNKNOWN


class Models:
    """The models of all files of a run, each elaborated once, when it is first called for."""

    def __init__(self, sink: BlameSink, parameters: Parameters) -> None:
        self.sink = sink
        self.parameters = parameters
        self.spent = Spent()
        self.carrying: set[int] = set()
        """The statements, by identity, that have brought tensors into a graph: what is unused of those, nodes tell."""
        self.instantiated: set[int] = set()
        """The blocks, by identity, that are used somewhere."""
        self._graphs: dict[int, Graph] = {}
        self._under_way: list[Item] = []
        self._names = Taken()
        self._shared: dict[int, str] = {}

    def shared_name(self, node: ast.NamedLayer | ast.Const) -> str:
        """The name of what a file shares; the second of that name, from another file, gets a number."""
        if id(node) not in self._shared:
            self._shared[id(node)] = self._names.claim(node.name)
        return self._shared[id(node)]

    def graph(self, item: Item, used: Span) -> Graph | Reported:
        """The graph of a model; models that call each other in a circle are reported."""
        model = item.node
        assert isinstance(model, ast.Model)
        if id(model) in self._graphs:
            return self._graphs[id(model)]
        if any(other.node is model for other in self._under_way):
            names = [other.node.name for other in self._under_way]
            path = " → ".join([*names[names.index(model.name) :], model.name])
            return self.sink.report(CYCLE, used, f"models call each other in a circle: {path}")
        self._under_way.append(item)
        with self.sink.at(()):
            graph = _Model(self, item).elaborate()
        self._under_way.pop()
        self._graphs[id(model)] = graph
        return graph


class _Model(Elaboration):
    """The elaboration of one model."""

    def __init__(self, models: Models, item: Item) -> None:
        node = item.node
        graph = Graph(node.name, node.name_span, item.home.file.documentation(node))
        super().__init__(graph, models.sink, models.spent)
        self.models = models
        self.item = item
        self.resolving: list[tuple[str, Binding, Scope]] = []
        self._constants: dict[int, Result] = {}
        self._awaited: list[Item] = []

    # The body of a model

    @property
    def model(self) -> ast.Model:
        assert isinstance(self.item.node, ast.Model)
        return self.item.node

    def elaborate(self) -> Graph:
        place = Place("", self.taken)
        scope = Scope(self.item.home, place=place)
        self._parameters(self.model, scope)
        self.declare(self.model.body, scope)
        for statement in self.model.body:
            if isinstance(statement, ast.Input):
                self.value(scope.entries[statement.name], statement.name, scope)
        for statement in self.model.body:
            self._statement(statement, scope, place)
        self.leftovers(scope)
        if not self.graph.inputs or not self.graph.outputs:
            self._no_ends(scope)
        return self.graph

    def leftovers(self, scope: Scope) -> None:
        leftovers.of_body(self, scope)

    def _no_ends(self, scope: Scope) -> None:
        statements = [type(statement) for statement in self.model.body]
        for wanted, word in ((ast.Input, "input"), (ast.Output, "output")):
            if wanted not in statements and scope.home.file.whole:
                self.report(NO_OUTPUT, self.model.name_span, f"`{self.model.name}` has no {word}")

    def _parameters(self, model: ast.Model, scope: Scope) -> None:
        for parameter in model.parameters:
            value: Result = None
            if parameter.default is not None:
                value = known(self, parameter.default, scope, "the default of a parameter")
            if parameter.name in self.models.parameters:
                value = given(self, parameter, value, self.models.parameters[parameter.name])
            elif parameter.default is None:
                message = f"parameter `{parameter.name}` of model `{model.name}` has no value"
                help = f"give it a default, or say `--set {parameter.name}=…`"
                value = self.report(MISSING_ARGUMENT, parameter.span, message, help=help)
            self.bind(parameter.name, value, parameter.name_span, scope)

    def bind(self, name: str, value: Result, span: Span, scope: Scope) -> None:
        if name in scope.entries:
            self._duplicate(name, span, scope.entries[name].span)
        else:
            scope.entries[name] = Bound(value, span)

    def _duplicate(self, name: str, span: Span, first: Span) -> None:
        label = Label(first, "it is bound here first")
        self.report(DUPLICATE_NAME, span, f"`{name}` is bound twice in this body", label)

    def declare(self, body: Sequence[ast.Statement], scope: Scope) -> None:
        """Make the names of a body known, so that the order of its statements does not matter."""
        for place, statement in enumerate(body):
            targets: Sequence[tuple[str, Span]]
            match statement:
                case ast.Binding():
                    targets = [(target.name, target.span) for target in statement.targets]
                case ast.Output(value=None) | ast.Train() | ast.Expect():
                    targets = ()
                case _:
                    targets = [(statement.name, statement.name_span)]
            for name, span in targets:
                if name in scope.entries:
                    self._duplicate(name, span, scope.entries[name].span)
                    scope.repeated.append((name, Binding(statement, place, span)))
                else:
                    scope.entries[name] = Binding(statement, place, span)

    def _statement(self, statement: ast.Statement, scope: Scope, place: Place) -> None:
        match statement:
            case ast.Output(name=name):
                value = self._output(statement, scope)
                if isinstance(value, Tensor):
                    self.graph.outputs[name] = OutputTensor(name=name, tensor=value, span=statement.name_span)
            case ast.Train():
                if self.graph.training is not None:
                    self.report(ILLEGAL_STATEMENT, statement.span, "a model has one `train` block")
                    return
                # A loss may name an output that stands further down.
                for other in self.model.body:
                    if isinstance(other, ast.Output):
                        self._statement(other, scope, place)
                self.graph.training = training.train(self, statement, scope, Place("loss", self.taken))
            case ast.Expect(condition=condition):
                for read in unread.names(condition):
                    found = scope.lookup(read.id)
                    if found is None and read.id not in FIGURES:
                        self._unknown_name(read, scope, FIGURES)
                    elif found is not None and read.id in FIGURES:
                        self._two_meanings(read, found[0].span)
                how = partial(self.evaluate, scope=scope, place=Place("", Taken()))
                self.graph.expectations.append(Expectation(condition=condition, evaluate=how))
            case ast.NamedLayer():
                pass
            case ast.Binding(targets=targets):
                for target in targets:
                    self.value(scope.entries[target.name], target.name, scope)
            case _:
                self.value(scope.entries[statement.name], statement.name, scope)

    def _two_meanings(self, figure: ast.Name, bound: Span) -> None:
        label = Label(bound, "it is bound here")
        message = f"`{figure.id}` is a figure of contracts, and this model binds it as well"
        self.report(DUPLICATE_NAME, figure.span, message, label, help="give what the model binds another name")

    def _output(self, statement: ast.Output, scope: Scope) -> Result:
        """The tensor of an output: its own pipeline, or the binding of its name."""
        if statement.value is None:
            value = self.resolve(ast.Name(id=statement.name, span=statement.name_span), scope)
        else:
            value = self.value(scope.entries[statement.name], statement.name, scope)
        if isinstance(value, Tensor | Reported):
            return value
        kind = ARITY if isinstance(value, Bundle) else NO_TENSOR
        return self.report(kind, statement.span, f"an output is one tensor, not {described(value)}")

    # Names

    def resolve(self, name: ast.Name, scope: Scope) -> Result:
        found = scope.lookup(name.id)
        if found is None:
            return self._unknown_name(name, scope)
        entry, home = found
        if isinstance(entry, Item) and not isinstance(entry.node, ast.Const):
            entry.used = True
            what = type(entry.node).__name__.lower().replace("namedlayer", "layer")
            message = f"`{name.id}` is a {what} and stands behind an arrow: `x -> {name.id}`"
            return self.report(WRONG_KIND, name.span, message)
        if isinstance(entry, Item):
            return self.shared_constant(entry)
        if isinstance(entry, Binding) and isinstance(entry.statement, ast.NamedLayer):
            message = f"`{name.id}` is a layer and stands behind an arrow: `x -> {name.id}`"
            return self.report(WRONG_KIND, name.span, message)
        return self.value(entry, name.id, home, name.span)

    def _unknown_name(self, name: ast.Name, scope: Scope, others: Sequence[str] = ()) -> Reported:
        if name.id in scope.home.broken:
            return self.sink.again()
        message = f"nothing is named `{name.id}`"
        if catalogue.layer(name.id) or catalogue.operation(name.id) or catalogue.roles_of(name.id):
            return self.report(UNKNOWN_NAME, name.span, message, help=f"Keras' is written as a call: `{name.id}(…)`")
        return self.unknown(UNKNOWN_NAME, name.span, message, name.id, chain(others, scope.names()))

    def shared_constant(self, item: Item) -> Result:
        """A const of a file: one node in each model that reads it, one tensor for all of them."""
        assert isinstance(item.node, ast.Const)
        item.used = True
        if id(item.node) not in self._constants:
            if item in self._awaited:
                names = [other.node.name for other in self._awaited[self._awaited.index(item) :]]
                path = " → ".join([*names, item.node.name])
                return self.report(CYCLE, item.node.name_span, f"a const depends on itself: {path}")
            self._awaited.append(item)
            instance = Place(self.shared_name(item.node), Taken())
            place = Place(item.node.name, self.taken, instance=instance, shared=True)
            with self.sink.at(()):
                value = sources.constant(self, item.node, Scope(item.home, place=place), place)
            self._awaited.pop()
            self._constants[id(item.node)] = value
        return self._constants[id(item.node)]

    def _arriving_size(self, size: ArrivingSize, name: str, read: Span) -> int | Reported:
        """What a symbol of a block's input stands for in this copy of the block."""
        arriving = self.foresight.arriving(size.constraint)
        if arriving is None:
            return self.sink.again()
        found = arriving.shape[size.axis] if arriving.shape is not None else UNKNOWN
        if isinstance(found, int):
            return found
        message = f"`{name}` must be known when compiling; `{size.constraint.name}` is {arriving} here"
        return self.report(NOT_KNOWN_NOW, size.constraint.used, message, Label(read, "the block reads it here"))

    def value(self, entry: Entry, name: str, scope: Scope, read: Span | None = None) -> Result:
        """What a name of a body is bound to; its statement is evaluated when it is first asked for."""
        if isinstance(entry, Bound):
            return entry.value
        if isinstance(entry, ArrivingSize):
            return self._arriving_size(entry, name, read or entry.span)
        assert isinstance(entry, Binding)
        entry.used = entry.used or read is not None
        if entry.place not in scope.values:
            waiting = [home is scope and other.statement is entry.statement for _, other, home in self.resolving]
            if any(waiting):
                return self._cycle(waiting.index(True), name)
            if len(self.resolving) > MAXIMAL_CHAIN:
                return self.exhaust(entry.span, "too many names depend on names that stand further down")
            self.resolving.append((name, entry, scope))
            value = self._evaluate_statement(entry.statement, scope)
            self.resolving.pop()
            if has_tensor(value):
                self.models.carrying.add(id(entry.statement))
            scope.values.setdefault(entry.place, value)
        return self._target(entry, name, scope.values[entry.place])

    def _cycle(self, start: int, name: str) -> Reported:
        around = self.resolving[start:]
        path = " → ".join([*(other for other, _, _ in around), name])
        labels = [Label(binding.span, f"`{other}` is bound here") for other, binding, _ in around]
        return self.report(CYCLE, around[0][1].span, f"a tensor depends on itself: {path}", *labels[1:])

    def _target(self, entry: Binding, name: str, value: Result) -> Result:
        """The part of a value that is bound to one of several names."""
        statement = entry.statement
        if not isinstance(statement, ast.Binding) or len(statement.targets) == 1 or isinstance(value, Reported):
            return value
        items = value.items if isinstance(value, Bundle) else value if isinstance(value, list) else None
        names = [target.name for target in statement.targets]
        if items is None or len(items) != len(names):
            found = described(value) if items is None else f"{len(items)} values"
            span = statement.targets[0].span.to(statement.targets[-1].span)
            return self.report(ARITY, span, f"{len(names)} names are given for {found}")
        return items[names.index(name)]

    def _evaluate_statement(self, statement: ast.Statement, scope: Scope) -> Result:
        place = scope.place
        assert place is not None
        match statement:
            case ast.Input():
                return self._model_input(statement, scope, place.inside(statement.name))
            case ast.Const():
                return sources.constant(self, statement, scope, place.inside(statement.name))
            case ast.Weight():
                return sources.weight(self, statement, scope, place.inside(statement.name))
            case ast.Knob():
                return sources.knob(self, statement, scope, place.inside(statement.name))
            case ast.Output(value=value, name=name) if value is not None:
                return self.evaluate(value, scope, place.inside(name))
            case ast.Binding(targets=targets, value=value):
                return self.evaluate(value, scope, place.inside_as([target.name for target in targets]))
        raise AssertionError(f"{type(statement).__name__} binds no value")

    def _model_input(self, statement: ast.Input, scope: Scope, place: Place) -> Result:
        if statement.type is None and statement.name in scope.home.broken:
            return self.sink.again()
        if statement.type is None:
            help = f"`input {statement.name}: float32[…]`"
            return self.report(ILLEGAL_TYPE, statement.span, "the input of a model needs a type", help=help)
        type = sources.declared_type(self, statement.type, scope)
        return type if isinstance(type, Reported) else sources.input_node(self, statement, type, scope, place)

    # The other parts of the elaborator

    def evaluate(self, expression: ast.Expression, scope: Scope, place: Place) -> Result:
        return evaluate.evaluate(self, expression, scope, place)

    def apply(self, stages_: Sequence[ast.Stage], value: Result, scope: Scope, place: Place) -> Result:
        return stages.apply(self, stages_, value, scope, place)

    def call_model(self, item: Item, value: Result, place: Place, span: Span) -> Result:
        graph = self.models.graph(item, span)
        tensors = calls.tensors_of(self, value, span)
        for found in (graph, tensors):
            if isinstance(found, Reported):
                return found
        assert isinstance(graph, Graph) and isinstance(tensors, tuple)
        if not graph.outputs or not graph.inputs:
            return self.sink.again()
        names = [node.name for node in graph.inputs]
        if len(tensors) != len(names):
            message = f"model `{graph.name}` takes {len(names)} tensors ({', '.join(names)}), not {len(tensors)}"
            return self.report(ARITY, span, message)
        arriving = dict(zip(names, tensors, strict=True))
        action = ModelCall(graph=graph)
        return self.add(action, (place.name(graph.name), graph.name), place, span, arriving, len(graph.outputs))

    def shared_name(self, node: ast.NamedLayer | ast.Const) -> str:
        return self.models.shared_name(node)

    def instantiate(self, item: Item, found: Arguments, value: Result, place: Place, call: ast.Call) -> Result:
        self.models.instantiated.add(id(item.node))
        return blocks.instantiate(self, item, found, value, place, call)


def elaborate(scope: FileScope, sink: Sink, parameters: Parameters) -> Program:
    """The graphs of all models of a file, in its order.

    Args:
        parameters: values of models' parameters instead of their defaults.
    """
    models = Models(BlameSink(sink), parameters)
    graphs: dict[str, Graph] = {}
    for item in scope.items.values():
        if isinstance(item.node, ast.Model) and item.home is scope:
            graph = models.graph(item, item.node.name_span)
            if isinstance(graph, Graph):
                graphs[graph.name] = graph
    alone = [_alone(_Model(models, item)) for item in leftovers.of_file(scope, models.instantiated)]
    if not models.sink.has_errors:
        unread.report(scope, models.carrying, sink)
    return Program(graphs=graphs, alone=alone, sink=models.sink)


def _alone(run: _Model) -> Graph:
    """The graph of an item that no model uses."""
    if isinstance(run.item.node, ast.Model):
        return run.elaborate()
    leftovers.alone(run, run.item)
    return run.graph
