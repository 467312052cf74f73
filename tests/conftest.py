"""What holds for all tests; it is read before any of them imports Keras."""

import os

from hypothesis import settings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ["KERAS_BACKEND"] = "tensorflow"

# The same examples each time, so that a change fails by its own fault; SPECC_RANDOM=1 looks for others.
settings.register_profile("specc", deadline=None, derandomize=not os.environ.get("SPECC_RANDOM"), database=None)
settings.load_profile("specc")
