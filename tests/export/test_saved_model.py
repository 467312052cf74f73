"""A SavedModel has the model's own names, every variable once, and runs where neither specc nor Keras is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from specc.export.saved_model import export_saved_model
from specc.export.summary import ExportSummary, Signature, TensorSummary
from specc.keras_backend.layers.sources import Knob
from specc.keras_backend.model import SpecModel

KEEP = float("nan")


def q_models() -> dict[str, SpecModel]:
    """Two models over one trunk: values `[B, 4]`, and the value of an action, by default action 1, times a knob."""
    state = keras.Input((8,), name="state")
    hidden = keras.layers.Dense(16, activation="relu", name="hidden")
    values = keras.layers.Dense(4, name="values")(hidden(state))
    q = SpecModel({"state": state}, {"values": values}, name="q")
    again = keras.Input((8,), name="state")
    action = keras.Input((), dtype="int32", name="action")
    scale = Knob(0.5, 0.0, 1.0, name="scale")(again)
    value = keras.ops.sum(q({"state": again})["values"] * keras.ops.one_hot(action, 4), axis=-1) * scale
    taken = SpecModel(
        {"state": again, "action": action}, {"value": value}, name="q_of_action", input_defaults={"action": 1}
    )
    return {"q": q, "q_of_action": taken}


def awkward_model() -> SpecModel:
    """Input and output names that Python or TensorFlow's tracing would not take: `class`, `self`, `a` beside `A`."""
    names = ["self", "a", "A", "lambda", "x.y"]
    inputs = {name: keras.Input((2,), name=name) for name in names}
    inputs["class"] = keras.Input((), name="class")
    weighted = sum(tensor * 10.0**place for place, tensor in enumerate(inputs[name] for name in names))
    outputs = {"class": inputs["class"], "A": weighted, "a": inputs["a"] + 0.0, "self": -weighted}
    return SpecModel(inputs, outputs, name="awkward", input_defaults={"class": 7.0, "lambda": [0.5, 0.25]})


def awkward_inputs() -> dict[str, np.ndarray[Any, Any]]:
    names = ["self", "a", "A", "lambda", "x.y"]
    tensors = {name: np.full((3, 2), number + 1, "float32") for number, name in enumerate(names)}
    return {**tensors, "class": np.arange(3, dtype="float32")}


def states(count: int) -> np.ndarray[Any, Any]:
    return np.random.default_rng(0).normal(size=(count, 8)).astype("float32")


def signature_defs(directory: Path) -> Any:
    from tensorflow.core.protobuf import saved_model_pb2

    proto = saved_model_pb2.SavedModel.FromString((directory / "saved_model.pb").read_bytes())
    return proto.meta_graphs[0].signature_def


@pytest.fixture(scope="module")
def q(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, SpecModel], ExportSummary, Any]:
    directory = tmp_path_factory.mktemp("q") / "saved"
    models = q_models()
    summary = export_saved_model(models, directory, serving="q_of_action")
    return directory, models, summary, tf.saved_model.load(str(directory))


def test_the_summary_states_what_was_written(q: Any) -> None:
    directory, _, summary, _ = q
    of_action = Signature(
        (TensorSummary("state", "float32", (None, 8)), TensorSummary("action", "int32", (None,))),
        (TensorSummary("value", "float32", (None,)),),
    )
    scale = (TensorSummary("scale", "float32", ()),)
    assert summary.signatures == {
        "q": Signature(
            (TensorSummary("state", "float32", (None, 8)),), (TensorSummary("values", "float32", (None, 4)),)
        ),
        "q_of_action": of_action,
        "serving_default": of_action,
        "set_knobs": Signature(scale, scale),
    }
    assert summary.trainable_parameters == 8 * 16 + 16 + 16 * 4 + 4
    assert summary.parameters == summary.trainable_parameters + 1
    assert summary.bytes_on_disk == sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())


