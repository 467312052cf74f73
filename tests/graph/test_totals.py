"""The figures of a model, against counts by hand and against Keras."""

from pathlib import Path
from typing import Any

import pytest

import specc
from specc.api import source_of
from specc.forms import Form
from specc.graph.model import InputTensor, Node
from specc.graph.totals import totals
from specc.keras_backend.lower import _ModelLowering
from specc.pipeline import build, check
from specc.types import TensorType

EXAMPLES = Path(__file__).parents[2] / "examples"


def by_hand(depths: tuple[int, int, int, int]) -> int:
    """The multiply-accumulates of a bottleneck ResNet (He et al. 2015, table 1) that strides in its first 1x1 layer."""
    total, side, channels = 112 * 112 * 7 * 7 * 3 * 64, 56, 64
    for stage, depth in enumerate(depths):
        inner, outer = 64 * 2**stage, 256 * 2**stage
        for block in range(depth):
            if block == 0:
                side = side if stage == 0 else side // 2
                total += side * side * channels * outer
            total += side * side * (channels * inner + 9 * inner * inner + inner * outer)
            channels = outer
    return total + 2048 * 1000


@pytest.mark.parametrize(("name", "depths"), [("resnet_50", (3, 4, 6, 3)), ("resnet_152", (3, 8, 36, 3))])
def test_the_work_of_a_resnet_is_what_a_count_by_hand_gives(name: str, depths: tuple[int, int, int, int]) -> None:
    program = check(source_of(EXAMPLES / "literature" / "resnet_imagenet.cnet")).program
    assert totals(program.graphs[name]).macs == by_hand(depths)


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.cnet")), ids=lambda file: file.stem)
def test_the_parameters_of_every_example_are_what_keras_counts(file: Path) -> None:
    for name, graph in check(source_of(file)).program.graphs.items():
        model = specc.build(file, name)
        trainable = sum(weight.shape.num_elements() for weight in (each.value for each in model.trainable_weights))
        figures = totals(graph)
        assert (figures.params, figures.trainable_params) == (model.count_params(), trainable)


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.cnet")), ids=lambda file: file.stem)
def test_every_node_of_every_example_has_the_type_that_keras_gives_it(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[str] = []

    def compare(lowering: _ModelLowering, node: Node, proven: TensorType, made: Any) -> None:
        sizes = made.shape[1:] if proven.batched else made.shape
        assert (made.dtype, len(sizes)) == (proven.dtype, proven.rank), node.name
        assert [size for size in proven.shape or () if isinstance(size, int)] == [size for size in sizes if size]
        compared.append(node.name)

    monkeypatch.setattr(_ModelLowering, "_compare", compare)
    checked = check(source_of(file))
    build(checked, list(checked.program.graphs), seed=0, form=Form.PLAIN)
    nodes = [node for graph in checked.program.graphs.values() for node in graph.graph.useful()]
    assert set(compared) == {node.name for node in nodes if not isinstance(node.action, InputTensor)}
