"""The kinds of findings that names, arguments and arrays can show while a spec is elaborated."""

from __future__ import annotations

from specc.diagnostics import Kind, Severity


def _in_model(*lines: str) -> str:
    return "\n".join(["model m {", "  input x: float32[4]", *(f"  {line}" for line in lines), "}", ""])


UNKNOWN_NAME = Kind(
    id="unknown-name",
    explanation="A name stands where nothing of that name is bound: no input, binding, parameter, const, weight or "
    "knob.",
    faulty=_in_model("hidden = x -> Dense(8)", "output y = hiden -> Dense(2)"),
    mended=_in_model("hidden = x -> Dense(8)", "output y = hidden -> Dense(2)"),
)

DUPLICATE_NAME = Kind(
    id="duplicate-name",
    explanation="Every name is bound once in its body, and every item of a file has its own name: names are the "
    "names of layers, weights and signatures.",
    faulty=_in_model("h = x -> Dense(8)", "h = x -> Dense(9)", "output y = h -> Dense(2)"),
    mended=_in_model("h = x -> Dense(8)", "i = h -> Dense(9)", "output y = i -> Dense(2)"),
)

RESERVED_NAME = Kind(
    id="reserved-name",
    explanation="A SavedModel has signatures of its own, `serving_default` and `set_knobs`, and a model can not have "
    "their names.",
    faulty="model set_knobs {\n  input x: float32[4]\n  output y = x -> Dense(2)\n}\n",
    mended="model tuned {\n  input x: float32[4]\n  output y = x -> Dense(2)\n}\n",
)

UNKNOWN_LAYER = Kind(
    id="unknown-layer",
    explanation="What stands behind an arrow is no layer of Keras, no listed op, no construct, and no block, model "
    "or layer of the file.",
    faulty=_in_model("output y = x -> Dens(2)"),
    mended=_in_model("output y = x -> Dense(2)"),
)

REFUSED_LAYER = Kind(
    id="refused-layer",
    explanation="Keras has this class, and a spec can not use it: it is abstract, deprecated, or would run code or "
    "read files that the spec does not show.",
    faulty=_in_model('output y = x -> Lambda("x + 1")'),
    mended=_in_model("output y = x + 1"),
)

UNKNOWN_CONFIGURATION = Kind(
    id="unknown-configuration",
    explanation="A call among the arguments is no initializer, regularizer, constraint, optimizer, schedule, loss, "
    "metric or layer of Keras.",
    faulty=_in_model("output y = x -> Dense(2, kernel_regularizer=L22(1e-4))"),
    mended=_in_model("output y = x -> Dense(2, kernel_regularizer=L2(1e-4))"),
)

UNKNOWN_ARGUMENT = Kind(
    id="unknown-argument",
    explanation="A call names an argument that the layer, op, construct or block does not have. Names of layers come "
    "from the file, so `name=` is not accepted.",
    faulty=_in_model('output y = x -> Dense(2, activaton="relu")'),
    mended=_in_model('output y = x -> Dense(2, activation="relu")'),
)

MISSING_ARGUMENT = Kind(
    id="missing-argument",
    explanation="A call leaves out an argument that has no default.",
    faulty=_in_model("output y = x -> Dense()"),
    mended=_in_model("output y = x -> Dense(2)"),
)

SURPLUS_ARGUMENT = Kind(
    id="surplus-argument",
    explanation="A call gives more arguments than there are, or gives one twice.",
    faulty=_in_model("output y = x -> Dense(2, units=3)"),
    mended=_in_model("output y = x -> Dense(2)"),
)

WRONG_KIND = Kind(
    id="wrong-kind",
    explanation="A value is of another kind than the place wants: a string for a number, a tensor for a setting, "
    "`true` for an integer.",
    faulty=_in_model('output y = x -> Dense("2")'),
    mended=_in_model("output y = x -> Dense(2)"),
)

ILLEGAL_VALUE = Kind(
    id="illegal-value",
    explanation="A value is of the right kind and outside what Keras or the construct accepts.",
    faulty=_in_model('output y = x -> Dense(2, activation="reluu")'),
    mended=_in_model('output y = x -> Dense(2, activation="relu")'),
)

NOT_KNOWN_NOW = Kind(
    id="not-known-now",
    explanation="Conditions, the bounds of `for`, sizes and settings are worked out when the spec is compiled; a "
    "tensor has its value only when the model runs. `where(condition, a, b)` chooses between tensors.",
    faulty=_in_model("output y = x -> Dense(2) if x > 0 else x -> Dense(2)"),
    mended=_in_model("output y = where(x > 0, x, 0.0) -> Dense(2)"),
)

NO_TENSOR = Kind(
    id="no-tensor",
    explanation="An arrow carries tensors, and the value at its start is none.",
    faulty=_in_model("output y = 3 -> Dense(2)"),
    mended=_in_model("output y = x -> Dense(2)"),
)

