"""What Python programs call: a spec is checked, built or compiled from its path or its text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from specc import pipeline
from specc.diagnostics import Diagnostic, suggestion
from specc.export.formats import Format
from specc.forms import Form
from specc.graph.files import read
from specc.graph.parameters import Parameters
from specc.source import Source

if TYPE_CHECKING:
    from specc.export.summary import ExportSummary
    from specc.keras_backend.model import SpecModel


class SpecError(ValueError):
    """A spec has errors; `diagnostics` are all findings of the run."""

    def __init__(self, diagnostics: list[Diagnostic]) -> None:
        from specc.diagnostics.render.full import full

        super().__init__("the spec has errors\n\n" + full(diagnostics))
        self.diagnostics = diagnostics


def source_of(spec: str | Path) -> Source:
    """The source of a spec: a path, or the text itself, which is told by its braces.

    Raises:
        OSError: if the file can not be read.
        ValueError: if it is no text or too large.
    """
    if isinstance(spec, Path) or "{" not in spec:
        return read(Path(spec), str(spec))
    return Source(spec)


def check(source: str | Path, **parameters: Any) -> list[Diagnostic]:
    """All findings of a spec, in the order of its lines. TensorFlow is not needed.

    Args:
        source: a path or the text of a spec.
        parameters: values for parameters of its models.
    """
    return pipeline.check(source_of(source), parameters).findings.in_order()


def build(
    source: str | Path, model: str | None = None, *, seed: int | None = 0, routing: bool = True, **parameters: Any
) -> SpecModel:
    """The Keras functional model of a spec, compiled if the spec says how to train it.

    Args:
        source: a path or the text of a spec.
        model: which of its models; the last one if not given.
        seed: the seed of all weights and random layers: the same spec and seed give the same weights. With `None` they
            are drawn from Keras' own state.
        routing: whether a mux computes one branch a sample where it can; without it all of them, to compare.
        parameters: values for parameters of its models.

    Returns:
        a model that takes and gives dicts by the names of the spec; float tensors as the inputs declare them.

    Raises:
        SpecError: if the spec has errors.
        ValueError: for a model or parameter that the spec does not have.
    """
    checked = _without_errors(source, parameters)
    name = _chosen(checked, model)
    return pipeline.build(checked, [name], seed, Form.trained(routing))[name]


def compile(
    source: str | Path,
    out: str | Path,
    *,
    model: str | None = None,
    parameters: Parameters | None = None,
    seed: int | None = 0,
    weights: str | Path | None = None,
    routing: bool = True,
    progress: Callable[[str], None] | None = None,
) -> ExportSummary:
    """Compile a spec into a SavedModel with a signature for each of its models, or into a file of one of them.

    Args:
        source: a path or the text of a spec.
        out: a directory, or a file that ends in `.keras`, `.onnx` or `.tflite`. It is written beside its place and
            renamed.
        model: the model of the spec that is `serving_default`, or the one in the file; the last one if not given.
        parameters: values for parameters of its models.
        seed: as for `build`.
        weights: trained weights of that model, `.weights.h5` or `.keras`, saved from what `build` gave.
        routing: as for `build`.
        progress: called with what is being done.

    Raises:
        SpecError: if the spec has errors.
        ValueError: for a model or parameter that the spec does not have, or weights that do not fit.
        OSError: if something can not be read or written.
        UnportableError: if ONNX or LiteRT can not hold a part of the model.
        MissingPackageError: if the format needs a package that is not installed.
    """
    tell = progress or (lambda step: None)
    tell("checking the spec")
    checked = _without_errors(source, parameters or {})
    return compile_checked(checked, Path(out), model, seed, Path(weights) if weights else None, routing, tell)


def compile_checked(
    checked: pipeline.Checked,
    out: Path,
    model: str | None,
    seed: int | None,
    weights: Path | None,
    routing: bool,
    progress: Callable[[str], None],
) -> ExportSummary:
    """`compile` for a spec that has been checked."""
    from specc.export.atomic import refuse_unsafe

    serving = _chosen(checked, model)
    refuse_unsafe(out)
    format = Format.of(out)
    format.refuse_missing()
    progress("loading TensorFlow")
    from specc.export.weights import load_weights

    progress("building the Keras model")
    names = [serving] if format.is_file else list(checked.program.graphs)
    form = format.form(routing)
    models = pipeline.build(checked, names, seed, form)
    if weights is not None:
        progress(f"loading weights from {weights.name}")
        load_weights(
            models[serving], weights, form, lambda saved: pipeline.build(checked, [serving], seed, saved)[serving]
        )
    return pipeline.export(models, out, serving, progress)


def set_knobs(model: SpecModel, **values: float) -> None:
    """Turn knobs of a model that `build` gave: `specc.set_knobs(model, g=0.7)`.

    Raises:
        ValueError: for a knob that the model does not have, or a value outside its range; then none is turned.
    """
    from specc.keras_backend.model import set_knobs

    set_knobs(model, **values)


def _without_errors(source: str | Path, parameters: Mapping[str, Any]) -> pipeline.Checked:
    checked = pipeline.check(source_of(source), parameters)
    if checked.findings.has_errors:
        raise SpecError(checked.findings.in_order())
    return checked


def _chosen(checked: pipeline.Checked, model: str | None) -> str:
    """The name of the model that is meant."""
    names = list(checked.program.graphs)
    if not names:
        raise ValueError("the spec has no model")
    if model is None:
        return names[-1]
    if model not in names:
        near = suggestion(model, names) or f"it has {', '.join(names)}"
        raise ValueError(f"the spec has no model `{model}`; {near}")
    return model
