"""Specs of several files: folders up and down a project, names that are taken along, and what goes wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import specc
from specc import pipeline
from specc.graph.files import read
from specc.graph.totals import totals

MODEL = "model net {\n  input x: float32[4]\n  output y = x -> double\n}\n"
DOUBLE = "block double {\n  input x\n  output y = (x, x) -> Add()\n}\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder in which a project lies; what is beside it does not belong to it."""
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


def write(project: Path, **files: str) -> None:
    """Files by their path, in which `__` stands for a slash."""
    for name, text in files.items():
        path = project / f"{name.replace('__', '/')}.cnet"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def found(project: Path, name: str = "net") -> list[str]:
    """What is found in a spec of the project: file, line and column, kind and message."""
    return [
        f"{Path(each.source.name).relative_to(project)}:{each.line}:{each.column}: {each.kind.id}: {each.message}"
        for each in specc.check(project / f"{name}.cnet")
    ]


# What can be taken from where


def test_a_file_uses_what_lies_in_folders_below(project: Path) -> None:
    write(project, net=f'use "parts/sums/double.cnet": double\n{MODEL}', parts__sums__double=DOUBLE)
    assert found(project) == []


def test_a_file_in_a_folder_uses_files_beside_it_and_above_it(project: Path) -> None:
    """A path is read from where it is written, not from the spec that is compiled."""
    write(
        project,
        net=f'use "parts/both.cnet": double\n{MODEL}',
        parts__both='use "sum.cnet": sum\nuse "../shared.cnet": same\n'
        "block double {\n  input x\n  output y = (x -> same, x) -> sum\n}\n",
        parts__sum="block sum {\n  input a\n  input b\n  output y = (a, b) -> Add()\n}\n",
        shared="block same {\n  input x\n  output y = x -> Identity()\n}\n",
    )
    assert found(project) == []


def test_every_sort_of_item_can_be_taken_also_under_another_name(project: Path) -> None:
    parts = (
        "const size = 3\nlayer embed = Dense(2)\nblock wide(n) {\n  input x\n  output y = x -> Dense(n)\n}\n"
        "model inner {\n  input x: float32[4]\n  output y = x -> Dense(5)\n}\n"
    )
    net = """use "parts.cnet": size as n, embed as shared, wide as dense, inner as part
model net {
  input x: float32[4]
  output y = (x -> shared, x -> shared, x -> dense(n), x -> part) -> Concatenate()
  expect shape(y) == [2 + 2 + 3 + 5]
  expect params == 5 * (2 + 3 + 5)
}
"""
    write(project, parts=parts, net=net)
    assert found(project) == []


def test_a_file_that_several_use_is_one_file(project: Path) -> None:
    """A layer that two files take of a third has one set of weights."""
    user = 'use "shared.cnet": embed\nblock {name} {{\n  input x\n  output y = x -> embed\n}}\n'
    net = """use "left.cnet": left
use "right.cnet": right
model net {
  input x: float32[4]
  output y = (x -> left, x -> right) -> Add()
}
"""
    files = {name: user.format(name=name) for name in ("left", "right")}
    write(project, net=net, shared="layer embed = Dense(3)\n", **files)
    path = project / "net.cnet"
    checked = pipeline.check(read(path, str(path)))
    assert list(checked.findings) == []
    assert totals(checked.program.graphs["net"]).params == 4 * 3 + 3


def test_an_item_sees_the_names_of_its_own_file(project: Path) -> None:
    parts = "const n = 7\nblock wide {\n  input x\n  output y = x -> Dense(n)\n}\n"
    net = """use "parts.cnet": wide
const n = 2
model net {
  input x: float32[4]
  output y = x -> wide -> Dense(n)
  expect params == 4 * 7 + 7 + 7 * 2 + 2
}
"""
    write(project, parts=parts, net=net)
    assert found(project) == []


def test_what_a_file_has_taken_can_be_taken_from_it(project: Path) -> None:
    again = 'use "double.cnet": double\nblock quadruple {\n  input x\n  output y = x -> double -> double\n}\n'
    net = f'use "again.cnet": double, quadruple\n{MODEL.replace("x -> double", "x -> double -> quadruple")}'
    write(project, net=net, again=again, double=DOUBLE)
    assert found(project) == []


# What is refused


