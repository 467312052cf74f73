"""Every op, per sample: what the layer gives for a batch is what NumPy gives for each sample alone.

Batch, rows and columns are of one size in most cases: an axis taken for another would not be noticed by shape.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from specc.catalogue import operation
from specc.catalogue.facts import LayerFacts
from specc.catalogue.operations import RULES
from specc.catalogue.values import TensorArgument
from specc.keras_backend.layers import Operation
from specc.types import TensorType

Dims = tuple[int, ...]


@dataclass(frozen=True)
class Case:
    """An op with arguments, on samples of these shapes, and the same on one sample's arrays.

    `refused` marks what a spec may not say and the layer does all the same.
    """

    op: str
    oracle: Callable[..., Any]
    shapes: tuple[Dims, ...]
    arguments: dict[str, Any]
    dtypes: tuple[str, ...]
    refused: bool = False

    def __str__(self) -> str:
        given = {name: value for name, value in self.arguments.items() if not _is_input(value)}
        return f"{self.op}{list(self.shapes)}{given or ''}"

    def arrays(self, batched: tuple[bool, ...], batch: int) -> list[np.ndarray]:
        random = np.random.default_rng(1)
        arrays = []
        for shape, dtype, has_batch in zip(self.shapes, self.dtypes, batched, strict=True):
            full = (batch, *shape) if has_batch else shape
            # Indices, the only int64 here, count from either end of an axis of 3.
            low, high = (-3, 3) if dtype == "int64" else (1, 5)
            values = random.integers(low, high, full) if "int" in dtype else random.uniform(-2, 2, full)
            arrays.append((values > 0).astype(dtype) if dtype == "bool" else values.astype(dtype))
        return arrays

    def expected(self, arrays: list[np.ndarray], batched: tuple[bool, ...]) -> tuple[np.ndarray, ...]:
        """The oracle's results, of all samples."""
        if not any(batched):
            return self._alone(arrays)
        batch = next(len(array) for array, has_batch in zip(arrays, batched, strict=True) if has_batch)
        samples = [
            self._alone([
                array[sample] if has_batch else array for array, has_batch in zip(arrays, batched, strict=True)
            ])
            for sample in range(batch)
        ]  # fmt: skip
        return tuple(np.stack(results) for results in zip(*samples, strict=True))

    def _alone(self, sample: list[np.ndarray]) -> tuple[np.ndarray, ...]:
        with np.errstate(all="ignore"):
            return _tuple(self.oracle(*sample))


def _is_input(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(map(_is_input, value)))


def _tuple(results: Any) -> tuple[np.ndarray, ...]:
    results = results if isinstance(results, tuple) else (results,)
    return tuple(np.asarray(keras.ops.convert_to_numpy(result)) for result in results)


def case(
    op: str, oracle: Callable[..., Any], *shapes: Dims, dtypes: Any = "float32", refused: bool = False, **arguments: Any
) -> Case:
    """A case; tensors take the op's parameters in order unless `arguments` places them."""
    if not any(_is_input(value) for value in arguments.values()):
        entry = operation(op)
        assert entry is not None
        names = [p.name for p in entry.parameters if p.operand != "value" and p.name not in arguments]
        tensors = zip(names, range(len(shapes)), strict=False)
        arguments = {**{name: {"input": place} for name, place in tensors}, **arguments}
    each = (dtypes,) * len(shapes) if isinstance(dtypes, str) else dtypes
    return Case(op, oracle, shapes, arguments, each, refused)


def along(name: str, axis: Any, **arguments: Any) -> Callable[..., Any]:
    """NumPy's function over an axis of a sample."""
    return lambda x: getattr(np, name)(x, axis=axis, **arguments)


REDUCTIONS = (
    "all", "amax", "amin", "any", "argmax", "argmin", "max", "mean", "median", "min", "prod", "std", "sum", "var",
)  # fmt: skip
X = (3, 3)
BOTH = [{"input": 0}, {"input": 1}]
INDEX = ("float32", "int64")

