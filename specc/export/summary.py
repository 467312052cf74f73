"""What an export wrote: the names, dtypes and shapes a caller meets, parameters and bytes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

__all__ = ["ExportSummary", "Signature", "TensorSummary", "model_signature", "summarise"]


@dataclass(frozen=True, slots=True)
class TensorSummary:
    """An input or output: its name, Keras dtype and shape with the batch axis; None is an unknown size."""

    name: str
    dtype: str
    shape: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Signature:
    """The inputs and outputs of one callable of an export, in the model's order."""

    inputs: tuple[TensorSummary, ...]
    outputs: tuple[TensorSummary, ...]


@dataclass(frozen=True, slots=True)
class ExportSummary:
    """What an export wrote.

    Attributes:
        signatures: name to inputs and outputs.
        parameters: numbers in all weights, each weight counted once.
        trainable_parameters: those of them that training changes.
        bytes_on_disk: size of everything written.
    """

    signatures: Mapping[str, Signature]
    parameters: int
    trainable_parameters: int
    bytes_on_disk: int


def model_signature(model: keras.Model) -> Signature:
    """The names, dtypes and shapes of `model`'s inputs and outputs.

    The names are the keys of the model's dicts. A model over lists or single tensors has those of its input layers
    and of the layers its outputs come from.

    Raises:
        ValueError: the model is not a functional one, its inputs or outputs are nested deeper, or two of them bear the
            same name.
    """
    if isinstance(model, keras.Sequential) or not getattr(model, "inputs", None):
        raise ValueError(f"model '{model.name}' is not a functional model, which alone has named inputs and outputs")
    return Signature(
        inputs=_summaries(model, model.input, [tensor.name for tensor in model.inputs]),
        outputs=_summaries(model, model.output, model.output_names),
    )


def summarise(signatures: Mapping[str, Signature], weights: Iterable[Any], written: Path) -> ExportSummary:
    """The summary of the file or directory `written`, whose models hold the Keras variables `weights`."""
    unique = {id(weight): weight for weight in weights}.values()
    files = [written] if written.is_file() else [path for path in written.rglob("*") if path.is_file()]
    return ExportSummary(
        signatures=signatures,
        parameters=sum(math.prod(weight.shape) for weight in unique),
        trainable_parameters=sum(math.prod(weight.shape) for weight in unique if weight.trainable),
        bytes_on_disk=sum(path.stat().st_size for path in files),
    )


def _summaries(model: keras.Model, structure: Any, names: list[str]) -> tuple[TensorSummary, ...]:
    if isinstance(structure, Mapping):
        named = dict(structure)
    else:
        tensors = list(structure) if isinstance(structure, list | tuple) else [structure]
        named = dict(zip(names, tensors, strict=False))
        if len(named) != len(tensors):
            raise ValueError(f"model '{model.name}' has two inputs or outputs of one name: {', '.join(names)}")
    nested = [name for name, tensor in named.items() if not isinstance(tensor, keras.KerasTensor)]
    if nested:
        raise ValueError(f"model '{model.name}' nests its inputs or outputs: '{nested[0]}' is not a tensor")
    return tuple(TensorSummary(name, tensor.dtype, tuple(tensor.shape)) for name, tensor in named.items())
