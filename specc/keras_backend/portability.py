"""What has no portable form, told before Keras is asked for it."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from specc.catalogue.values import Value
from specc.forms import UnportableError
from specc.graph.infer import CheckedGraph
from specc.graph.model import LayerCall, Node
from specc.types import Dim


def refuse_unportable(checked: CheckedGraph, node: Node) -> None:
    """Refuse a layer that has no portable form.

    Raises:
        UnportableError: if it convolves with a kernel for each sample over sizes that are not known, or if it is a
            Conv3D of which TensorFlow's implementations differ.
    """
    action = node.action
    if not isinstance(action, LayerCall) or "Conv" not in action.entry.name:
        return
    types = checked.arriving(node)
    shape = types["0"].shape or ()
    space = shape[1:] if action.checked.get("data_format") == "channels_first" else shape[:-1]
    per_sample = "kernel" in action.conditioned and types["kernel"].batched
    if per_sample and not all(isinstance(size, int) for size in space):
        raise UnportableError(
            f"`{node.name}` has a kernel for each sample: in its portable form it needs known sizes, not {types['0']}"
        )
    if action.entry.name == "Conv3D" and action.checked.get("padding") == "same":
        windows, strides, dilations = (
            _three(action.checked.get(name)) for name in ("kernel_size", "strides", "dilation_rate")
        )
        if any(map(_is_cut, space, windows, strides, dilations)):
            message = "has a window that does not reach from stride to stride: there TensorFlow differs from others"
            raise UnportableError(f"`{node.name}` {message}")


def _is_cut(size: Dim, window: int, stride: int, dilation: int) -> bool:
    """Whether a window, padded to be the same, might leave out two elements of an axis or more.

    TensorFlow's rule puts no zeros there, and the first window at the first element; but its Conv3D for processors has
    the windows in the middle of the axis.
    """
    reach = (window - 1) * dilation + 1
    if not isinstance(size, int):
        return stride > reach
    return (ceil(size / stride) - 1) * stride + reach - size < -1


def _three(value: Value) -> Sequence[int]:
    """The setting of each axis of a Conv3D; 1 where none is named."""
    if isinstance(value, list | tuple):
        return [size for size in value if isinstance(size, int)]
    return (value if isinstance(value, int) else 1,) * 3