ARITY = Kind(
    id="arity",
    explanation="A stage gets another number of tensors than it takes, or gives another number than there are names "
    "for them.",
    faulty=_in_model("near, far, rest = x -> gate(0.5)", "output y = (near, far, rest) -> Concatenate()"),
    mended=_in_model("near, far = x -> gate(0.5)", "output y = (near, far) -> Concatenate()"),
)

CYCLE = Kind(
    id="cycle",
    explanation="A tensor depends on itself. The message shows the whole path.",
    faulty=_in_model("a = b -> Dense(4)", "b = a -> Dense(4)", "output y = (x, b) -> Add()"),
    mended=_in_model("a = x -> Dense(4)", "b = a -> Dense(4)", "output y = (x, b) -> Add()"),
)

ILLEGAL_TYPE = Kind(
    id="illegal-type",
    explanation="A type is a dtype of Keras and sizes that are positive integers, symbols or `?`.",
    faulty="model m {\n  input x: float31[4]\n  output y = x -> Dense(2)\n}\n",
    mended="model m {\n  input x: float32[4]\n  output y = x -> Dense(2)\n}\n",
)

ILLEGAL_STATEMENT = Kind(
    id="illegal-statement",
    explanation="A statement stands where it has no meaning: `train` or `expect` in a block, an input of a model "
    "without a type, two `train` blocks.",
    faulty="block part {\n  input a\n  expect params == 10\n  output b = a -> Dense(2)\n}\n"
    "model m {\n  input x: float32[4]\n  output y = x -> part\n}\n",
    mended="block part {\n  input a\n  output b = a -> Dense(2)\n}\n"
    "model m {\n  input x: float32[4]\n  output y = x -> part\n  expect params == 10\n}\n",
)

NO_OUTPUT = Kind(
    id="no-output",
    explanation="A model or block without an input or without an output computes nothing.",
    faulty="model m {\n  input x: float32[4]\n}\n",
    mended="model m {\n  input x: float32[4]\n  output y = x -> Dense(2)\n}\n",
)

ARRAY = Kind(
    id="array",
    explanation="An array can not be had: the file is missing, leaves the folder of the spec, has no such key, is no "
    "array of numbers, or has another shape than declared.",
    faulty=_in_model("const shift: float32[3] = [1.0, 2.0]", "output y = x -> Dense(2)", "output z = shift"),
    mended=_in_model("const shift: float32[2] = [1.0, 2.0]", "output y = (x -> Dense(2)) + shift"),
)

UNKNOWN_IMPORT = Kind(
    id="unknown-import",
    explanation="A `use` names a file, a library block or an item that does not exist, or one outside the project.",
    faulty='use "nowhere.cnet": residual\n\n' + _in_model("output y = x -> Dense(2)"),
    mended=_in_model("output y = x -> Dense(2)"),
)

IMPORT_CYCLE = Kind(
    id="import-cycle",
    explanation="A file uses itself, directly or through others. The message shows the whole path.",
    faulty='use "self.cnet": part\n\n' + _in_model("output y = x -> Dense(2)"),
    mended=_in_model("output y = x -> Dense(2)"),
)

UNFIT_FOR_TRAINING = Kind(
    id="unfit-for-training",
    explanation="A `train` block sets something that Keras' `compile` does not know, or lacks an optimizer or a loss.",
    faulty=_in_model(
        "output y = x -> Dense(2)", "train {", '  optimiser = "adam"', "  loss y = MeanSquaredError()", "}"
    ),
    mended=_in_model(
        "output y = x -> Dense(2)", "train {", '  optimizer = "adam"', "  loss y = MeanSquaredError()", "}"
    ),
)

OUT_OF_BOUNDS = Kind(
    id="out-of-bounds",
    explanation="Expanding `for` and blocks is bounded at 10,000 nodes and 200,000 steps, blocks in blocks at a depth "
    "of 48, lists at a million elements, a weight or a tensor per sample at 2**31, so that a short spec can not "
    "exhaust the machine.",
    faulty=_in_model("output y = x -> for i in 0..9000000 { Dense(4) }"),
    mended=_in_model("output y = x -> for i in 0..9 { Dense(4) }"),
)

UNUSED_BINDING = Kind(
    id="unused-binding",
    severity=Severity.WARNING,
    explanation="A parameter, a const, a named layer, a value or the input of a block has a name that nothing reads. "
    "Often another name was meant where it should be read.",
    faulty="model m(width = 8) {\n  input x: float32[4]\n  output y = x -> Dense(2)\n}\n",
    mended="model m(width = 8) {\n  input x: float32[4]\n  output y = x -> Dense(width)\n}\n",
)

UNUSED_IMPORT = Kind(
    id="unused-import",
    severity=Severity.WARNING,
    explanation="A `use` takes a name that the file never uses.",
    faulty="use std: residual\n\n" + _in_model("output y = x -> Dense(2)"),
    mended=_in_model("output y = x -> Dense(2)"),
)
