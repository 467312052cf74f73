"""Does a tensor fit a declared type? Symbols of the declaration take the sizes that arrive."""

from __future__ import annotations

from specc.catalogue.facts import Fault
from specc.types import Dim, SymbolicDim, TensorType, UnknownDim, shape_text, surely_different


def fit(declared: TensorType, arriving: TensorType, sizes: dict[str, Dim], name: str) -> Fault | None:
    """Why a tensor can not arrive where a type is declared; sizes that symbols take are noted in `sizes`."""
    if declared.dtype != arriving.dtype:
        message = f"`{name}` is declared as {declared}, and {arriving} arrives"
        return Fault("dtype-mismatch", message, f'`cast(x, "{declared.dtype}")` converts')
    if declared.shape is None or arriving.shape is None:
        return None
    message = f"`{name}` is declared as {declared}, and {shape_text(arriving.shape)} arrives"
    if len(declared.shape) != len(arriving.shape):
        return Fault("shape-mismatch", message)
    for wanted, found in zip(declared.shape, arriving.shape, strict=True):
        if isinstance(wanted, SymbolicDim) and not _settled(wanted, sizes):
            _settle(wanted, found, sizes)
        here = wanted.substitute(sizes) if isinstance(wanted, SymbolicDim) else wanted
        if surely_different(here, found):
            if isinstance(wanted, SymbolicDim):
                message = f"`{name}` is declared as {declared} with {wanted} = {here}, and {found} arrives"
                return Fault("symbol-mismatch", message)
            return Fault("shape-mismatch", message)
    return None


def _settled(size: SymbolicDim, sizes: dict[str, Dim]) -> bool:
    return size.symbols() <= sizes.keys()


def _settle(size: SymbolicDim, found: Dim, sizes: dict[str, Dim]) -> None:
    """Give a lone symbol the size that arrives; of sizes such as `2 * T` nothing is concluded."""
    match size:
        case SymbolicDim(terms=((str() as symbol, 1),), constant=constant) if not isinstance(found, UnknownDim):
            sizes[symbol] = found - constant


def substituted(type: TensorType, sizes: dict[str, Dim]) -> TensorType:
    """A type with the symbols that have a size replaced."""
    if type.shape is None:
        return type
    shape = tuple(size.substitute(sizes) if isinstance(size, SymbolicDim) else size for size in type.shape)
    return TensorType(type.dtype, shape, type.batched, type.interval)
