"""The nets of the literature are clean, short and of their published sizes; every block of the library serves one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from specc import pipeline
from specc.graph.files import read
from specc.graph.infer import CheckedGraph
from specc.graph.totals import totals
from specc.syntax import ast
from specc.types import product
from tests.literature.files import COUNTS, FILES, code, library, spec, syntax, used

PAPER = re.compile(r"arXiv:\d{4}\.\d{4,5}|doi:10\.\S+|https://keras\.io/examples/\S+")


def checked(file: Path, **parameters: int) -> dict[str, CheckedGraph]:
    """The models of a file in which nothing is found."""
    found = pipeline.check(read(file, file.name), parameters)
    assert [str(finding) for finding in found.findings] == []
    return found.program.graphs


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_net_is_clean_and_of_its_published_size(file: Path) -> None:
    figures = {name: totals(graph) for name, graph in checked(file).items()}
    published = {model: counts for (name, model), counts in COUNTS.items() if name == file.stem}
    assert {model: (figures[model].trainable_params, figures[model].params) for model in published} == published


@pytest.mark.parametrize(("name", "model"), COUNTS)
def test_a_published_size_is_a_contract(name: str, model: str) -> None:
    (found,) = (item for item in syntax(spec(name)).items if isinstance(item, ast.Model) and item.name == model)
    contracts = " ".join(statement.span.text for statement in found.body if isinstance(statement, ast.Expect))
    assert "expect trainable_params ==" in contracts
    assert "expect params ==" in contracts


@pytest.mark.parametrize(("actions", "params"), [(4, 1_686_180), (6, 1_687_206), (18, 1_693_362)])
def test_a_mux_adds_no_weight_to_the_deep_q_network(actions: int, params: int) -> None:
    graphs = checked(spec("nature_dqn"), actions=actions)
    assert [totals(graph).params for graph in graphs.values()] == [params, params]


def test_a_hypernetwork_has_fewer_weights_than_the_kernel_it_writes() -> None:
    graph = checked(spec("static_hypernetwork"))["static_hypernetwork"]
    leg = [node for node in graph.facts if node.name.split(".")[0] in {"kernel", "embedding"}]
    assert sum(product(weight.shape) for node in leg for weight in graph.facts[node].weights) == 4_244
    (kernel,) = (facts.outputs[0].shape for node, facts in graph.facts.items() if node.name == "kernel.kernel")
    assert kernel == (7, 7, 16, 16) and product(kernel) == 12_544


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_net_begins_with_what_it_is_and_where_it_is_from(file: Path) -> None:
    header = re.match(r"(#.*\n)+", file.read_text(encoding="utf-8"))
    assert header is not None
    assert PAPER.search(header[0])


def needed(names: set[str]) -> set[str]:
    """Blocks of the library with those that they use."""
    texts = {name: block.span.text for name, block in library().items()}
    more = {name for name in texts for block in names if re.search(rf"\b{name}\b", texts[block])}
    return names if more <= names else needed(names | more)


@pytest.mark.parametrize(
    ("name", "limit"), [("resnet_imagenet", 40), ("efficientnet_b0", 40), ("unet", 25), ("nature_dqn", 15)]
)
def test_a_net_is_short_with_all_the_blocks_that_it_uses(name: str, limit: int) -> None:
    blocks = library()
    texts = [spec(name).read_text(encoding="utf-8"), *(blocks[block].span.text for block in needed(used(spec(name))))]
    assert sum(len(list(code(text))) for text in texts) < limit


# The library


def test_every_block_of_the_library_serves_a_net() -> None:
    assert needed({block for file in FILES for block in used(file)}) == set(library())


def test_every_block_of_the_library_says_what_it_is() -> None:
    blocks = library()
    file = syntax(next(iter(blocks.values())).span.source.path or Path())
    assert [name for name, block in blocks.items() if not file.documentation(block).endswith(".")] == []
