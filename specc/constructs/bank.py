"""select and mix: one kernel per sample out of a bank of them, by an index or by a routing.

kernel=stencils[digit]          select: the row of the sample's class
kernel=mix(bank, routing)       mix: a weighted sum of all rows, per sample
"""

from __future__ import annotations

from math import isinf
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from specc.catalogue.facts import Fault, LayerFacts
from specc.constructs.base import Construct, Port, Tensors, known, proven_below
from specc.diagnostics import Kind
from specc.types import Dim, TensorType, product, surely_different

if TYPE_CHECKING:
    import keras

BANK = Kind(
    id="bank-index",
    explanation="A bank is indexed with something else than an integer per sample inside it, or mixed with another "
    "number of floats than it has rows.",
    faulty="model m {\n  input x: float32[4]\n  input label: int32 in 0..11\n  weight bank: float32[10, 4, 2]\n"
    "  output y = x -> Dense(2, kernel=bank[label])\n}\n",
    mended="model m {\n  input x: float32[4]\n  input label: int32 in 0..10\n  weight bank: float32[10, 4, 2]\n"
    "  output y = x -> Dense(2, kernel=bank[label])\n}\n",
)


class Select(Construct):
    """`bank[index]`: the row of a bank `[K, …]` that an integer per sample names; the result is `[…]` per sample.

    Gradients reach the rows that are used, never the index. The index must stay in 0..K: the checker proves it where it
    can, the running model guards it.
    """

    name: ClassVar[str] = "select"
    least_inputs: ClassVar[int] = 0
    most_inputs: ClassVar[int | None] = 0
    kinds: ClassVar[tuple[Kind, ...]] = (BANK,)

    bank: Port = Field(description="a tensor")
    index: Port = Field(description="an integer per sample")

    def infer(self, inputs: tuple[TensorType, ...], tensors: Tensors) -> LayerFacts | Fault:
        bank, index = tensors["bank"], tensors["index"]
        if not known(bank):
            return Fault("bank-index", f"a scalar has no rows: the bank is {bank}", argument="bank")
        if not index.is_integer or known(index) not in ((), (1,)) or not index.batched:
            message = f"a bank is indexed with an integer per sample, this is {index}"
            return Fault("bank-index", message, argument="index")
        size = known(bank)[0]
        if isinstance(size, int):
            ends = (index.interval.low, index.interval.high)
            if any(not isinf(end) and not 0 <= end < size for end in ends):
                message = f"the index lies in {index.interval}, the bank has 0 to {size - 1}"
                return Fault("bank-index", message, argument="index")
        return LayerFacts((TensorType(bank.dtype, known(bank)[1:], True, bank.interval),))

    def guarded(self, inputs: tuple[TensorType, ...], tensors: Tensors) -> tuple[str, Dim] | None:
        size = known(tensors["bank"])[0]
        return None if proven_below(tensors["index"].interval, size) else ("index", size)

    def layer(self, name: str, inputs: tuple[TensorType, ...], tensors: Tensors) -> keras.layers.Layer:
        from specc.keras_backend import layers

        return layers.Select(subject=f"bank `{name}`", bank_batched=tensors["bank"].batched, name=name)


class Mix(Construct):
    """`mix(bank, routing)`: the sum over K of `routing[k] * bank[k]`, per sample.

    The bank is `[K, …]`, the routing `[K]` per sample, the result `[…]` per sample; as a kernel it is a conditional
    convolution (CondConv, Yang et al. 2019, arXiv:1904.04971). Gradients reach both.
    """

    name: ClassVar[str] = "mix"
    least_inputs: ClassVar[int] = 0
    most_inputs: ClassVar[int | None] = 0
    kinds: ClassVar[tuple[Kind, ...]] = (BANK,)

    bank: Port = Field(description="a weight or const `[K, …]`")
    routing: Port = Field(description="a tensor of K floats per sample")

    def infer(self, inputs: tuple[TensorType, ...], tensors: Tensors) -> LayerFacts | Fault:
        bank, routing = tensors["bank"], tensors["routing"]
        if bank.batched or not known(bank) or not bank.is_float:
            message = f"mix needs a bank of floats that is the same for every sample, this is {bank}"
            return Fault("bank-index", message, argument="bank")
        shape = known(routing)
        if not routing.is_float or len(shape) != 1 or surely_different(shape[0], known(bank)[0]):
            message = f"a routing has one float for each of the {known(bank)[0]} rows, this one is {routing}"
            return Fault("bank-index", message, argument="routing")
        work: Dim = product(known(bank))
        return LayerFacts((TensorType(bank.dtype, known(bank)[1:], routing.batched),), macs=work)

    def layer(self, name: str, inputs: tuple[TensorType, ...], tensors: Tensors) -> keras.layers.Layer:
        from specc.keras_backend import layers

        return layers.Mix(name=name)