CASES = [
    # reductions
    *(case(name, along(name, 0, keepdims=True), X, axis=1, keepdims=True) for name in REDUCTIONS),
    *(case(name, getattr(np, name), (2, 3, 3)) for name in (*REDUCTIONS, "count_nonzero")),
    *(case(name, along(name, None, keepdims=True), X, keepdims=True) for name in ("argmax", "median", "sum")),
    *(case(name, getattr(np, name), ()) for name in ("any", "argmax", "median", "prod", "std", "sum")),
    *(case(name, along(name, (0, 2)), (2, 3, 3), axis=[1, -1]) for name in ("all", "count_nonzero", "max", "var")),
    case("logsumexp", lambda x: np.log(np.exp(x).sum()), (2, 3)),
    case("logsumexp", lambda x: np.log(np.exp(x).sum(0, keepdims=True)), X, axis=1, keepdims=True),
    # along an axis
    case("argsort", lambda x: np.argsort(x, axis=0), X, axis=1),
    case("cumsum", lambda x: np.cumsum(x, axis=0), X, axis=1),
    case("cumsum", np.cumsum, X, refused=True),
    case("cumprod", lambda x: np.cumprod(x, axis=1), X, axis=-1),
    case("cumprod", np.cumprod, (), refused=True),
    case("flip", lambda x: np.flip(x, 0), X, axis=1),
    case("flip", lambda x: np.flip(x, (0, 1)), X, axis=[1, -1]),
    case("flip", np.flip, X, refused=True),
    case("glu", lambda x: x[:2] / (1 + np.exp(-x[2:])), (4, 3), axis=1),
    case("log_softmax", lambda x: x - np.log(np.exp(x).sum(0, keepdims=True)), X, axis=1),
    case("normalize", lambda x: x / np.linalg.norm(x, axis=0, keepdims=True), X, axis=1),
    case("roll", lambda x: np.roll(x, 2, 0), X, shift=2, axis=1),
    case("roll", lambda x: np.roll(x, 2), X, shift=2, refused=True),
    case("softmax", lambda x: np.exp(x) / np.exp(x).sum(0, keepdims=True), X, axis=1),
    case("softmax", lambda x: np.exp(x) / np.exp(x).sum(), X, axis=[1, 2]),
    case("sort", lambda x: np.sort(x, axis=0), X, axis=1),
    case("sparsemax", lambda x: ops.sparsemax(x.T).numpy().T, X, axis=1),
    case("top_k", lambda x: (-np.sort(-x)[:, :2], np.argsort(-x)[:, :2].astype("int32")), X, k=2),
    # shapes
    case("broadcast_to", lambda x: np.broadcast_to(x, (3, 3, 3)), X, shape=[3, 3, 3]),
    case("broadcast_to", lambda x: np.broadcast_to(x, (2, 3)), (), shape=[2, 3]),
    case("concatenate", lambda a, b: np.concatenate([a, b], 0), X, (2, 3), xs=BOTH, axis=1),
    case("concatenate", lambda a, b: np.concatenate([a, b], -1), X, X, xs=BOTH, axis=-1, dtypes=("int32", "float32")),
    case("expand_dims", lambda x: x[:, None], X, axis=2),
    case("expand_dims", lambda x: x[None, :, None], (3,), axis=[1, -1]),
    case("moveaxis", lambda x: np.moveaxis(x, 0, -1), (3, 2, 3), source=1, destination=-1),
    case("moveaxis", lambda x: np.moveaxis(x, (0, 1), (2, 0)), (3, 2, 3), source=[1, 2], destination=[3, 1]),
    case("pad", lambda x: np.pad(x, 1), X, pad_width=1),
    case("pad", lambda x: np.pad(x, ((1, 0), (0, 2)), constant_values=7),
         X, pad_width=[[1, 0], [0, 2]], constant_values=7.0),
    case("pad", lambda x: np.pad(x, ((0, 1), (1, 1)), "reflect"), X, pad_width=[[0, 1], [1, 1]], mode="reflect"),
    case("pad", lambda x: np.pad(x, 1, "symmetric"), (3,), pad_width=1, mode="symmetric"),
    case("repeat", lambda x: np.repeat(x, 2, 0), X, repeats=2, axis=1),
    case("repeat", lambda x: np.repeat(x, 2), X, repeats=2, refused=True),
    case("reshape", lambda x: x.reshape(2, -1, 3), (2, 2, 3), newshape=[2, -1, 3]),
    case("reshape", lambda x: x.reshape(6), (2, 3), newshape=[6]),
    case("reshape", lambda x: x.reshape(-1), (), newshape=[-1]),
    case("squeeze", lambda x: x[:, 0], (3, 1), axis=-1),
    case("squeeze", lambda x: x[0, :, 0], (1, 3, 1), axis=[1, 3]),
    case("squeeze", np.squeeze, (1, 3, 1)),
    case("squeeze", np.squeeze, (3,)),
    case("stack", lambda a, b: np.stack([a, b], 0), X, X, x=BOTH, axis=1),
    case("stack", lambda a, b: np.stack([a, b, np.float32(0.5)]), (), (), x=[*BOTH, 0.5], axis=-1),
    case("swapaxes", lambda x: np.swapaxes(x, 0, 2), (3, 2, 3), axis1=1, axis2=-1),
    case("tile", lambda x: np.tile(x, (2, 1)), X, repeats=[2, 1]),
    case("tile", lambda x: np.tile(x, 2), X, repeats=[2]),
    case("transpose", lambda x: x.transpose(1, 0), X, axes=[0, 2, 1]),
    case("transpose", np.transpose, (3, 2, 3), refused=True),
    # products
    *(
        case("matmul", np.matmul, left, right)
        for left in ((3,), (3, 3), (2, 3, 3))
        for right in ((3,), (3, 3), (2, 3, 3))
    ),
    case("matmul", np.matmul, (2, 1, 3, 3), (3, 3, 3), dtypes="int32"),
    case("einsum", lambda a, b: np.einsum("ij,jk->ik", a, b), X, X, subscripts="ij,jk->ik", operands=BOTH),
    case("einsum", lambda a: np.einsum("ii->", a), X, subscripts="ii->", operands=[{"input": 0}]),
    case("einsum", lambda a, b: np.einsum("b,->b", a, b), (3,), (), subscripts=" b, -> b", operands=BOTH),
    # indices, encodings
    case("cast", lambda x: x.astype("int32"), X, dtype="int32"),
    case("one_hot", lambda x: np.eye(5, dtype="float32")[x], (3,), num_classes=5, dtypes="int32"),
    case("one_hot", lambda x: np.eye(5, dtype="int32")[x].T,
         (3,), num_classes=5, axis=1, dtype="int32", dtypes="int32"),
    *(case("take", lambda x, i: np.take(x, i, 0), X, shape, axis=1, dtypes=INDEX) for shape in ((), (3,), (2, 3))),
    *(case("take", lambda x, i: np.take(x, i, 1), X, shape, axis=-1, dtypes=INDEX) for shape in ((), (3,), (2, 3))),
    case("take", lambda x: np.take(x, 2, 1), X, indices=2, axis=2),
    case("take", np.take, X, (2,), dtypes=INDEX, refused=True),
    *(case("take_along_axis", lambda x, i: np.take_along_axis(x, i, 0), X, shape, axis=1, dtypes=INDEX)
      for shape in ((3, 3), (2, 3), (3, 1))),
    case("take_along_axis", lambda x, i: np.take_along_axis(x, i, 1), (3, 3, 1), (3, 2, 2), axis=2, dtypes=INDEX),
    case("take_along_axis", lambda x, i: np.take_along_axis(x, i, None), X, (4,), dtypes=INDEX, refused=True),
]  # fmt: skip

