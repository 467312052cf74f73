"""`specc format`: specs are written in one way, without TensorFlow."""

from __future__ import annotations

import shutil
import sys
from argparse import Namespace
from pathlib import Path

from specc.commands.files import STANDARD_INPUT, opened, specs
from specc.commands.terminal import shown
from specc.diagnostics import Diagnostic, Sink
from specc.export.atomic import atomic_file
from specc.syntax.format import formatted


def run(options: Namespace) -> int:
    """Format files in place, and standard input to standard output; what could not be read is left as it is, and is 1.

    The names of the files that change go to standard output. With `--check` none is written, and one that would change
    is 1 as well.
    """
    changed: list[str] = []
    faults: list[Diagnostic] = []
    files = specs(options.paths)
    for file in files:
        source = opened(file)
        sink = Sink()
        text = None if isinstance(source, Diagnostic) else formatted(source, sink)
        if isinstance(source, Diagnostic) or text is None:
            faults.extend([source] if isinstance(source, Diagnostic) else sink.in_order())
            continue
        if text != source.text:
            changed.append(source.name)
        if options.check:
            continue
        if file == STANDARD_INPUT:
            sys.stdout.write(text)
        elif text != source.text:
            _write(Path(file), text)
    sys.stderr.write(shown(faults, "full", sys.stderr))
    if options.check or STANDARD_INPUT not in files:
        sys.stdout.write("".join(f"{name}\n" for name in changed))
    if not changed and not faults and sys.stdout.isatty() and STANDARD_INPUT not in files:
        sys.stdout.write(f"{len(files)} file{'s' if len(files) > 1 else ''}, nothing to change\n")
    return int(bool(faults) or (options.check and bool(changed)))


def _write(file: Path, text: str) -> None:
    with atomic_file(file) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
        shutil.copymode(file, temporary)
