"""The command line as a process: what it loads, and how it ends when it is stopped or its streams are gone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

import pytest

ROOT = Path(__file__).parents[1]


def started(*arguments: str, stdout: IO[str] | int = subprocess.PIPE, cwd: Path = ROOT) -> subprocess.Popen[str]:
    # As a user has it, who has set no log level.
    environment = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    return subprocess.Popen(
        [sys.executable, *arguments],
        env=environment | {"PYTHONPATH": str(ROOT)},
        stdout=stdout,
        stderr=subprocess.PIPE,
        cwd=cwd,
        text=True,
    )


def test_check_never_loads_tensorflow() -> None:
    program = (
        "import sys; from specc.cli import main; code = main(); print(code, {'tensorflow', 'keras'} & {*sys.modules})"
    )
    process = started("-c", program, "check", str(ROOT / "examples" / "gated_skip.cnet"))
    assert process.communicate() == ("0 set()\n", "")


def test_a_stream_that_is_gone_is_no_traceback() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    process = started("-m", "specc", "explain", stdout=writer)
    os.close(writer)
    assert (process.communicate()[1], process.returncode) == ("", 141)
    with open("/dev/full", "w") as full:
        process = started("-m", "specc", "explain", stdout=full)
    assert (process.communicate()[1], process.returncode) == ("specc: No space left on device\n", 2)
    process = started(
        "-c",
        "import os, sys; os.close(1); os.execv(sys.executable, [sys.executable, *sys.argv[1:]])",
        "-m",
        "specc",
        "explain",
    )
    assert (process.communicate()[1], process.returncode) == ("", 0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_compile_that_is_stopped_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    spec = str(ROOT / "examples" / "gated_skip.cnet")
    # A shell that runs its tests in the background has its children ignore SIGINT.
    heard = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from specc.cli import run; run()"
    process = started("-c", heard, "compile", spec, "-o", "below/out", cwd=tmp_path)
    # Once the half-written folder is there, and before it gets its name.
    while process.poll() is None and not list(tmp_path.glob("below/.specc-*")):
        time.sleep(0.01)
    process.send_signal(number)
    assert (process.communicate(), process.returncode) == (("", ""), 128 + number)
    assert list(tmp_path.iterdir()) == []


def test_a_signal_that_is_ignored_stays_ignored() -> None:
    lines = (
        "import signal",
        "from specc.stopping import end_on_signals",
        "signal.signal(signal.SIGINT, signal.SIG_IGN)",
        "end_on_signals()",
        "signal.raise_signal(signal.SIGINT)",
        "print('on')",
        "signal.raise_signal(signal.SIGTERM)",
    )
    process = started("-c", "\n".join(lines))
    assert (process.communicate()[1], process.returncode) == ("", 143)


def test_compiling_loads_nothing_that_keras_takes_only_because_it_is_there() -> None:
    script = (
        "import sys; from specc.commands.tensorflow import NEEDLESS, load_tensorflow; load_tensorflow()\n"
        "print([name for name in NEEDLESS if name in sys.modules])\n"
        "import sklearn"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr
