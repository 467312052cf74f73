"""The command line: what it prints where, and how it ends."""

from __future__ import annotations

import io
import json
import os
import pty
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any, NamedTuple

import pytest

import specc
from specc import cli, pipeline
from specc.catalogue.facts import LayerFacts
from specc.catalogue.layers import LayerEntry
from specc.diagnostics.render import FORMATS
from specc.findings import KINDS, open_spec
from specc.source import Source

ROOT = Path(__file__).parents[1]
CLEAN = "model clean(width = 2) {\n  input x: float32[4]\n  output y = x -> Dense(width)\n}\n"
FAULTY = "model faulty {\n  input x: float32[4]\n  output y = x -> Dens(2)\n}\n"
SUSPICIOUS = "model wary {\n  input x: float32[4]\n  near, far = x -> gate(0.3)\n  output y = near -> Dense(2)\n}\n"


class Ended(NamedTuple):
    code: int
    out: str
    err: str


Run = Callable[..., Ended]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command line in an empty folder that is the working directory."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> Ended:
        code = cli.main(arguments)
        return Ended(code, *capsys.readouterr())

    return call


def write(**texts: str) -> None:
    for name, text in texts.items():
        Path(f"{name}.cnet").write_text(text, encoding="utf-8")


def test_a_clean_file_leaves_a_pipe_empty(run: Run) -> None:
    write(clean=CLEAN)
    assert run("check", "clean.cnet") == (0, "", "")


def test_errors_fail_and_warnings_do_not(run: Run) -> None:
    write(faulty=FAULTY, wary=SUSPICIOUS)
    done = run("check", "faulty.cnet", "--format", "concise")
    assert done == (1, "faulty.cnet:3:19: error[unknown-layer]: there is no layer `Dens`\n", "")
    done = run("check", "wary.cnet", "--format", "concise")
    assert (done.code, done.out.count("\n"), done.err) == (0, 1, "")
    assert done.out.startswith("wary.cnet:3:20: warning[lost-fraction]: ")


@pytest.mark.parametrize("format", FORMATS)
def test_each_format_is_that_of_its_renderer(run: Run, format: str) -> None:
    write(faulty=FAULTY, clean=CLEAN)
    for name in ("faulty.cnet", "clean.cnet"):
        source = open_spec(Path(name), name)
        assert isinstance(source, Source)
        assert run("check", name, "--format", format).out == FORMATS[format](pipeline.check(source).findings.in_order())


def test_folders_give_every_spec_below_them_once_and_in_order(run: Run) -> None:
    for path in ("b/z.cnet", "b/a.cnet", "b/.hidden/no.cnet", "b/c/d.cnet", "b/no.txt", "a.cnet", "b/.e.cnet"):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(FAULTY, encoding="utf-8")
    done = run("check", "b/z.cnet", "a.cnet", ".", "./b/c/../z.cnet", "--format", "concise")
    names = [line.split(":")[0] for line in done.out.splitlines()]
    assert names == ["b/z.cnet", "a.cnet", "b/.e.cnet", "b/a.cnet", "b/c/d.cnet"]