@pytest.mark.parametrize("path", ["../beside.cnet", "parts/../../beside.cnet", "{outside}"])
def test_nothing_is_taken_from_outside_of_the_project(project: Path, path: str) -> None:
    write(project.parent, beside=DOUBLE)
    path = path.format(outside=project.parent / "beside.cnet")
    write(project, net=f'use "{path}": double\n{MODEL}')
    message = f'"{path}" lies outside the project, which is the folder of the spec'
    assert found(project) == [f"net.cnet:1:5: unknown-import: {message}"]


def test_a_link_does_not_lead_out_of_the_project(project: Path) -> None:
    write(project.parent, beside=DOUBLE)
    (project / "link.cnet").symlink_to(project.parent / "beside.cnet")
    write(project, net=f'use "link.cnet": double\n{MODEL}')
    (finding,) = found(project)
    assert finding.startswith("net.cnet:1:5: unknown-import:")


def test_a_file_below_does_not_lead_out_of_the_project_either(project: Path) -> None:
    write(project.parent, beside=DOUBLE)
    write(project, net=f'use "parts/up.cnet": double\n{MODEL}', parts__up='use "../../beside.cnet": double\n')
    (finding,) = found(project)
    assert finding.startswith('parts/up.cnet:1:5: unknown-import: "../../beside.cnet" lies outside')


def test_a_missing_file_and_a_missing_item_are_found_where_they_are_named(project: Path) -> None:
    net = f'use "nowhere.cnet": one, two\nuse "double.cnet": triple, doubel as double\n{MODEL}'
    write(project, net=net, double=DOUBLE)
    assert found(project) == [
        'net.cnet:1:5: unknown-import: there is no file "nowhere.cnet" beside this one',
        'net.cnet:2:20: unknown-import: "double.cnet" has no `triple`',
        'net.cnet:2:28: unknown-import: "double.cnet" has no `doubel`',
    ]


def test_two_files_may_not_give_one_name_but_an_alias_mends_that(project: Path) -> None:
    write(project, net=f'use "a.cnet": double\nuse "b.cnet": double\n{MODEL}', a=DOUBLE, b=DOUBLE)
    assert found(project) == ["net.cnet:2:15: duplicate-name: `double` is named twice in this file"]
    both = MODEL.replace("x -> double", "x -> double -> other")
    write(project, net=f'use "a.cnet": double\nuse "b.cnet": double as other\n{both}')
    assert found(project) == []


def test_a_name_of_the_file_may_not_be_taken_again(project: Path) -> None:
    write(project, net=f'use "a.cnet": double\n{DOUBLE}{MODEL}', a=DOUBLE)
    assert found(project) == ["net.cnet:2:7: duplicate-name: `double` is named twice in this file"]


def test_a_circle_of_three_files_is_told_with_its_whole_way(project: Path) -> None:
    def part(name: str, other: str) -> str:
        return f'use "{other}.cnet": {other}\nblock {name} {{\n  input x\n  output y = x -> {other}\n}}\n'

    net = f'use "a.cnet": a as double\n{MODEL}'
    write(project, net=net, a=part("a", "b"), b=part("b", "c"), c=part("c", "a"))
    circle = "a.cnet → b.cnet → c.cnet → a.cnet"
    assert found(project) == [f"c.cnet:1:5: import-cycle: files use each other in a circle: {circle}"]


def test_a_file_that_uses_itself_is_a_circle(project: Path) -> None:
    write(project, net=f'use "net.cnet": net as double\n{MODEL}')
    assert found(project) == ["net.cnet:1:5: import-cycle: files use each other in a circle: net.cnet → net.cnet"]


def test_a_fault_in_a_file_is_found_there_once_however_many_use_it(project: Path) -> None:
    faulty = "block double {\n  input x\n  output y = x -> Dens(2)\n}\n"
    twice = MODEL.replace("x -> double", "x -> double -> double")
    write(project, net=f'use "double.cnet": double\n{twice}', double=faulty)
    assert found(project) == ["double.cnet:3:19: unknown-layer: there is no layer `Dens`"]


def test_an_array_lies_beside_the_file_that_loads_it(project: Path) -> None:
    parts = 'block shifted {\n  input x\n  const shift = load("shift.npy")\n  output y = x + shift\n}\n'
    write(project, net=f'use "parts/shift.cnet": shifted as double\n{MODEL}', parts__shift=parts)
    (finding,) = found(project)
    assert finding.startswith('parts/shift.cnet:3:17: array: there is no file "shift.npy" next to the spec')
    np.save(project / "parts" / "shift.npy", np.zeros(4, "float32"))
    assert found(project) == []
