"""Every example, compiled, loads in a process without specc and Keras and gives what the Keras model gives.

A random layer keeps its state in the SavedModel, so that even its first draws agree: both sides call the models in the
same order, each once.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import specc
from specc import pipeline
from specc.api import source_of
from tests.examples.cases import FILES, Arrays, random_inputs

BATCH = 3

SERVE = """
import sys
from pathlib import Path

sys.modules["keras"] = sys.modules["specc"] = None

import numpy as np
import tensorflow as tf

for folder in sorted(path for path in Path(sys.argv[1]).iterdir() if path.is_dir()):
    loaded = tf.saved_model.load(str(folder))
    given = np.load(folder.with_suffix(".given.npz"))
    served = {}
    for key in sorted(given):
        call, name = key.split("/")
        served.setdefault(call, {})[name] = tf.constant(given[key])
    found = {}
    for call, inputs in served.items():
        signature = call.split(":")[1]
        outputs = loaded.signatures[signature](**inputs)
        found |= {f"{call}/{name}": output.numpy() for name, output in outputs.items()}
    np.savez(folder.with_suffix(".served.npz"), **found)

assert not [name for name in sys.modules if name.split(".")[0] in ("keras", "specc") and sys.modules[name]]
"""


def compile_example(file: Path, out: Path) -> Arrays:
    """Write the SavedModel and the inputs of each call; return what the Keras models answer."""
    specc.compile(file, out)
    checked = pipeline.check(source_of(file))
    models = pipeline.build(checked, list(checked.program.graphs), 0)
    given: Arrays = {}
    expected: Arrays = {}
    serving = list(models)[-1]
    for place, signature in enumerate([*models, "serving_default"]):
        name = serving if signature == "serving_default" else signature
        # The number keeps the order of the calls through the file.
        call = f"{place:02}:{signature}"
        inputs = random_inputs(checked.program.graphs[name], BATCH, seed=place)
        given |= {f"{call}/{name}": array for name, array in inputs.items()}
        outputs = models[name](inputs, training=False)
        expected |= {f"{call}/{name}": np.asarray(output) for name, output in outputs.items()}
    np.savez(out.with_suffix(".given.npz"), **given)  # type: ignore[arg-type]
    return expected


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Arrays, Arrays]]:
    """Example to what its Keras models and what its SavedModel answer."""
    folder = tmp_path_factory.mktemp("served")
    expected = {file.stem: compile_example(file, folder / file.stem) for file in FILES}
    command = [sys.executable, "-I", "-c", SERVE, str(folder)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return {name: (arrays, _load(folder / f"{name}.served.npz")) for name, arrays in expected.items()}


def _load(file: Path) -> Arrays:
    with np.load(file) as arrays:
        return dict(arrays)


@pytest.mark.parametrize("name", [file.stem for file in FILES])
def test_a_bare_process_serves_the_same(answers: Any, name: str) -> None:
    expected, served = answers[name]
    assert served.keys() == expected.keys()
    for key, output in expected.items():
        assert served[key].dtype == output.dtype
        np.testing.assert_allclose(served[key], output, rtol=1e-5, atol=1e-6, err_msg=key)
        assert output.size and np.isfinite(output).all()


def test_different_inputs_give_different_answers(answers: Any) -> None:
    """The comparison means something: nothing answers with a constant."""
    for expected, _ in answers.values():
        assert all(len(np.unique(output)) > 1 for output in expected.values())
