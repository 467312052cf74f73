"""Loading TensorFlow, for the commands that need it."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from specc.collecting import without_collecting
from specc.commands.errors import WrongUseError
from specc.commands.progress import quiet_tensorflow

NEEDLESS: Final = ("matplotlib", "pandas", "sklearn")
"""What Keras imports wherever it is installed, a second's worth, and no model that is compiled has a use for."""


def load_tensorflow() -> None:
    """Import TensorFlow, as the backend of Keras and without its chatter.

    Raises:
        WrongUseError: if it is not installed.
    """
    # Keras would take another backend from its configuration file, and can not write a SavedModel with it.
    os.environ["KERAS_BACKEND"] = "tensorflow"
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
    try:
        with quiet_tensorflow(), _hidden(NEEDLESS), without_collecting():
            import tensorflow

            # Compiling has no use for a GPU, and must not take the memory of one that trains.
            tensorflow.config.set_visible_devices([], "GPU")
    except ModuleNotFoundError as error:
        raise WrongUseError('this needs TensorFlow: pip install "specc[tensorflow]"') from error


@contextmanager
def _hidden(names: tuple[str, ...]) -> Iterator[None]:
    """Let packages that are not loaded yet look as if they were not installed."""
    hidden = [name for name in names if name not in sys.modules]
    # Python's own mark of a module that can not be imported:
    # https://docs.python.org/3/reference/import.html#the-module-cache
    marks: dict[str, None] = dict.fromkeys(hidden)
    sys.modules.update(marks)  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
