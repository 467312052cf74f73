"""Config classes by role, the strings that stand for them, and the kinds of their arguments."""

from __future__ import annotations

from functools import cache
from typing import Final

from specc.catalogue.entries import ConfigurationEntry
from specc.catalogue.kinds import (
    AXES,
    AXIS,
    BOOL,
    COUNT,
    FLOAT_POLICY,
    FRACTION,
    INNER_FRACTION,
    INTEGER,
    INTEGERS,
    NON_NEGATIVE,
    NUMBER,
    NUMBER_LIST,
    NUMBERS,
    POSITIVE_INTEGER,
    POSITIVE_NUMBER,
    SEED,
    STRINGS,
    Kind,
    choice,
    configured,
    either,
    sequence,
)
from specc.catalogue.loading import arguments, data

ROLES: Final = (
    "initializer", "regularizer", "constraint", "optimizer", "learning_rate_schedule", "loss", "metric",
)  # fmt: skip

_LEARNING_RATE: Final = either(
    "a number of 0 or more or a learning rate schedule", NON_NEGATIVE, configured("learning_rate_schedule")
)
_REDUCTION: Final = choice("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", none=True)
_WINDOW: Final = either('"hann", "hamming" or none', choice("hann", "hamming"))

KINDS: Final[dict[str, dict[str, Kind]]] = {
    "initializer": {
        "value": NUMBER, "gain": NUMBER, "mean": NUMBER, "stddev": NON_NEGATIVE, "minval": NUMBER, "maxval": NUMBER,
        "seed": SEED, "scale": POSITIVE_NUMBER, "mode": choice("fan_in", "fan_out", "fan_avg"),
        "distribution": choice("truncated_normal", "untruncated_normal", "uniform"),
        "input_axes": AXES, "output_axes": AXES, "side": choice("real", "imag"), "window": _WINDOW,
        "scaling": choice("density", "spectrum", none=True), "periodic": BOOL,
    },
    "regularizer": {
        "l1": NON_NEGATIVE, "l2": NON_NEGATIVE, "factor": NON_NEGATIVE, "mode": choice("rows", "columns"),
    },
    "constraint": {
        "max_value": POSITIVE_NUMBER, "min_value": NON_NEGATIVE, "rate": FRACTION, "axis": AXES,
    },
    "optimizer": {
        "learning_rate": _LEARNING_RATE, "weight_decay": NON_NEGATIVE, "clipnorm": POSITIVE_NUMBER,
        "clipvalue": POSITIVE_NUMBER, "global_clipnorm": POSITIVE_NUMBER, "use_ema": BOOL, "ema_momentum": FRACTION,
        "ema_overwrite_frequency": POSITIVE_INTEGER, "loss_scale_factor": POSITIVE_NUMBER,
        "gradient_accumulation_steps": POSITIVE_INTEGER, "rho": FRACTION, "epsilon": NON_NEGATIVE,
        "beta_2_decay": NUMBER, "epsilon_1": NON_NEGATIVE, "epsilon_2": NON_NEGATIVE,
        "clip_threshold": POSITIVE_NUMBER, "relative_step": BOOL, "initial_accumulator_value": NON_NEGATIVE,
        "beta_1": FRACTION, "beta_2": FRACTION, "amsgrad": BOOL, "learning_rate_power": NUMBER,
        "l1_regularization_strength": NON_NEGATIVE, "l2_regularization_strength": NON_NEGATIVE,
        "l2_shrinkage_regularization_strength": NON_NEGATIVE, "beta": NON_NEGATIVE,
        "inner_optimizer": configured("optimizer"), "initial_scale": POSITIVE_NUMBER,
        "dynamic_growth_steps": POSITIVE_INTEGER, "adam_beta_1": FRACTION, "adam_beta_2": FRACTION,
        "adam_weight_decay": NON_NEGATIVE, "exclude_layers": STRINGS, "exclude_embeddings": BOOL, "muon_a": NUMBER,
        "muon_b": NUMBER, "muon_c": NUMBER, "adam_lr_ratio": NON_NEGATIVE, "momentum": FRACTION,
        "ns_steps": POSITIVE_INTEGER, "nesterov": BOOL, "rms_rate": NON_NEGATIVE, "centered": BOOL,
        "warmup_steps": COUNT,
    },
    "learning_rate_schedule": {
        "initial_learning_rate": NON_NEGATIVE, "decay_steps": POSITIVE_INTEGER, "alpha": NUMBER,
        "warmup_target": NON_NEGATIVE, "warmup_steps": COUNT, "first_decay_steps": POSITIVE_INTEGER,
        "t_mul": POSITIVE_NUMBER, "m_mul": NON_NEGATIVE, "decay_rate": NON_NEGATIVE, "staircase": BOOL,
        "boundaries": NUMBER_LIST, "values": NUMBER_LIST, "end_learning_rate": NON_NEGATIVE, "power": NUMBER,
        "cycle": BOOL,
    },
    "loss": {
        "from_logits": BOOL, "label_smoothing": FRACTION, "axis": AXES, "reduction": _REDUCTION, "dtype": FLOAT_POLICY,
        "apply_class_balancing": BOOL, "alpha": NUMBERS, "beta": NON_NEGATIVE, "gamma": NON_NEGATIVE,
        "q": INNER_FRACTION, "margin": NUMBER, "remove_diagonal": BOOL, "delta": POSITIVE_NUMBER,
        "ignore_class": INTEGER,
    },
    "metric": {
        "dtype": FLOAT_POLICY, "num_thresholds": POSITIVE_INTEGER, "curve": choice("ROC", "PR"),
        "summation_method": choice("interpolation", "minoring", "majoring"),
        "thresholds": either("a number in 0..1 or a list of them", FRACTION, sequence(FRACTION, "", least=1)),
        "multi_label": BOOL, "num_labels": POSITIVE_INTEGER, "label_weights": NUMBER_LIST, "from_logits": BOOL,
        "threshold": FRACTION, "label_smoothing": FRACTION, "target_class_ids": INTEGERS, "axis": AXIS,
        "average": choice("micro", "macro", "weighted", none=True), "beta": POSITIVE_NUMBER,
        "num_classes": POSITIVE_INTEGER, "ignore_class": INTEGER, "sparse_y_true": BOOL, "sparse_y_pred": BOOL,
        "top_k": POSITIVE_INTEGER, "class_id": COUNT, "recall": FRACTION, "precision": FRACTION,
        "specificity": FRACTION, "sensitivity": FRACTION, "k": POSITIVE_INTEGER, "from_sorted_ids": BOOL,
        "class_aggregation": choice("uniform_average", "variance_weighted_average", none=True), "num_regressors": COUNT,
    },
}  # fmt: skip
"""The kind of every argument of every config class, by role and argument name."""


@cache
def configuration(role: str, name: str) -> ConfigurationEntry | None:
    """The config class `name` of a role, or none. Aliases give the entry of the class they stand for."""
    known = data("configurations.json").get(role)
    if known is None:
        return None
    name = known["aliases"].get(name, name)
    parameters = known["classes"].get(name)
    if parameters is None:
        return None
    return ConfigurationEntry(name, role, arguments(parameters, lambda argument: KINDS[role][argument]))


def configuration_names(role: str) -> tuple[str, ...]:
    """The classes of a role, aliases included."""
    known = data("configurations.json")[role]
    return (*known["classes"], *known["aliases"])


def roles_of(name: str) -> tuple[str, ...]:
    """The roles that have a config class of this name: `CosineSimilarity` is a loss and a metric."""
    return tuple(role for role in ROLES if name in configuration_names(role))


@cache
def strings(role: str) -> frozenset[str]:
    """The strings that Keras takes for a config object of this role, or an activation: `"he_normal"`, `"relu"`."""
    return frozenset(data("configurations.json")[role]["strings"])
