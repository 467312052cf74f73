"""Loading TensorFlow, for the commands that need it."""

from __future__ import annotations

import os
import sys
import warnings

from specc.commands.errors import WrongUseError
from specc.commands.progress import quiet_tensorflow


def load_tensorflow() -> None:
    """Import TensorFlow, as the backend of Keras and without its chatter.

    Raises:
        WrongUseError: if it is not installed.
    """
    # Keras would take another backend from its configuration file, and can not write a SavedModel with it.
    os.environ["KERAS_BACKEND"] = "tensorflow"
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
    try:
        with quiet_tensorflow():
            import tensorflow

            # Compiling has no use for a GPU, and must not take the memory of one that trains.
            tensorflow.config.set_visible_devices([], "GPU")
    except ModuleNotFoundError as error:
        raise WrongUseError('this needs TensorFlow: pip install "specc[tensorflow]"') from error
