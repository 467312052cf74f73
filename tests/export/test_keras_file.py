"""A `.keras` file gives back the model, its defaults and knobs, and is never half written."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from specc.export.keras_file import export_keras_file
from specc.export.summary import ExportSummary, Signature, TensorSummary
from specc.keras_backend.layers.sources import Knob
from specc.keras_backend.model import SpecModel, knobs, set_knobs


def small_model() -> SpecModel:
    x, shift = keras.Input((3,), name="x"), keras.Input((2,), name="shift")
    y = keras.layers.Dense(2, name="y")(x) * Knob(0.5, 0.0, 1.0, name="g")(x) + shift
    return SpecModel({"x": x, "shift": shift}, {"y": y}, name="m", input_defaults={"shift": [1.0, 2.0]})


def test_what_is_loaded_is_what_was_written(tmp_path: Path) -> None:
    model = small_model()
    set_knobs(model, g=0.25)
    summary = export_keras_file(model, tmp_path / "new" / "net.keras")
    assert summary == ExportSummary(
        signatures={
            "m": Signature(
                (TensorSummary("x", "float32", (None, 3)), TensorSummary("shift", "float32", (None, 2))),
                (TensorSummary("y", "float32", (None, 2)),),
            )
        },
        parameters=9,
        trainable_parameters=8,
        bytes_on_disk=(tmp_path / "new" / "net.keras").stat().st_size,
    )
    loaded = keras.saving.load_model(tmp_path / "new" / "net.keras")
    assert isinstance(loaded, SpecModel)
    assert loaded.input_defaults == {"shift": [1.0, 2.0]}
    assert float(knobs(loaded)["g"].value) == 0.25
    x = np.arange(6, dtype="float32").reshape(2, 3)
    np.testing.assert_array_equal(loaded({"x": x})["y"], model({"x": x})["y"])


def test_a_failed_save_keeps_the_earlier_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    export_keras_file(small_model(), tmp_path / "net.keras")
    before = (tmp_path / "net.keras").read_bytes()

    def fail_halfway(self: SpecModel, path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr(SpecModel, "save", fail_halfway)
    with pytest.raises(OSError, match="no space left"):
        export_keras_file(small_model(), tmp_path / "net.keras")
    assert [path.name for path in tmp_path.iterdir()] == ["net.keras"]
    assert (tmp_path / "net.keras").read_bytes() == before


def test_another_suffix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"ends in \.keras"):
        export_keras_file(small_model(), tmp_path / "net.h5")
    assert list(tmp_path.iterdir()) == []