INTEGERS = ("floor_divide", "mod")
OWN = {"clip": lambda x, low, high: np.maximum(np.minimum(x, high), low)}
RANDOM = ("normal", "uniform")


def _elementwise() -> Iterator[Case]:
    """Each op that works element by element once on samples of unequal rank."""
    for name, rule in RULES.items():
        if rule.elementwise:
            shapes = ((3, 3), (3,), ())[: len(rule.operands)]
            dtype = "int32" if name in INTEGERS else "float32"
            first = "bool" if name == "where" else dtype
            oracle = OWN.get(name) or getattr(np, name, None) or getattr(ops, name)
            yield case(name, oracle, *shapes, dtypes=(first, *(dtype,) * (len(shapes) - 1)))
            if len(shapes) == 1 and rule.takes != "floats" and dtype == "float32":
                yield case(name, oracle, *shapes, dtypes="int32")


def test_every_listed_op_has_a_case() -> None:
    assert {entry.op for entry in (*CASES, *_elementwise())} | set(RANDOM) == set(RULES)


def layer_of(entry: Case, batched: tuple[bool, ...]) -> Operation:
    return Operation(entry.op, entry.arguments, list(batched))


def mixes(count: int) -> list[tuple[bool, ...]]:
    return list(itertools.product((True, False), repeat=count))


def assert_results(actual: Any, expected: tuple[np.ndarray, ...]) -> None:
    for result, want in zip(_tuple(actual), expected, strict=True):
        assert result.shape == want.shape
        assert np.allclose(result, want, rtol=2e-6, atol=1e-6, equal_nan=True)