def test_signatures_have_the_models_names_dtypes_and_shapes(q: Any) -> None:
    directory, _, summary, _ = q
    definitions = signature_defs(directory)
    assert set(definitions) - {"__saved_model_init_op"} == set(summary.signatures)
    for name, signature in summary.signatures.items():
        for side, tensors in (("inputs", signature.inputs), ("outputs", signature.outputs)):
            written = {
                key: (tf.as_dtype(info.dtype).name, tuple(tf.TensorShape(info.tensor_shape)))
                for key, info in getattr(definitions[name], side).items()
            }
            assert written == {tensor.name: (tensor.dtype, tensor.shape) for tensor in tensors}


def test_the_defaults_stand_in_the_signature_def(q: Any) -> None:
    definitions = signature_defs(q[0])
    for name in ("q_of_action", "serving_default"):
        assert {key: tf.make_ndarray(value).tolist() for key, value in definitions[name].defaults.items()} == {
            "action": [1]
        }
    assert np.isnan(tf.make_ndarray(definitions["set_knobs"].defaults["scale"]))
    assert not definitions["q"].defaults


def test_every_variable_is_written_once(q: Any) -> None:
    directory, models, _, loaded = q
    unique = {id(weight) for model in models.values() for weight in model.weights}
    checkpoint = tf.train.list_variables(str(directory / "variables" / "variables"))
    values = [name for name, _ in checkpoint if name.endswith("VARIABLE_VALUE")]
    assert len(values) == len(loaded.variables) == len(unique) == 5
    assert len(loaded.trainable_variables) == 4
    assert {variable.name for variable in loaded.variables} == {
        weight.value.name for weight in models["q_of_action"].weights
    }


@pytest.mark.parametrize("batch", [0, 1, 3])
def test_loaded_functions_give_what_the_models_give(q: Any, batch: int) -> None:
    _, models, _, loaded = q
    state, action = states(batch), np.arange(batch, dtype="int32") % 4
    expected = keras.ops.convert_to_numpy(models["q_of_action"]({"state": state, "action": action})["value"])
    assert expected.shape == (batch,)
    by_signature = loaded.signatures["serving_default"](state=tf.constant(state), action=tf.constant(action))
    by_dict = loaded.q_of_action({"state": state, "action": action})
    np.testing.assert_allclose(by_signature["value"], expected, rtol=1e-6)
    np.testing.assert_allclose(by_dict["value"], expected, rtol=1e-6)
    values = loaded.signatures["q"](tf.constant(state))["values"]
    np.testing.assert_allclose(values, models["q"](state)["values"], rtol=1e-6)


@pytest.mark.parametrize("batch", [0, 1, 3])
def test_an_input_with_a_default_may_be_left_out_in_python(q: Any, batch: int) -> None:
    _, models, _, loaded = q
    expected = models["q_of_action"]({"state": states(batch), "action": np.ones(batch, "int32")})["value"]
    np.testing.assert_allclose(loaded.q_of_action({"state": states(batch)})["value"], expected, rtol=1e-6)


def test_a_default_of_batch_one_is_repeated_for_the_batch(q: Any) -> None:
    loaded = q[3]
    state = tf.constant(states(3))
    one = loaded.signatures["q_of_action"](state=state, action=tf.constant([2], tf.int32))["value"]
    each = loaded.signatures["q_of_action"](state=state, action=tf.constant([2, 2, 2], tf.int32))["value"]
    np.testing.assert_array_equal(one, each)


def test_models_that_share_variables_share_them_after_loading(tmp_path: Path) -> None:
    export_saved_model(q_models(), tmp_path / "saved", serving="q")
    loaded = tf.saved_model.load(str(tmp_path / "saved"))
    before = loaded.q({"state": states(2)})["values"].numpy()
    kernel = next(variable for variable in loaded.variables if variable.shape == (16, 4))
    bias = next(variable for variable in loaded.variables if variable.shape == (4,))
    kernel.assign(2.0 * kernel)
    bias.assign(2.0 * bias)
    after = loaded.q_of_action({"state": states(2), "action": np.array([0, 3], "int32")})["value"]
    np.testing.assert_allclose(loaded.q({"state": states(2)})["values"], 2.0 * before, rtol=1e-6)
    np.testing.assert_allclose(after, [before[0, 0], before[1, 3]], rtol=1e-5)


