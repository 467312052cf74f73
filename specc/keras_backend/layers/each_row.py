"""The initializer of a bank: every row is a weight of its own."""

from collections.abc import Sequence
from typing import Any

import keras


@keras.saving.register_keras_serializable(package="specc")
class EachRow(keras.initializers.Initializer):
    """Initialize `[K, ...]` as K weights of shape `[...]`, each as `initializer` makes one.

    Initializers such as `GlorotUniform` scale with the fan in and out of a kernel; over the whole bank they would count
    its rows as a part of the kernel, and make every kernel too small.

    Args:
        initializer: what makes a row. With a seed each row has the seed plus its number, without one it
            draws afresh.
    """

    def __init__(self, initializer: Any) -> None:
        self.initializer = keras.initializers.get(initializer)

    def __call__(self, shape: Sequence[int], dtype: str | None = None) -> Any:
        """Return a tensor of `shape`, row by row."""
        config = self.initializer.get_config()
        made = []
        for row in range(shape[0]):
            seed = config.get("seed")
            own = config if seed is None else {**config, "seed": seed + row}
            made.append(type(self.initializer).from_config(own)(tuple(shape[1:]), dtype=dtype))
        return keras.ops.stack(made)

    def get_config(self) -> dict[str, Any]:
        """Return the initializer of a row."""
        return {"initializer": keras.saving.serialize_keras_object(self.initializer)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "EachRow":
        """Return the initializer whose `get_config` gave `config`."""
        return cls(keras.saving.deserialize_keras_object(config["initializer"]))
