"""What is under way is taken back: when a block fails, and when the process is told to end."""

from __future__ import annotations

import subprocess
import sys

import pytest

from specc.stopping import undone_by, when_stopped


def test_only_a_block_that_fails_is_undone() -> None:
    done: list[str] = []
    with undone_by(lambda: done.append("undone")), when_stopped(lambda: done.append("stopped")):
        pass
    assert done == []
    with (
        pytest.raises(KeyError),
        undone_by(lambda: done.append("undone")),
        when_stopped(lambda: done.append("stopped")),
    ):
        raise KeyError
    assert done == ["undone"]


STOPPED = """
import signal
from specc.stopping import end_on_signals, undone_by, when_stopped

def fails():
    raise OSError

end_on_signals()
with undone_by(lambda: print("outer", flush=True)), undone_by(fails), when_stopped(lambda: print("inner", flush=True)):
    with undone_by(lambda: print("over")):
        pass
    signal.raise_signal(signal.SIGTERM)
    print("not reached")
"""


def test_a_signal_takes_back_the_innermost_first_and_ends() -> None:
    process = subprocess.run([sys.executable, "-c", STOPPED], capture_output=True, text=True)
    assert (process.returncode, process.stdout, process.stderr) == (143, "inner\nouter\n", "")
