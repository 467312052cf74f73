"""A multiplexer of sub-networks that runs, for each sample, the one its control asks for and no other."""

from collections.abc import Sequence
from itertools import islice
from typing import Any

import keras
import tensorflow as tf

from specc.keras_backend.layers.mux import MuxBranches, Otherwise
from specc.keras_backend.layers.routed import Blocks, inside_xla, require_int


@keras.saving.register_keras_serializable(package="specc")
class RoutedBranches(MuxBranches):
    """What `MuxBranches` behind all branches gives, where a branch runs on the samples that pick it alone.

    A branch that no sample picks does not run: its weights get a gradient of exactly zero, its moving averages stay.
    `BatchNormalization` in a branch normalises over the samples of that branch. Compiled by XLA, where the size of a
    batch can not depend on values, all branches run on the whole batch instead.

    Args:
        branches: the functional models, each of one output; `None` for a branch that is a boundary tensor as it is.
        inputs: for each branch which boundary tensors it takes, in the order of the model's inputs.
        batched: for each boundary tensor whether it has a batch axis; one without is passed to a branch as it is.
        otherwise: what a control outside `0..N` does: raise, pick the nearest, or give zeros.
        subject: what the message names, as in `mux 'y'`.

    Raises:
        ValueError: the branches and their inputs do not correspond.
    """

    def __init__(
        self,
        branches: Sequence[keras.Model | None],
        inputs: Sequence[Sequence[int]],
        batched: Sequence[bool],
        otherwise: Otherwise,
        subject: str,
        **kwargs: Any,
    ) -> None:
        # The layers of a branch cast their inputs themselves, each by its own policy.
        super().__init__(otherwise, subject, autocast=False, **kwargs)
        self.branches = list(branches)
        self.branch_inputs = [list(places) for places in inputs]
        self.batched = list(batched)
        self.supports_jit = False
        for branch, places in zip(self.branches, self.branch_inputs, strict=True):
            if branch is not None and len(branch.inputs) != len(places):
                raise ValueError(f"a branch of {len(branch.inputs)} inputs is given {len(places)}")
            if branch is None and (len(places) != 1 or not self.batched[places[0]]):
                raise ValueError("a branch without a model is one batched tensor")

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Map `[*boundary tensors, control]` to `[B, ...]`; the control is an int `[B]` or `[B, 1]`.

        Raises:
            tf.errors.InvalidArgumentError: when run, if a control is outside and `otherwise` is `error`.
        """
        *boundary, control = inputs
        count = len(self.branches)
        if inside_xla():
            return super().call([*(self._run(place, boundary, training) for place in range(count)), control])
        index, inside = self._index(control, count)
        blocks = Blocks(tf.where(inside, index, count) if self.otherwise == "zero" else index, count)
        split = [
            blocks.split(blocks.sort(tensor)) if batched else [tensor] * count
            for tensor, batched in zip(boundary, self.batched, strict=True)
        ]
        results = [
            self._run_unless_empty(place, blocks.sizes[place], [tensor[place] for tensor in split], training)
            for place in range(count)
        ]
        return blocks.restore(_joined(results, blocks.sizes))

    def _run(self, place: int, boundary: Sequence[tf.Tensor], training: bool | None) -> tf.Tensor:
        """Return what a branch gives for these boundary tensors."""
        branch = self.branches[place]
        result, *_ = taken = [boundary[i] for i in self.branch_inputs[place]]
        if branch is not None:
            outputs = branch(keras.tree.pack_sequence_as(branch.input, taken), training=training)
            (result,) = keras.tree.flatten(outputs)
        return tf.cast(result, self._result_dtype(result.dtype.name))

    def _run_unless_empty(
        self, place: int, size: tf.Tensor, boundary: Sequence[tf.Tensor], training: bool | None
    ) -> tf.Tensor:
        """Return what a branch gives for its block of samples; with no samples it does not run."""
        branch = self.branches[place]
        if branch is None:
            return self._run(place, boundary, training)
        (output,) = branch.outputs
        empty = [0, *(length or 0 for length in output.shape[1:])]
        return tf.cond(
            size > 0,
            lambda: self._run(place, boundary, training),
            lambda: tf.zeros(empty, self._result_dtype(output.dtype)),
        )

    def _result_dtype(self, dtype: str) -> str:
        """Return the dtype that a multiplexer casts a branch of this dtype to."""
        return self.compute_dtype if keras.backend.is_float_dtype(dtype) else dtype

    def compute_output_spec(self, inputs: Any, training: bool | None = None) -> keras.KerasTensor:
        """Return the spec of one branch.

        Raises:
            ValueError: the branches differ in shape or dtype, or the control is not an int per sample.
        """
        *boundary, control = inputs
        require_int(control)
        results = [
            boundary[places[0]] if branch is None else branch.outputs[0]
            for branch, places in zip(self.branches, self.branch_inputs, strict=True)
        ]
        specs = [
            keras.KerasTensor((control.shape[0], *result.shape[1:]), self._result_dtype(result.dtype))
            for result in results
        ]
        return super().compute_output_spec([*specs, control])

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of this layer, with all branches as one model, in which a layer of several stays one."""
        models = [branch for branch in self.branches if branch is not None]
        together = models and keras.Model(
            [tensor for model in models for tensor in model.inputs],
            [tensor for model in models for tensor in model.outputs],
            name=f"{self.name}.branches",
        )
        return {
            **super().get_config(),
            "branches": keras.saving.serialize_keras_object(together or None),
            "names": [branch and branch.name for branch in self.branches],
            "inputs": self.branch_inputs,
            "batched": self.batched,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "RoutedBranches":
        """Make the layer and its branches again."""
        arguments = dict(config)
        names = arguments.pop("names")
        together = keras.saving.deserialize_keras_object(arguments["branches"])
        inputs, outputs = (iter(together.inputs), iter(together.outputs)) if together else (iter(()), iter(()))
        arguments["branches"] = [
            None if name is None else keras.Model(list(islice(inputs, len(places))), next(outputs), name=name)
            for name, places in zip(names, arguments["inputs"], strict=True)
        ]
        return cls(**arguments)


def _joined(results: Sequence[tf.Tensor], sizes: tf.Tensor) -> tf.Tensor:
    """Join the blocks of all branches `[sizes[k], ...]`, and zeros for the samples that picked none."""
    axes = tf.shape(results[0])[1:]
    if not all(result.shape[1:].is_fully_defined() for result in results):
        # Where a branch did not run, an axis of unknown length is 0.
        axes = tf.reduce_max([tf.shape(result)[1:] for result in results], 0)
        results = [tf.reshape(result, tf.concat([tf.shape(result)[:1], axes], 0)) for result in results]
    return tf.concat([*results, tf.zeros(tf.concat([sizes[-1:], axes], 0), results[0].dtype)], 0)
