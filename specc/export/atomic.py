"""Build beside, then rename: an output is there in full or not at all.

Both context managers yield a temporary path in the target's own directory, so that the last step is a rename within
one file system. Any exception, and any signal that `specc.stopping` handles, removes what was built and leaves the
target as it was. A killed process can leave a hidden `.specc-…` sibling behind, never half a target.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from specc.export.formats import Format
from specc.stopping import undone_by, when_stopped

__all__ = ["UnsafeTargetError", "atomic_directory", "atomic_file"]

SAVED_MODEL_FILE = "saved_model.pb"
SAVED_MODEL_ENTRIES = frozenset(
    {SAVED_MODEL_FILE, "fingerprint.pb", "keras_metadata.pb", "variables", "assets", "assets.extra", "debug"}
)


class UnsafeTargetError(OSError):
    """The target cannot be written, or writing it would destroy something other than an earlier output."""


@contextmanager
def atomic_file(target: Path) -> Iterator[Path]:
    """Yield an empty temporary file that becomes `target` when the block succeeds, replacing a file of that name.

    Missing parent directories are made, and removed again on failure. A symbolic link is written through.

    Raises:
        UnsafeTargetError: `target` is a directory, or its parent cannot be made or written.
    """
    target = _resolved(target)
    with _parents_of(target):
        temporary = _sibling(target)
        with undone_by(lambda: temporary.unlink(missing_ok=True)):
            _refuse_as_file(target)
            with _refusing(target):
                temporary.touch(exist_ok=False)
            yield temporary
            _refuse_as_file(target)
            os.replace(temporary, target)


@contextmanager
def atomic_directory(target: Path) -> Iterator[Path]:
    """Yield an empty temporary directory that becomes `target` when the block succeeds.

    An empty directory or a SavedModel of that name is replaced. Missing parent directories are made, and removed again
    on failure. A symbolic link is written through.

    Raises:
        UnsafeTargetError: `target` is a file or a directory that holds anything else than a SavedModel, or its parent
            cannot be made or written.
    """
    target = _resolved(target)
    with _parents_of(target):
        temporary = _sibling(target)
        with undone_by(lambda: shutil.rmtree(temporary, ignore_errors=True)):
            _refuse_as_directory(target)
            with _refusing(target):
                temporary.mkdir()
            yield temporary
            _refuse_as_directory(target)
            _swap(temporary, target)


def refuse_unsafe(target: Path) -> None:
    """Look at a target before any work is done for it: a file, or the directory of a SavedModel.

    Raises:
        UnsafeTargetError: if it could not be written as things stand.
    """
    target = _resolved(target)
    (_refuse_as_file if Format.of(target).is_file else _refuse_as_directory)(target)
    with _refusing(target):
        parent = next(parent for parent in target.parents if parent.exists())
        if not parent.is_dir():
            raise UnsafeTargetError(f"cannot write {target}: {parent} is a file")
        if not os.access(parent, os.W_OK):
            raise UnsafeTargetError(f"cannot write {target}: {parent} is not writable")


def _swap(built: Path, target: Path) -> None:
    """Put `built` in the place of `target`, by way of a second sibling that holds the old one meanwhile."""
    aside = _sibling(target)

    def settle() -> None:
        if aside.exists() and not target.exists():
            os.rename(aside, target)
        # Only once the new one stands: after a failed restore the old one is all there is.
        if target.exists():
            shutil.rmtree(aside, ignore_errors=True)

    with when_stopped(settle):
        try:
            if target.exists():
                os.rename(target, aside)
            os.rename(built, target)
        finally:
            settle()


def _sibling(target: Path) -> Path:
    # The suffix is kept, writers choose their format by it; the stem is not, it may be as long as the system allows.
    return target.with_name(f".specc-{secrets.token_hex(8)}{target.suffix[:16]}")


def _resolved(target: Path) -> Path:
    with _refusing(target):
        return target.resolve()


@contextmanager
def _parents_of(target: Path) -> Iterator[None]:
    """Make the missing parents of `target`, and remove those that were made if the block fails."""
    made: list[Path] = []

    def remove() -> None:
        for parent in reversed(made):
            with suppress(OSError):
                parent.rmdir()

    with undone_by(remove):
        with _refusing(target):
            missing = [parent for parent in target.parents if not parent.exists()]
            for parent in reversed(missing):
                made.append(parent)
                parent.mkdir(exist_ok=True)
        yield


@contextmanager
def _refusing(target: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UnsafeTargetError(f"cannot write {target}: {reason}") from error


def _refuse_as_file(target: Path) -> None:
    if target.is_dir():
        raise UnsafeTargetError(f"cannot write {target}: it is a directory")


def _refuse_as_directory(target: Path) -> None:
    if not target.exists():
        return
    if not target.is_dir():
        raise UnsafeTargetError(f"cannot write {target}: it is a file, and a SavedModel is a directory")
    entries = {entry.name for entry in target.iterdir()}
    foreign = sorted(entries - SAVED_MODEL_ENTRIES)
    if foreign:
        raise UnsafeTargetError(f"will not replace {target}: it holds {foreign[0]!r}, which is no part of a SavedModel")
    if entries and SAVED_MODEL_FILE not in entries:
        raise UnsafeTargetError(f"will not replace {target}: it is not empty and holds no {SAVED_MODEL_FILE}")
