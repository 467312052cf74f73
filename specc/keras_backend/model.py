"""The class of a compiled model, and the knobs inside one.

`SpecModel` is a Keras functional model that takes and returns dicts by name and knows the defaults of its inputs.
`knobs` and `set_knobs` find and turn the scalars of a model that are set rather than trained.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np

from specc.diagnostics import suggestion
from specc.keras_backend.layers.sources import Knob

__all__ = ["DefaultInput", "SpecModel", "knobs", "named_knobs", "set_knobs"]


@keras.saving.register_keras_serializable(package="specc")
class DefaultInput(keras.layers.Layer):
    """The default of an input, repeated for every sample.

    Args:
        value: per-sample value, a number, string or nested list; shape `[...]`.
        value_dtype: dtype of the result.

    Call: `anchor`, any tensor `[B, ...]` of the batch, to `[B, ...]` holding `value` in each sample.
    """

    def __init__(self, value: Any, value_dtype: str, **kwargs: Any) -> None:
        super().__init__(autocast=False, **kwargs)
        self.value = value
        self.value_dtype = value_dtype

    def call(self, anchor: Any) -> Any:
        """Repeat the value for the batch of `anchor`."""
        return repeat_for_batch(self.value, self.value_dtype, anchor)

    def compute_output_spec(self, anchor: Any) -> Any:
        """Shape `[B, ...]`, of the value's own shape and dtype."""
        return keras.KerasTensor((anchor.shape[0], *np.shape(self.value)), dtype=self.value_dtype)

    def get_config(self) -> dict[str, Any]:
        """The config, with the value as a nested list."""
        config: dict[str, Any] = super().get_config()
        return {**config, "value": self.value, "value_dtype": self.value_dtype}


def repeat_for_batch(value: Any, dtype: str, anchor: Any) -> Any:
    """`value` of per-sample shape `[...]` as `[B, ...]`, with the batch size of `anchor`."""
    tensor = keras.ops.convert_to_tensor(value, dtype=dtype)
    return keras.ops.broadcast_to(tensor, (keras.ops.shape(anchor)[0], *tensor.shape))


