"""The cases of every function: what it is called with, and what its value is by another way.

``CASES`` has the name of every primitive; ``COMPOSED`` holds the public functions that are made of
primitives. Inputs are float64 arrays away from kinks, so that finite differences hold; arrays of
integers and booleans are no operands to differentiate.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import minigrad as mg
from minigrad.ops import primitives
from minigrad.ops.elementwise import by_convention
from minigrad.ops.loss import binary_cross_entropy, cross_entropy, nll_loss, sigmoid_cross_entropy
from minigrad.ops.piecewise import masked

Array = np.ndarray
Draw = Callable[[tuple[int, ...]], Array]

SHAPES = [(), (0,), (2, 0, 3), (4,), (2, 3), (2, 1, 3, 2)]
PAIRS = [
    ((), ()),
    ((3,), ()),
    ((), (2, 2)),
    ((0,), (1,)),
    ((2, 0), (2, 1)),
    ((2, 3), (2, 3)),
    ((2, 3), (3,)),
    ((2, 1), (1, 3)),
    ((2, 1, 3, 1), (2, 1, 2)),
    ((1, 2, 1, 2), (2, 1, 2, 1)),
]


class Case(NamedTuple):
    """A call: its inputs, its options, and a reference in plain NumPy."""

    call: Callable[..., Any]
    reference: Callable[..., Any]
    inputs: tuple[Any, ...]
    options: dict[str, Any]

    def __str__(self) -> str:
        shapes = " ".join(str(np.shape(value)).replace(" ", "") for value in self.inputs)
        options = " ".join(f"{key}={value}".replace(" ", "") for key, value in self.options.items())
        return f"{shapes} {options}".strip()


def case(call: Callable[..., Any], reference: Callable[..., Any], *inputs: Any, **options: Any) -> Case:
    return Case(call, reference, inputs, options)


# --- values away from kinks


def _rng(shape: tuple[int, ...]) -> np.random.Generator:
    return np.random.default_rng([*shape, len(shape)])


def between(low: float, high: float) -> Draw:
    return lambda shape: np.asarray(_rng(shape).uniform(low, high, shape))


def signed(shape: tuple[int, ...]) -> Array:
    """Numbers from 0.3 to 1.4 of either sign."""
    rng = _rng(shape)
    return np.asarray(rng.uniform(0.3, 1.4, shape) * rng.choice([-1.0, 1.0], shape))


def apart(offset: float = 0.0) -> Draw:
    """Numbers 0.3 apart from one another, and ``offset`` apart from those of another offset, never 0."""

    def draw(shape: tuple[int, ...]) -> Array:
        size = math.prod(shape)
        return np.asarray((_rng(shape).permutation(size).reshape(shape) - size // 2) * 0.3 + 0.05 + offset)

    return draw


def unary(call: Any, reference: Any, draw: Draw = signed, shapes: Any = SHAPES, **options: Any) -> list[Case]:
    return [case(call, reference, draw(shape), **options) for shape in shapes]


def binary(call: Any, reference: Any, left: Draw = signed, right: Draw = signed, **options: Any) -> list[Case]:
    return [case(call, reference, left(a), right(b), **options) for a, b in PAIRS]


# --- reductions: every kind of axis

AXES = [
    ((), {}),
    ((3,), {}),
    ((3,), {"axis": -1, "keepdims": True}),
    ((2, 3), {"axis": None, "keepdims": True}),
    ((2, 3), {"axis": 0}),
    ((2, 3), {"axis": (0, -1)}),
    ((0, 3), {"axis": 1}),
    ((2, 1, 3, 2), {"axis": 2}),
    ((2, 1, 3, 2), {"axis": (0, 2)}),
    ((2, 1, 3, 2), {"axis": (-1, 0), "keepdims": True}),
]


def reduction(call: Any, reference: Any, draw: Draw = signed, axes: Any = AXES) -> list[Case]:
    return [case(call, reference, draw(shape), **options) for shape, options in axes]


NOT_SCALAR = [(shape, options) for shape, options in AXES if shape != ()]
ONE_AXIS = [
    ((), {}),
    ((4,), {}),
    ((2, 3), {"axis": 0}),
    ((2, 3), {"axis": -1}),
    ((2, 3), {}),
    ((2, 1, 3, 2), {"axis": 2}),
]
SOFTMAX_AXES = [
    ((3,), {}),
    ((2, 3), {"axis": 0}),
    ((2, 3), {"axis": None}),
    ((0, 3), {}),
    ((2, 1, 3, 2), {"axis": (1, 2)}),
]
EMPTY = [((0,), {}), ((2, 0), {"axis": 1}), ((2, 0), {"axis": 0})]

# --- references


def _norm(x: Array, axis: Any = None, keepdims: bool = False) -> Any:
    return np.sum(np.abs(x) ** 2, axis=axis, keepdims=keepdims) ** 0.5


def _power_log(x: Array, y: Array, k: int) -> Any:
    return x**y * np.log(x) ** k


def _logsumexp(x: Array, axis: Any = None, keepdims: bool = False) -> Any:
    return np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims))


def _softmax(x: Array, axis: Any = -1) -> Any:
    return np.exp(x) / np.sum(np.exp(x), axis=axis, keepdims=True)


def _nll_loss(log_p: Array, targets: Array, label_smoothing: float = 0.0, reduction: str = "none") -> Any:
    classes = log_p.shape[-1]
    wanted = np.eye(classes)[targets] if targets.ndim == 1 else targets
    wanted = wanted * (1 - label_smoothing) + label_smoothing / classes
    losses = -np.sum(wanted * log_p, axis=-1)
    return {"none": losses, "mean": losses.sum() / max(len(losses), 1), "sum": losses.sum()}[reduction]


def _cross_entropy(logits: Array, targets: Array, **options: Any) -> Any:
    return _nll_loss(np.log(_softmax(logits)), targets, **options)


def _binary_cross_entropy(logits: Array, targets: Array) -> Any:
    return _cross_entropy_of(1 / (1 + np.exp(-logits)), targets)


def _cross_entropy_of(probability: Array, targets: Array) -> Any:
    return -targets * np.log(probability) - (1 - targets) * np.log(1 - probability)


_erf = np.vectorize(math.erf, otypes=[np.float64])


def _gelu(x: Array, approximate: str = "none") -> Any:
    if approximate == "tanh":
        return x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
    return x / 2 * (1 + _erf(x / np.sqrt(2)))


def _scatter(values: Array, index: Any, shape: tuple[int, ...], unique: bool = False) -> Any:
    out = np.zeros(shape)
    np.add.at(out, index, values)
    return out


def _reshape(x: Any, shape: Any) -> Any:
    return x.reshape(shape)


def _getitem(x: Any, index: Any) -> Any:
    return x[index]


def _linear(x: Array, weight: Array, bias: Array | None = None) -> Any:
    return np.einsum("...i,oi->...o", x, weight) + (0 if bias is None else bias)


INDICES: list[tuple[tuple[int, ...], Any]] = [
    ((4,), 2),
    ((4,), -1),
    ((4,), slice(None, None, -2)),
    ((4,), slice(2, 2)),
    ((4,), ...),
    ((4,), None),
    ((4,), np.array([0, 0, 3, 0])),
    ((4,), np.array([], int)),
    ((4,), np.array([[1, 1], [-1, 2]])),
    ((4,), np.array([True, False, True, False])),
    ((4,), np.zeros(4, bool)),
    ((2, 3), (0, 1)),
    ((2, 3), (slice(None), 1)),
    ((2, 3), (..., None, 0)),
    ((2, 3), (np.array([0, 1, 0]), np.array([2, 2, 2]))),
    ((2, 3), (np.array([0, 0]), slice(1, 3))),
    ((2, 3), (slice(None), np.array([1, 1, 0]))),
    ((2, 3), np.array([[True, False, True], [False, False, True]])),
    ((2, 3), (np.array([True, False]), np.array([1, 2]))),
    ((2, 0, 3), (0, slice(None), np.array([0, 0]))),
    ((2, 2, 3, 2), (slice(None), np.array([[0], [1]]), slice(None), np.array([1, 1]))),
    ((2, 2, 3, 2), (1, ..., np.array([0, 0, 1]))),
    ((), ()),
    ((), None),
    ((), np.array(True)),
]

# subscripts, shapes, and what optimises alike: diagonals, summed labels, ellipses, broadcasting
EINSUMS: list[tuple[str, list[tuple[int, ...]]]] = [
    ("->", [()]),
    ("i->i", [(3,)]),
    ("i->", [(3,)]),
    ("ij->ji", [(2, 3)]),
    ("ij->j", [(2, 3)]),
    ("ii->i", [(3, 3)]),
    ("ii->", [(3, 3)]),
    ("ii", [(3, 3)]),
    ("ba", [(2, 3)]),
    ("iij->ij", [(2, 2, 3)]),
    ("iii->i", [(2, 2, 2)]),
    ("ij,jk->ik", [(2, 3), (3, 2)]),
    ("ij,jk", [(2, 3), (3, 2)]),
    ("ij,jk->ki", [(2, 3), (3, 2)]),
    ("ij,ij->", [(2, 3), (2, 3)]),
    ("ij,kl->", [(2, 2), (1, 3)]),
    ("i,j->ij", [(2,), (3,)]),
    ("ij,k->i", [(2, 3), (2,)]),
    ("ii,ij->j", [(2, 2), (2, 3)]),
    ("ii,i->i", [(2, 2), (2,)]),
    ("bij,bjk->bik", [(2, 2, 3), (2, 3, 2)]),
    ("...ij,...jk->...ik", [(2, 1, 2, 3), (2, 3, 2)]),
    ("...i,...i->...", [(2, 3), (3,)]),
    ("...,...", [(2, 3), (1, 3)]),
    ("i...->...", [(2, 3)]),
    ("i...,i", [(2, 3), (2,)]),
    ("...ii->...i", [(2, 3, 3)]),
    ("ij,ij->ij", [(2, 1), (2, 3)]),
    ("ij,jk->ik", [(2, 1), (3, 2)]),
    ("ij,ik->jk", [(1, 2), (3, 2)]),
    ("ij,jk,kl->il", [(2, 3), (3, 2), (2, 2)]),
    ("i,i,i->", [(3,), (3,), (3,)]),
    ("a,b,ab", [(2,), (3,), (2, 3)]),
    ("ij,jk->ik", [(0, 3), (3, 2)]),
    ("ij,jk->ik", [(2, 0), (0, 2)]),
]

PRODUCTS = [
    ((3,), (3,)),
    ((3,), (3, 2)),
    ((2, 3), (3,)),
    ((2, 3), (3, 2)),
    ((2, 0), (0, 3)),
    ((0, 3), (3, 2)),
    ((3,), (2, 3, 2)),
    ((2, 2, 3), (3,)),
    ((2, 2, 3), (3, 2)),
]
MATMULS = [
    *PRODUCTS,
    ((2, 3), (2, 3, 2)),
    ((2, 1, 2, 3), (2, 3, 1)),
    ((1, 2, 2, 1), (2, 1, 1, 2)),
    ((2, 2, 3), (1, 3, 2)),
]
DOTS = [*PRODUCTS, ((), ()), ((), (2, 3)), ((2, 3), ()), ((2, 3), (2, 3, 2)), ((2, 1, 2, 3), (2, 3, 1))]

LOGITS = between(-3, 3)((3, 4))
PROBABILITIES = _softmax(between(-1, 1)((3, 4)))
LABELS = np.array([2, 0, 2])


def of_classes(call: Any, reference: Any) -> list[Case]:
    """Return cases of a loss of scores and classes: every kind of target under every kind of option."""
    batches = [(LOGITS, LABELS), (LOGITS, PROBABILITIES), (LOGITS, PROBABILITIES * 1.3)]
    settings = [
        {},
        {"label_smoothing": 0.1},
        {"reduction": "mean"},
        {"reduction": "sum", "label_smoothing": 0.1},
    ]
    empty = case(call, reference, np.zeros((0, 4)), np.zeros(0, int))
    return [*[case(call, reference, *batch, **options) for batch in batches for options in settings], empty]


def _comparisons() -> dict[str, list[Case]]:
    """Those without a gradient: only their values and dtypes count."""
    numbers, flags = np.array([[1.0, -2.0, 0.4]]), np.array([True, False, True])
    special = np.array([np.nan, np.inf, -np.inf, 1.5])
    cases: dict[str, list[Case]] = {}
    for key, function in primitives.items():
        room, _, name = key.partition(".")
        if room == "comparison":
            reference = getattr(np, name)
            bits = name in ("bitwise_and", "bitwise_or", "bitwise_xor", "invert")
            values = [flags, ~flags.reshape(3, 1)] if bits else [numbers, np.array([[1.0], [0.5]])]
            inputs = values[: 1 if name in ("invert", "logical_not", "round") else len(function.rules)]
            cases[key] = [case(function, reference, *inputs)]
    for name in ("isnan", "isinf", "isfinite"):
        cases[f"comparison.{name}"].append(case(getattr(mg, name), getattr(np, name), special))
    cases["comparison.round"].append(case(mg.round, np.round, np.array([0.127, 12.5]), decimals=1))
    return cases


CASES: dict[str, list[Case]] = _comparisons() | {
    "elementwise.add": binary(mg.add, np.add),
    "elementwise.subtract": binary(mg.subtract, np.subtract),
    "elementwise.multiply": binary(mg.multiply, np.multiply),
    "elementwise.divide": binary(mg.divide, np.divide),
    "elementwise.remainder": [
        *binary(mg.remainder, np.remainder, between(2.3, 2.6), between(0.95, 1.05)),
        *binary(mg.remainder, np.remainder, between(2.3, 2.6), between(-1.05, -0.95)),
    ],
    "elementwise.negative": unary(mg.negative, np.negative),
    "elementwise.identity": unary(mg.identity, np.positive),
    "elementwise.astype": unary(mg.astype, lambda x, dtype: x.astype(dtype), dtype=np.float64),
    "elementwise.by_convention": [
        *[case(by_convention, lambda values, mask: values, signed(shape), np.zeros(shape, bool)) for shape in SHAPES],
        case(by_convention, lambda values, mask: values, signed((2, 3)), np.zeros((2, 1), bool)),
    ],
    "elementwise.power_log": [
        *binary(primitives["elementwise.power_log"], _power_log, between(0.5, 1.5), signed, k=0),
        *binary(primitives["elementwise.power_log"], _power_log, between(0.5, 1.5), signed, k=2),
    ],
    "elementwise.square": unary(mg.square, np.square),
    "elementwise.sqrt": unary(mg.sqrt, np.sqrt, between(0.5, 2)),
    "elementwise.power": [
        *binary(mg.power, np.power, between(0.5, 1.5), signed),
        *[case(lambda x, e=e: x**e, lambda x, e=e: x**e, signed((2, 3))) for e in (0, 1, 2, 3, -1, -2, 0.0, 2.0)],
        *[case(lambda x, e=e: x**e, lambda x, e=e: x**e, between(0.5, 2)((2, 3))) for e in (0.5, -0.5, 1.7)],
        case(lambda x: x ** np.array([0, 1, 3], np.int8), lambda x: x ** np.array([0, 1, 3], np.int8), signed((2, 3))),
        case(lambda y: 2**y, lambda y: 2**y, signed((2, 3))),
    ],
    "elementwise.exp": unary(mg.exp, np.exp),
    "elementwise.expm1": unary(mg.expm1, np.expm1),
    "elementwise.log": unary(mg.log, np.log, between(0.5, 2)),
    "elementwise.log1p": unary(mg.log1p, np.log1p, between(-0.4, 2)),
    "elementwise.sin": unary(mg.sin, np.sin),
    "elementwise.cos": unary(mg.cos, np.cos),
    "elementwise.tan": unary(mg.tan, np.tan, between(-1, 1)),
    "elementwise.arctan": unary(mg.arctan, np.arctan),
    "elementwise.sinh": unary(mg.sinh, np.sinh),
    "elementwise.cosh": unary(mg.cosh, np.cosh),
    "elementwise.tanh": unary(mg.tanh, np.tanh),
    "piecewise.abs": unary(mg.abs, np.abs),
    "piecewise.signed": [
        case(
            primitives["piecewise.signed"],
            lambda values, x, slope: values * np.sign(x),
            *[signed(shape)] * 2,
            np.ones(shape, int),
        )
        for shape in SHAPES
    ],
    "piecewise.sign": unary(mg.sign, np.sign),
    "piecewise.maximum": binary(mg.maximum, np.maximum, apart(), apart(0.15)),
    "piecewise.minimum": binary(mg.minimum, np.minimum, apart(), apart(0.15)),
    "piecewise.clip": [
        *[case(mg.clip, np.clip, apart()(shape), -0.4, 0.5) for shape in SHAPES],
        *[case(mg.clip, np.clip, apart()(a), apart(0.1)(b), apart(0.2)(a)) for a, b in PAIRS],
        case(lambda x, low: mg.clip(x, low), lambda x, low: np.maximum(x, low), apart()((2, 3)), apart(0.1)((3,))),
        case(lambda x, top: mg.clip(x, max=top), np.minimum, apart()((2, 3)), apart(0.1)((2, 1))),
        case(lambda x, top: mg.clip(x, None, top), np.minimum, apart()((2, 3)), apart(0.1)(())),
    ],
    "piecewise.masked": [
        case(masked, lambda values, mask: values * mask, signed(a), np.arange(math.prod(b)).reshape(b) % 2 == 0)
        for a, b in PAIRS
    ],
    "piecewise.where": [
        *[
            case(mg.where, np.where, np.arange(math.prod(a)).reshape(a) % 2 == 0, signed(a), signed(b))
            for a, b in PAIRS
        ],
        case(mg.where, np.where, np.array([[True], [False]]), signed(()), signed((3,))),
        case(mg.where, np.where, True, signed((3,)), signed(())),
    ],
    "reduction.sum": reduction(mg.sum, np.sum, axes=AXES + EMPTY),
    "reduction.mean": reduction(mg.mean, np.mean),
    "reduction.max": reduction(mg.max, np.max, apart()),
    "reduction.min": reduction(mg.min, np.min, apart()),
    "reduction.prod": [
        *reduction(mg.prod, np.prod, axes=AXES + EMPTY),
        case(mg.prod, np.prod, np.array([[1.2, 0.0, 0.7], [0.6, -1.1, 0.9]]), axis=1),
        case(mg.prod, np.prod, np.array([[1.2, 0.0, 0.7], [0.0, -1.1, 0.9]])),
        case(mg.prod, np.prod, np.array([[1.2, 0.0], [0.0, -1.1]]), axis=(-1, 0), keepdims=True),
    ],
    "reduction.var": [
        *reduction(mg.var, np.var),
        case(mg.var, np.var, signed((2, 3)), ddof=1),
        case(mg.var, np.var, signed((2, 3)), axis=-1, ddof=1, keepdims=True),
    ],
    "reduction.std": [
        *reduction(mg.std, np.std, apart(), NOT_SCALAR),
        case(mg.std, np.std, apart()((2, 3)), ddof=1),
        case(mg.std, np.std, apart()((2, 3)), axis=1, ddof=2, keepdims=True),
    ],
    "reduction.norm": reduction(mg.norm, _norm, axes=AXES),
    "reduction.cumsum": reduction(mg.cumsum, np.cumsum, axes=[*ONE_AXIS, ((0,), {}), ((2, 0), {"axis": 1})]),
    "reduction.argmax": reduction(mg.argmax, np.argmax, apart(), ONE_AXIS),
    "reduction.argmin": reduction(mg.argmin, np.argmin, apart(), ONE_AXIS),
    "reduction.any": [
        case(mg.any, np.any, np.array([[True, False], [False, False]]), axis=axis) for axis in (None, 0, 1)
    ],
    "reduction.all": [
        case(mg.all, np.all, np.array([[True, False], [True, True]]), axis=axis) for axis in (None, 0, 1)
    ],
    "shape.reshape": [
        case(mg.reshape, _reshape, signed((2, 3)), shape=(3, -1)),
        case(mg.reshape, _reshape, signed((2, 3)), shape=6),
        case(mg.reshape, _reshape, signed(()), shape=(1, 1)),
        case(mg.reshape, _reshape, signed((2, 0)), shape=(0, 5)),
        case(mg.reshape, _reshape, signed((2, 1, 3, 2)), shape=(4, 3)),
    ],
    "shape.ravel": unary(mg.ravel, np.ravel),
    "shape.transpose": [
        *unary(mg.transpose, np.transpose),
        case(mg.transpose, np.transpose, signed((2, 1, 3, 2)), axes=(2, 0, 3, 1)),
        case(mg.transpose, np.transpose, signed((2, 1, 3, 2)), axes=(-2, 0, -1, 1)),
    ],
    "shape.swapaxes": [
        case(mg.swapaxes, np.swapaxes, signed((2, 3)), axis1=0, axis2=1),
        case(mg.swapaxes, np.swapaxes, signed((2, 1, 3, 2)), axis1=-1, axis2=1),
    ],
    "shape.moveaxis": [
        case(mg.moveaxis, np.moveaxis, signed((2, 3)), source=0, destination=-1),
        case(mg.moveaxis, np.moveaxis, signed((2, 1, 3, 2)), source=(0, 2), destination=(-1, 0)),
    ],
    "shape.expand_dims": [
        case(mg.expand_dims, np.expand_dims, signed(()), axis=0),
        case(mg.expand_dims, np.expand_dims, signed((2, 3)), axis=-1),
        case(mg.expand_dims, np.expand_dims, signed((2, 0)), axis=(0, 2)),
    ],
    "shape.squeeze": [
        *unary(mg.squeeze, np.squeeze, shapes=[(), (1,), (1, 3, 1), (2, 1, 3, 2)]),
        case(mg.squeeze, np.squeeze, signed((1, 3, 1)), axis=-1),
        case(mg.squeeze, np.squeeze, signed((1, 3, 1)), axis=(0, 2)),
    ],
    "shape.broadcast_to": [
        case(mg.broadcast_to, np.broadcast_to, signed(shape), shape=target)
        for shape, target in [
            ((), (2, 3)),
            ((3,), 3),
            ((1,), (0,)),
            ((2, 1), (2, 3)),
            ((1, 3), (2, 2, 3)),
            ((2, 1, 3, 1), (2, 2, 3, 2)),
        ]
    ],
    "shape.flip": [
        *unary(mg.flip, np.flip),
        case(mg.flip, np.flip, signed((2, 3)), axis=0),
        case(mg.flip, np.flip, signed((2, 1, 3, 2)), axis=(0, -2)),
    ],
    "shape.pad": [
        case(mg.pad, np.pad, signed((3,)), pad_width=1),
        case(mg.pad, np.pad, signed((3,)), pad_width=(0, 2), constant_values=1.5),
        case(mg.pad, np.pad, signed((2, 3)), pad_width=((1, 0), (0, 2))),
        case(mg.pad, np.pad, signed((2, 0)), pad_width=((0, 0), (1, 1))),
        case(mg.pad, np.pad, signed((2, 1, 3, 2)), pad_width=1),
    ],
    "shape.concatenate": [
        case(
            lambda *a, axis=0: mg.concatenate(a, axis=axis),
            lambda *a, axis=0: np.concatenate(a, axis),
            *map(signed, s),
            **o,
        )
        for s, o in [
            ([(3,)], {}),
            ([(3,), (0,), (2,)], {}),
            ([(2, 3), (1, 3)], {"axis": 0}),
            ([(2, 3), (2, 0), (2, 2)], {"axis": -1}),
            ([(2, 1, 3, 2), (2, 2, 3, 2)], {"axis": 1}),
            ([(2, 3), (1, 2)], {"axis": None}),
        ]
    ],
    "shape.stack": [
        case(lambda *a, axis=0: mg.stack(a, axis=axis), lambda *a, axis=0: np.stack(a, axis), *map(signed, s), **o)
        for s, o in [
            ([(), ()], {}),
            ([(3,)], {"axis": 1}),
            ([(2, 3), (2, 3), (2, 3)], {"axis": -1}),
            ([(2, 0), (2, 0)], {"axis": 1}),
            ([(2, 1, 3), (2, 1, 3)], {"axis": -3}),
        ]
    ],
    "indexing.getitem": [case(_getitem, _getitem, signed(shape), index=index) for shape, index in INDICES],
    "indexing.scatter": [
        *[
            case(
                primitives["indexing.scatter"], _scatter, signed(np.zeros(shape)[index].shape), index=index, shape=shape
            )
            for shape, index in INDICES
        ],
        *[
            case(primitives["indexing.scatter"], _scatter, signed(shape), index=place, shape=(3, 4), unique=unique)
            for place in [(np.arange(3), np.array([0, 3, 3]))]
            for shape in [(), (3,)]
            for unique in [True, False]
        ],
    ],
    "linalg.matmul": [case(mg.matmul, np.matmul, signed(a), signed(b)) for a, b in MATMULS],
    "linalg.linear": [
        *[
            case(mg.linear, _linear, signed((*lead, 3)), signed((2, 3)), *bias)
            for lead, bias in itertools.product([(), (4,), (0,), (2, 1, 2)], [(), (signed((2,)),)])
        ],
        case(lambda x, w: mg.linear(x, weight=w), _linear, signed((2, 3)), signed((4, 3))),
    ],
    "linalg.dot": [case(mg.dot, np.dot, signed(a), signed(b)) for a, b in DOTS],
    "linalg.outer": [
        case(mg.outer, np.outer, signed(a), signed(b))
        for a, b in [((2,), (3,)), ((), (2,)), ((0,), (2,)), ((2, 2), (3, 1))]
    ],
    "linalg.einsum": [
        case(
            lambda *operands, subscripts: mg.einsum(subscripts, *operands),
            lambda *operands, subscripts: np.einsum(subscripts, *operands),
            *map(signed, shapes),
            subscripts=subscripts,
        )
        for subscripts, shapes in EINSUMS
    ],
    "activation.relu": unary(mg.relu, lambda x: np.maximum(x, 0)),
    "activation.leaky_relu": [
        *unary(mg.leaky_relu, lambda x: np.maximum(x, 0.01 * x)),
        *unary(mg.leaky_relu, lambda x, negative_slope: np.where(x < 0, 1.3 * x, x), negative_slope=1.3),
    ],
    "activation.elu": [
        *unary(mg.elu, lambda x: np.where(x < 0, np.exp(x) - 1, x)),
        *unary(mg.elu, lambda x, alpha: np.where(x < 0, alpha * (np.exp(x) - 1), x), alpha=0.7),
    ],
    "activation.sigmoid": unary(mg.sigmoid, lambda x: 1 / (1 + np.exp(-x))),
    "activation.softplus": unary(mg.softplus, lambda x: np.log(1 + np.exp(x))),
    "activation.silu": unary(mg.silu, lambda x: x / (1 + np.exp(-x))),
    "activation.erf": unary(primitives["activation.erf"], _erf),
    "activation.gelu": [*unary(mg.gelu, _gelu), *unary(mg.gelu, _gelu, approximate="tanh")],
    "softmax.logsumexp": reduction(mg.logsumexp, _logsumexp),
    "softmax.softmax": reduction(mg.softmax, _softmax, axes=SOFTMAX_AXES),
    "softmax.log_softmax": reduction(mg.log_softmax, lambda x, axis=-1: np.log(_softmax(x, axis)), axes=SOFTMAX_AXES),
    "loss.nll_loss": of_classes(nll_loss, _nll_loss),
    "loss.cross_entropy": of_classes(cross_entropy, _cross_entropy),
    "loss.binary_cross_entropy": binary(binary_cross_entropy, _cross_entropy_of, between(0.4, 0.6), between(0.1, 0.9)),
    "loss.sigmoid_cross_entropy": binary(sigmoid_cross_entropy, _binary_cross_entropy, signed, between(0.1, 0.9)),
}

PICKS = np.array([[2, 0, 2], [1, 1, 0]])


def _pieces(module: Any, sections: Any, axis: int) -> Callable[[Any], Any]:
    """Put the pieces of a split together in reverse, each with its own weight."""

    def call(x: Any) -> Any:
        pieces = module.split(x, sections, axis=axis)
        return module.concatenate([piece * (k + 1.0) for k, piece in enumerate(pieces)][::-1], axis=axis)

    return call


def _with_operators(expression: Callable[..., Any], *inputs: Array) -> Case:
    return case(expression, expression, *inputs)  # the same text, on tensors and on arrays


COMPOSED: dict[str, list[Case]] = {
    "split": [
        case(_pieces(mg, sections, axis), _pieces(np, sections, axis), signed(shape))
        for shape, sections, axis in [
            ((4,), 2, 0),
            ((4,), [1, 3], 0),
            ((4,), [2, 2], 0),
            ((2, 6), 3, -1),
            ((0, 2), 1, 0),
        ]
    ],
    "take_along_axis": [
        case(mg.take_along_axis, np.take_along_axis, signed((2, 3)), indices=PICKS, axis=1),
        case(mg.take_along_axis, np.take_along_axis, signed((3, 3)), indices=PICKS, axis=0),
        case(mg.take_along_axis, np.take_along_axis, signed((2, 3)), indices=PICKS[:, :1], axis=-1),
        case(mg.take_along_axis, np.take_along_axis, signed((2, 3)), indices=np.array([5, 0, 0]), axis=None),
        case(mg.take_along_axis, np.take_along_axis, signed((2, 3)), indices=np.array([[0, -1]]), axis=1),
    ],
    "T": [case(lambda x: x.T, lambda x: x.T, signed(shape)) for shape in SHAPES],
    "operators": [
        _with_operators(lambda x, y: (x - y) * -x / (y + 3.0) + 2.0**x - abs(y) @ x.T, signed((2, 2)), apart()((2, 2))),
        _with_operators(lambda x: 1 - 2 * x + x / 4 - 3 / x + (x**2) % 10.0, signed((3,))),
    ],
    "iteration": [case(lambda x: sum(row * k for k, row in enumerate(x)), lambda x: np.arange(3) @ x, signed((3, 2)))],
    "methods": [
        case(lambda x: x.reshape(3, 2).transpose(1, 0), lambda x: x.reshape(3, 2).T, signed((2, 3))),
    ],
}
