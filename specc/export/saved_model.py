"""Writes models as one TensorFlow SavedModel over one set of variables.

What is in it, for a model `q`:

- `signatures["q"]`, with the names, dtypes and shapes of the model's dicts; `serving_default` is one of the models.
  The default of an input stands in the SignatureDef, where TensorFlow Serving and sessions take it from.
- `loaded.q({"state": …})`, the same function after `tf.saved_model.load`. TensorFlow's Python functions for
  signatures ask for every input, whatever the SignatureDef says, so this is the way to leave one out in Python; it is
  also what `keras.layers.TFSMLayer(path, call_endpoint="q")` calls.
  A name that already means something on a loaded SavedModel, such as `variables`, has the signature only.
- `signatures["set_knobs"]` and `loaded.set_knobs(g=0.7)`, if a model has knobs.
- `loaded.variables`, `loaded.trainable_variables`.

Each model is traced once. The root holds the raw variables instead of the Keras layers: tracking layers would trace
and write their own functions and every variable a second time. Custom gradients are kept, so that a loaded model can
be trained on. Nothing is stripped from the graphs: TensorFlow's debug stripper would remove the guards.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import chain, combinations
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from specc.export.atomic import atomic_directory
from specc.export.knob_signature import KNOB_SIGNATURE, knob_functions
from specc.export.rewriting import rewritten
from specc.export.saver import add_saver
from specc.export.signature_names import input_specs, rename_signatures, safe_names
from specc.export.summary import ExportSummary, Signature, TensorSummary, model_signature, summarise
from specc.keras_backend.model import SpecModel, named_knobs

__all__ = ["export_saved_model"]

SERVING_SIGNATURE = tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY
LOADED_ATTRIBUTES = frozenset({"signatures", "graph_debug_info", "tensorflow_version", "tensorflow_git_version"})
OPTIONAL_INPUTS_TRACED = 3
CHANGING_TABLES = (tf.lookup.experimental.MutableHashTable, tf.lookup.experimental.DenseHashTable)
TABLES = (tf.lookup.StaticHashTable, tf.lookup.StaticVocabularyTable, *CHANGING_TABLES)


def export_saved_model(
    models: Mapping[str, keras.Model],
    out: Path,
    serving: str,
    progress: Callable[[str], None] | None = None,
) -> ExportSummary:
    """Write `models` to the directory `out` as one SavedModel, in full or not at all.

    Args:
        models: signature name to model; models may share layers, each variable is written once.
        out: the directory; an earlier SavedModel there is replaced.
        serving: the model that is also `serving_default`.
        progress: called with a short line before each step.

    Raises:
        ValueError: `serving` is none of `models`, a name is reserved, or a model's inputs or outputs are nested.
        UnsafeTargetError: `out` is something else than a SavedModel, or cannot be written.
    """
    report = progress or (lambda line: None)
    signatures = {name: model_signature(model) for name, model in models.items()}
    knobs = named_knobs(models)
    _check_names(signatures, serving, has_knobs=bool(knobs))

    with atomic_directory(out) as directory:
        traced: dict[str, _Traced] = {}
        for name, model in models.items():
            report(f"tracing {name}")
            traced[name] = _trace(model, signatures[name])
        functions = {name: functions.for_signature for name, functions in traced.items()}
        renames = {name: functions.names for name, functions in traced.items()}
        signatures[SERVING_SIGNATURE] = signatures[serving]
        functions[SERVING_SIGNATURE] = functions[serving]
        renames[SERVING_SIGNATURE] = renames[serving]

        weights = list({id(weight): weight for model in models.values() for weight in model.weights}.values())
        root = _root(models, weights, traced)
        if knobs:
            scalars = tuple(TensorSummary(name, "float32", ()) for name in knobs)
            signatures[KNOB_SIGNATURE] = Signature(scalars, scalars)
            renames[KNOB_SIGNATURE] = safe_names(knobs)
            functions[KNOB_SIGNATURE], root.set_knobs = knob_functions(knobs, renames[KNOB_SIGNATURE])

        report("writing the SavedModel")
        # A table whose entries change is saved by operations of its own, which TensorFlow's saver has.
        own_saver = not any(isinstance(table, CHANGING_TABLES) for table in root.lookup_tables)
        options = tf.saved_model.SaveOptions(experimental_skip_saver=own_saver)
        tf.saved_model.save(root, str(directory), signatures=functions, options=options)
        with rewritten(directory) as meta_graph:
            rename_signatures(meta_graph, renames)
            if own_saver:
                add_saver(meta_graph)
        return summarise(signatures, weights, directory)


def _check_names(signatures: Mapping[str, Signature], serving: str, has_knobs: bool) -> None:
    if serving not in signatures:
        raise ValueError(f"there is no model '{serving}' to serve, only {', '.join(signatures)}")
    reserved = {SERVING_SIGNATURE, "__saved_model_init_op", "__saved_model_train_op"}
    taken = sorted(signatures.keys() & (reserved | {KNOB_SIGNATURE} if has_knobs else reserved))
    if taken:
        raise ValueError(f"a SavedModel cannot hold a model named '{taken[0]}': the name means something else there")


@dataclass(frozen=True, slots=True)
class _Traced:
    """A model's inference: the one trace, what calls it from the signature and from Python, and its inputs' names."""

    inference: Any
    for_signature: Any
    for_python: Any
    names: Mapping[str, str]


def _trace(model: keras.Model, signature: Signature) -> _Traced:
    names = safe_names([tensor.name for tensor in signature.inputs])
    specs = input_specs(signature, names)

    # One dict is the one argument, so that input names need not be Python identifiers.
    def infer(inputs: Mapping[str, Any]) -> dict[str, Any]:
        outputs = model(_as_called(model, inputs, signature), training=False)
        named = outputs if isinstance(outputs, Mapping) else _by_name(outputs, signature)
        return {tensor.name: named[tensor.name] for tensor in signature.outputs}

    # A concrete function, since TensorFlow traces whatever is polymorphic a second time while it saves.
    inference = tf.function(infer, autograph=False).get_concrete_function(specs)
    defaults = {name: tf.constant([value], specs[name].dtype) for name, value in _input_defaults(model).items()}
    if not defaults:
        return _Traced(inference, inference, inference, names)
    for_signature = _with_signature_defaults(inference, specs, defaults)
    return _Traced(inference, for_signature, _with_python_defaults(inference, specs, defaults), names)


def _with_signature_defaults(inference: Any, specs: Mapping[str, Any], defaults: Mapping[str, Any]) -> Any:
    """`inference` as a function whose default argument, a dict too, TensorFlow writes into the SignatureDef."""
    default_inputs = {name: defaults.get(name) for name in specs}

    def serve(inputs: Any = default_inputs) -> Any:
        return inference(_with_one_batch_size(inputs, list(defaults)))

    return tf.function(serve, input_signature=[dict(specs)], autograph=False)


def _with_python_defaults(inference: Any, specs: Mapping[str, Any], defaults: Mapping[str, Any]) -> Any:
    """`inference` as a function of a dict in which inputs with a default may be left out.

    A restored function has the call structures that were traced, so each choice of inputs is one small trace. Above
    `OPTIONAL_INPUTS_TRACED` optional inputs only all or none of them may be left out.
    """

    def call(inputs: Mapping[str, Any]) -> Any:
        return inference(_with_one_batch_size({**defaults, **inputs}, list(defaults)))

    choosing = tf.function(call, autograph=False)
    for left_out in _choices(list(defaults)):
        given = {name: tf.TensorSpec(spec.shape, spec.dtype) for name, spec in specs.items() if name not in left_out}
        if given:
            choosing.get_concrete_function(given)
    return choosing


def _as_called(model: keras.Model, inputs: Mapping[str, Any], signature: Signature) -> Any:
    """Tensors by name in the structure that the model takes them in."""
    if isinstance(model.input, Mapping):
        return dict(inputs)
    tensors = [inputs[tensor.name] for tensor in signature.inputs]
    return type(model.input)(tensors) if isinstance(model.input, list | tuple) else tensors[0]


def _by_name(outputs: Any, signature: Signature) -> dict[str, Any]:
    flat = outputs if isinstance(outputs, list | tuple) else [outputs]
    return {tensor.name: value for tensor, value in zip(signature.outputs, flat, strict=True)}


def _input_defaults(model: keras.Model) -> dict[str, Any]:
    return model.input_defaults if isinstance(model, SpecModel) else {}


def _with_one_batch_size(inputs: Mapping[str, Any], optional: list[str]) -> dict[str, Any]:
    """`inputs` with the optional ones, whose default has a batch of one, repeated for the batch of the others."""
    tensors = dict(inputs)
    required = [tensor for name, tensor in tensors.items() if name not in optional]
    if required:
        batch = tf.shape(required[0])[0]
    else:
        sizes = tf.stack([tf.shape(tensor)[0] for tensor in tensors.values()])
        batch = tf.where(tf.reduce_any(sizes == 0), 0, tf.reduce_max(sizes))
    for name in optional:
        tensor = tensors[name]
        repeated = tf.broadcast_to(tensor, tf.concat([[batch], tf.shape(tensor)[1:]], axis=0))
        repeated.set_shape([None, *tensor.shape[1:]])
        tensors[name] = repeated
    return tensors


def _choices(names: list[str]) -> list[tuple[str, ...]]:
    if len(names) > OPTIONAL_INPUTS_TRACED:
        return [(), tuple(names)]
    return list(chain.from_iterable(combinations(names, count) for count in range(len(names) + 1)))


def _root(models: Mapping[str, keras.Model], weights: list[Any], traced: Mapping[str, _Traced]) -> Any:
    """What is saved: the functions by model name, and all they read or write.

    That is the models' variables, the state of random layers and lookup tables.
    """
    root = tf.__internal__.tracking.AutoTrackable()
    raw = [weight.value for weight in weights]
    captured = [variable for functions in traced.values() for variable in functions.inference.variables]
    root.variables = list({id(variable): variable for variable in [*raw, *captured]}.values())
    root.trainable_variables = [weight.value for weight in weights if weight.trainable]
    layers = [layer for model in models.values() for layer in model._flatten_layers()]
    tables = [value for layer in layers for value in vars(layer).values() if isinstance(value, TABLES)]
    root.lookup_tables = list({id(table): table for table in tables}.values())
    for name, functions in traced.items():
        if not hasattr(root, name) and name not in LOADED_ATTRIBUTES:
            setattr(root, name, functions.for_python)
    return root
