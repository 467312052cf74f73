"""Rules of the recurrent layers: LSTM, GRU and SimpleRNN, their convolutional kin, and RNN over cells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from specc.catalogue.entries import ArgumentFault
from specc.catalogue.facts import Fault, LayerFacts, WeightFact
from specc.catalogue.ranges import activated, multiply, with_zero
from specc.catalogue.rules.base import Call, Rule, size, unknown_size
from specc.catalogue.rules.spatial import AXES, slid, window_legality
from specc.catalogue.rules.tensors import initial_states, steps_mask
from specc.catalogue.values import StageReference
from specc.records import value_object
from specc.types import ANYTHING, Dim, Interval, Shape, TensorType, product

GATES: Final = {"LSTM": 4, "GRU": 3, "SimpleRNN": 1}
"""The matrices that a step multiplies with, side by side in one kernel."""


@value_object
class Cell:
    """One step of a recurrent layer: its weights, its states' sizes, its work and where its outputs lie."""

    weights: tuple[WeightFact, ...]
    states: tuple[int, ...]
    macs: int
    output: Interval

    @property
    def units(self) -> int:
        return self.states[0]


def _cell(kind: str, arguments: Mapping[str, Any], features: int) -> Cell:
    units, gates = arguments["units"], GATES[kind]
    weights = [WeightFact("kernel", (features, gates * units)), WeightFact("recurrent_kernel", (units, gates * units))]
    if arguments["use_bias"]:
        # With `reset_after` the two products of a GRU have a bias each.
        both = kind == "GRU" and arguments["reset_after"]
        weights.append(WeightFact("bias", (2, gates * units) if both else (gates * units,)))
    states = (units, units) if kind == "LSTM" else (units,)
    return Cell(tuple(weights), states, (features + units) * gates * units, _range(kind, arguments))


def _range(kind: str, arguments: Mapping[str, Any]) -> Interval:
    """Where a cell's outputs lie when it starts from zeros.

    Sources: Hochreiter and Schmidhuber 1997 (o * tanh(c)); Cho et al., https://arxiv.org/abs/1406.1078 (a mean of the
    candidate and the state, weighted by the update gate).
    """
    candidate = activated(ANYTHING, arguments["activation"])
    if kind == "SimpleRNN":
        return with_zero(candidate)
    gate = activated(ANYTHING, arguments["recurrent_activation"])
    if kind == "LSTM":
        return with_zero(multiply(gate, candidate))
    return with_zero(candidate) if gate.within(0.0, 1.0) and not arguments["recurrent_dropout"] else ANYTHING


def cell_of(stage: StageReference, features: int) -> Cell | ArgumentFault:
    """A cell given as a stage, `LSTMCell(32)`, or several one upon the other."""
    from specc.catalogue.layers import layer

    entry = layer(stage.layer)
    arguments, faults = entry.check(stage.arguments) if entry else ({}, [])
    if entry is None or faults or entry.input_style != "cell":
        return ArgumentFault("cell", "illegal-value", f"{stage.layer} is no cell", "`LSTMCell(32)` is one")
    if entry.name != "StackedRNNCells":
        return _cell(entry.name.removesuffix("Cell"), arguments, features)
    cells: list[Cell] = []
    for inner in arguments["cells"]:
        found = cell_of(inner, cells[-1].units if cells else features)
        if isinstance(found, ArgumentFault):
            return replace(found, argument="cells")
        cells.append(found)
    # The last cell's output leaves the stack, and its size is known from its first state.
    states = cells[-1].states, *(found.states for found in cells[:-1])
    return Cell(
        tuple(weight for found in cells for weight in found.weights),
        tuple(state for found in states for state in found),
        sum(found.macs for found in cells),
        cells[-1].output,
    )


def _outputs(arguments: Mapping[str, Any], states: int) -> int:
    return 1 + states if arguments["return_state"] else 1


def _sequence(call: Call, cell: Cell) -> LayerFacts | Fault:
    steps = call.shape[0]
    fault = initial_states(call, tuple((units,) for units in cell.states))
    if fault is not None:
        return fault
    interval = cell.output if call.arguments["initial_state"] is None else ANYTHING
    shape: Shape = (steps, cell.units) if call.arguments["return_sequences"] else (cell.units,)
    outputs = [call.output(shape, interval)]
    if call.arguments["return_state"]:
        outputs += [call.output((units,)) for units in cell.states]
    return LayerFacts(tuple(outputs), cell.weights, steps * cell.macs)


def _dropped(call: Call, cell: Mapping[str, Any]) -> Fault | None:
    """Dropout scales what it keeps, which integers can not be."""
    if cell.get("dropout") and not call.input.is_float:
        message = f"`dropout` needs floats, the input of {call.layer} is {call.input}"
        return Fault("dtype-mismatch", message, '`cast(x, "float32")` makes them', input=0)
    return None


def _unrolled(call: Call) -> Fault | None:
    if call.arguments.get("unroll") and size(call.shape[0]) is None:
        message = f"`unroll` needs a known number of steps, the input is {call.input}"
        return Fault("unknown-size", message, argument="unroll", input=0)
    return None


