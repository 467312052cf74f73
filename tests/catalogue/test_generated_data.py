"""The checked-in data is what Keras says today, and the tables written by hand cover it exactly."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.resources import files

import keras
import pytest

from specc.catalogue import (
    REFUSED,
    configuration,
    configuration_names,
    layer,
    layer_names,
    operation,
    operation_names,
    roles_of,
)
from specc.catalogue.configurations import KINDS, ROLES
from specc.catalogue.entries import Entry
from specc.catalogue.generate import generated, text
from specc.catalogue.layer_kinds import BY_LAYER, BY_NAME
from specc.catalogue.loading import data
from specc.catalogue.operations import FAMILIES as OPERATION_FAMILIES
from specc.catalogue.operations import RULES as OPERATION_RULES
from specc.catalogue.ranges import ACTIVATION_RANGES
from specc.catalogue.rules import FAMILIES, RULES
from tests.catalogue.keras_oracle import MODULES


@pytest.mark.parametrize("name", ["layers.json", "configurations.json", "operations.json"])
def test_data_is_what_keras_says(name: str) -> None:
    """Run `python -m specc.catalogue.generate` when this fails, and read the difference."""
    stored = files("specc.catalogue").joinpath("data", name).read_text(encoding="utf-8")
    assert stored == text(generated()[name])


def test_every_class_of_keras_layers_is_listed_or_refused() -> None:
    exported = {name for name, value in vars(keras.layers).items() if isinstance(value, type)}
    assert exported == set(layer_names()) | (exported & set(REFUSED))
    assert not set(layer_names()) & set(REFUSED)


def test_every_layer_has_a_rule_and_every_rule_a_layer() -> None:
    assert set(RULES) == set(data("layers.json")["classes"])
    assert len(RULES) == sum(len(family.RULES) for family in FAMILIES), "a layer has two rules"


def test_every_op_has_one_rule() -> None:
    assert len(OPERATION_RULES) == sum(len(family.RULES) for family in OPERATION_FAMILIES)


def test_no_kind_is_for_an_argument_that_does_not_exist() -> None:
    entries = [layer(name) for name in data("layers.json")["classes"]]
    existing = {(entry.name, argument.name) for entry in entries if entry for argument in entry.accepted}
    names = {name for _, name in existing}
    assert set(BY_LAYER) <= existing
    assert set(BY_NAME) <= names
    for role in ROLES:
        found = [configuration(role, name) for name in configuration_names(role)]
        assert set(KINDS[role]) == {argument.name for entry in found if entry for argument in entry.arguments}
    for name in operation_names():
        entry = operation(name)
        assert entry is not None
        rule = OPERATION_RULES[name]
        assert set(rule.kinds) | set(rule.operands) == {parameter.name for parameter in entry.parameters}


def test_defaults_are_of_their_kinds() -> None:
    """Of every entry, only arguments without a default are missing when none is given."""
    entries: list[Entry | None] = [layer(name) for name in layer_names()]
    entries += [operation(name) for name in operation_names()]
    entries += [configuration(role, name) for role in ROLES for name in configuration_names(role)]
    for entry in entries:
        assert entry is not None
        _, faults = entry.check({})
        single = [fault for fault in faults if fault.pattern != "missing-argument"]
        assert not single, entry.name


def test_every_activation_has_a_range_and_every_range_an_activation() -> None:
    strings = set(data("configurations.json")["activation"]["strings"])
    assert strings == set(ACTIVATION_RANGES)


@pytest.mark.parametrize("role", ROLES)
def test_every_config_class_and_string_is_made_by_keras(role: str) -> None:
    module = MODULES[role]
    for name in configuration_names(role):
        entry = configuration(role, name)
        assert entry is not None
        if not any(argument.required for argument in entry.arguments) and name != "LossScaleOptimizer":
            getattr(module, name)(**{argument.name: argument.default for argument in entry.arguments})
    for string in data("configurations.json")[role]["strings"]:
        assert module.get(string) is not None


def test_a_name_may_have_several_roles() -> None:
    assert roles_of("CosineSimilarity") == ("loss", "metric")
    assert roles_of("Adam") == ("optimizer",)


def test_every_constructor_takes_its_universal_arguments() -> None:
    """`trainable` and `dtype` are caught by **kwargs in most classes; none of them may then refuse them."""
    for name in ("ActivityRegularization", "IntegerLookup", "StringLookup", "Flatten", "RandomFlip", "Discretization"):
        entry = layer(name)
        assert entry is not None
        given = {argument.name: argument.default for argument in entry.arguments if not argument.required}
        given.pop("num_bins", None)
        if entry.argument("bin_boundaries"):
            given["bin_boundaries"] = [0.0]
        getattr(keras.layers, name)(**given)


def test_the_catalogue_imports_without_keras() -> None:
    code = "import sys, specc.catalogue; print(json.dumps([name in sys.modules for name in ('keras', 'tensorflow')]))"
    run = subprocess.run([sys.executable, "-c", f"import json; {code}"], capture_output=True, text=True, check=True)
    assert json.loads(run.stdout) == [False, False]
