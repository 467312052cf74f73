"""`specc explain`: what a kind of finding means, or which kinds there are."""

from __future__ import annotations

import sys
from argparse import Namespace

from specc.commands.errors import WrongUseError
from specc.commands.terminal import colour
from specc.diagnostics import suggestion
from specc.diagnostics.explain import explanation
from specc.findings import KINDS, example_findings


def run(options: Namespace) -> int:
    """Explain a kind, with what is reported of its faulty example; without one list all kinds and their severity."""
    kinds = {kind.id: kind for kind in KINDS}
    if options.kind is None:
        width = max(map(len, kinds))
        sys.stdout.writelines(f"{kind.id:{width}}  {kind.severity}\n" for kind in KINDS)
        return 0
    kind = kinds.get(options.kind)
    if kind is None:
        help = suggestion(options.kind, kinds) or "`specc explain` lists them"
        raise WrongUseError(f"there is no kind of finding `{options.kind}`; {help}")
    sys.stdout.write(explanation(kind, example_findings(kind.faulty), colour(sys.stdout)))
    return 0
