"""The benchmarks measure what they say: both sides of a case are one network, and what is shown is what was kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

import specc
from benchmarks import report
from benchmarks.by_hand import exports, kernels, muxes, networks
from specc.api import source_of
from specc.graph.totals import totals
from specc.pipeline import check

SPECS = Path(__file__).parents[1] / "benchmarks" / "specs"


@pytest.mark.parametrize("file", sorted(SPECS.glob("*.cnet")), ids=lambda file: file.stem)
def test_nothing_is_found_in_the_specs(file: Path) -> None:
    assert specc.check(file) == []


@pytest.mark.parametrize(
    ("file", "model", "by_hand"),
    [
        ("networks.cnet", "gated", networks.gated),
        ("networks.cnet", "split_channels", networks.split),
        ("networks.cnet", "summed", networks.weighted_sum),
        ("networks.cnet", "resnet_20", networks.resnet_20),
        ("networks.cnet", "unet", lambda: networks.unet(side=64, filters=16, depth=3)),
        ("muxes.cnet", "groups", lambda: muxes.all_groups_then_gather(512, 16, 256)),
        ("chain.cnet", "chain", lambda: exports.chain(200)),
    ],
)
def test_the_network_by_hand_has_as_many_parameters(file: str, model: str, by_hand: Callable[[], keras.Model]) -> None:
    graph = check(source_of(SPECS / file)).program.graphs[model]
    assert totals(graph).params == by_hand().count_params()


def test_what_people_write_for_a_kernel_by_class_is_what_the_spec_says() -> None:
    ours = specc.build(SPECS / "kernels.cnet", "per_class", classes=3)
    theirs = kernels.convolutions_by_class(28, 32, 64, 3)
    bank = next(weight for weight in ours.weights if weight.path == "bank/value")
    for place, layer in enumerate(each for each in theirs.layers if isinstance(each, keras.layers.Conv2D)):
        layer.kernel.assign(bank.value[place])
    draw = np.random.default_rng(0)
    image, label = draw.normal(size=(4, 28, 28, 32)).astype("float32"), np.array([0, 2, 1, 2], "int32")
    found, expected = ours({"image": image, "label": label})["y"], theirs([image, label])
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_the_readme_shows_the_figures_that_were_kept() -> None:
    figures, machine = report.kept()
    shown = report.README.read_text(encoding="utf-8").partition(report.BEGIN)[2].partition(report.END)[0]
    assert shown == report.table(figures, machine)
    assert report.PLOT.is_file()