def test_a_knob_is_turned_in_the_loaded_model(tmp_path: Path) -> None:
    export_saved_model(q_models(), tmp_path / "saved", serving="q")
    loaded = tf.saved_model.load(str(tmp_path / "saved"))
    half = loaded.q_of_action({"state": states(2)})["value"].numpy()
    assert loaded.set_knobs(scale=1.0)["scale"] == 1.0
    np.testing.assert_allclose(loaded.q_of_action({"state": states(2)})["value"], 2.0 * half, rtol=1e-6)
    assert loaded.set_knobs()["scale"] == 1.0
    assert loaded.signatures["set_knobs"](scale=tf.constant(0.25))["scale"] == 0.25
    assert loaded.signatures["set_knobs"](scale=tf.constant(KEEP))["scale"] == 0.25
    for refused in (1.5, -0.1, float("inf"), -float("inf")):
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"knob `scale` cannot be .*outside 0\.\.1"):
            loaded.set_knobs(scale=refused)
    np.testing.assert_allclose(loaded.q_of_action({"state": states(2)})["value"], 0.5 * half, rtol=1e-6)


def test_names_that_tracing_does_not_take_are_the_signatures_names(tmp_path: Path) -> None:
    model = awkward_model()
    summary = export_saved_model({"awkward": model}, tmp_path / "saved", serving="awkward")
    definition = signature_defs(tmp_path / "saved")["serving_default"]
    assert set(definition.inputs) == {"self", "a", "A", "lambda", "x.y", "class"}
    assert set(definition.outputs) == {"class", "A", "a", "self"}
    assert set(definition.defaults) == {"class", "lambda"}
    assert [tensor.name for tensor in summary.signatures["awkward"].inputs] == list(model.input)
    loaded = tf.saved_model.load(str(tmp_path / "saved"))
    given = awkward_inputs()
    actual = loaded.awkward(given)
    assert set(actual) == {"class", "A", "a", "self"}
    for name, value in model(given).items():
        np.testing.assert_array_equal(actual[name], value)


