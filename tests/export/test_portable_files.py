"""ONNX and LiteRT files give what Keras gives, under the names of the spec, in runtimes without TensorFlow.

ONNX is run by ONNX Runtime, LiteRT by its own interpreter, which does not have Flex, the operations of TensorFlow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime
import pytest
from ai_edge_litert.interpreter import Interpreter

import specc
from specc import cli, pipeline
from specc.api import source_of
from specc.export import formats
from specc.forms import UnportableError
from tests.examples.cases import FILES, Arrays, random_inputs

REFUSED: Final[Mapping[str, str]] = {"digit_vae": "`code.normal`, which draws random numbers"}
"""The examples that no file can hold, and what is said of them."""

GUARDED: Final = """
model guarded {
  input x: float32[3] in 0..1
  input control: int32
  weight bank: float32[4, 3, 2]
  input row: int64
  output y = x -> Dense(6, bias_initializer="ones") -> mux(control, of=3)
  output z = x -> Dense(2, kernel=bank[row], activation="relu")
}
"""

Run = Callable[[Path, Arrays], Arrays]


def run_onnx(file: Path, inputs: Arrays) -> Arrays:
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, inputs), strict=True))


def run_litert(file: Path, inputs: Arrays) -> Arrays:
    found: Arrays = Interpreter(str(file)).get_signature_runner()(**inputs)
    return found


RUNS: Final[Mapping[str, Run]] = {"onnx": run_onnx, "tflite": run_litert}


@pytest.fixture(params=RUNS)
def suffix(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.mark.parametrize("file", [file for file in FILES if file.stem not in REFUSED], ids=lambda file: file.stem)
def test_an_example_gives_what_keras_gives(file: Path, suffix: str, tmp_path: Path) -> None:
    out = tmp_path / f"net.{suffix}"
    summary = specc.compile(file, out)
    checked = pipeline.check(source_of(file))
    name = list(checked.program.graphs)[-1]
    assert list(summary.signatures) == [name] and summary.bytes_on_disk == out.stat().st_size
    model = pipeline.build(checked, [name], 0)[name]
    # LiteRT's own operators refuse an empty batch.
    for batch in (0, 1, 3) if suffix == "onnx" else (1, 3):
        inputs = random_inputs(checked.program.graphs[name], batch)
        expected = model(inputs, training=False)
        found = RUNS[suffix](out, inputs)
        assert found.keys() == expected.keys()
        for key, output in expected.items():
            assert found[key].dtype == np.asarray(output).dtype
            assert found[key].shape == output.shape
            np.testing.assert_allclose(found[key], output, rtol=1e-5, atol=2e-6, err_msg=key)


@pytest.mark.parametrize("name", REFUSED)
def test_an_example_that_no_file_can_hold_is_refused(name: str, suffix: str, tmp_path: Path) -> None:
    (file,) = [file for file in FILES if file.stem == name]
    with pytest.raises(UnportableError, match=REFUSED[name]):
        specc.compile(file, tmp_path / f"net.{suffix}")
    assert list(tmp_path.iterdir()) == []


def test_a_sample_that_fails_a_guard_is_nan_and_the_others_are_not(suffix: str, tmp_path: Path) -> None:
    specc.compile(GUARDED, tmp_path / f"net.{suffix}")
    x = np.full((6, 3), 0.5, "float32")
    control, row = np.array([0, 3, 2, -1, 1, 0], "int32"), np.array([0, 1, 4, 2, 3, -1], "int64")
    x[4, 1] = 1.5
    expected = specc.build(GUARDED)({"x": x[:1], "control": control[:1], "row": row[:1]})
    found = RUNS[suffix](tmp_path / f"net.{suffix}", {"x": x, "control": control, "row": row})
    for name, output in found.items():
        np.testing.assert_allclose(output[0], expected[name][0], rtol=1e-5, atol=1e-6)
        assert np.isnan(output[1:]).all()
    x[0, 0] = np.nan
    assert all(
        np.isnan(output).all()
        for output in RUNS[suffix](tmp_path / f"net.{suffix}", {"x": x, "control": control, "row": row}).values()
    )


def test_a_guard_of_a_model_inside_another_is_not_lost(suffix: str, tmp_path: Path) -> None:
    spec = """
    model inner {
      input x: float32[3]
      input c: int32
      output best = argmax(x -> Dense(6) -> mux(c, of=3))
    }
    model outer {
      input x: float32[3]
      input c: int32
      output y = one_hot((x, c) -> inner, 2) -> Dense(2, activation="relu", bias_initializer="ones")
    }
    """
    specc.compile(spec, tmp_path / f"net.{suffix}")
    inputs = {"x": np.ones((2, 3), "float32"), "c": np.array([1, 3], "int32")}
    found = RUNS[suffix](tmp_path / f"net.{suffix}", inputs)["y"]
    expected = specc.build(spec)({"x": inputs["x"][:1], "c": inputs["c"][:1]})["y"]
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-5)
    assert np.isnan(found[1]).all()


def test_grouped_convolutions_are_those_of_keras(suffix: str, tmp_path: Path) -> None:
    """Keras has TensorFlow's XLA run them, which is nowhere else."""
    spec = """
model m {
  input x: float32[12, 12, 8]
  output plain = x -> Conv2D(8, 3, padding="same", groups=4)
  output strided = x -> Conv2D(16, 3, strides=2, padding="same", groups=2)
  output causal = x -> Reshape([144, 8]) -> Conv1D(8, 5, padding="causal", groups=2, dilation_rate=2)
}
"""
    specc.compile(spec, tmp_path / f"net.{suffix}")
    x = np.random.default_rng(0).normal(size=(3, 12, 12, 8)).astype("float32")
    found = RUNS[suffix](tmp_path / f"net.{suffix}", {"x": x})
    for name, expected in specc.build(spec)({"x": x}).items():
        np.testing.assert_allclose(found[name], expected, rtol=1e-5, atol=2e-6, err_msg=name)


