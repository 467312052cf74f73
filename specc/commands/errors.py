"""Why a command can not do what it is asked for, when neither the spec nor specc is at fault."""

from __future__ import annotations


class WrongUseError(Exception):
    """The command line asks for what can not be; the message is the one line that its user reads."""
