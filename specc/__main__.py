"""`python -m specc` is `specc`."""

from specc.cli import run

run()
