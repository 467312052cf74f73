"""The kinds of findings that shapes, dtypes and value ranges can show."""

from __future__ import annotations

from specc.diagnostics import Kind


def _image_model(*lines: str) -> str:
    return "\n".join(["model m {", "  input x: float32[28, 28, 1]", *(f"  {line}" for line in lines), "}", ""])


SHAPE_MISMATCH = Kind(
    id="shape-mismatch",
    explanation="A tensor does not have the shape that a layer, op, block or model needs. Shapes are per sample: the "
    "batch axis is not counted.",
    faulty=_image_model("h = x -> Flatten() -> Conv2D(8, 3)", "output y = h -> Flatten() -> Dense(2)"),
    mended=_image_model("h = x -> Conv2D(8, 3)", "output y = h -> Flatten() -> Dense(2)"),
)

DTYPE_MISMATCH = Kind(
    id="dtype-mismatch",
    explanation="A tensor does not have the dtype that a layer, op, construct, block or model needs.",
    faulty="model m {\n  input x: float32[4]\n  input n: int32\n  near, far = n -> gate(0.5)\n"
    "  output y = (x -> Dense(2)) * (near + far)\n}\n",
    mended="model m {\n  input x: float32[4]\n  input n: float32\n  near, far = n -> gate(0.5)\n"
    "  output y = (x -> Dense(2)) * (near + far)\n}\n",
)

MERGE_MISMATCH = Kind(
    id="merge-mismatch",
    explanation="Tensors that are merged do not have shapes that fit each other.",
    faulty=_image_model("a = x -> Conv2D(8, 3)", "b = x -> Conv2D(9, 3)", "output y = (a, b) -> Add() -> Flatten()"),
    mended=_image_model("a = x -> Conv2D(8, 3)", "b = x -> Conv2D(8, 3)", "output y = (a, b) -> Add() -> Flatten()"),
)

ARGUMENT_SHAPE = Kind(
    id="argument-shape",
    explanation="An argument does not fit the shape of what it is applied to: a `Reshape` to another number of "
    "elements, a kernel larger than the input, groups that do not divide the channels.",
    faulty=_image_model("output y = x -> Conv2D(8, 29)"),
    mended=_image_model("output y = x -> Conv2D(8, 28)"),
)

AXIS_OUT_OF_RANGE = Kind(
    id="axis-out-of-range",
    explanation="An axis does not exist. Axes count as in Keras, where axis 0 is the batch.",
    faulty=_image_model("output y = mean(x, axis=4)"),
    mended=_image_model("output y = mean(x, axis=3)"),
)

BATCH_AXIS = Kind(
    id="batch-axis",
    explanation="The batch axis is implicit and can not be touched: what a model computes for a sample does not "
    "depend on the others.",
    faulty=_image_model("output y = mean(x, axis=0)"),
    mended=_image_model("output y = mean(x, axis=1)"),
)

INPUT_COUNT = Kind(
    id="input-count",
    explanation="A layer gets another number of tensors than it takes. Several are a tuple: `(a, b) -> Add()`.",
    faulty=_image_model('h = x -> Conv2D(1, 3, padding="same")', "output y = (x, h) -> Flatten()"),
    mended=_image_model('h = x -> Conv2D(1, 3, padding="same")', "output y = (x, h) -> Add() -> Flatten()"),
)

UNKNOWN_SIZE = Kind(
    id="unknown-size",
    explanation="Weights, or what comes out, depend on a size that is not known: declare it, or make it known with a "
    "pooling layer or a `Reshape`.",
    faulty="model m {\n  input x: float32[?]\n  output y = x -> Dense(2)\n}\n",
    mended="model m {\n  input x: float32[8]\n  output y = x -> Dense(2)\n}\n",
)

KERNEL_SHAPE = Kind(
    id="kernel-shape",
    explanation="A kernel or bias from the graph does not have the shape that the layer's own would have.",
    faulty="model m {\n  input x: float32[4]\n  weight k: float32[2, 4]\n  output y = x -> Dense(2, kernel=k)\n}\n",
    mended="model m {\n  input x: float32[4]\n  weight k: float32[4, 2]\n  output y = x -> Dense(2, kernel=k)\n}\n",
)

SYMBOL_MISMATCH = Kind(
    id="symbol-mismatch",
    explanation="A symbolic size is the same everywhere in its model, and two tensors give it two sizes.",
    faulty="model inner {\n  input a: float32[T]\n  input b: float32[T]\n  output y = a + b\n}\n"
    "model m {\n  input x: float32[4]\n  input z: float32[5]\n  output y = (x, z) -> inner\n}\n",
    mended="model inner {\n  input a: float32[T]\n  input b: float32[T]\n  output y = a + b\n}\n"
    "model m {\n  input x: float32[4]\n  input z: float32[4]\n  output y = (x, z) -> inner\n}\n",
)

INSTANCE_MISMATCH = Kind(
    id="instance-mismatch",
    explanation="A named layer has one set of weights, and it is used on inputs that need different ones.",
    faulty="model m {\n  input a: float32[4]\n  input b: float32[5]\n  layer embed = Dense(3)\n"
    "  output y = (a -> embed, b -> embed) -> Add()\n}\n",
    mended="model m {\n  input a: float32[4]\n  input b: float32[4]\n  layer embed = Dense(3)\n"
    "  output y = (a -> embed, b -> embed) -> Add()\n}\n",
)

VALUE_RANGE = Kind(
    id="value-range",
    explanation="Every value that can arrive lies outside the range that an input declares.",
    faulty="model inner {\n  input g: float32[4] in 0..1\n  output y = 1 - g\n}\n"
    "model m {\n  input x: float32[4] in 2..3\n  output y = x -> inner\n}\n",
    mended="model inner {\n  input g: float32[4] in 0..1\n  output y = 1 - g\n}\n"
    "model m {\n  input x: float32[4] in 0..1\n  output y = x -> inner\n}\n",
)

TYPE_KINDS = (
    SHAPE_MISMATCH,
    DTYPE_MISMATCH,
    MERGE_MISMATCH,
    ARGUMENT_SHAPE,
    AXIS_OUT_OF_RANGE,
    BATCH_AXIS,
    INPUT_COUNT,
    UNKNOWN_SIZE,
    KERNEL_SHAPE,
    SYMBOL_MISMATCH,
    INSTANCE_MISMATCH,
    VALUE_RANGE,
)