def test_names_are_shown_from_the_working_directory(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    write(faulty=FAULTY)
    here = Path.cwd()
    assert run("check", str(here / "faulty.cnet"), "--format", "concise").out.startswith("faulty.cnet:3:19: ")
    Path("elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    assert run("check", "../faulty.cnet", "--format", "concise").out.startswith("../faulty.cnet:3:19: ")


def test_a_fault_that_several_files_meet_is_shown_once_in_its_own_place(run: Run) -> None:
    shared = "block shared {\n  input x\n  output y = x -> Dens(2)\n}\n"
    user = 'use "shared.cnet": shared\n\nmodel m {\n  input x: float32[4]\n  output y = x -> shared\n  z = q\n}\n'
    write(one=user, shared=shared, two=user)
    fault = "shared.cnet:3:19: error[unknown-layer]: there is no layer `Dens`"
    own = "{}.cnet:6:7: error[unknown-name]: nothing is named `q`"
    for files, expected in (
        (["one", "two"], [own.format("one"), fault, own.format("two")]),
        (["two", "one", "shared"], [own.format("two"), own.format("one"), fault]),
        (["shared", "one"], [fault, own.format("one")]),
    ):
        done = run("check", *(f"{name}.cnet" for name in files), "--format", "concise")
        assert done.out.splitlines() == expected


def test_standard_input_is_a_dash(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for data, expected in (
        (FAULTY.encode(), "<stdin>:3:19: error[unknown-layer]: there is no layer `Dens`\n"),
        (
            b"mod\xff",
            "<stdin>:1:1: error[unreadable-file]: this file can not be read: the text is not UTF-8 (byte 3)\n",
        ),
    ):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        assert run("check", "-", "--format", "concise") == (1, expected, "")


def test_a_file_that_can_not_be_read_is_a_finding_among_the_others(run: Run) -> None:
    write(faulty=FAULTY)
    Path("bad.cnet").write_bytes(b"\xff")
    done = run("check", ".", "--format", "concise")
    kinds = [line.split("[")[1].split("]")[0] for line in done.out.splitlines()]
    assert (done.code, kinds) == (1, ["unreadable-file", "unknown-layer"])


def test_set_reaches_the_parameters_of_a_model(run: Run) -> None:
    write(wide=CLEAN.replace("}", "  expect params == 15\n}"))
    assert run("check", "wide.cnet").code == 1
    assert run("check", "wide.cnet", "--set", "width=3") == (0, "", "")
    assert run("check", "wide.cnet", "--set", "width=2", "--set", "width=3").code == 0
    assert "[wrong-kind]" in run("check", "wide.cnet", "--set", "width=three", "--format", "concise").out


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", "the following arguments are required: COMMAND"),
        ("frobnicate", "invalid choice: 'frobnicate'"),
        ("check", "the following arguments are required: PATH"),
        ("check clean.cnet --form full", "unrecognized arguments: --form"),
        ("check clean.cnet --format fancy", "invalid choice: 'fancy'"),
        ("check nowhere.cnet clean.cnet", "there is no file or folder nowhere.cnet"),
        ("check empty", "there is no .cnet file below empty"),
        ("check clean.cnet --set width", "NAME=VALUE is expected, not 'width'"),
        ("check clean.cnet --set =3", "NAME=VALUE is expected, not '=3'"),
        ("check clean.cnet --set widht=3", "clean.cnet: no model of this file has a parameter `widht`; did you mean"),
        ("explain unused-nod", "there is no kind of finding `unused-nod`; did you mean `unused-node`?"),
        ("explain frobnicate", "there is no kind of finding `frobnicate`; `specc explain` lists them"),
        ("compile clean.cnet", "the following arguments are required: -o/--out"),
        ("compile nowhere.cnet -o out", "there is no file nowhere.cnet"),
        ("compile clean.cnet -o out --weights nowhere.h5", "there is no file nowhere.h5"),
        ("compile clean.cnet -o out --model clear", "the spec has no model `clear`; did you mean `clean`?"),
        ("compile clean.cnet -o out --seed many", "argument --seed: invalid int value: 'many'"),
        ("compile nothing.cnet -o out", "the spec has no model"),
    ],
)
def test_wrong_use_is_one_line(run: Run, line: str, words: str) -> None:
    write(clean=CLEAN, nothing="# Nothing yet.\n")
    Path("empty").mkdir()
    done = run(*line.split())
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert done.err.startswith("specc: ")
    assert words in done.err
    assert not Path("out").exists()


def test_a_bug_is_one_line_and_a_traceback_for_who_asks(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise KeyError("first\nsecond")

    write(clean=CLEAN)
    monkeypatch.setattr(pipeline, "check", broken)
    done = run("check", "clean.cnet")
    line = "specc: a bug of specc's, please report it: KeyError: 'first\\nsecond' (SPECC_TRACEBACK=1 shows where)\n"
    assert done == (3, "", line)
    monkeypatch.setenv("SPECC_TRACEBACK", "1")
    done = run("check", "clean.cnet")
    assert done.code == 3
    assert done.err.startswith("Traceback (most recent call last):\n")
    assert ", in broken\n" in done.err
    assert done.err.endswith(f"\n{line}")


def test_a_reader_that_has_gone_ends_it_quietly(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object) -> None:
        raise BrokenPipeError

    write(clean=CLEAN)
    monkeypatch.setattr(pipeline, "check", stopped)
    monkeypatch.setattr(cli, "_abandon_output", lambda: None)
    assert run("check", "clean.cnet") == (141, "", "")


UNTIDY = "model untidy{\n input x :float32[4]\n output y=x->Dense( 2 )\n}\n"
TIDY = "model untidy {\n  input x: float32[4]\n  output y = x -> Dense(2)\n}\n"


def test_format_writes_what_changes_and_names_it(run: Run) -> None:
    write(clean=TIDY, untidy=UNTIDY)
    Path("untidy.cnet").chmod(0o640)
    before = Path("clean.cnet").stat().st_mtime_ns
    assert run("format", ".", "--check") == (1, "untidy.cnet\n", "")
    assert Path("untidy.cnet").read_text() == UNTIDY
    assert run("format", ".") == (0, "untidy.cnet\n", "")
    assert (Path("untidy.cnet").read_text(), Path("untidy.cnet").stat().st_mode & 0o777) == (TIDY, 0o640)
    assert Path("clean.cnet").stat().st_mtime_ns == before
    assert run("format", ".") == run("format", ".", "--check") == (0, "", "")
    assert sorted(Path().iterdir()) == [Path("clean.cnet"), Path("untidy.cnet")]


def test_format_leaves_what_it_can_not_read(run: Run) -> None:
    write(broken="model m {\n  output y = = x\n}\n", untidy=UNTIDY)
    Path("bytes.cnet").write_bytes(b"\xff")
    done = run("format", ".")
    assert (done.code, done.out) == (1, "untidy.cnet\n")
    assert "error[unreadable-file]" in done.err and "error[syntax]" in done.err
    assert Path("broken.cnet").read_text() == "model m {\n  output y = = x\n}\n"
    assert Path("bytes.cnet").read_bytes() == b"\xff"


def test_format_takes_standard_input(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def given(text: str) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode()), encoding="utf-8"))

    given(UNTIDY)
    assert run("format", "-") == (0, TIDY, "")
    given(UNTIDY)
    assert run("format", "-", "--check") == (1, "<stdin>\n", "")
    given("model m {")
    done = run("format", "-")
    assert (done.code, done.out) == (1, "")
    assert "error[syntax]" in done.err


