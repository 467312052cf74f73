"""What the tensors among the arguments of a call must be: masks, initial states, weights of counts.

Keras looks at most of them only when the model runs, and then may align the batch with an axis of the sample.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from specc.catalogue.facts import Fault
from specc.catalogue.rules.base import Call, known, per_sample_axes
from specc.types import Dim, Shape, shape_text, surely_different


def misfit(call: Call, port: str, *shapes: Shape, broadcast: bool = False) -> Fault | None:
    """Why the tensor that arrives at a port is of none of some shapes.

    Args:
        broadcast: whether a size of 1 serves any other.
    """
    tensor = call.tensors.get(port)
    if tensor is None:
        return None
    name = port.partition(".")[0]
    if tensor.dtype == "string":
        return Fault("dtype-mismatch", f"`{name}` must be numbers or truth values, this is {tensor}", argument=port)
    shape = known(tensor)
    for wanted in shapes:
        pairs = zip(shape, wanted, strict=False)
        if len(shape) == len(wanted) and all(_serves(own, other, broadcast) for own, other in pairs):
            return None
    listed = " or ".join(shape_text(wanted) for wanted in shapes)
    message = f"`{name}` must have shape {listed} here, this is {shape_text(shape)}"
    return Fault("argument-shape", message, argument=port)


def _serves(own: Dim, wanted: Dim, broadcast: bool) -> bool:
    return (broadcast and own == 1) or not surely_different(own, wanted)


def steps_mask(call: Call) -> Fault | None:
    """One truth value for each step."""
    steps = call.shape[0]
    return misfit(call, "mask", (steps,), (steps, 1))


def averaged_mask(call: Call) -> Fault | None:
    if "mask" in call.tensors and not call.input.is_float:
        message = f"a masked average is one of floats, the input is {call.input}"
        return Fault("dtype-mismatch", message, '`cast(x, "float32")` makes them', "mask")
    return misfit(call, "mask", (call.shape[1 if call.channels_first else 0],), broadcast=True)


def places_mask(call: Call) -> Fault | None:
    """One truth value for all channels of a place."""
    return misfit(call, "mask", call.shape[:-1], broadcast=True)


def elements_mask(call: Call) -> Fault | None:
    return misfit(call, "mask", call.shape, broadcast=True)


def count_weights(call: Call) -> Fault | None:
    return misfit(call, "count_weights", call.shape)


def scores_masks(call: Call) -> Fault | None:
    """The masks `[of the query, of the value]` of Attention and AdditiveAttention."""
    query, value = (known(entry) for entry in call.inputs[:2])
    if len(value) > 2 and "mask.1" in call.tensors:
        message = "a mask of the value needs inputs [length, features]"
        return Fault("argument-shape", message, argument="mask.1", input=1)
    return misfit(call, "mask.0", query[:-1], broadcast=True) or misfit(call, "mask.1", value[:-1], broadcast=True)


_SIDES: Final = ("query_mask", "value_mask", "key_mask")


def attention_masks(call: Call) -> Fault | None:
    """The masks of MultiHeadAttention and GroupQueryAttention; what is wrong with its axes their rule tells."""
    shapes = [known(entry) for entry in call.inputs]
    query, value = shapes[0], shapes[1]
    axes = call.arguments.get("attention_axes")
    places = per_sample_axes(tuple(range(1, len(query))) if axes is None else axes, len(query))
    if isinstance(places, Fault) or len(query) != len(value):
        return None
    return next(_refused_masks(call, query, value, shapes[-1], places), None)


def _refused_masks(call: Call, query: Shape, value: Shape, key: Shape, attended: tuple[int, ...]) -> Iterator[Fault]:
    sides = [name for name in _SIDES if name in call.tensors]
    if sides and attended != (len(query) - 2,):
        message = f"`{sides[0]}` marks places of one axis, the one before the features, and needs it to be attended"
        yield Fault("argument-shape", message, "`attention_mask` marks pairs of places", argument=sides[0])
        return
    for name, shape in zip(_SIDES, (query, value, key), strict=True):
        fault = misfit(call, name, shape[:-1], broadcast=True)
        if fault is not None:
            yield fault
    free = tuple(query[axis] for axis in range(len(query) - 1) if axis not in attended)
    pairs = (*(query[axis] for axis in attended), *(value[axis] for axis in attended))
    heads = call.arguments.get("num_heads") or call.arguments["num_query_heads"]
    each_head: tuple[Shape, ...] = () if sides else ((*free, heads, *pairs),)
    fault = misfit(call, "attention_mask", *dict.fromkeys((pairs, (*free, *pairs), *each_head)), broadcast=True)
    if fault is not None:
        yield fault


def initial_states(call: Call, states: tuple[Shape, ...]) -> Fault | None:
    """The states that a recurrent layer starts from, in the order of `return_state`."""
    given = call.arguments["initial_state"]
    if given is None:
        return None
    count = len(given) if isinstance(given, tuple) else 1
    if count != len(states):
        listed = ", ".join(map(shape_text, states))
        plural = "s" if len(states) > 1 else ""
        message = f"{call.layer} starts from {len(states)} state{plural}, {listed}, and `initial_state` gives {count}"
        port = next(iter(name for name in call.tensors if name.startswith("initial_state")))
        return Fault("argument-shape", message, "several states are a list: `initial_state=[h, c]`", port)
    ports = [item.port for item in given] if isinstance(given, tuple) else [given.port]
    faults = (misfit(call, port, state) for port, state in zip(ports, states, strict=True))
    return next((fault for fault in faults if fault is not None), None)
