"""Whatever the checker accepts, Keras builds, and computes what the checker says: shape and dtype of every output."""

from __future__ import annotations

import keras
import pytest
from hypothesis import HealthCheck, assume, given, settings

from specc import pipeline
from specc.graph.infer import CheckedGraph
from specc.source import Source
from specc.types import Shape
from tests.mutation.broken import NAMES, broken_specs
from tests.mutation.test_check import PATH

MOST_PARAMETERS = 10_000_000
"""More than that is not built here: it would say nothing new."""

SHARES = 4

some = settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
many = settings(some, max_examples=60)


def _fits(shape: Shape, built: tuple[int | None, ...]) -> bool:
    return len(shape) == len(built) and all(
        size == made for size, made in zip(shape, built, strict=True) if isinstance(size, int) and made is not None
    )


def _small(checked: CheckedGraph) -> bool:
    sizes = [1]
    for facts in checked.facts.values():
        for shape in (*(weight.shape for weight in facts.weights), *(output.shape or () for output in facts.outputs)):
            size = 1
            for dim in shape:
                size *= dim if isinstance(dim, int) else 1
            sizes.append(size)
    return sum(sizes) <= MOST_PARAMETERS


def builds(text: str) -> None:
    checked = pipeline.check(Source(text, "broken.cnet", PATH))
    program = checked.program
    assume(not checked.findings.has_errors and program.graphs)
    assume(all(map(_small, program.graphs.values())))
    keras.backend.clear_session()
    models = pipeline.build(checked, list(program.graphs), seed=0)
    for name, model in models.items():
        graph = program.graphs[name]
        for output, made in model.output.items():
            if output in graph.graph.outputs:
                type = graph.type(graph.graph.outputs[output].tensor)
                assert type.dtype == made.dtype, (name, output)
                assert type.shape is None or _fits(type.shape, made.shape[1:]), (name, output)


@some
@given(broken_specs(most=2))
def test_what_is_accepted_is_built(text: str) -> None:
    builds(text)


@pytest.mark.slow
@pytest.mark.parametrize("share", range(SHARES))
def test_much_of_what_is_accepted_is_built(share: int) -> None:
    # In shares, so that several processes can take them.
    many(given(broken_specs(most=3, names=NAMES[share::SHARES]))(builds))()