def test_explain(run: Run) -> None:
    listed = run("explain")
    assert (listed.code, listed.err) == (0, "")
    assert [tuple(line.split()) for line in listed.out.splitlines()] == [(kind.id, kind.severity) for kind in KINDS]
    done = run("explain", "unknown-layer")
    (kind,) = (kind for kind in KINDS if kind.id == "unknown-layer")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"error[unknown-layer]\n\n{kind.explanation}\n")
    assert "    error[unknown-layer]: there is no layer `Dens`\n     --> self.cnet:3:19\n" in done.out


@contextmanager
def screen(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], str]]:
    """Puts the standard streams on a terminal; gives what has been written to it since the last time."""
    ours, theirs = pty.openpty()
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    pieces: Queue[bytes] = Queue()

    def read() -> None:
        # A terminal holds but a few kilobytes before who writes has to wait. Linux ends it with an error.
        with suppress(OSError):
            while piece := os.read(ours, 4096):
                pieces.put(piece)

    def shown() -> str:
        stream.write("\0")
        stream.flush()
        text = b""
        while not text.endswith(b"\0"):
            text += pieces.get(timeout=10)
        return text.decode().replace("\r\n", "\n").rstrip("\0")

    reader = Thread(target=read)
    reader.start()
    with open(theirs, "w", encoding="utf-8", buffering=1) as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        monkeypatch.setattr(sys, "stderr", stream)
        yield shown
    reader.join()
    os.close(ours)