@keras.saving.register_keras_serializable(package="specc")
class SpecModel(keras.Model):
    """A functional model: a dict of tensors by input name in, a dict by output name out.

    Args:
        inputs: input name to `keras.Input`.
        outputs: output name to the symbolic tensor it stands for.
        name: the model's name.
        input_defaults: input name to the per-sample value (a number, or a nested list of the input's per-sample
            shape) that stands in when the input is left out of a call, of `fit`, `predict` or `evaluate`.

    A model with one input also takes the bare tensor. At least one input has to be given: it sets the batch size.
    `get_config` and `.keras` files keep the defaults; `keras.models.clone_model` rebuilds a model from its tensors
    alone, so a clone has none.

    Raises:
        ValueError: for a default of an unknown input, or of another shape or kind than its input; when called, for
            an unknown input, one that is missing, or none at all.
    """

    def __init__(
        self,
        inputs: Mapping[str, Any],
        outputs: Mapping[str, Any],
        name: str | None = None,
        *,
        input_defaults: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(inputs=inputs, outputs=outputs, name=name, **kwargs)
        self._input_defaults = {
            input_name: _checked_default(self._known_input(input_name), value)
            for input_name, value in (input_defaults or {}).items()
        }

    @property
    def input_defaults(self) -> dict[str, Any]:
        """Input name to its per-sample default, a number or a nested list."""
        return dict(self._input_defaults)

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Call the model on a dict of `[B, ...]` tensors by input name, or on the bare tensor of a single input."""
        return super().__call__(self._complete(inputs), *args, **kwargs)

    def get_config(self) -> dict[str, Any]:
        """The functional model's config and the defaults of its inputs."""
        config = _counting_calls_inside(self, super().get_config())
        return {**config, "input_defaults": self.input_defaults} if self._input_defaults else config

    def _known_input(self, name: str) -> Any:
        if name not in self.input:
            hint = suggestion(name, self.input)
            raise ValueError(f"model '{self.name}' has no input '{name}'{'; ' + hint if hint else ''}")
        return self.input[name]

    def _complete(self, inputs: Any) -> dict[str, Any]:
        """`inputs` by name, in the model's order, with the default of each input that was left out."""
        if not isinstance(inputs, Mapping):
            if len(self.input) != 1:
                raise ValueError(f"model '{self.name}' takes a dict of its inputs: {', '.join(self.input)}")
            inputs = {next(iter(self.input)): inputs}
        for name in inputs:
            self._known_input(name)
        if not inputs:
            raise ValueError(f"model '{self.name}' needs at least one input, which sets the batch size")
        missing = [name for name in self.input if name not in inputs]
        required = [name for name in missing if name not in self._input_defaults]
        if required:
            raise ValueError(f"model '{self.name}' needs the input{'s' * (len(required) > 1)} {', '.join(required)}")
        symbolic = any(isinstance(value, keras.KerasTensor) for value in inputs.values())
        mixed = len({keras.ops.is_tensor(value) for value in inputs.values()}) > 1
        if not missing and (symbolic or not mixed):
            return {name: inputs[name] for name in self.input}
        if symbolic:
            # As a part of a larger functional model a default has to be a node of that model's graph.
            anchor = next(iter(inputs.values()))
            defaults = {
                name: DefaultInput(self._input_defaults[name], self.input[name].dtype)(anchor) for name in missing
            }
        else:
            # Keras refuses a mixture of tensors and arrays, and a default is a tensor.
            inputs = {
                name: keras.ops.convert_to_tensor(value, self.input[name].dtype) for name, value in inputs.items()
            }
            anchor = next(iter(inputs.values()))
            defaults = {
                name: repeat_for_batch(self._input_defaults[name], self.input[name].dtype, anchor) for name in missing
            }
        return {name: inputs[name] if name in inputs else defaults[name] for name in self.input}


def _counting_calls_inside(model: keras.Model, config: dict[str, Any]) -> dict[str, Any]:
    """The config with the calls of a layer numbered as they will be when it is read.

    Keras numbers the calls that the model itself makes of a layer, from 0. When it reads a config it makes the models
    inside first; a layer that they share with this model has been called by them by then.
    """
    inside = [layer for layer in model._flatten_layers(include_self=False) if isinstance(layer, keras.Model)]
    nodes = {id(node) for inner in inside for level in inner._nodes_by_depth.values() for node in level}
    before = {layer.name: sum(id(node) in nodes for node in layer._inbound_nodes) for layer in model.layers}
    calls = [{**layer, "inbound_nodes": _shifted(layer["inbound_nodes"], before)} for layer in config["layers"]]
    ends = {key: _shifted(config[key], before) for key in ("input_layers", "output_layers")}
    return {**config, "layers": calls, **ends}


def _shifted(part: Any, before: Mapping[str, int]) -> Any:
    """A part of a config in which every tensor `[layer, call, output]` has its call moved behind the earlier ones."""
    match part:
        case [str() as layer, int() as call, int() as output] if layer in before:
            return type(part)((layer, call + before[layer], output))
        case dict():
            return {key: _shifted(value, before) for key, value in part.items()}
        case list() | tuple():
            return type(part)(_shifted(value, before) for value in part)
    return part


def _checked_default(tensor: Any, value: Any) -> Any:
    """`value` as a number or nested list, checked against the per-sample shape and dtype of the input `tensor`."""
    array = np.asarray(value)
    expected = tensor.shape[1:]
    matches = len(array.shape) == len(expected) and all(
        want in (None, have) for want, have in zip(expected, array.shape, strict=True)
    )
    if not matches:
        raise ValueError(
            f"the default of input '{tensor.name}' has shape {list(array.shape)}; the input's is {list(expected)}"
        )
    if array.dtype.kind == "f" and not keras.backend.is_float_dtype(tensor.dtype):
        raise ValueError(f"the default of input '{tensor.name}' is a float; the input's dtype is {tensor.dtype}")
    return array.tolist()


def knobs(model: keras.Model) -> dict[str, Knob]:
    """The knobs of `model` and of the models inside it, by name.

    A name that several knobs bear is told apart by the path of layer names that leads to each: `first.g`, `second.g`.
    """
    return named_knobs({model.name: model})


def named_knobs(models: Mapping[str, keras.Model]) -> dict[str, Knob]:
    """The knobs of several models, each once, by names that are unique over all of them.

    A knob has its own name; where that clashes, its path inside the model; where that clashes, its path from the
    model's name in `models` on.
    """
    found: dict[int, tuple[Knob, tuple[str, ...]]] = {}
    for name, model in models.items():
        for knob, path in _walk(model, (name,)):
            found.setdefault(id(knob), (knob, path))
    names = [(path[-1], ".".join(path[1:]), ".".join(path)) for _, path in found.values()]
    counts = [Counter(column) for column in zip(*names, strict=True)]
    unique = [
        next((name for name, count in zip(row, counts, strict=True) if count[name] == 1), row[-1]) for row in names
    ]
    return {name: knob for name, (knob, _) in zip(unique, found.values(), strict=True)}


def set_knobs(model: keras.Model, **values: float) -> None:
    """Set knobs of `model` by name, all of them or, when one is refused, none.

    Raises:
        ValueError: for a name that is no knob of the model, and for a value that is not finite or outside its range.
    """
    known = knobs(model)
    for name, value in values.items():
        if name not in known:
            hint = suggestion(name, known)
            raise ValueError(f"model '{model.name}' has no knob '{name}'{'; ' + hint if hint else ''}")
        low, high = known[name].low, known[name].high
        inside = math.isfinite(value) and (low is None or low <= value) and (high is None or value <= high)
        if not inside:
            raise ValueError(f"knob '{name}' cannot be {value:g}: it is outside {knob_range(known[name])}")
    for name, value in values.items():
        known[name].assign(value)


def knob_range(knob: Knob) -> str:
    """The legal values of `knob` as the language writes a range: `0..1`, `0..`, `..1`, or `..` for any finite one."""
    low, high = ("" if bound is None else f"{bound:g}" for bound in (knob.low, knob.high))
    return f"{low}..{high}"


def _walk(layer: Any, path: tuple[str, ...]) -> Iterator[tuple[Knob, tuple[str, ...]]]:
    # Wrappers such as TimeDistributed hold layers too, and Keras lists those only through this method.
    for child in layer._flatten_layers(include_self=False, recursive=False):
        inner = (*path, child.name)
        if isinstance(child, Knob):
            yield child, inner
        yield from _walk(child, inner)
