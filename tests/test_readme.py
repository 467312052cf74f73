"""The README's promises: two set-up commands, and CI runs the second one word by word."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import specc
from specc import cli
from specc.diagnostics.render.full import full

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^```sh\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


def test_there_are_two_set_up_commands_of_one_line_each() -> None:
    assert [command.count("\n") for command in COMMANDS] == [1, 1]
    for command, extra in zip(COMMANDS, ("tensorflow", "test"), strict=True):
        environment, install, _ = command.split(" && ")
        assert environment == "python3 -m venv .venv"
        assert shlex.split(install)[-1] == f".[{extra}]"
    assert COMMANDS[1].split(" && ")[-1].startswith(".venv/bin/pytest")


def test_the_first_command_compiles_its_spec_and_says_nothing_but_where(tmp_path: Path) -> None:
    words = shlex.split(COMMANDS[0].split(" && ")[-1])
    assert words[:3] == [".venv/bin/specc", "compile", "examples/gated_skip.cnet"]
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    noisy = {key: value for key, value in os.environ.items() if key != "TF_CPP_MIN_LOG_LEVEL"}
    done = subprocess.run(
        [sys.executable, "-m", "specc", *words[1:]],
        cwd=tmp_path,
        env=noisy | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{words[-1]}\n", "")
    assert (tmp_path / words[-1] / "saved_model.pb").is_file()


def test_the_readme_shows_the_spec_that_the_command_compiles() -> None:
    example = (ROOT / "examples" / "gated_skip.cnet").read_text(encoding="utf-8")
    (shown,) = re.findall(r"^```cnet\n(.*?model gated_skip.*?)^```$", README, re.DOTALL | re.MULTILINE)
    assert example.endswith(f"\n{shown}")


def test_commands_print_what_the_readme_shows(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    blocks = re.findall(r"^```console\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
    assert blocks
    for shown in re.findall(r"^\$ (specc [^\n]*)\n((?:(?!\$ ).*\n)*)", "".join(blocks), re.MULTILINE):
        command, expected = shown
        cli.main(shlex.split(command)[1:])
        assert (command, capsys.readouterr().out) == (command, expected)


def test_the_faulty_spec_is_told_what_the_readme_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pattern = r"^```cnet\n(model slip.*?)^```\n\n```text\n(.*?)^```$"
    ((spec, shown),) = re.findall(pattern, README, re.DOTALL | re.MULTILINE)
    (tmp_path / "slip.cnet").write_text(spec, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert full(specc.check("slip.cnet")) == shown


def test_the_python_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    known: dict[str, Any] = {}
    for block in re.findall(r"^```python\n(.*?)^```$", README, re.DOTALL | re.MULTILINE):
        exec(compile(block, "README.md", "exec"), known)
    assert known["half"].shape == (2, 4)
    assert not (known["deep"] == known["half"]).any()
    assert known["value"][0, 0] == known["values"][0, 2]


def test_ci_runs_the_second_command_and_fails_when_it_fails(tmp_path: Path) -> None:
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", tmp_path / ".ci" / "run")
    readme = tmp_path / "README.md"
    readme.write_text("```sh\nfalse\n```\n```console\n$ false\n```\n```sh\ntrue && pwd && ls\n```\n```sh\nfalse\n```\n")
    done = subprocess.run(["bash", str(tmp_path / ".ci" / "run")], cwd="/", capture_output=True, text=True)
    command, folder, *files = done.stdout.splitlines()
    assert (done.returncode, command, files) == (0, "true && pwd && ls", ["README.md"])
    assert Path(folder) != tmp_path
    assert not Path(folder).exists()

    readme.write_text("```sh\ntrue\n```\n```sh\ntrue && false\n```\n")
    assert subprocess.run(["bash", str(tmp_path / ".ci" / "run")], capture_output=True).returncode == 1