def _layer(call: Call) -> LayerFacts | Fault:
    features = size(call.shape[-1])
    if features is None:
        return unknown_size(call, "the number of features", call.shape)
    refused = _unrolled(call) or _dropped(call, call.arguments)
    return refused or _sequence(call, _cell(call.layer, call.arguments, features))


def _rnn(call: Call) -> LayerFacts | Fault:
    features = size(call.shape[-1])
    if features is None:
        return unknown_size(call, "the number of features", call.shape)
    cell = cell_of(call.arguments["cell"], features)
    if isinstance(cell, ArgumentFault):
        return Fault("argument-shape", cell.message, cell.help, "cell")
    return _unrolled(call) or _dropped(call, call.arguments["cell"].arguments) or _sequence(call, cell)


def _cell_legality(arguments: Mapping[str, Any]) -> Iterator[ArgumentFault]:
    found = cell_of(arguments["cell"], 1)
    if isinstance(found, ArgumentFault):
        yield replace(found, argument="cell")
    elif arguments["cell"].layer == "StackedRNNCells":
        for name, given in (("return_state", arguments["return_state"]), ("initial_state", arguments["initial_state"])):
            if given:
                message = f"`{name}` of stacked cells is a nest of tensors"
                yield ArgumentFault(name, "illegal-value", message, "chain one `RNN` a cell instead")


def _stack_legality(arguments: Mapping[str, Any]) -> Iterator[ArgumentFault]:
    for inner in arguments["cells"]:
        found = cell_of(inner, 1)
        if isinstance(found, ArgumentFault):
            yield replace(found, argument="cells")
            return


def _rnn_outputs(arguments: Mapping[str, Any]) -> int:
    found = cell_of(arguments["cell"], 1)
    return _outputs(arguments, 0 if isinstance(found, ArgumentFault) else len(found.states))


def _conv_lstm(call: Call) -> LayerFacts | Fault:
    steps, frame = call.shape[0], call.shape[1:]
    inner = Call(call.layer, call.arguments, (call.input.with_shape(frame),))
    into = size(frame[0] if call.channels_first else frame[-1])
    if into is None or any(size(entry) is None for entry in frame):
        return unknown_size(call, "the sizes of a frame and its channels", call.shape)
    arguments = call.arguments
    refused = _dropped(call, arguments)
    if refused is not None:
        return refused
    sizes = slid(inner, arguments["kernel_size"], arguments["strides"], arguments["dilation_rate"])
    if isinstance(sizes, Fault):
        return sizes
    filters = arguments["filters"]
    kernel, recurrent = (
        (*arguments["kernel_size"], into, 4 * filters),
        (*arguments["kernel_size"], filters, 4 * filters),
    )
    weights = [WeightFact("kernel", kernel), WeightFact("recurrent_kernel", recurrent)]
    if arguments["use_bias"]:
        weights.append(WeightFact("bias", (4 * filters,)))
    state: Shape = (filters, *sizes) if call.channels_first else (*sizes, filters)
    return _frames(call, steps, state, tuple(weights), product((*sizes, *kernel)) + product((*sizes, *recurrent)))


def _frames(call: Call, steps: Dim, state: Shape, weights: tuple[WeightFact, ...], macs: Dim) -> LayerFacts | Fault:
    fault = initial_states(call, (state, state))
    if fault is not None:
        return fault
    outputs: list[TensorType] = []
    interval = _range("LSTM", call.arguments) if call.arguments["initial_state"] is None else ANYTHING
    shape = (steps, *state) if call.arguments["return_sequences"] else state
    outputs.append(call.output(shape, interval))
    if call.arguments["return_state"]:
        outputs += [call.output(state), call.output(state)]
    return LayerFacts(tuple(outputs), weights, macs * steps)


def _no_call(call: Call) -> LayerFacts | Fault:
    """Cells are never called: their style says so before any rule is asked."""
    return Fault("input-count", f"{call.layer} is a cell")


def _recurrent(kind: str) -> Rule:
    states = 2 if kind == "LSTM" else 1
    return Rule(
        infer=_layer,
        takes="booleans",
        axes=("steps", "features"),
        outputs=lambda arguments: _outputs(arguments, states),
        tensors=steps_mask,
    )


RULES: Final = {
    **{kind: _recurrent(kind) for kind in GATES},
    **{f"{kind}Cell": Rule(infer=_no_call, style="cell") for kind in GATES},
    "StackedRNNCells": Rule(infer=_no_call, style="cell", legality=_stack_legality),
    "RNN": Rule(
        takes="booleans",
        infer=_rnn,
        axes=("steps", "features"),
        outputs=_rnn_outputs,
        legality=_cell_legality,
        tensors=steps_mask,
    ),
    **{
        f"ConvLSTM{rank}D": Rule(
            infer=_conv_lstm,
            axes=("time", *AXES[rank]),
            outputs=lambda arguments: _outputs(arguments, 2),
            legality=window_legality,
            tensors=steps_mask,
        )
        for rank in AXES
    },
}
