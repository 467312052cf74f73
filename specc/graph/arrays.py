"""Arrays of a spec: literals, and `.npy` and `.npz` files of its project.

Checking reads headers only; the numbers are read when a model is built. Nothing is ever unpickled.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from specc.types import ANYTHING, DTYPES, Interval

if TYPE_CHECKING:
    import numpy as np

MAXIMAL_ELEMENTS = 2**28


@dataclass(frozen=True, slots=True, kw_only=True)
class Array:
    """An array whose shape and dtype are known; `values` for a literal, otherwise a file and, for `.npz`, a key."""

    dtype: str
    shape: tuple[int, ...]
    values: Any = field(default=None, repr=False)
    file: Path | None = None
    key: str | None = None
    interval: Interval = ANYTHING

    def numpy(self) -> np.ndarray[Any, Any]:
        """The numbers themselves.

        Raises:
            ArrayError: if the file has changed since it was checked.
        """
        import numpy as np

        if self.file is None:
            return np.asarray(self.values, dtype=self.dtype)
        loaded = np.load(self.file, allow_pickle=False)
        found = loaded[self.key] if self.key is not None else loaded
        if found.shape != self.shape:
            raise ArrayError(f"{self.file.name} has shape {list(found.shape)} now, and had {list(self.shape)}")
        return np.asarray(found).astype(self.dtype)


class ArrayError(Exception):
    """Why an array can not be had, in words for the user; `help` says what would mend it."""

    def __init__(self, message: str, help: str | None = None, missing: bool = False) -> None:
        super().__init__(message)
        self.help = help
        self.missing = missing


def literal(values: Any, dtype: str | None) -> Array:
    """The array that nested lists of numbers mean; whole numbers are int32, others float32, unless `dtype` is given.

    Raises:
        ArrayError: if the lists are ragged or hold something else than numbers.
    """
    shape: list[int] = []
    level = values
    while isinstance(level, list):
        shape.append(len(level))
        level = level[0] if level else None
    flat = _flatten(values, tuple(shape))
    if dtype is None:
        dtype = "bool" if all(isinstance(v, bool) for v in flat) and flat else None
        dtype = dtype or ("int32" if flat and all(type(value) is int for value in flat) else "float32")
    interval = Interval(float(min(flat)), float(max(flat))) if flat else ANYTHING
    return Array(dtype=dtype, shape=tuple(shape), values=values, interval=interval)


def _flatten(values: Any, shape: tuple[int, ...]) -> list[Any]:
    if not shape:
        if not isinstance(values, int | float):
            raise ArrayError("an array holds numbers, true or false")
        return [values]
    if not isinstance(values, list) or len(values) != shape[0]:
        raise ArrayError("the lists of an array have different lengths", "every list of a level has the same length")
    return [number for item in values for number in _flatten(item, shape[1:])]


def from_file(text: str, key: str | None, folder: Path, dtype: str | None) -> Array:
    """What is known of an array file next to a spec: dtype and shape, from its header.

    Float arrays of 64 bits are taken as float32, Keras' default, unless `dtype` says otherwise.

    Raises:
        ArrayError: if there is no such file or key, the file leaves the folder, or is no array of numbers.
    """
    path = _inside(text, folder)
    if path.suffix not in {".npy", ".npz"}:
        raise ArrayError(f'"{text}" is neither a .npy nor a .npz file')
    try:
        if path.suffix == ".npz":
            shape, stored = _npz_header(path, text, key)
        else:
            if key is not None:
                raise ArrayError(f'"{text}" holds one array and takes no key')
            with path.open("rb") as file:
                shape, stored = _header(file, text)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, KeyError) as error:
        raise ArrayError(f'"{text}" can not be read as an array: {error}') from error
    if prod(shape) > MAXIMAL_ELEMENTS:
        raise ArrayError(f'"{text}" has {prod(shape):,} elements; at most {MAXIMAL_ELEMENTS:,} are loaded')
    return Array(dtype=dtype or {"float64": "float32"}.get(stored, stored), shape=shape, file=path, key=key)


def _inside(text: str, folder: Path) -> Path:
    root = folder.resolve()
    try:
        path = (root / text).resolve()
        found = path.is_file()
    except (OSError, ValueError) as error:
        raise ArrayError(f'"{text}" is no name of a file') from error
    if not path.is_relative_to(root):
        raise ArrayError(f'"{text}" lies outside the folder of the spec', "put the file next to the spec")
    if not found:
        raise ArrayError(f'there is no file "{text}" next to the spec', missing=True)
    return path


def _header(file: BinaryIO, text: str) -> tuple[tuple[int, ...], str]:
    from numpy.lib import format as npy

    version = npy.read_magic(file)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, _, dtype = read(file)
    if dtype.hasobject or dtype.name not in DTYPES:
        raise ArrayError(f'"{text}" holds {dtype.name} values, not numbers')
    return shape, dtype.name


def _npz_header(path: Path, text: str, key: str | None) -> tuple[tuple[int, ...], str]:
    with zipfile.ZipFile(path) as archive:
        keys = [name.removesuffix(".npy") for name in archive.namelist()]
        if key is None or key not in keys:
            listed = ", ".join(f'"{name}"' for name in keys[:8])
            wanted = f'there is no array "{key}" in "{text}"' if key else f'"{text}" needs the key of an array'
            raise ArrayError(wanted, f"it holds {listed}", missing=key is not None)
        with archive.open(f"{key}.npy") as file:
            return _header(file, text)  # type: ignore[arg-type]