def assert_type(entry: Case, batched: tuple[bool, ...], actual: Any) -> None:
    """The catalogue's rule, the symbolic call and what came out agree on shapes and dtypes."""
    results = actual if isinstance(actual, tuple) else (actual,)
    found = [(keras.backend.standardize_dtype(result.dtype), tuple(result.shape)) for result in results]
    symbolic = layer_of(entry, batched)([
        keras.KerasTensor((None, *shape) if has_batch else shape, dtype)
        for shape, dtype, has_batch in zip(entry.shapes, entry.dtypes, batched, strict=True)
    ])  # fmt: skip
    batch: Any = (None,) if any(batched) else ()
    expected = [(dtype, (*batch, *shape[len(batch) :])) for dtype, shape in found]
    assert [(spec.dtype, spec.shape) for spec in keras.tree.flatten(symbolic)] == expected
    if not entry.refused:
        assert [(type.dtype, (*batch, *(type.shape or ()))) for type in static(entry, batched)] == expected


def static(entry: Case, batched: tuple[bool, ...]) -> tuple[TensorType, ...]:
    """What the catalogue says of a case."""
    rule = operation(entry.op)
    assert rule is not None
    types = [TensorType(d, s, b) for s, d, b in zip(entry.shapes, entry.dtypes, batched, strict=True)]

    def written(value: Any) -> Any:
        if isinstance(value, list):
            return [written(item) for item in value]
        return TensorArgument("0") if isinstance(value, dict) else value

    def typed(value: Any) -> Any:
        if isinstance(value, list):
            return tuple(map(typed, value))
        return types[value["input"]] if isinstance(value, dict) else value

    arguments, faults = rule.check({name: written(value) for name, value in entry.arguments.items()})
    assert not faults
    operands = {name: typed(value) for name, value in entry.arguments.items() if _is_input(value)}
    facts = rule.infer(arguments, operands)
    assert isinstance(facts, LayerFacts), facts.message
    return facts.outputs


@pytest.mark.parametrize("entry", [*CASES, *_elementwise()], ids=str)
def test_a_batch_is_its_samples_alone(entry: Case) -> None:
    for batched in mixes(len(entry.shapes)):
        arrays = entry.arrays(batched, 3)
        actual = layer_of(entry, batched)([tf.constant(array) for array in arrays])
        assert_results(actual, entry.expected(arrays, batched))
        assert_type(entry, batched, actual)


@pytest.mark.parametrize("entry", CASES, ids=str)
def test_nothing_has_to_be_known_of_the_sizes(entry: Case) -> None:
    unknown = entry.op != "squeeze"
    batched = (True,) * len(entry.shapes)
    specs = [
        tf.TensorSpec([None, *((None,) * len(shape) if unknown else shape)], dtype)
        for shape, dtype in zip(entry.shapes, entry.dtypes, strict=True)
    ]
    run = tf.function(lambda *tensors: layer_of(entry, batched)(list(tensors)), input_signature=specs)
    for batch in (1, 3):
        arrays = entry.arrays(batched, batch)
        assert_results(run(*arrays), entry.expected(arrays, batched))
    one = entry.expected(entry.arrays(batched, 1), batched)
    for result, want in zip(_tuple(run(*entry.arrays(batched, 0))), one, strict=True):
        assert result.shape == (0, *want.shape[1:])
    symbolic = layer_of(entry, batched)([keras.KerasTensor(spec.shape, spec.dtype.name) for spec in specs])
    for spec, want in zip(keras.tree.flatten(symbolic), one, strict=True):
        assert all(size in (None, known) for size, known in zip(spec.shape[1:], want.shape[1:], strict=True))


@pytest.mark.parametrize("entry", [entry for entry in CASES if len(entry.shapes) == 2], ids=str)
@pytest.mark.parametrize("batched", [(True, False), (False, True)])
def test_what_is_the_same_for_all_may_meet_a_batch_of_any_size(entry: Case, batched: tuple[bool, bool]) -> None:
    specs = [
        tf.TensorSpec([None, *shape] if has_batch else shape, dtype)
        for shape, dtype, has_batch in zip(entry.shapes, entry.dtypes, batched, strict=True)
    ]
    run = tf.function(lambda *tensors: layer_of(entry, batched)(list(tensors)), input_signature=specs)
    arrays = entry.arrays(batched, 2)
    expected = entry.expected(arrays, batched)
    assert_results(run(*arrays), expected)
    assert _tuple(run(*entry.arrays(batched, 0)))[0].shape == (0, *expected[0].shape[1:])
    symbolic = layer_of(entry, batched)([keras.KerasTensor(spec.shape, spec.dtype.name) for spec in specs])
    assert symbolic.shape == (None, *expected[0].shape[1:])


