"""The forms in which a checked graph becomes Keras layers. All give the same results; what is to be done chooses."""

from __future__ import annotations

from enum import Enum, auto


class Form(Enum):
    """How what is computed for each sample by itself is lowered.

    Attributes:
        ROUTED: as fast as it goes: a mux computes one branch a sample where it can. To train, and for TensorFlow.
        PLAIN: every mux computes all of its branches, to compare.
        PORTABLE: plain, and in operations that other runtimes have as well. There nothing can stop a run, so a guard
            does not raise an error: it says which samples are valid, and the model has that as an output of its own.
    """

    ROUTED = auto()
    PLAIN = auto()
    PORTABLE = auto()

    @classmethod
    def trained(cls, routing: bool) -> Form:
        """The form of a model that Keras or TensorFlow runs."""
        return cls.ROUTED if routing else cls.PLAIN


class UnportableError(Exception):
    """A part of a model has no portable form, or a format can not hold it; the message names the part."""
