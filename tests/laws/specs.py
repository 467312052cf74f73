"""Small random specs, drawn as text, and what each of their constructs claims to compute.

Every tensor of a drawn spec is an output of its model, so that a law can look at the operands of a construct and at its
result. The oracle of a construct goes through the samples one by one, in plain TensorFlow: it can be differentiated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import tensorflow as tf
from hypothesis import strategies as st

Shape = tuple[int, ...]
CHOICES = 3
"""How many classes, groups or branches the control picks among; it is also the size of a batch and of many axes."""

SIZES = st.sampled_from([2, 3, 4])
ACTIVATIONS = st.sampled_from(["", ', activation="relu"', ', activation="tanh"'])

BLOCKS = """
block residual(width) {
  input x
  body = x -> Dense(2 * width, activation="tanh") -> Dense(width)
  output y = (x, body) -> Add()
}
"""


@dataclass(frozen=True)
class Claim:
    """`result` is, for each sample, what `oracle` makes of the sample's tensors and the model's weights by path."""

    result: str
    oracle: Callable[[Mapping[str, Any], Mapping[str, Any]], Any]
    exact: bool = False


@dataclass
class Spec:
    """A spec under way: its statements, the shapes of its tensors, and its claims."""

    draw: Any
    lines: list[str] = field(default_factory=list)
    shapes: dict[str, Shape] = field(default_factory=dict)
    claims: list[Claim] = field(default_factory=list)
    muxes: list[str] = field(default_factory=list)

    def add(self, expression: str, *shapes: Shape) -> list[str]:
        """Bind what an expression gives to new names, all of them outputs."""
        names = [f"t{len(self.shapes) + i}" for i in range(len(shapes))]
        self.lines.append(f"{', '.join(names)} = {expression}")
        self.shapes.update(zip(names, shapes, strict=True))
        return names

    def one(self, expression: str, shape: Shape) -> str:
        return self.add(expression, shape)[0]

    def claim(self, result: str, oracle: Callable[..., Any], exact: bool = False) -> None:
        self.claims.append(Claim(result, oracle, exact))

    def any(self, rank: int | None = None, shape: Shape | None = None, least: int = 1) -> str:
        """One of the tensors so far, of this rank or shape and at least so long a last axis; there always is one."""
        fitting = [
            name
            for name, own in self.shapes.items()
            if own[-1] >= least and (rank is None or len(own) == rank) and (shape is None or own == shape)
        ]
        return str(self.draw(st.sampled_from(fitting)))

    def weight(self, shape: Shape) -> str:
        name = f"w{len(self.lines)}"
        self.lines.append(f"weight {name}: float32[{', '.join(map(str, shape))}] = RandomNormal(stddev=0.5)")
        return name

    def text(self, *ends: str) -> str:
        """The spec, with these tensors as outputs, or all of them."""
        outputs = [f"output {name}" for name in ends or self.shapes if name.startswith("t")]
        body = "\n".join(f"  {line}" for line in [*self.lines, *outputs])
        return f"{BLOCKS}\nmodel drawn {{\n{body}\n}}\n"


def pooled(spec: Spec) -> str:
    """A vector, if need be of an image."""
    x = spec.any()
    return x if len(spec.shapes[x]) == 1 else spec.one(f"{x} -> GlobalAveragePooling2D()", spec.shapes[x][-1:])


def literal(shape: Shape) -> str:
    return f"[{', '.join(map(str, shape))}]"


# Steps: each adds a construct or a layer to a spec, with what it claims


def dense(spec: Spec) -> None:
    x, size = spec.any(), spec.draw(SIZES)
    spec.one(f"{x} -> Dense({size}{spec.draw(ACTIVATIONS)})", (*spec.shapes[x][:-1], size))


def convolution(spec: Spec) -> None:
    x, size, strides = spec.any(rank=3), spec.draw(SIZES), spec.draw(st.sampled_from([1, 2]))
    height, width, _ = spec.shapes[x]
    shape = (-(-height // strides), -(-width // strides), size)
    spec.one(f'{x} -> Conv2D({size}, 3, strides={strides}, padding="same"{spec.draw(ACTIVATIONS)})', shape)


def normalization(spec: Spec) -> None:
    x = spec.any()
    stage = spec.draw(st.sampled_from(["BatchNormalization()", "LayerNormalization()", "Dropout(0.5)", "softmax()"]))
    spec.one(f"{x} -> {stage}", spec.shapes[x])


def repetition(spec: Spec) -> None:
    x, times = spec.any(), spec.draw(st.integers(1, 3))
    last = 2 + times
    spec.one(f"{x} -> for i in 0..{times} {{ Dense(3 + i{spec.draw(ACTIVATIONS)}) }}", (*spec.shapes[x][:-1], last))


def block(spec: Spec) -> None:
    x = spec.any()
    spec.one(f"{x} -> residual({spec.shapes[x][-1]})", spec.shapes[x])


def arithmetic(spec: Spec) -> None:
    x, scalar = spec.any(), spec.draw(st.sampled_from(["share", "1.5"]))
    operators = {"+": tf.add, "-": tf.subtract, "*": tf.multiply}
    operator = spec.draw(st.sampled_from(sorted(operators)))
    y = spec.one(f"{x} {operator} {scalar}", spec.shapes[x])
    spec.claim(y, lambda t, w: operators[operator](t[x], t["share"] if scalar == "share" else 1.5), exact=True)


def modulation(spec: Spec) -> None:
    x, condition = spec.any(), pooled(spec)
    scale = spec.one(f"{condition} -> Dense({spec.shapes[x][-1]})", spec.shapes[x][-1:])
    y = spec.one(f"{scale} * {x} + {scale}", spec.shapes[x])
    spec.claim(y, lambda t, w: t[scale] * t[x] + t[scale])


def concatenation(spec: Spec) -> None:
    x = spec.any()
    fitting = [name for name, shape in spec.shapes.items() if shape[:-1] == spec.shapes[x][:-1] and shape]
    y = spec.draw(st.sampled_from(fitting))
    shape = (*spec.shapes[x][:-1], spec.shapes[x][-1] + spec.shapes[y][-1])
    both = spec.one(f"({x}, {y}) -> Concatenate()", shape)
    spec.claim(both, lambda t, w: tf.concat([t[x], t[y]], -1), exact=True)


def gate(spec: Spec) -> None:
    x, kind = spec.any(), spec.draw(st.sampled_from(["0.3", "share", "leg", "channels"]))
    g = kind
    if kind == "leg":
        g = spec.one(f'{x} -> Dense({spec.shapes[x][-1]}, activation="sigmoid")', spec.shapes[x])
    elif kind == "channels":
        g = spec.one(f'{pooled(spec)} -> Dense({spec.shapes[x][-1]}, activation="sigmoid")', spec.shapes[x][-1:])
    near, far = spec.add(f"{x} -> gate({g})", spec.shapes[x], spec.shapes[x])
    fraction = (lambda t: 0.3) if g == "0.3" else (lambda t: t[g])
    spec.claim(near, lambda t, w: fraction(t) * t[x], exact=True)
    spec.claim(far, lambda t, w: t[x] - fraction(t) * t[x])
    whole = spec.one(f"{near} + {far}", spec.shapes[x])
    spec.claim(whole, lambda t, w: t[x])


def split(spec: Spec) -> None:
    x = spec.any(least=2)
    rest, size = spec.shapes[x][:-1], spec.shapes[x][-1]
    first = spec.draw(st.integers(1, size - 1))
    left, right = spec.add(f"{x} -> split([{first}, {size - first}])", (*rest, first), (*rest, size - first))
    spec.claim(left, lambda t, w: t[x][..., :first], exact=True)
    spec.claim(right, lambda t, w: t[x][..., first:], exact=True)
    joined = spec.one(f"({left}, {right}) -> Concatenate()", spec.shapes[x])
    spec.claim(joined, lambda t, w: t[x], exact=True)


def mux_of_groups(spec: Spec) -> None:
    x, size = spec.any(), spec.draw(SIZES)
    groups = spec.one(f"{x} -> Dense({CHOICES * size})", (*spec.shapes[x][:-1], CHOICES * size))
    y = spec.one(f"{groups} -> mux(control, of={CHOICES})", (*spec.shapes[x][:-1], size))
    spec.claim(y, lambda t, w: tf.split(t[groups], CHOICES, -1)[int(t["control"])], exact=True)
    spec.muxes.append(y)


def mux_of_branches(spec: Spec) -> None:
    x, size = spec.any(), spec.draw(SIZES)
    shape = (*spec.shapes[x][:-1], size)
    deeper = f"residual({spec.shapes[x][-1]}) -> Dense({size})"
    branches = spec.add(f"{x} -> [Dense({size}), Dense({size}), {deeper}]", shape, shape, shape)
    if spec.draw(st.booleans()):
        y = spec.one(f"({', '.join(branches)}) -> mux(control)", shape)
        spec.claim(y, lambda t, w: t[branches[int(t["control"])]], exact=True)
        spec.muxes.append(y)
    else:
        share = spec.one(f'{pooled(spec)} -> Dense(3, activation="softmax")', (3,))
        y = spec.one(f"({', '.join(branches)}) -> mux({share})", shape)
        spec.claim(y, lambda t, w: sum(t[share][i] * t[branch] for i, branch in enumerate(branches)))


def merge(spec: Spec) -> None:
    x = spec.any()
    y, kind = spec.any(shape=spec.shapes[x]), spec.draw(st.sampled_from(["weighted_sum", "weighted_product"]))
    weight = spec.draw(st.sampled_from(["0.1", "share", "learned"]))
    given = spec.weight((2,)) if weight == "learned" else weight
    bases = [spec.one(f"sigmoid({name})", spec.shapes[x]) for name in (x, y)]
    merged = spec.one(f"({', '.join(bases)}) -> {kind}({given})", spec.shapes[x])

    def oracle(t: Mapping[str, Any], w: Mapping[str, Any]) -> Any:
        first = 0.1 if weight == "0.1" else t["share"] if weight == "share" else w[f"{given}/value"][0]
        second = w[f"{given}/value"][1] if weight == "learned" else 1 - first
        a, b = (t[base] for base in bases)
        return first * a + second * b if kind == "weighted_sum" else a**first * b**second

    spec.claim(merged, oracle)


def kernel_of(spec: Spec, shape: Shape) -> tuple[str, Callable[..., Any]]:
    """A kernel for each sample, from a bank or from another leg, as the spec writes it and as the oracle finds it."""
    kind = spec.draw(st.sampled_from(["class", "mixture", "leg"]))
    if kind == "leg":
        size = 1
        for each in shape:
            size *= each
        written = spec.one(f"{pooled(spec)} -> Dense({size}) -> Reshape({literal(shape)})", shape)
        return written, lambda t, w: t[written]
    bank = spec.weight((CHOICES, *shape))
    if kind == "class":
        return f"{bank}[control]", lambda t, w: w[f"{bank}/value"][int(t["control"])]
    routing = spec.one(f'{pooled(spec)} -> Dense({CHOICES}, activation="sigmoid")', (CHOICES,))
    return f"mix({bank}, {routing})", lambda t, w: sum(t[routing][i] * w[f"{bank}/value"][i] for i in range(CHOICES))


def conditioned_dense(spec: Spec) -> None:
    x, size = spec.any(), spec.draw(SIZES)
    written, kernel = kernel_of(spec, (spec.shapes[x][-1], size))
    y = spec.one(f"{x} -> Dense({size}, kernel={written})", (*spec.shapes[x][:-1], size))
    spec.claim(y, lambda t, w: tf.tensordot(t[x], kernel(t, w), 1) + w[f"{y}/bias"])


def conditioned_convolution(spec: Spec) -> None:
    x, size = spec.any(rank=3), spec.draw(SIZES)
    written, kernel = kernel_of(spec, (3, 3, spec.shapes[x][-1], size))
    y = spec.one(f'{x} -> Conv2D({size}, 3, padding="same", kernel={written})', (*spec.shapes[x][:-1], size))
    spec.claim(y, lambda t, w: tf.nn.conv2d(t[x][None], kernel(t, w), 1, "SAME")[0] + w[f"{y}/bias"])


STEPS = [
    dense, convolution, normalization, repetition, block, arithmetic, modulation, concatenation, gate, split,
    mux_of_groups, mux_of_branches, merge, conditioned_dense, conditioned_convolution,
]  # fmt: skip


MUXES = [mux_of_groups, mux_of_branches]


@st.composite
def specs(draw: Any, last: Sequence[Callable[[Spec], None]] = ()) -> Spec:
    """A spec of a few steps on an image and a vector, with a control and a scalar of each sample.

    Args:
        draw: what Hypothesis draws with.
        last: what one more step is drawn from, if anything.
    """
    spec = Spec(draw)
    spec.lines += [
        "input image: float32[4, 4, 3]",
        "input vector: float32[3]",
        f"input control: int32 in 0..{CHOICES}",
        "input share: float32 in 0..1",
    ]
    spec.shapes.update({"image": (4, 4, 3), "vector": (3,)})
    # What is not read is warned of; this reads every input.
    read = spec.one("share * (image -> GlobalAveragePooling2D()) + vector", (3,))
    spec.claim(read, lambda t, w: t["share"] * tf.reduce_mean(t["image"], (0, 1)) + t["vector"])
    spec.one(f"concatenate([{read}, {read}, {read}], axis=-1) -> mux(control, of=3)", (3,))
    for step in draw(st.lists(st.sampled_from(STEPS), min_size=2, max_size=6)):
        step(spec)
    if last:
        draw(st.sampled_from(last))(spec)
    return spec
