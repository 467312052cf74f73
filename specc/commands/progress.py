"""What a long command is doing and for how long, on a terminal; TensorFlow's start, which is not to be heard."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from time import perf_counter
from typing import TYPE_CHECKING

from specc.stopping import when_stopped

if TYPE_CHECKING:
    from rich.console import Console

Tell = Callable[[str], None]


@contextmanager
def telling(wanted: bool) -> Iterator[Tell]:
    """What to call with each step of the work.

    If it is wanted and standard error is a terminal, the step under way is shown with a spinner there, and each that is
    done with the seconds it took.
    """
    if not wanted or not sys.stderr.isatty():
        yield lambda step: None
        return
    from rich.console import Console

    # A stream of its own: standard error itself may be silenced while a library loads.
    with open(os.dup(sys.stderr.fileno()), "w", encoding="utf-8", errors="backslashreplace") as stream:
        console = Console(file=stream, highlight=False)
        steps = _Steps(console)
        with steps.running, when_stopped(lambda: _leave(console)):
            yield steps.begin
            steps.end()


def _leave(console: Console) -> None:
    """Give the terminal back with its cursor, below the step under way."""
    console.show_cursor(True)
    console.file.write("\n")
    console.file.flush()


class _Steps:
    def __init__(self, console: Console) -> None:
        self.console = console
        self.running = ExitStack()
        self._step = ""
        self._since = 0.0

    def begin(self, step: str) -> None:
        if step == self._step:
            return
        self.end()
        self._step, self._since = step, perf_counter()
        self.running.enter_context(self.console.status(f"{step} …"))

    def end(self) -> None:
        self.running.close()
        if self._step:
            self.console.print(f"{perf_counter() - self._since:6.1f} s  {self._step}", markup=False)
            self._step = ""


@contextmanager
def quiet_tensorflow() -> Iterator[None]:
    """Keep from standard error what TensorFlow's C++ side says while it is imported, before it reads its log level.

    Whoever sets TF_CPP_MIN_LOG_LEVEL hears what that level lets through, and all of the rest.
    """
    if "TF_CPP_MIN_LOG_LEVEL" in os.environ:
        yield
        return
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