@st.composite
def broadcastable(draw: st.DrawFn) -> tuple[list[Dims], tuple[bool, ...], int]:
    """Up to three shapes that broadcast, whether each has a batch axis, and the batch's size."""
    whole = draw(st.lists(st.sampled_from([1, 2, 3]), max_size=3))
    shapes = [
        tuple(draw(st.sampled_from([1, size])) for size in whole[draw(st.integers(0, len(whole))) :]) for _ in range(3)
    ]
    return shapes, draw(st.tuples(st.booleans(), st.booleans(), st.booleans())), draw(st.sampled_from([1, 2, 3]))


@settings(max_examples=60, deadline=None)
@given(broadcastable(), st.sampled_from(["where", "clip", "subtract"]))
def test_shapes_align_from_the_right_without_the_batch(drawn: Any, op: str) -> None:
    shapes, batched, batch = drawn
    count = 2 if op == "subtract" else 3
    dtypes = ("bool", "float32", "float32") if op == "where" else ("float32",) * count
    entry = case(op, OWN.get(op) or getattr(np, op), *shapes[:count], dtypes=dtypes)
    arrays = entry.arrays(batched[:count], batch)
    actual = layer_of(entry, batched[:count])([tf.constant(array) for array in arrays])
    assert_results(actual, entry.expected(arrays, batched[:count]))


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "float16", "bfloat16", "float32"])
@pytest.mark.parametrize(
    "op", ["add", "arctan2", "clip", "divide", "equal", "logaddexp", "maximum", "mod", "power", "where"]
)
def test_numbers_have_the_dtypes_that_the_catalogue_says(op: str, dtype: str) -> None:
    numbers: dict[str, Any] = {"x_min": 1, "x_max": 3} if op == "clip" else {"x2": 3}
    dtypes = ("bool", dtype) if op == "where" else (dtype,)
    entry = case(op, getattr(np, op), *((3,),) * len(dtypes), dtypes=dtypes, **numbers)
    batched = (True,) * len(dtypes)
    assert_type(entry, batched, layer_of(entry, batched)([tf.ones([3, 3], dtype) for dtype in dtypes]))


HALVES = {
    entry.op: entry for entry in (*_elementwise(), *CASES) if set(entry.dtypes) <= {"float32"} and not entry.refused
}


@pytest.mark.parametrize("entry", HALVES.values(), ids=str)
def test_half_precision_stays_or_goes_where_the_catalogue_says(entry: Case) -> None:
    batched = (True,) * len(entry.dtypes)
    arrays = [tf.cast(array, "bfloat16") for array in entry.arrays(batched, 3)]
    half = replace(entry, dtypes=("bfloat16",) * len(entry.dtypes))
    assert_type(half, batched, layer_of(half, batched)(arrays))


GRADIENTS = [
    entry
    for entry in (*CASES, *_elementwise())
    if set(entry.dtypes) <= {"float32", "int64"} and entry.shapes != ((3, 3), (3, 1))
    and entry.op in ("clip", "concatenate", "divide", "einsum", "matmul", "multiply", "softmax", "sum", "take",
                     "take_along_axis", "reshape", "stack", "pad", "top_k")
]  # fmt: skip


@pytest.mark.parametrize("entry", GRADIENTS, ids=str)
def test_gradients_are_those_of_the_samples(entry: Case) -> None:
    floats = [place for place, dtype in enumerate(entry.dtypes) if dtype == "float32"]
    for batched in mixes(len(entry.shapes))[:-1]:
        tensors = [tf.constant(array) for array in entry.arrays(batched, 3)]
        watched = [tensors[place] for place in floats]
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(watched)
            whole = keras.tree.flatten(layer_of(entry, batched)(tensors))[0]
            alone = tf.stack([
                keras.tree.flatten(layer_of(entry, (False,) * len(batched))([
                    tensor[i] if has_batch else tensor for tensor, has_batch in zip(tensors, batched, strict=True)
                ]))[0]
                for i in range(3)
            ])  # fmt: skip
        upstream = tf.constant(np.random.default_rng(2).normal(size=whole.shape).astype("float32"))
        for together, separate in zip(
            tape.gradient(whole, watched, upstream), tape.gradient(alone, watched, upstream), strict=True
        ):
            assert np.allclose(tf.convert_to_tensor(together), tf.convert_to_tensor(separate), rtol=1e-5, atol=1e-5)
