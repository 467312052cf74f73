"""The `set_knobs` signature of a SavedModel: the scalars of a model that are set while it runs."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from specc.keras_backend.layers.sources import Knob
from specc.keras_backend.model import knob_range

__all__ = ["KNOB_SIGNATURE", "knob_functions"]

KNOB_SIGNATURE = "set_knobs"


def knob_functions(knobs: Mapping[str, Knob], names: Mapping[str, str]) -> tuple[Any, Any]:
    """Two `tf.function`s that set knobs and return the values now in force, float32 scalars by knob name.

    The first is for the signature: a dict of float32 scalars. Its defaults are NaN, which
    keeps a knob as it is, so a client of TensorFlow Serving sends the knobs it means to turn. The second takes them
    as keyword arguments, `set_knobs(g=0.7)`, each optional. Either sets all of the knobs it is given, or none and
    fails with an `InvalidArgumentError` that names the knob outside its range.
    """
    keep = tf.constant(float("nan"))
    specs = {name: tf.TensorSpec([], tf.float32, name=names[name]) for name in knobs}
    defaults = dict.fromkeys(specs, keep)

    def serve(values: Any = defaults) -> dict[str, Any]:
        checks = [_check(name, knob, values[name]) for name, knob in knobs.items()]
        with tf.control_dependencies(checks):
            chosen = {
                name: tf.where(tf.math.is_nan(values[name]), knob.value.value, values[name])
                for name, knob in knobs.items()
            }
        # Read before any is written: a variable's read and its assignment are ordered, not fused.
        with tf.control_dependencies(list(chosen.values())):
            return {name: tf.identity(knob.value.value.assign(chosen[name])) for name, knob in knobs.items()}

    parameters = {name: _parameter(names[name]) for name in knobs}

    def call(**values: Any) -> Any:
        return serve({name: values[parameter] for name, parameter in parameters.items()})

    call.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=keep) for name in parameters.values()]
    )
    by_keyword = tf.function(call, autograph=False)
    by_keyword.get_concrete_function(**{name: tf.TensorSpec([], tf.float32) for name in parameters.values()})
    return tf.function(serve, input_signature=[specs], autograph=False), by_keyword


def _parameter(traced: str) -> str:
    """The Python parameter for a name: TensorFlow turns the keywords of a call into identifiers in the same way."""
    return re.sub(r"\W", "_", traced)


def _check(name: str, knob: Knob, value: Any) -> Any:
    inside = tf.math.is_finite(value)
    if knob.low is not None:
        inside &= value >= knob.low
    if knob.high is not None:
        inside &= value <= knob.high
    # Backticks, since TensorFlow escapes quotes in the message.
    message = tf.strings.format(f"knob `{name}` cannot be {{}}: it is outside {knob_range(knob)}", value)
    return tf.debugging.Assert(inside | tf.math.is_nan(value), [message])
