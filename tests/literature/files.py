"""The specs of the literature, the library that they use, and the sizes that their papers or Keras give them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from specc.diagnostics import Sink
from specc.graph.files import read
from specc.graph.library import LIBRARY
from specc.syntax import ast, parse
from tests.examples.cases import FOLDER

LITERATURE: Final = FOLDER / "literature"
FILES: Final = sorted(LITERATURE.glob("*.cnet"))

COUNTS: Final[Mapping[tuple[str, str], tuple[int, int]]] = {
    ("mnist_convnet", "mnist_convnet"): (34_826, 34_826),
    ("highway_mlp", "highway_mlp"): (80_560, 80_560),
    ("resnet_cifar", "resnet_20"): (272_474, 274_042),
    ("resnet_cifar", "resnet_56"): (855_770, 860_026),
    ("se_resnet_20", "se_resnet_20"): (274_847, 276_415),
    ("densenet_cifar", "densenet_cifar"): (176_122, 181_210),
    ("densenet_121", "densenet_121"): (7_978_856, 8_062_504),
    ("resnet_imagenet", "resnet_50"): (25_583_592, 25_636_712),
    ("resnet_imagenet", "resnet_152"): (60_268_520, 60_419_944),
    ("resnet_50_v2", "resnet_50_v2"): (25_568_360, 25_613_800),
    ("resnext_50", "resnext_50"): (25_028_904, 25_097_128),
    ("efficientnet_b0", "efficientnet_b0"): (5_288_548, 5_330_571),
    ("mobilenet_v3_small", "mobilenet_v3_small"): (2_542_856, 2_554_968),
    ("xception", "xception"): (22_855_952, 22_910_480),
    ("unet", "unet"): (31_043_521, 31_055_297),
    ("googlenet", "googlenet"): (6_998_552, 6_998_552),
    ("nature_dqn", "q_of_action"): (1_686_180, 1_686_180),
    ("gated_residual_network", "gated_residual_network"): (1_120, 1_120),
    ("static_hypernetwork", "static_hypernetwork"): (12_910, 12_910),
    ("imdb_bidirectional_lstm", "imdb_bidirectional_lstm"): (2_757_761, 2_757_761),
    ("imdb_transformer", "imdb_transformer"): (657_758, 657_758),
    ("vision_transformer", "vision_transformer"): (86_567_656, 86_567_656),
}
"""Trainable parameters and all parameters, by file and model."""


def spec(name: str) -> Path:
    return LITERATURE / f"{name}.cnet"


def syntax(path: Path) -> ast.File:
    """The syntax tree of a file without faults."""
    sink = Sink()
    file = parse(read(path, path.name), sink)
    assert not list(sink)
    return file


def library() -> dict[str, ast.Block]:
    """The blocks of the library by name."""
    return {item.name: item for item in syntax(LIBRARY / "std.cnet").items if isinstance(item, ast.Block)}


def used(path: Path) -> set[str]:
    """The blocks of the library that a file uses."""
    return {entry.original for item in syntax(path).items if isinstance(item, ast.Use) for entry in item.imports}


def code(text: str) -> Iterator[str]:
    """The lines that say something: neither blank nor a comment."""
    for line in text.splitlines():
        if line.strip() and not line.strip().startswith("#"):
            yield line
