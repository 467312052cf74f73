"""What has to be put right before the process ends, when it is told to end in the middle of something.

An exception out of a signal handler does not reach everyone: what it meets in compiled code that calls back is turned
into another error, or printed and forgotten. So the handler itself puts things right, and ends the process.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Final, NoReturn

__all__ = ["end_on_signals", "undone_by", "when_stopped"]

Step = Callable[[], None]
SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)

_steps: list[Step] = []


def end_on_signals() -> None:
    """From now on SIGINT and SIGTERM take back what is under way and end the process, with 128 + the signal's number.

    A signal that whoever started the process has it ignore stays ignored.
    """
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _end)


@contextmanager
def when_stopped(step: Step) -> Iterator[None]:
    """Have a step done if the process is told to end inside the block."""
    _steps.append(step)
    try:
        yield
    finally:
        _steps.remove(step)


@contextmanager
def undone_by(step: Step) -> Iterator[None]:
    """Have a step done if the block does not come to its end, for whatever reason.

    It may be done twice; an `OSError` of its own is not told, since something else went wrong first.
    """
    with when_stopped(step):
        try:
            yield
        except BaseException:
            with suppress(OSError):
                step()
            raise


def _end(number: int, frame: FrameType | None) -> NoReturn:
    for step in reversed(_steps):
        with suppress(OSError):
            step()
    os._exit(128 + number)
