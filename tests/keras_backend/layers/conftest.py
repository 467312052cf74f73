"""Ways of a model through storage that every layer has to survive."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import pytest
import tensorflow as tf


@pytest.fixture
def reload(tmp_path: Path) -> Callable[[keras.Model], keras.Model]:
    """Save a model as a `.keras` file and load it again."""

    def through_file(model: keras.Model) -> keras.Model:
        path = tmp_path / "model.keras"
        model.save(path)
        return keras.models.load_model(path)

    return through_file


@pytest.fixture
def serve(tmp_path: Path) -> Callable[[keras.Model], Callable[..., Any]]:
    """Export a model as a SavedModel and return its loaded endpoint."""

    def through_saved_model(model: keras.Model) -> Callable[..., Any]:
        model.export(tmp_path / "exported", verbose=False)
        loaded = tf.saved_model.load(str(tmp_path / "exported"))
        # The endpoint is a method of the loaded object, which it does not keep alive.
        return lambda *inputs: loaded.serve(*inputs)

    return through_saved_model


@pytest.fixture
def remake() -> Callable[[keras.layers.Layer], keras.layers.Layer]:
    """Make a layer again from its config, which has passed through JSON."""

    def through_config(layer: keras.layers.Layer) -> keras.layers.Layer:
        return keras.saving.deserialize_keras_object(json.loads(json.dumps(keras.saving.serialize_keras_object(layer))))

    return through_config