def test_a_terminal_gets_colours_and_a_word_when_all_is_well(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    write(clean=CLEAN)
    with screen(monkeypatch) as shown:
        assert cli.main(["check", "."]) == 0
        assert shown() == "1 file, no findings\n"
        write(faulty=FAULTY)
        assert cli.main(["check", "."]) == 1
        assert shown().startswith("\x1b[1;31merror[unknown-layer]\x1b[0m")
        monkeypatch.setenv("NO_COLOR", "1")
        assert cli.main(["check", "."]) == 1
        assert shown().startswith("error[unknown-layer]: ")


def test_compile_writes_what_build_gives_and_tells_a_pipe_where(run: Run) -> None:
    import keras
    import numpy as np

    write(net=SUSPICIOUS + CLEAN)
    done = run("compile", "net.cnet", "-o", "net.keras", "--seed", "3", "--set", "width=5")
    assert (done.code, done.out) == (0, "net.keras\n")
    assert done.err.startswith("warning[lost-fraction]: ")
    compiled = keras.models.load_model("net.keras")
    for given, expected in zip(compiled.weights, specc.build("net.cnet", seed=3, width=5).weights, strict=True):
        assert given.path == expected.path
        np.testing.assert_array_equal(given.numpy(), expected.numpy())

    specc.build("net.cnet", "wary", seed=8).save_weights("wary.weights.h5")
    done = run("compile", "net.cnet", "-o", "wary.keras", "--model", "wary", "--weights", "wary.weights.h5")
    assert (done.code, done.out) == (0, "wary.keras\n")
    compiled = keras.models.load_model("wary.keras")
    for given, expected in zip(compiled.weights, specc.build("net.cnet", "wary", seed=8).weights, strict=True):
        np.testing.assert_array_equal(given.numpy(), expected.numpy())

    done = run("compile", "net.cnet", "-o", "wrong.keras", "--set", "width=3", "--weights", "wary.weights.h5")
    assert (done.code, done.out, Path("wrong.keras").exists()) == (2, "", False)
    assert done.err.splitlines()[-1].startswith("specc: the weights of wary.weights.h5 do not fit this model: ")


def test_compile_refuses_what_it_can_not_write_or_what_has_errors(run: Run) -> None:
    write(clean=CLEAN, faulty=FAULTY)
    done = run("compile", "faulty.cnet", "-o", "out")
    assert (done.code, done.out, Path("out").exists()) == (1, "", False)
    assert done.err.startswith("error[unknown-layer]: there is no layer `Dens`\n --> faulty.cnet:3:19\n")
    done = run("compile", "clean.cnet", "-o", "clean.cnet")
    assert done == (
        2,
        "",
        f"specc: cannot write {Path.cwd()}/clean.cnet: it is a file, and a SavedModel is a directory\n",
    )
    assert Path("clean.cnet").read_text(encoding="utf-8") == CLEAN


def test_compile_tells_a_terminal_what_it_does_and_what_it_wrote(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    write(clean=CLEAN)
    with screen(monkeypatch) as shown:
        assert cli.main(["compile", "clean.cnet", "-o", "out", "--quiet"]) == 0
        assert shown() == "out\n"
        assert cli.main(["compile", "clean.cnet", "-o", "out"]) == 0
        text = shown()
    for step in ("loading TensorFlow", "building the Keras model", "tracing clean", "writing the SavedModel"):
        assert f" s  {step}\n" in text
    size = sum(file.stat().st_size for file in Path("out").rglob("*") if file.is_file())
    signature = "       x  float32[?, 4]\n    -> y  float32[?, 2]\n"
    summary = f"  10 parameters, all trainable; {size / 1000:.3g} kB; "
    assert f"out\n  clean\n{signature}  serving_default\n{signature}{summary}" in text


def test_show_prints_what_every_node_is_and_the_totals(run: Run) -> None:
    write(clean=CLEAN)
    done = run("show", "clean.cnet")
    assert done.code == 0
    assert [line.split() for line in done.out.splitlines() if line.startswith(("x ", "y "))] == [
        ["x", "input", "float32[4]"],
        ["y", "Dense", "float32[2]", "10", "8"],
    ]
    assert "parameters 10 (10 trainable), macs 8, depth 1\nin  x: float32[4]\nout y: float32[2]\n" in done.out


def test_show_as_json_holds_the_same_figures(run: Run) -> None:
    write(clean=CLEAN)
    shown = json.loads(run("show", "clean.cnet", "--format", "json", "--set", "width=3").out)
    (model,) = shown["models"]
    assert (shown["version"], model["params"], model["macs"], model["outputs"]) == (1, 15, 12, {"y": "float32[3]"})
    assert model["nodes"][1]["reads"] == ["x"]


def test_show_says_how_nodes_are_lowered_when_asked(run: Run) -> None:
    inputs = "  input x: float32[4]\n  input c: int32 in 0..2\n"
    write(mux=f"model m {{\n{inputs}  output y = x -> Dense(6) -> mux(c, of=2)\n}}\n")
    assert "one group's Dense a sample" in run("show", "mux.cnet", "--lowering").out
    assert "one group's Dense a sample" not in run("show", "mux.cnet").out


def test_show_prints_findings_instead_of_a_faulty_model(run: Run) -> None:
    write(faulty=FAULTY)
    done = run("show", "faulty.cnet")
    assert (done.code, done.out) == (1, "")
    assert "unknown-layer" in done.err


def test_warnings_fail_a_check_when_that_is_asked_for(run: Run) -> None:
    write(wary=SUSPICIOUS)
    assert run("check", "wary.cnet").code == 0
    assert run("check", "wary.cnet", "--fail-on", "warning").code == 1


def test_a_deep_check_builds_the_models_and_agrees(run: Run) -> None:
    write(clean=CLEAN, faulty=FAULTY)
    assert run("check", "--deep", "clean.cnet") == Ended(0, "", "")
    assert run("check", "--deep", "clean.cnet", "faulty.cnet").code == 1


def test_where_keras_disagrees_with_what_was_proven_is_said(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    write(clean=CLEAN)
    infer = LayerEntry.infer

    def wrong(entry: LayerEntry, *arguments: Any) -> Any:
        facts = infer(entry, *arguments)
        assert isinstance(facts, LayerFacts)
        return replace(facts, outputs=tuple(replace(type, shape=(7,)) for type in facts.outputs))

    monkeypatch.setattr(LayerEntry, "infer", wrong)
    done = run("check", "--deep", "clean.cnet")
    assert done.code == 3
    assert "clean.cnet:3:19: `y`: specc has proven float32[7], and Keras makes [2] of it" in done.err


def test_what_can_not_be_proven_is_counted_and_built_in_keras(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    write(clean=CLEAN)
    infer = LayerEntry.infer

    def without_rule(entry: LayerEntry, *arguments: Any) -> Any:
        facts = infer(entry, *arguments)
        assert isinstance(facts, LayerFacts)
        return replace(facts, outputs=tuple(replace(type, shape=None) for type in facts.outputs), proven=False)

    monkeypatch.setattr(LayerEntry, "infer", without_rule)
    line = "1 node could not be proven; `specc check --deep` builds them\n"
    assert run("check", "clean.cnet") == (0, line, "")
    assert run("check", "--deep", "clean.cnet") == (0, "", "")
    assert [line.split() for line in run("show", "clean.cnet").out.splitlines() if line.startswith("y ")] == [
        ["y", "Dense", "?", "10", "8"]
    ]
