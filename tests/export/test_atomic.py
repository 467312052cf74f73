"""An output is there in full or not at all, and nothing but an earlier output is ever replaced."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from specc.export.atomic import UnsafeTargetError, atomic_directory, atomic_file


def contents(directory: Path) -> dict[str, str | None]:
    """Every path below `directory`, hidden ones too, with the text of the files."""
    return {
        str(path.relative_to(directory)): path.read_text() if path.is_file() else None for path in directory.rglob("*")
    }


def saved_model_at(target: Path, text: str) -> None:
    (target / "variables").mkdir(parents=True)
    (target / "saved_model.pb").write_text(text)
    (target / "variables" / "variables.index").write_text(text)


@pytest.mark.parametrize("already_there", [False, True])
def test_a_file_is_written_and_replaces_an_earlier_one(tmp_path: Path, already_there: bool) -> None:
    target = tmp_path / "net.keras"
    if already_there:
        target.write_text("old")
    with atomic_file(target) as temporary:
        assert temporary.parent == tmp_path
        assert temporary.name.startswith(".")
        assert temporary.suffix == ".keras"
        temporary.write_text("new")
        assert contents(tmp_path).get("net.keras") == ("old" if already_there else None)
    assert contents(tmp_path) == {"net.keras": "new"}


def test_a_directory_is_written_and_replaces_an_earlier_saved_model(tmp_path: Path) -> None:
    target = tmp_path / "net"
    for text in ("first", "second"):
        with atomic_directory(target) as temporary:
            (temporary / "saved_model.pb").write_text(text)
        assert contents(tmp_path) == {"net": None, "net/saved_model.pb": text}


def test_what_is_written_has_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain.keras").write_text("")
    with atomic_directory(tmp_path / "net"), atomic_file(tmp_path / "net.keras"):
        pass
    assert (tmp_path / "net").stat().st_mode == (tmp_path / "plain").stat().st_mode
    assert (tmp_path / "net.keras").stat().st_mode == (tmp_path / "plain.keras").stat().st_mode


def test_an_empty_directory_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    with atomic_directory(tmp_path / "net") as temporary:
        (temporary / "saved_model.pb").write_text("new")
    assert contents(tmp_path) == {"net": None, "net/saved_model.pb": "new"}


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_failure_leaves_everything_as_it_was(tmp_path: Path, failure: type[BaseException]) -> None:
    saved_model_at(tmp_path / "net", "old")
    (tmp_path / "net.keras").write_text("old")
    before = contents(tmp_path)
    with pytest.raises(failure), atomic_directory(tmp_path / "net") as temporary:
        (temporary / "saved_model.pb").write_text("half")
        raise failure
    with pytest.raises(failure), atomic_file(tmp_path / "net.keras") as temporary:
        temporary.write_text("half")
        raise failure
    with pytest.raises(failure), atomic_directory(tmp_path / "a" / "b" / "net") as temporary:
        raise failure
    with pytest.raises(failure), atomic_file(tmp_path / "a" / "b" / "net.keras") as temporary:
        raise failure
    assert contents(tmp_path) == before


def test_missing_parents_are_made(tmp_path: Path) -> None:
    with atomic_file(tmp_path / "a" / "b" / "net.keras") as temporary:
        temporary.write_text("new")
    assert contents(tmp_path) == {"a": None, "a/b": None, "a/b/net.keras": "new"}


@pytest.mark.parametrize("failing_call", [1, 2])
def test_a_failed_rename_restores_the_old_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing_call: int
) -> None:
    saved_model_at(tmp_path / "net", "old")
    before = contents(tmp_path)
    rename, calls = os.rename, []

    def failing(source: Path, destination: Path) -> None:
        calls.append(source)
        if len(calls) == failing_call:
            raise OSError("injected")
        rename(source, destination)

    monkeypatch.setattr(os, "rename", failing)
    with pytest.raises(OSError, match="injected"), atomic_directory(tmp_path / "net") as temporary:
        (temporary / "saved_model.pb").write_text("new")
    assert contents(tmp_path) == before


def test_an_interrupt_right_after_the_last_rename_leaves_the_new_directory_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved_model_at(tmp_path / "net", "old")
    rename, calls = os.rename, []

    def interrupted(source: Path, destination: Path) -> None:
        rename(source, destination)
        calls.append(source)
        if len(calls) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(os, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt), atomic_directory(tmp_path / "net") as temporary:
        (temporary / "saved_model.pb").write_text("new")
    assert contents(tmp_path) == {"net": None, "net/saved_model.pb": "new"}


def test_unsafe_directories_are_refused_before_anything_is_built(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.tex").write_text("mine")
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "variables").mkdir()
    saved_model_at(tmp_path / "mixed", "old")
    (tmp_path / "mixed" / "notes.txt").write_text("mine")
    before = contents(tmp_path)
    for name, reason in {
        "file": "it is a file",
        "thesis": "chapter.tex",
        "half": "no saved_model.pb",
        "mixed": "notes.txt",
        "file/net": "Not a directory|it is a file|File exists",
    }.items():
        with pytest.raises(UnsafeTargetError, match=reason), atomic_directory(tmp_path / name):
            pytest.fail("built although the target is unsafe")
    assert contents(tmp_path) == before


def test_unsafe_files_are_refused_before_anything_is_built(tmp_path: Path) -> None:
    (tmp_path / "net.keras").mkdir()
    (tmp_path / "file").write_text("mine")
    before = contents(tmp_path)
    for target in (tmp_path / "net.keras", tmp_path / "file" / "net.keras", Path("/proc/specc/net.keras")):
        with pytest.raises(UnsafeTargetError), atomic_file(target):
            pytest.fail("built although the target is unsafe")
    assert contents(tmp_path) == before


def test_a_target_that_became_unsafe_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    with pytest.raises(UnsafeTargetError), atomic_directory(tmp_path / "net"):
        (tmp_path / "net").mkdir()
        (tmp_path / "net" / "chapter.tex").write_text("mine")
    assert contents(tmp_path) == {"net": None, "net/chapter.tex": "mine"}


def test_a_symbolic_link_is_written_through(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with atomic_file(tmp_path / "link" / "net.keras") as temporary:
        temporary.write_text("new")
    with atomic_directory(tmp_path / "link" / "net"):
        pass
    assert (tmp_path / "link").is_symlink()
    assert contents(tmp_path / "real") == {"net": None, "net.keras": "new"}


def test_the_longest_name_the_file_system_takes_works(tmp_path: Path) -> None:
    with atomic_file(tmp_path / ("n" * 249 + ".keras")) as temporary:
        temporary.write_text("new")
    assert [len(path.name) for path in tmp_path.iterdir()] == [255]


KILLED = """
import signal, sys, time
from pathlib import Path
from specc.export.atomic import atomic_directory
from specc.stopping import end_on_signals

# A shell that runs its tests in the background has its children ignore SIGINT.
signal.signal(signal.SIGINT, signal.default_int_handler)
end_on_signals()
with atomic_directory(Path(sys.argv[1])) as temporary:
    (temporary / "saved_model.pb").write_text("half")
    print("building", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_killed_process_leaves_the_earlier_output(tmp_path: Path, number: signal.Signals) -> None:
    saved_model_at(tmp_path / "net", "old")
    before = contents(tmp_path)
    command = [sys.executable, "-c", KILLED, str(tmp_path / "net")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "building\n"
        assert contents(tmp_path) != before
        process.send_signal(number)
        assert process.wait(timeout=30) == 128 + number
    assert contents(tmp_path) == before