def test_clamped_and_zeroed_muxes_are_those_of_keras(suffix: str, tmp_path: Path) -> None:
    spec = """
    model m {
      input x: float32[4]
      input c: int32
      output clamped = x -> mux(c, of=2, otherwise="clamp")
      output zeroed = (x, 2 * x) -> mux(c, otherwise="zero")
    }
    """
    specc.compile(spec, tmp_path / f"net.{suffix}")
    inputs = {"x": np.arange(16, dtype="float32").reshape(4, 4), "c": np.array([-1, 0, 1, 2], "int32")}
    found = RUNS[suffix](tmp_path / f"net.{suffix}", inputs)
    assert np.array_equal(found["clamped"], [[0, 1], [4, 5], [10, 11], [14, 15]])
    assert np.array_equal(found["zeroed"], [[0] * 4, [4, 5, 6, 7], [16, 18, 20, 22], [0] * 4])


def test_names_and_batch_are_those_of_the_spec(suffix: str, tmp_path: Path) -> None:
    spec = (
        "model m {\n  input class: float32[2]\n  input a: float32[2]\n  input A: float32[2]\n"
        "  output self = class + 2 * a + 4 * A\n}\n"
    )
    out = tmp_path / f"net.{suffix}"
    summary = specc.compile(spec, out)
    assert [tensor.name for tensor in summary.signatures["m"].inputs] == ["class", "a", "A"]
    inputs = {name: np.full((2, 2), value, "float32") for name, value in (("class", 1), ("a", 1), ("A", 1))}
    assert np.array_equal(RUNS[suffix](out, inputs)["self"], np.full((2, 2), 7))
    if suffix == "onnx":
        session = onnxruntime.InferenceSession(str(out), providers=["CPUExecutionProvider"])
        assert [(entry.name, entry.shape) for entry in session.get_inputs()] == [
            (name, ["batch", 2]) for name in ("class", "a", "A")
        ]
    else:
        assert Interpreter(str(out)).get_signature_list() == {"m": {"inputs": ["A", "a", "class"], "outputs": ["self"]}}


def test_the_file_holds_the_model_that_is_named_and_its_knobs_as_they_are(suffix: str, tmp_path: Path) -> None:
    spec = (
        "model one {\n  input x: float32[1]\n  knob g = 0.25 in 0..1\n  output y = g * x\n}\n"
        "model two {\n  input x: float32[1]\n  output y = 2 * x\n}\n"
    )
    for name, factor in ((None, 2), ("one", 0.25)):
        specc.compile(spec, tmp_path / f"net.{suffix}", model=name)
        found = RUNS[suffix](tmp_path / f"net.{suffix}", {"x": np.ones((1, 1), "float32")})
        assert found["y"] == factor


BODIES: Final = {
    "strings": ("  input s: string\n  input x: float32[2]\n  output y = x -> Dense(1)\n  output t = s\n", "`s`: it is"),
    "integers": ("  input x: float32[2] in 0..1\n  output best = argmax(x)\n", "the output `best`, int32"),
    "drawing": ("  input x: float32[2]\n  output y = x + normal(like=x)\n", "which draws random numbers"),
    "sizes": (
        "  input x: float32[?, 4, 1]\n  input k: float32[3, 3, 1, 2]\n  output y = x -> Conv2D(2, 3, kernel=k)\n",
        "`y` has a kernel for each sample",
    ),
    "windows": (
        '  input x: float32[6, 6, 6, 1]\n  output y = x -> Conv3D(1, 1, strides=3, padding="same")\n',
        "`y` has a window that does not reach",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BODIES)
def test_what_a_file_can_not_hold_is_told_in_one_line(
    case: str, suffix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    body, message = BODIES[case]
    spec = tmp_path / "net.cnet"
    spec.write_text(f"model m {{\n{body}}}\n", encoding="utf-8")
    out = tmp_path / f"net.{suffix}"
    assert cli.main(["compile", str(spec), "-o", str(out)]) == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("specc: ") and message in line
    assert list(tmp_path.iterdir()) == [spec]


@pytest.mark.parametrize(
    ("z", "message"), [("roll(x, 1, axis=1)", r"`z` \(Roll\)"), ("x -> Reshape([2, 1]) -> GRU(3)", r"`z` \(TensorList")]
)
def test_an_operation_that_litert_does_not_have_is_refused_by_name(z: str, message: str, tmp_path: Path) -> None:
    spec = f"model m {{\n  input x: float32[2]\n  output y = x -> Dense(4)\n  output z = {z}\n}}\n"
    with pytest.raises(UnportableError, match=message):
        specc.compile(spec, tmp_path / "net.tflite")
    assert list(tmp_path.iterdir()) == []


def test_an_input_can_not_be_an_output_of_an_onnx_file(tmp_path: Path) -> None:
    with pytest.raises(UnportableError, match="of the one name `x`"):
        specc.compile("model m {\n  input x: float32[2]\n  output x\n}\n", tmp_path / "net.onnx")


def test_a_missing_package_is_told_with_the_command_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(formats, "find_spec", lambda name: None)
    spec = tmp_path / "net.cnet"
    spec.write_text("model m {\n  input x: float32[2]\n  output y = 2 * x\n}\n", encoding="utf-8")
    assert cli.main(["compile", str(spec), "-o", str(tmp_path / "net.onnx")]) == 2
    assert capsys.readouterr().err == 'specc: an ONNX file needs tf2onnx: pip install "specc[onnx]"\n'
