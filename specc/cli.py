"""The command line. Here and in specc.commands is the only place that prints, here the only one that ends the process.

Exit codes: 0 done and clean, 1 findings that are errors, 2 wrong use of the command, 3 a bug of specc's; 130 and 143
after SIGINT and SIGTERM, 141 when the reader of the output has gone.
"""

from __future__ import annotations

import argparse
import gc
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from io import TextIOWrapper
from typing import Any, NoReturn

from specc.collecting import without_collecting
from specc.commands.errors import WrongUseError
from specc.diagnostics.render import FORMATS
from specc.stopping import end_on_signals
from specc.version import __version__

TRACEBACK = "SPECC_TRACEBACK"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line; the exit code."""
    try:
        _prepare()
        code = _command(arguments)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        _abandon_output()
        return 128 + signal.SIGPIPE
    except WrongUseError as error:
        _complain(str(error))
        return 2
    except OSError as error:
        # The machine refuses: no space, no permission. It says why; only errors of our own have but a message.
        _complain(": ".join(str(part) for part in (error.filename, error.strerror) if part) or str(error))
        return 2
    except Exception as error:
        first = (str(error).strip().splitlines() or [""])[0][:300]
        what = f"{type(error).__name__}: {first}".removesuffix(": ")
        _complain(f"a bug of specc's, please report it: {what} ({TRACEBACK}=1 shows where)")
        return 3


def run() -> NoReturn:
    """Run the command line of this process and end it.

    Python would take TensorFlow apart first, module by module, which takes as long as compiling a small spec. By then
    everything is written, and closed by whoever opened it.
    """
    end_on_signals()
    code = main()
    with suppress(OSError):
        sys.stderr.flush()
    os._exit(code)


def _prepare() -> None:
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            # It was closed when the process began (`>&-`), and what is not there is not read or written.
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8"))
        elif isinstance(stream, TextIOWrapper) and mode == "w":
            # Specs hold any character, terminals do not.
            stream.reconfigure(errors="backslashreplace")


def _command(arguments: Sequence[str] | None) -> int:
    try:
        options = _parser().parse_args(arguments)
    except SystemExit:
        # `--help` and `--version` have been answered; what is wrong never ends here.
        return 0
    with without_collecting():
        command = import_module(f"specc.commands.{options.command}")
        # The modules stay to the end, so there is no garbage among them to look for later either.
        gc.freeze()
    code: int = command.run(options)
    return code


def _complain(message: str) -> None:
    if os.environ.get(TRACEBACK):
        traceback.print_exc()
    sys.stderr.write(f"specc: {' '.join(message.split())}\n")
    try:
        sys.stdout.flush()
    except OSError:
        _abandon_output()


def _abandon_output() -> None:
    """Let Python's own last flush go nowhere: it would fail again, with words and an exit code of its own."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _Parser(argparse.ArgumentParser):
    def __init__(self, **settings: Any) -> None:
        super().__init__(allow_abbrev=False, **settings)

    def error(self, message: str) -> NoReturn:
        raise WrongUseError(f"{message}; see `{self.prog} --help`")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="specc", description="Compiles specs of neural networks into Keras models and SavedModels.")
    parser.add_argument("--version", action="version", version=f"specc {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    check = commands.add_parser("check", help="prove a spec's names, shapes, dtypes and ranges, without TensorFlow")
    check.add_argument("paths", nargs="+", metavar="PATH", help="a file, a folder with *.cnet files below it, or -")
    check.add_argument("--format", choices=list(FORMATS), default="full", help="how findings are shown")

    check.add_argument("--deep", action="store_true", help="build the models in Keras too, and compare every shape")
    check.add_argument("--fail-on", choices=["error", "warning"], default="error", help="what exit code 1 stands for")

    format = commands.add_parser("format", help="write specs in one way: spaces, indentation and blank lines by rule")
    format.add_argument("paths", nargs="+", metavar="PATH", help="a file, a folder with *.cnet files below it, or -")
    format.add_argument("--check", action="store_true", help="write nothing; exit code 1 if a file would change")

    show = commands.add_parser("show", help="the nodes of a spec's models, with types, parameters and work")
    show.add_argument("file", metavar="FILE", help="the spec, or - for standard input")
    show.add_argument("--format", choices=["table", "json"], default="table")
    show.add_argument("--lowering", action="store_true", help="say how each node is lowered, where that is not plain")

    explain = commands.add_parser("explain", help="what a kind of finding means, with an example")
    explain.add_argument("kind", nargs="?", metavar="KIND", help="as in `error[KIND]`; without it all are listed")

    compile = commands.add_parser("compile", help="make a SavedModel of a spec, or a file for Keras, ONNX or LiteRT")
    compile.add_argument("file", metavar="FILE", help="the spec, or - for standard input")
    compile.add_argument(
        "-o",
        "--out",
        required=True,
        help="a file that ends in .keras, .onnx or .tflite, or the folder of a SavedModel",
    )
    compile.add_argument(
        "--model",
        metavar="NAME",
        help="what serving_default is, or what the file holds (default: the spec's last model)",
    )
    compile.add_argument("--seed", type=int, default=0, metavar="N", help="of weights and random layers (default: 0)")
    compile.add_argument("--weights", metavar="FILE", help="trained weights of the model: .weights.h5 or .keras")
    compile.add_argument(
        "--no-routing", action="store_false", dest="routing", help="let every mux compute all branches, to compare"
    )
    compile.add_argument("--quiet", action="store_true", help="print nothing but the path that was written")

    for command in (check, show, compile):
        command.add_argument(
            "--set", action="append", type=_setting, default=[], dest="settings", metavar="NAME=VALUE",
            help="a value for a parameter of the models; may be given several times",
        )  # fmt: skip
    return parser


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"NAME=VALUE is expected, not {text!r}")
    return name, value
