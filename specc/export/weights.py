"""Trained weights, from the files that Keras writes, into a model that was built again from its spec."""

from __future__ import annotations

import json
import warnings
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import keras

from specc.forms import Form
from specc.keras_backend.layers import RoutedBranches
from specc.keras_backend.model import SpecModel

BRANCHES = "routed_branches"
"""How Keras names routed branches among the layers in a file of weights."""


class UnfitWeightsError(ValueError):
    """A file holds no weights, or those of another model."""


def load_weights(model: SpecModel, file: Path, form: Form, build: Callable[[Form], SpecModel]) -> None:
    """Load `.weights.h5` or `.keras` weights that were saved from a model of the same spec, in whatever form.

    Keras finds weights in a file by the place of their layer, and the forms have layers in other places. Weights of
    another form go through a model of that form, and from layer to layer by name. Only the weights are read, never a
    layer's code or configuration.

    Args:
        form: that of the model.
        build: makes the model in another form.

    Raises:
        OSError: if the file can not be read.
        UnfitWeightsError: if it holds no weights, or those of another model.
    """
    if not file.is_file():
        raise FileNotFoundError(2, "no such file", str(file))
    routed = _is_routed(model, file)
    has_branches = any(isinstance(layer, RoutedBranches) for layer in _with_inner(model))
    if form is not Form.PORTABLE and routed == has_branches:
        _load(model, file)
    else:
        saved = build(Form.trained(routed))
        _load(saved, file)
        _copy(saved, model)


def _is_routed(model: SpecModel, file: Path) -> bool:
    """Whether the saved model had routed branches.

    Raises:
        UnfitWeightsError: if it was another model, or the file is none of Keras.
    """
    if file.name.endswith(".weights.h5"):
        found: list[str] = []
        try:
            with h5py.File(file) as stored:
                stored.visit(found.append)
        except OSError as error:
            raise UnfitWeightsError(f"{file.name} is no file of weights: {_first_line(error)}") from error
        return any(part.startswith(BRANCHES) for name in found for part in name.split("/"))
    if not file.name.endswith(".keras"):
        raise UnfitWeightsError(f"{file.name} is neither a .weights.h5 nor a .keras file")
    try:
        with zipfile.ZipFile(file) as archive:
            config = archive.read("config.json")
        saved = json.loads(config)["config"]["name"]
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise UnfitWeightsError(f"{file.name} is no Keras file") from error
    if saved != model.name:
        raise UnfitWeightsError(f"{file.name} holds model `{saved}`, and `{model.name}` is compiled")
    return f'"class_name": "{RoutedBranches.__name__}"'.encode() in config


def _load(model: SpecModel, file: Path) -> None:
    try:
        # Keras only warns of some layers that a file has nothing for.
        with warnings.catch_warnings(action="error", category=UserWarning):
            model.load_weights(file)
    except (ValueError, KeyError, OSError, UserWarning, zipfile.BadZipFile) as error:
        raise UnfitWeightsError(f"the weights of {file.name} do not fit this model: {_first_line(error)}") from error


def _copy(saved: SpecModel, model: SpecModel) -> None:
    """Copy weights between two forms of one model, in which layers have the same names."""
    sources = dict(_named_layers(saved))
    for name, layer in _named_layers(model):
        if layer.weights:
            for source, target in zip(_with_inner(sources[name]), _with_inner(layer), strict=True):
                stored: dict[str, Any] = {}
                source.save_own_variables(stored)
                target.load_own_variables(stored)


def _named_layers(model: keras.Model, within: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The layers of a model and of the models in it, by their names from the outermost model inwards.

    The models of routed branches are no part of a name: in the other forms their layers belong to the model itself.
    """
    for layer in model.layers:
        if isinstance(layer, RoutedBranches):
            for branch in layer.branches:
                if branch is not None:
                    yield from _named_layers(branch, within)
        elif isinstance(layer, SpecModel):
            yield from _named_layers(layer, (*within, layer.name))
        else:
            yield (*within, layer.name), layer


def _with_inner(layer: Any) -> list[Any]:
    """A layer and the layers inside it: those of a model, the cell of a recurrent one."""
    return list(layer._flatten_layers())


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0]
