"""Rules of the layers that wrap another: TimeDistributed, Bidirectional and SpectralNormalization."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from specc.catalogue.entries import ArgumentFault
from specc.catalogue.facts import Fault, LayerFacts, WeightFact
from specc.catalogue.ranges import add, multiply
from specc.catalogue.rules.base import Call, Rule, known
from specc.catalogue.rules.tensors import initial_states, steps_mask
from specc.catalogue.values import StageReference
from specc.records import value_object
from specc.types import ANYTHING, Shape, TensorType, surely_different

if TYPE_CHECKING:
    from specc.catalogue.layers import LayerEntry

_RECURRENT: Final = ("LSTM", "GRU", "SimpleRNN", "RNN", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D")


@value_object
class _Wrapped:
    entry: LayerEntry
    arguments: dict[str, Any]

    def infer(self, input: TensorType, mask: TensorType | None = None) -> LayerFacts | Fault:
        tensors = {"mask": mask} if mask is not None and self.entry.argument("mask") is not None else {}
        return self.entry.infer(self.arguments, (input,), tensors)

    def states(self, input: TensorType) -> tuple[Shape, ...]:
        """The shapes of the states that a recurrent layer, which takes this input, starts from."""
        facts = self.entry.infer({**self.arguments, "return_state": True}, (input,))
        return () if isinstance(facts, Fault) else tuple(map(known, facts.outputs[1:]))


def _wrapped(stage: StageReference, backwards: bool = False) -> _Wrapped | None:
    """The layer within, with its defaults; none if its own arguments are at fault."""
    from specc.catalogue.layers import layer

    entry = layer(stage.layer)
    if entry is None:
        return None
    arguments, faults = entry.check(stage.arguments)
    if faults:
        return None
    return _Wrapped(entry, {**arguments, "go_backwards": True} if backwards else arguments)


def _single(arguments: Mapping[str, Any]) -> Iterator[ArgumentFault]:
    """A wrapped layer takes one tensor and gives one."""
    inner = _wrapped(arguments["layer"])
    if inner is None:
        yield ArgumentFault("layer", "illegal-value", f"`{arguments['layer'].layer}` can not be wrapped")
    elif inner.entry.input_style != "single" or inner.entry.number_of_outputs(inner.arguments) != 1:
        message = f"`layer` must take one tensor and give one, which {inner.entry.name} does not"
        yield ArgumentFault("layer", "illegal-value", message)


def _time_distributed(call: Call) -> LayerFacts | Fault:
    inner = _wrapped(call.arguments["layer"])
    assert inner is not None
    steps, mask = call.shape[0], call.tensors.get("mask")
    if mask is not None:
        shape = known(mask)
        if not shape or surely_different(shape[0], steps):
            message = f"`mask` must begin with the {steps} steps of the input, this is {mask}"
            return Fault("argument-shape", message, argument="mask")
        mask = mask.with_shape(shape[1:])
    facts = inner.infer(replace(call.input, shape=call.shape[1:]), mask)
    if isinstance(facts, Fault):
        return facts
    output = facts.outputs[0]
    if output.shape is None:
        return facts
    return replace(facts, outputs=(replace(output, shape=(steps, *output.shape)),), macs=steps * facts.macs)


def _spectral(call: Call) -> LayerFacts | Fault:
    inner = _wrapped(call.arguments["layer"])
    assert inner is not None
    facts = inner.infer(call.input)
    if isinstance(facts, Fault) or facts.outputs[0].shape is None:
        return facts
    kernel = next((weight for weight in facts.weights if weight.name in ("kernel", "embeddings")), None)
    if kernel is None:
        message = f"SpectralNormalization divides a kernel by its norm, and {inner.entry.name} has none"
        return Fault("argument-shape", message, argument="layer")
    vector = WeightFact("vector_u", (1, kernel.shape[-1]), trainable=False)
    return replace(facts, weights=(*facts.weights, vector))


def _both_ways(arguments: Mapping[str, Any]) -> Iterator[ArgumentFault]:
    forward = _wrapped(arguments["layer"])
    if forward is None or forward.entry.name not in _RECURRENT:
        message = f"`layer` must be a recurrent layer, which {arguments['layer'].layer} is not"
        yield ArgumentFault("layer", "illegal-value", message, "`Bidirectional(LSTM(64))` is one")
        return
    cell = forward.arguments.get("cell")
    if arguments["initial_state"] is not None and cell is not None and cell.layer == "StackedRNNCells":
        yield ArgumentFault("initial_state", "illegal-value", "`initial_state` of stacked cells is a nest of tensors")
        return
    if arguments["backward_layer"] is None:
        if forward.arguments["go_backwards"]:
            message = "`layer` runs forwards; leave out its `go_backwards`"
            yield ArgumentFault("layer", "illegal-value", message)
        return
    backward = _wrapped(arguments["backward_layer"])
    if backward is None or backward.entry.name not in _RECURRENT:
        yield ArgumentFault("backward_layer", "illegal-value", "`backward_layer` must be a recurrent layer")
        return
    if forward.arguments["go_backwards"] == backward.arguments["go_backwards"]:
        message = "`layer` and `backward_layer` must run in different directions"
        yield ArgumentFault("backward_layer", "illegal-value", message, "write `go_backwards=true` in one of them")
    for name in ("return_sequences", "return_state"):
        if forward.arguments[name] != backward.arguments[name]:
            message = f"`layer` and `backward_layer` must have the same `{name}`"
            yield ArgumentFault("backward_layer", "illegal-value", message)


def _bidirectional(call: Call) -> LayerFacts | Fault:
    forward = _wrapped(call.arguments["layer"])
    stage = call.arguments["backward_layer"]
    backward = _wrapped(stage) if stage is not None else _wrapped(call.arguments["layer"], backwards=True)
    assert forward is not None and backward is not None
    there, back = forward.infer(call.input), backward.infer(call.input)
    if isinstance(there, Fault):
        return there
    if isinstance(back, Fault):
        return back
    fault = initial_states(call, (*forward.states(call.input), *backward.states(call.input)))
    if fault is not None:
        return fault
    if call.arguments["initial_state"] is not None:
        there, back = (_from_anywhere(facts) for facts in (there, back))
    merged = _merged(call, there.outputs[0], back.outputs[0])
    if isinstance(merged, Fault):
        return merged
    outputs = (*merged, *there.outputs[1:], *back.outputs[1:])
    return LayerFacts(outputs, there.weights + back.weights, there.macs + back.macs)


def _from_anywhere(facts: LayerFacts) -> LayerFacts:
    """The facts of a recurrent layer whose first states may have any values."""
    return replace(facts, outputs=tuple(replace(output, interval=ANYTHING) for output in facts.outputs))


def _merged(call: Call, there: TensorType, back: TensorType) -> tuple[TensorType, ...] | Fault:
    mode = call.arguments["merge_mode"]
    shape, other = known(there), known(back)
    if mode is None:
        return there, back
    if shape != other:
        message = f"Bidirectional needs both directions to give the same shape, they give {there} and {back}"
        return Fault("merge-mismatch", message, argument="backward_layer")
    if mode == "concat":
        joined = (*shape[:-1], shape[-1] + other[-1])
        return (call.output(joined, there.interval.join(back.interval)),)
    interval = {
        "sum": add(there.interval, back.interval),
        "mul": multiply(there.interval, back.interval),
        "ave": there.interval.join(back.interval),
    }[mode]
    return (call.output(shape, interval),)


def _bidirectional_outputs(arguments: Mapping[str, Any]) -> int:
    inner = _wrapped(arguments["layer"])
    count = inner.entry.number_of_outputs(inner.arguments) if inner else 1
    return (1 if arguments["merge_mode"] else 2) + 2 * (count - 1)


RULES: Final = {
    "Bidirectional": Rule(
        infer=_bidirectional,
        takes="strings",
        least_rank=2,
        outputs=_bidirectional_outputs,
        legality=_both_ways,
        tensors=steps_mask,
    ),
    "SpectralNormalization": Rule(infer=_spectral, legality=_single),
    "TimeDistributed": Rule(takes="strings", infer=_time_distributed, least_rank=2, legality=_single),
}
