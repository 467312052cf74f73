"""A session restores exactly what was saved, and can save it again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from specc.export.saved_model import export_saved_model
from specc.keras_backend.model import SpecModel


def with_names(*names: str, dtype: str = "float32") -> SpecModel:
    """A chain of Dense layers of these names, each with weights of its own."""
    x = keras.Input((4,), name="x")
    hidden = x
    for name in names:
        hidden = keras.layers.Dense(4, name=name, bias_initializer="glorot_uniform", dtype=dtype)(hidden)
    return SpecModel({"x": x}, {"y": hidden}, name="m")


def table_that_changes() -> SpecModel:
    """A layer whose lookup table gets its entries one by one: they are saved as the weights are."""

    class Index(keras.layers.Layer):
        def __init__(self, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.table = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, default_value=-1)
            self.table.insert(tf.constant(["near", "far"]), tf.constant([3, 5], tf.int64))

        def call(self, word: Any) -> Any:
            return self.table.lookup(word)

        def compute_output_spec(self, word: Any) -> Any:
            return keras.KerasTensor(word.shape, "int64")

    word = keras.Input((), dtype="string", name="x")
    return SpecModel({"x": word}, {"y": Index()(word)}, name="m")


def no_variables() -> SpecModel:
    x = keras.Input((4,), name="x")
    return SpecModel({"x": x}, {"y": keras.layers.Activation("relu")(x)}, name="m")


def session_of(directory: Path) -> tuple[tf.compat.v1.Session, Any]:
    session = tf.compat.v1.Session(graph=tf.Graph())
    with session.graph.as_default():
        meta_graph = tf.compat.v1.saved_model.load(session, ["serve"], str(directory))
    return session, meta_graph


def served(session: tf.compat.v1.Session, meta_graph: Any, x: Any) -> Any:
    definition = meta_graph.signature_def["serving_default"]
    return session.run(definition.outputs["y"].name, {definition.inputs["x"].name: x})


X = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")


@pytest.mark.parametrize(
    ("model", "x"),
    [
        (lambda: with_names("a", "b", "c"), X),
        (lambda: with_names("saver", "saver_", "save"), X),
        (lambda: with_names("a", "b", dtype="mixed_float16"), X),
        (no_variables, X),
        (table_that_changes, np.array(["far", "near", "nowhere"])),
    ],
    ids=["plain", "named as the saver", "mixed precision", "without variables", "a table that changes"],
)
def test_a_session_gives_what_the_model_gives_and_saves_it_again(model: Any, x: Any, tmp_path: Path) -> None:
    built = model()
    export_saved_model({"m": built}, tmp_path / "saved", serving="m")
    session, meta_graph = session_of(tmp_path / "saved")
    expected = np.asarray(built(tf.constant(x))["y"])
    np.testing.assert_allclose(
        served(session, meta_graph, x), expected, rtol=1e-3 if "16" in str(expected.dtype) else 1e-6
    )

    saver = meta_graph.saver_def
    session.run(saver.save_tensor_name, {saver.filename_tensor_name: str(tmp_path / "again")})
    fresh = tf.compat.v1.Session(graph=session.graph)
    fresh.run(saver.restore_op_name, {saver.filename_tensor_name: str(tmp_path / "again")})
    np.testing.assert_array_equal(served(fresh, meta_graph, x), served(session, meta_graph, x))


def test_the_loader_written_in_cpp_restores_too(tmp_path: Path) -> None:
    """TensorFlow Serving has it; the importer of MLIR runs it and shows the values that it restored."""
    model = with_names("a")
    model.get_layer("a").bias.assign([0.5, 1.5, 2.5, 3.5])
    export_saved_model({"m": model}, tmp_path / "saved", serving="m")
    imported = tf.mlir.experimental.convert_saved_model_v1(str(tmp_path / "saved"), "m", "serve", True, True)
    assert "dense<[5.000000e-01, 1.500000e+00, 2.500000e+00, 3.500000e+00]>" in imported
