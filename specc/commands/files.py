"""From the paths of a command line to the specs in them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from specc.commands.errors import WrongUseError
from specc.diagnostics import Diagnostic
from specc.findings import open_spec, unreadable
from specc.source import Source

STANDARD_INPUT: Final = "-"


def specs(paths: Iterable[str]) -> list[str]:
    """The files that are meant, each once: `-`, a file itself, and of a folder all `*.cnet` below it, sorted.

    Folders whose name begins with a dot are skipped below a folder, and symbolic links to folders are not followed.

    Raises:
        WrongUseError: if a path does not exist, a folder can not be listed, or has no spec below it.
    """
    found: dict[str, str] = {}
    for path in paths:
        if path == STANDARD_INPUT:
            found.setdefault(path, path)
        elif os.path.isdir(path):
            below = sorted(_below(path))
            if not below:
                raise WrongUseError(f"there is no .cnet file below {path}")
            for file in below:
                found.setdefault(os.path.abspath(file), file)
        elif os.path.exists(path):
            found.setdefault(os.path.abspath(path), path)
        else:
            raise WrongUseError(f"there is no file or folder {path}")
    return list(found.values())


def opened(file: str) -> Source | Diagnostic:
    """The spec in a file or on standard input, or the finding that it can not be read."""
    if file != STANDARD_INPUT:
        return open_spec(Path(file), _shown(file))
    name = "<stdin>"
    try:
        return Source(sys.stdin.buffer.read().decode("utf-8-sig"), name)
    except UnicodeDecodeError as error:
        return unreadable(name, f"the text is not UTF-8 (byte {error.start})")


def _below(folder: str) -> Iterator[str]:
    def refuse(error: OSError) -> None:
        raise WrongUseError(f"the folder {error.filename} can not be listed: {error.strerror}")

    for here, folders, files in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            if name.endswith(".cnet"):
                yield os.path.join(here, name)


def _shown(file: str) -> str:
    """A path as findings show it: from the working directory if it lies below, otherwise as it was given."""
    relative = os.path.relpath(file)
    return file if relative.startswith("..") else relative
