"""What is installed: the grammar is found from everywhere, and the base needs what it declares and no TensorFlow."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from email import message_from_bytes
from importlib.metadata import distribution
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement

from specc.syntax import grammar_path
from specc.version import __version__

ROOT = Path(__file__).parents[1]
EXAMPLE = str(ROOT / "examples" / "gated_skip.cnet")


def run(*words: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    isolated = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(list(map(str, words)), cwd=cwd, env=isolated, capture_output=True, text=True)


def output(*words: str | Path, cwd: Path) -> str:
    done = run(*words, cwd=cwd)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the sdist of this tree."""
    folder = tmp_path_factory.mktemp("dist")
    output(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    (found,) = folder.glob("*.whl")
    return found


def requirements(name: str, seen: set[str]) -> Iterator[str]:
    """A distribution and all that it needs."""
    if name not in seen:
        seen.add(name)
        yield name
        for text in distribution(name).requires or ():
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                yield from requirements(requirement.name, seen)


def environment(folder: Path, needs: list[str]) -> Path:
    """A virtual environment with some distributions of this one and what those need; its `bin`."""
    output(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder.parent)
    (packages,) = folder.glob("lib/python*/site-packages")
    seen: set[str] = set()
    for name in (each for need in needs for each in requirements(need, seen)):
        found = distribution(name)
        for top in {file.parts[0] for file in found.files or ()} - {"..", "__pycache__"}:
            (packages / top).symlink_to(Path(str(found.locate_file(top))))
    return folder / "bin"


def install(bin: Path, *what: str | Path) -> None:
    options = ("install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index")
    output(sys.executable, "-m", "pip", "--python", bin / "python", *options, *what, cwd=bin)


def test_the_grammar_is_found_from_a_checkout() -> None:
    assert grammar_path() == ROOT / "grammar" / "cnet.lark"


def test_the_wheel_holds_the_package_the_grammar_and_nothing_else(wheel: Path) -> None:
    files = {str(path.relative_to(ROOT)) for path in (ROOT / "specc").rglob("*") if path.is_file()}
    grammar = {f"specc/{path.relative_to(ROOT)}" for path in (ROOT / "grammar").iterdir()}
    with ZipFile(wheel) as archive:
        info = f"specc-{__version__}.dist-info/"
        packed = {name for name in archive.namelist() if not name.startswith(info)}
        metadata = message_from_bytes(archive.read(f"{info}METADATA"))
        assert archive.read(f"{info}licenses/LICENSE") == (ROOT / "LICENSE").read_bytes()
    assert packed == {file for file in files if "__pycache__" not in file} | grammar
    assert {"specc/grammar/cnet.lark", "specc/py.typed", "specc/catalogue/data/layers.json"} <= packed
    assert (metadata["Version"], metadata["License-Expression"]) == (__version__, "Apache-2.0")
    base = [Requirement(text) for text in metadata.get_all("Requires-Dist", []) if "extra ==" not in text]
    assert sorted(requirement.name for requirement in base) == ["lark", "networkx", "numpy", "pydantic"]


def test_the_base_checks_and_explains_and_says_what_compiling_needs(wheel: Path, tmp_path: Path) -> None:
    bin = environment(tmp_path / "base", ["lark", "networkx", "numpy", "pydantic"])
    install(bin, wheel)
    found = output(bin / "python", "-c", "from specc.syntax import grammar_path; print(grammar_path())", cwd=tmp_path)
    (package,) = (tmp_path / "base").glob("lib/python*/site-packages/specc")
    assert found == f"{package}/grammar/cnet.lark\n"
    assert output(bin / "specc", "check", EXAMPLE, cwd=tmp_path) == ""
    assert output(bin / "specc", "explain", "cycle", cwd=tmp_path).startswith("error[cycle]\n")
    assert output(bin / "python", "-m", "specc", "--version", cwd=tmp_path) == f"specc {__version__}\n"
    done = run(bin / "specc", "compile", EXAMPLE, "-o", "out", cwd=tmp_path)
    line = 'specc: this needs TensorFlow: pip install "specc[tensorflow]"\n'
    assert (done.returncode, done.stdout, done.stderr) == (2, "", line)
    assert not (tmp_path / "out").exists()


def test_an_editable_install_finds_the_grammar_of_its_checkout(tmp_path: Path) -> None:
    bin = environment(tmp_path / "editable", ["lark", "networkx", "numpy", "pydantic", "hatchling"])
    install(bin, "--editable", ROOT)
    found = output(bin / "python", "-c", "from specc.syntax import grammar_path; print(grammar_path())", cwd=tmp_path)
    assert found == f"{ROOT}/grammar/cnet.lark\n"
    assert output(bin / "specc", "check", EXAMPLE, cwd=tmp_path) == ""