def test_random_layers_draw_anew_and_inference_layers_infer(tmp_path: Path) -> None:
    @keras.saving.register_keras_serializable(package="specc_test")
    class Noise(keras.layers.Layer):
        def __init__(self, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.seed_generator = keras.random.SeedGenerator(7)

        def call(self, x: Any) -> Any:
            return x + keras.random.normal(keras.ops.shape(x), seed=self.seed_generator)

    x = keras.Input((4,), name="x")
    normalise = keras.layers.BatchNormalization(name="norm")
    steady = keras.layers.Dropout(0.5)(normalise(x))
    model = SpecModel({"x": x}, {"steady": steady, "noisy": Noise()(x)}, name="m")
    normalise.moving_mean.assign([1.0, 2.0, 3.0, 4.0])
    normalise.moving_variance.assign([4.0, 4.0, 4.0, 4.0])
    export_saved_model({"m": model}, tmp_path / "saved", serving="m")
    loaded = tf.saved_model.load(str(tmp_path / "saved"))
    one, two = (loaded.signatures["m"](tf.zeros((2, 4))) for _ in range(2))
    assert not np.allclose(one["noisy"], two["noisy"])
    expected = -np.array([1.0, 2.0, 3.0, 4.0]) / np.sqrt(4.0 + 1e-3)
    np.testing.assert_allclose(one["steady"], [expected, expected], rtol=1e-6)
    np.testing.assert_array_equal(one["steady"], two["steady"])


def test_global_random_state_is_saved_too(tmp_path: Path) -> None:
    @keras.saving.register_keras_serializable(package="specc_test")
    class GlobalNoise(keras.layers.Layer):
        def call(self, x: Any) -> Any:
            return x + keras.random.normal(keras.ops.shape(x))

    x = keras.Input((4,), name="x")
    export_saved_model({"m": SpecModel({"x": x}, {"y": GlobalNoise()(x)}, name="m")}, tmp_path / "saved", serving="m")
    loaded = tf.saved_model.load(str(tmp_path / "saved"))
    assert not np.allclose(loaded.m({"x": tf.zeros((2, 4))})["y"], loaded.m({"x": tf.zeros((2, 4))})["y"])


def test_unknown_dims_stay_unknown(tmp_path: Path) -> None:
    image = keras.Input((None, None, 3), name="image")
    features = keras.layers.Conv2D(2, 3, strides=2, padding="same")(image)
    model = SpecModel({"image": image}, {"features": features}, name="m")
    summary = export_saved_model({"m": model}, tmp_path / "saved", serving="m")
    assert summary.signatures["m"].inputs[0].shape == (None, None, None, 3)
    loaded = tf.saved_model.load(str(tmp_path / "saved"))
    for side in (5, 8):
        x = np.random.default_rng(side).normal(size=(2, side, side + 1, 3)).astype("float32")
        np.testing.assert_allclose(loaded.m({"image": x})["features"], model(x)["features"], rtol=1e-5, atol=1e-6)


def test_plain_keras_models_strings_and_lookup_tables(tmp_path: Path) -> None:
    word = keras.Input((), dtype="string", name="word")
    lookup = keras.layers.StringLookup(vocabulary=["near", "far"], name="index")
    by_list = keras.Model([word, keras.Input((2,), name="other")], [lookup(word)], name="by_list")
    x = keras.Input((2,), name="x")
    single = keras.Model(x, keras.layers.Dense(3, name="y")(x))
    summary = export_saved_model({"words": by_list, "single": single}, tmp_path / "saved", serving="words")
    assert [tensor.name for tensor in summary.signatures["words"].inputs] == ["word", "other"]
    loaded = tf.saved_model.load(str(tmp_path / "saved"))
    words = tf.constant(["far", "none", "near"])
    index = loaded.signatures["words"](word=words, other=tf.zeros((3, 2)))["index"]
    assert index.numpy().tolist() == [2, 0, 1]
    given = states(2)[:, :2]
    assert list(summary.signatures["single"].outputs) == [TensorSummary("y", "float32", (None, 3))]
    np.testing.assert_allclose(loaded.single(tf.constant(given))["y"], single(given), rtol=1e-6)


def test_bytes_on_disk_are_the_parameters_and_a_small_graph(tmp_path: Path) -> None:
    x = keras.Input((1000,), name="x")
    model = SpecModel({"x": x}, {"y": keras.layers.Dense(1000)(keras.layers.Dense(1000)(x))}, name="m")
    summary = export_saved_model({"m": model}, tmp_path / "saved", serving="m")
    assert summary.parameters == 2 * 1001 * 1000
    assert 4 * summary.parameters < summary.bytes_on_disk <= 1.05 * 4 * summary.parameters + 200_000


def test_a_model_is_traced_once(tmp_path: Path) -> None:
    calls = []

    @keras.saving.register_keras_serializable(package="specc_test")
    class Counted(keras.layers.Layer):
        def call(self, x: Any) -> Any:
            calls.append(isinstance(x, tf.Tensor))
            return x + 1.0

    x, y = keras.Input((2,), name="x"), keras.Input((2,), name="y")
    model = SpecModel({"x": x, "y": y}, {"z": Counted()(x) + y}, name="m", input_defaults={"y": [1.0, 2.0]})
    calls.clear()
    export_saved_model({"m": model}, tmp_path / "saved", serving="m")
    assert len(calls) == 1


def test_a_loaded_model_is_a_keras_layer(q: Any) -> None:
    directory, models, _, _ = q
    given = {"state": states(2), "action": np.array([3, 0], "int32")}
    inputs = {"state": keras.Input((8,), name="state"), "action": keras.Input((), dtype="int32", name="action")}
    layer = keras.layers.TFSMLayer(str(directory), call_endpoint="q_of_action")
    actual = keras.Model(inputs, layer(inputs)).predict(given, verbose=0)
    np.testing.assert_allclose(actual["value"], models["q_of_action"](given)["value"], rtol=1e-6)
    bare = keras.layers.TFSMLayer(str(directory), call_endpoint="q")
    np.testing.assert_allclose(bare(given["state"])["values"], models["q"](given["state"])["values"], rtol=1e-6)


def test_progress_names_the_steps(tmp_path: Path) -> None:
    steps: list[str] = []
    export_saved_model(q_models(), tmp_path / "saved", serving="q", progress=steps.append)
    assert steps == ["tracing q", "tracing q_of_action", "writing the SavedModel"]


BARE = """
import json, sys
sys.modules["specc"] = sys.modules["keras"] = sys.modules["tf_keras"] = None
import numpy as np
import tensorflow as tf

q, awkward, state = sys.argv[1], sys.argv[2], tf.constant(json.loads(sys.argv[3]))
loaded = tf.saved_model.load(q)
result = {
    "given": loaded.signatures["q_of_action"](state=state, action=tf.constant([0, 3]))["value"].numpy().tolist(),
    "default": loaded.q_of_action({"state": state})["value"].numpy().tolist(),
    "knob": loaded.set_knobs(scale=1.0)["scale"].numpy().tolist(),
    "turned": loaded.q_of_action({"state": state})["value"].numpy().tolist(),
}

# A session feeds and fetches by the SignatureDef, as TensorFlow Serving does.
def in_session(directory):
    graph = tf.Graph()
    session = tf.compat.v1.Session(graph=graph)
    with graph.as_default():
        definitions = tf.compat.v1.saved_model.load(session, ["serve"], directory).signature_def
    def run(signature, **given):
        definition = definitions[signature]
        feeds = {definition.inputs[name].name: value for name, value in given.items()}
        return session.run({name: info.name for name, info in definition.outputs.items()}, feeds)
    return run

run = in_session(q)
result["session_default"] = run("serving_default", state=state.numpy())["value"].tolist()
result["session_keeps"] = run("set_knobs")["scale"].tolist()
result["session_sets"] = run("set_knobs", scale=1.0)["scale"].tolist()
result["session_turned"] = run("serving_default", state=state.numpy())["value"].tolist()
try:
    run("set_knobs", scale=2.0)
except tf.errors.InvalidArgumentError as error:
    result["session_refuses"] = "knob `scale` cannot be 2" in str(error)
given = {name: np.ones((2, 2), np.float32) for name in ("a", "A", "x.y")}
result["awkward"] = in_session(awkward)("awkward", **given, **{"self": given["a"]})["A"].tolist()
print(json.dumps(result))
"""


def test_it_runs_where_neither_specc_nor_keras_is(q: Any, tmp_path: Path) -> None:
    directory, models, _, _ = q
    export_saved_model({"awkward": awkward_model()}, tmp_path / "awkward", serving="awkward")
    command = [sys.executable, "-c", BARE, str(directory), str(tmp_path / "awkward"), json.dumps(states(2).tolist())]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    half = models["q_of_action"]({"state": states(2)})["value"].numpy()
    given = models["q_of_action"]({"state": states(2), "action": np.array([0, 3], "int32")})["value"].numpy()
    np.testing.assert_allclose(result["given"], given, rtol=1e-6)
    np.testing.assert_allclose(result["default"], half, rtol=1e-6)
    np.testing.assert_allclose(result["turned"], 2.0 * half, rtol=1e-6)
    np.testing.assert_allclose(result["session_default"], half, rtol=1e-6)
    np.testing.assert_allclose(result["session_turned"], 2.0 * half, rtol=1e-6)
    assert (result["knob"], result["session_keeps"], result["session_sets"]) == (1.0, 0.5, 1.0)
    assert result["session_refuses"] is True
    # Places: self 1, a 10, A 100, lambda 1000 (defaults 0.5 and 0.25), x.y 10000.
    assert result["awkward"] == [[10611.0, 10361.0]] * 2
