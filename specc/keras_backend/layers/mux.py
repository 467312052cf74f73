"""The multiplexer: each sample's control picks one group of the last axis, or one of several branches.

These forms compute all groups or branches and pick afterwards. What is not picked gets a gradient of exactly zero,
and nothing of it, not even NaN, reaches the result: it is never multiplied by a mask.
"""

from typing import Any, Literal

import keras
import tensorflow as tf

from specc.keras_backend.layers.alignment import align_batched
from specc.keras_backend.layers.guard import assert_all

Otherwise = Literal["error", "clamp", "zero"]


class _Mux(keras.layers.Layer):
    """What both forms share: the control and the rule for one outside the range.

    Args:
        otherwise: what a control outside `0..N` does: raise, pick the nearest, or give zeros.
        subject: what the message names, as in `mux 'y'`.
        guarded: whether to raise that error; without it no control is outside, as somebody else has seen to.
    """

    def __init__(self, otherwise: Otherwise, subject: str, guarded: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if otherwise not in ("error", "clamp", "zero"):
            raise ValueError(f"otherwise is one of error, clamp, zero, not {otherwise!r}")
        self.otherwise = otherwise
        self.subject = subject
        self.guarded = guarded
        self.supports_jit = otherwise != "error"

    def _index(self, control: tf.Tensor, count: int) -> tuple[tf.Tensor, tf.Tensor]:
        """Return indices `[B]` in 0..count for an int control, and which of them are the control itself."""
        control = tf.reshape(tf.cast(control, tf.int64), [-1])
        inside = (control >= 0) & (control < count)
        if self.otherwise == "error" and self.guarded:
            control = assert_all(control, inside, f"{self.subject}: control ", f" is outside 0..{count}")
        return tf.clip_by_value(control, 0, count - 1), inside

    def _settle(self, picked: tf.Tensor, inside: tf.Tensor) -> tf.Tensor:
        """Put zeros for the samples whose control is outside, if that is the rule."""
        if self.otherwise != "zero":
            return picked
        return tf.where(align_batched(inside, len(picked.shape)), picked, tf.zeros_like(picked))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of this layer."""
        own = {"otherwise": self.otherwise, "subject": self.subject, "guarded": self.guarded}
        return {**super().get_config(), **own}


def _check_control(control: Any, count: int) -> None:
    """Refuse a control that is neither an int scalar or column per sample, nor `count` floats.

    Raises:
        ValueError: it is something else.
    """
    shapes = ((count,),) if "float" in control.dtype else ((), (1,))
    if control.shape[1:] not in shapes:
        raise ValueError(f"a control of dtype {control.dtype} has shape {control.shape[1:]}, not one of {shapes}")


@keras.saving.register_keras_serializable(package="specc")
class MuxGroups(_Mux):
    """Pick one group of the last axis for each sample: group g is `x[..., g * size : (g + 1) * size]`.

    Args:
        of: number of groups.
        otherwise: what a control outside `0..of` does: raise, pick the nearest, or give zeros.
        subject: what the message names, as in `mux 'y'`.
    """

    def __init__(self, of: int, otherwise: Otherwise, subject: str, **kwargs: Any) -> None:
        super().__init__(otherwise, subject, **kwargs)
        self.of = of

    def call(self, inputs: Any) -> Any:
        """Map `[x [B, ..., of * size], control]` to `[B, ..., size]`.

        An int control, `[B]` or `[B, 1]`, picks a group; a float one, `[B, of]`, weighs them all and sums.

        Raises:
            tf.errors.InvalidArgumentError: when run, if a control is outside and `otherwise` is `error`.
        """
        x, control = inputs
        size = x.shape[-1] // self.of
        shape = tf.shape(x, out_type=tf.int64)
        if control.dtype.is_floating:
            groups = tf.reshape(x, tf.concat([shape[:-1], [self.of, size]], 0))
            return tf.reduce_sum(groups * align_batched(control, len(x.shape))[..., None], -2)
        index, inside = self._index(control, self.of)
        # Row (sample, position, group) of the flat rows: one gather, whose gradient is zero but for the rows picked.
        positions = tf.reduce_prod(shape[1:-1])
        first = tf.reshape(tf.range(shape[0] * positions) * self.of, [shape[0], positions])
        rows = tf.gather(tf.reshape(x, [-1, size]), tf.reshape(first + index[:, None], [-1]))
        return self._settle(tf.reshape(rows, tf.concat([shape[:-1], [size]], 0)), inside)

    def compute_output_spec(self, inputs: Any) -> keras.KerasTensor:
        """Return the spec of one group.

        Raises:
            ValueError: the last axis does not divide into the groups, or the control has another shape.
        """
        x, control = inputs
        _check_control(control, self.of)
        if x.shape[-1] is None or x.shape[-1] % self.of:
            raise ValueError(f"a last axis of {x.shape[-1]} does not divide into {self.of} groups")
        return keras.KerasTensor((*x.shape[:-1], x.shape[-1] // self.of), x.dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of this layer."""
        return {**super().get_config(), "of": self.of}


@keras.saving.register_keras_serializable(package="specc")
class MuxBranches(_Mux):
    """Pick one of N tensors of equal shape for each sample.

    Args:
        otherwise: what a control outside `0..N` does: raise, pick the nearest, or give zeros.
        subject: what the message names, as in `mux 'y'`.
    """

    def call(self, inputs: Any) -> Any:
        """Map `[*branches [B, ...], control]` to `[B, ...]`.

        An int control, `[B]` or `[B, 1]`, picks a branch; a float one, `[B, N]`, weighs them all and sums.

        Raises:
            tf.errors.InvalidArgumentError: when run, if a control is outside and `otherwise` is `error`.
        """
        *branches, control = inputs
        if control.dtype.is_floating:
            weights = tf.unstack(control, len(branches), axis=1)
            return tf.add_n([align_batched(w, len(b.shape)) * b for w, b in zip(weights, branches, strict=True)])
        index, inside = self._index(control, len(branches))
        batch = tf.shape(branches[0], out_type=tf.int64)[0]
        picked = tf.gather(tf.concat(branches, 0), index * batch + tf.range(batch))
        return self._settle(picked, inside)

    def compute_output_spec(self, inputs: Any) -> keras.KerasTensor:
        """Return the spec of one branch.

        Raises:
            ValueError: the branches differ in shape or dtype, or the control has another shape.
        """
        *branches, control = inputs
        _check_control(control, len(branches))
        kinds = {(b.shape[1:], b.dtype) for b in branches}
        if len(kinds) != 1:
            raise ValueError(f"the branches of a mux have one shape and dtype, not {sorted(map(str, kinds))}")
        return keras.KerasTensor(branches[0].shape, branches[0].dtype)
