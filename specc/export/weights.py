"""Trained weights, from the files that Keras writes, into a model that was built again from its spec."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import keras


class UnfitWeightsError(ValueError):
    """A file holds no weights, or those of another model."""


def load_weights(model: keras.Model, file: Path) -> None:
    """Load `.weights.h5` or `.keras` weights that were saved from a model of the same spec.

    Only the weights are read, never a layer's code or configuration.

    Raises:
        OSError: if the file can not be read.
        UnfitWeightsError: if it holds no weights, or those of another model.
    """
    if not file.is_file():
        raise FileNotFoundError(2, "no such file", str(file))
    if file.name.endswith(".keras"):
        _same_model(model, file)
    elif not file.name.endswith(".weights.h5"):
        raise UnfitWeightsError(f"{file.name} is neither a .weights.h5 nor a .keras file")
    try:
        model.load_weights(file)
    except (ValueError, KeyError, OSError, zipfile.BadZipFile) as error:
        raise UnfitWeightsError(f"the weights of {file.name} do not fit this model: {_first_line(error)}") from error


def _same_model(model: keras.Model, file: Path) -> None:
    try:
        with zipfile.ZipFile(file) as archive:
            saved = json.loads(archive.read("config.json"))["config"]["name"]
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise UnfitWeightsError(f"{file.name} is no Keras file") from error
    if saved != model.name:
        raise UnfitWeightsError(f"{file.name} holds model `{saved}`, and `{model.name}` is compiled")


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0]
