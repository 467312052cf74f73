"""Law: a mux is routed exactly when its branches, or its Dense, serve nothing else."""

import pytest

from specc.graph.routing import RoutedBranches, RoutedDense, Routing, route
from specc.pipeline import check
from specc.source import Source


def routing(*lines: str) -> Routing:
    """The routing of a model with inputs `x`, `control` and `soft`, and these lines."""
    inputs = ["input x: float32[6]", "input control: int32 in 0..2", "input soft: float32[2]"]
    text = "\n".join(["model m {", *inputs, *lines, "}"])
    checked = check(Source(text))
    assert not checked.findings.has_errors, [str(found) for found in checked.findings]
    return route(checked.program.graphs["m"])


def names(found: Routing) -> dict[str, list[str]]:
    return {mux.name: [node.name for node in taken.inside] for mux, taken in found.routes.items()}


def test_a_dense_that_only_the_mux_reads_is_routed() -> None:
    found = routing('output y = x -> Dense(8, activation="relu", kernel_regularizer=L2(1e-4)) -> mux(control, of=2)')
    assert names(found) == {"y": ["y.dense"]}
    assert [type(taken) for taken in found.routes.values()] == [RoutedDense]


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(["h = x -> Dense(8)", "output y = h -> mux(control, of=2)", "output z = h"], id="an output too"),
        pytest.param(["h = x -> Dense(8)", "output y = (h -> mux(control, of=2)) + h[0]"], id="another reader"),
        pytest.param(["output y = x -> Dense(8) -> mux(soft, of=2)"], id="soft control"),
        pytest.param(['output y = x -> Dense(8, activation="softmax") -> mux(control, of=2)'], id="across groups"),
        pytest.param(["output y = x -> Dense(8, activity_regularizer=L2(0.1)) -> mux(control, of=2)"], id="activity"),
        pytest.param(["output y = x -> Dense(8, kernel_constraint=UnitNorm()) -> mux(control, of=2)"], id="constraint"),
        pytest.param(
            ["layer d = Dense(8)", "h = x -> d", "output y = (h -> mux(control, of=2)) + (x * 2 -> d)[0]"], id="shared"
        ),
        pytest.param(["output y = (x * 2) -> mux(control, of=2)"], id="no Dense"),
        pytest.param(["output y = (x, x) -> mux(control)"], id="branches without nodes"),
        pytest.param(["output y = x -> [Dense(8), Dense(8)] -> mux(soft)"], id="soft branches"),
    ],
)
def test_otherwise_the_plain_form_stays(lines: list[str]) -> None:
    assert routing(*lines).routes == {}


def test_private_branches_are_routed_with_what_flows_in_as_boundary() -> None:
    found = routing("output y = x -> [Dense(4) -> ReLU(), Dense(4)] -> mux(control)")
    (taken,) = found.routes.values()
    assert isinstance(taken, RoutedBranches)
    inside = [[node.name for node in branch.nodes] for branch in taken.branches]
    assert inside == [["y.dense", "y.re_lu"], ["y.dense_2"]]
    assert [[tensor.node.name for tensor in branch.boundary] for branch in taken.branches] == [["x"], ["x"]]


def test_what_two_branches_read_stays_outside() -> None:
    found = routing("h = x -> Dense(4)", "output y = h -> [Dense(4), ReLU()] -> mux(control)")
    (taken,) = found.routes.values()
    assert isinstance(taken, RoutedBranches)
    assert names(found) == {"y": ["y.dense", "y.re_lu"]}
    assert {tensor.node.name for branch in taken.branches for tensor in branch.boundary} == {"h"}


def test_a_branch_may_hand_on_what_flows_in() -> None:
    found = routing("output y = (x, x -> Dense(6)) -> mux(control)")
    (taken,) = found.routes.values()
    assert isinstance(taken, RoutedBranches)
    assert [len(branch.nodes) for branch in taken.branches] == [0, 1]


def test_a_mux_inside_a_branch_has_its_own_route() -> None:
    found = routing(
        "inner = x -> [Dense(4), Dense(4) -> ReLU()] -> mux(control)",
        "output y = (inner -> Dense(3), x -> Dense(3)) -> mux(control)",
    )
    assert names(found)["y"] == ["inner.dense", "inner.dense_2", "inner.re_lu", "inner", "y.dense", "y.dense_2"]
    assert names(found)["inner"] == ["inner.dense", "inner.dense_2", "inner.re_lu"]
