"""Writes the generated data of this room: the arguments of Keras' layers, config classes and ops, read from Keras.

Run as `python -m specc.catalogue.generate` after an update of Keras; a test compares the result with the files.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from specc.catalogue.operations import KERAS_OPERATION_NAMES
from specc.catalogue.refused import REFUSED

DATA: Final = Path(__file__).parent / "data"

_NAMED_BY_THE_SPEC: Final = frozenset({"self", "name"})
_INPUTS: Final = frozenset(
    {"self", "inputs", "data", "sequences", "sequence", "x", "query", "value", "key", "states", "training"}
)
_WITHOUT_ACTIVITY_REGULARIZER: Final = frozenset({"ActivityRegularization", "IntegerLookup", "StringLookup"})
"""These take **kwargs and then refuse this one."""

_UNIVERSAL: Final = (["activity_regularizer", None], ["trainable", True], ["dtype", None])


def generated() -> dict[str, Any]:
    """The content of every data file, by file name."""
    import keras

    return {
        "layers.json": _layers(keras),
        "configurations.json": _configurations(keras),
        "operations.json": {name: _parameters(_operation(keras, name)) for name in KERAS_OPERATION_NAMES},
    }


def _layers(keras: Any) -> dict[str, Any]:
    classes, aliases = _classes(keras.layers, keras.layers.Layer)
    return {
        "aliases": aliases,
        "classes": {
            name: {"arguments": _layer_arguments(layer), "call": _parameters(layer.call, without=_INPUTS)}
            for name, layer in classes.items()
        },
    }


def _layer_arguments(layer: Any) -> list[list[Any]]:
    found = _parameters(layer.__init__)
    if any(entry.kind is entry.VAR_KEYWORD for entry in inspect.signature(layer.__init__).parameters.values()):
        # What is caught by **kwargs is handed to keras.layers.Layer.
        names = {entry[0] for entry in found}
        if layer.__name__ in _WITHOUT_ACTIVITY_REGULARIZER:
            names.add("activity_regularizer")
        found += [entry for entry in _UNIVERSAL if entry[0] not in names]
    return found


def _configurations(keras: Any) -> dict[str, Any]:
    roles: Mapping[str, tuple[Any, Callable[[str], Any]]] = {
        "initializer": (keras.initializers, keras.initializers.get),
        "regularizer": (keras.regularizers, keras.regularizers.get),
        "constraint": (keras.constraints, keras.constraints.get),
        "optimizer": (keras.optimizers, keras.optimizers.get),
        "learning_rate_schedule": (keras.optimizers.schedules, keras.optimizers.schedules.deserialize),
        "loss": (keras.losses, keras.losses.get),
        "metric": (keras.metrics, keras.metrics.get),
    }
    result: dict[str, Any] = {}
    for role, (module, getter) in roles.items():
        classes, aliases = _classes(module, object)
        result[role] = {
            "aliases": aliases,
            "classes": {name: _parameters(found.__init__) for name, found in classes.items()},
            "strings": sorted(_accepted_strings(classes, getter)),
        }
    result["activation"] = {
        "aliases": {},
        "classes": {},
        "strings": sorted(_accepted_strings({}, keras.activations.get)),
    }
    return result


def _accepted_strings(classes: Mapping[str, type], getter: Any) -> Iterable[str]:
    """The strings that Keras takes for a config object: `"he_normal"`, `"relu"`, `"mse"`.

    Only the table behind Keras' getter knows the short ones.
    """
    for name in {*getter.__globals__.get("ALL_OBJECTS_DICT", ()), *classes}:
        if name in REFUSED:
            continue
        try:
            found = getter(name)
        except (KeyError, TypeError, ValueError):
            # A class that can not be made without arguments.
            continue
        if inspect.isfunction(found) or type(found).__name__ in classes:
            yield name


def _classes(module: Any, base: type) -> tuple[dict[str, Any], dict[str, str]]:
    exported = {
        name: value
        for name, value in vars(module).items()
        if inspect.isclass(value) and issubclass(value, base) and name[0].isupper() and name not in REFUSED
    }
    canonical: dict[type, str] = {}
    for name in sorted(exported, key=lambda name: (name != exported[name].__name__, name)):
        canonical.setdefault(exported[name], name)
    classes = {name: exported[name] for name in sorted(canonical.values())}
    return classes, {name: canonical[exported[name]] for name in sorted(exported) if canonical[exported[name]] != name}


def _operation(keras: Any, name: str) -> Any:
    return getattr(keras.ops, name)


def _parameters(function: Any, without: frozenset[str] = _NAMED_BY_THE_SPEC) -> list[list[Any]]:
    """`[name]` for a required parameter, `[name, default]` for another, in positional order."""
    entries = inspect.signature(function).parameters.values()
    named = [
        entry
        for entry in entries
        if entry.kind in (entry.POSITIONAL_OR_KEYWORD, entry.KEYWORD_ONLY) and entry.name not in without
    ]
    return [[entry.name] if entry.default is entry.empty else [entry.name, _plain(entry.default)] for entry in named]


def _plain(default: Any) -> Any:
    """A default as JSON reads it back: tuples become lists."""
    return json.loads(json.dumps(default))


def text(content: Any) -> str:
    """A data file's text: one class or op a line, so that a change of Keras reads well in a diff."""
    return json.dumps(content, indent=1) + "\n"


def main() -> None:
    for name, content in generated().items():
        (DATA / name).write_text(text(content), encoding="utf-8")


if __name__ == "__main__":
    main()
