"""Keras' layers, ops and config classes as data, with the shape, range and parameter rule of each.

Everything here is known without Keras: the arguments were read from it by `specc.catalogue.generate` and stand in
`data/`; the rules are compared with it by the tests. Nothing is loaded before it is asked for.
"""

from __future__ import annotations

from specc.catalogue.configurations import (
    ROLES,
    configuration,
    configuration_names,
    roles_of,
    strings,
)
from specc.catalogue.entries import Argument, ArgumentFault, ConfigurationEntry
from specc.catalogue.facts import Fault, LayerFacts, WeightFact
from specc.catalogue.layers import LayerEntry, layer, layer_names
from specc.catalogue.operations import BINARY_OPERATORS, UNARY_OPERATORS
from specc.catalogue.ops import OperationEntry, Parameter, operation, operation_names
from specc.catalogue.ranges import ACTIVATION_RANGES, activated
from specc.catalogue.refused import REFUSED
from specc.catalogue.values import Configured, StageReference, TensorArgument, Value, spelled

ACTIVATIONS = tuple(sorted(ACTIVATION_RANGES))
"""The strings that `activation=` takes."""

__all__ = [
    "ACTIVATIONS",
    "BINARY_OPERATORS",
    "REFUSED",
    "ROLES",
    "UNARY_OPERATORS",
    "Argument",
    "ArgumentFault",
    "ConfigurationEntry",
    "Configured",
    "Fault",
    "LayerEntry",
    "LayerFacts",
    "OperationEntry",
    "Parameter",
    "StageReference",
    "TensorArgument",
    "Value",
    "WeightFact",
    "activated",
    "configuration",
    "configuration_names",
    "layer",
    "layer_names",
    "operation",
    "operation_names",
    "roles_of",
    "spelled",
    "strings",
]
