"""What the file shares is one object for all of its models, and stays so through a Keras file."""

from pathlib import Path

import keras
import numpy as np
import pytest

import specc

SHARED = """
layer embed = Dense(4, activation="relu") -> BatchNormalization()
const scale = [1.0, 2.0, 3.0, 4.0]

model encoder {
  input x: float32[4]
  output z = x -> embed -> Dense(4)
}

model both {
  input a: float32[4]
  input b: float32[4]
  left, right = (a -> encoder, b -> encoder)
  direct = a -> embed
  output sum = (left + right) * scale
  output pair = (direct, direct -> embed) -> Concatenate()
}
"""


@pytest.fixture(scope="module")
def model() -> keras.Model:
    return specc.build(SHARED)


def test_a_layer_used_in_two_models_is_one_layer(model: keras.Model) -> None:
    encoder = model.get_layer("encoder")
    assert model.get_layer("embed.dense") is encoder.get_layer("embed.dense")
    assert [weight.path for weight in model.weights].count("embed.dense/kernel") == 1


def test_a_model_with_layers_of_its_parts_survives_a_keras_file(model: keras.Model, tmp_path: Path) -> None:
    rows = np.linspace(-1, 1, 12, dtype="float32").reshape(3, 4)
    model.save(tmp_path / "both.keras")
    loaded = keras.models.load_model(tmp_path / "both.keras")
    expected, found = (each({"a": rows, "b": rows[::-1]}) for each in (model, loaded))
    for name in ("sum", "pair"):
        np.testing.assert_array_equal(found[name], expected[name])
    loaded.save(tmp_path / "again.keras")
    again = keras.models.load_model(tmp_path / "again.keras")({"a": rows, "b": rows[::-1]})
    np.testing.assert_array_equal(again["pair"], expected["pair"])
