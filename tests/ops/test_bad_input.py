"""Bad input to functions: the library's own error, with what was expected, what came, and what to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import (
    ArgumentError,
    DtypeError,
    MinigradError,
    OutOfRangeError,
    ShapeError,
    UnknownArgumentError,
    UnsupportedError,
)
from minigrad.ops.loss import cross_entropy, sigmoid_cross_entropy


def ones(*shape: int, name: str | None = None) -> mg.Tensor:
    return mg.tensor(np.ones(shape), requires_grad=True, name=name)


X, Y = ones(2, 3, name="x"), ones(4, 3, name="y")

REDUCTIONS = (mg.sum, mg.mean, mg.max, mg.min, mg.prod, mg.var, mg.std, mg.norm, mg.argmax, mg.argmin, mg.any, mg.all)
ALONG_AXES = (*REDUCTIONS, mg.cumsum, mg.logsumexp, mg.softmax, mg.log_softmax)

# the call, the kind of error, and pieces that its message must have
BAD: list[tuple[Callable[[], Any], type[MinigradError], list[str]]] = [
    # shapes that do not fit: the function, the operands by name, both shapes
    (lambda: mg.add(X, Y), ShapeError, ["add: shapes do not broadcast", "'x' (2, 3)", "'y' (4, 3)", "equal or one"]),
    (lambda: X * np.ones(5), ShapeError, ["multiply: shapes do not broadcast", "'x' (2, 3)", "(5,)"]),
    (lambda: np.ones(5) - X, ShapeError, ["subtract: shapes do not broadcast", "(5,)", "'x' (2, 3)"]),
    (lambda: mg.power(X, Y), ShapeError, ["power: shapes do not broadcast"]),
    (lambda: mg.maximum(X, Y), ShapeError, ["maximum: shapes do not broadcast"]),
    (lambda: mg.where(X > 0, X, Y), ShapeError, ["where: shapes", "condition (2, 3)", "'x' (2, 3)", "'y' (4, 3)"]),
    (lambda: mg.clip(X, ones(4), 1), ShapeError, ["clip: shapes do not broadcast", "'x' (2, 3)", "min (4,)"]),
    (lambda: X > Y, ShapeError, ["greater: shapes do not broadcast"]),
    (lambda: X @ Y, ShapeError, ["matmul: inner sizes differ, 3 and 4", "'x' (2, 3) @ y 'y' (4, 3)", ".T"]),
    (lambda: X @ X, ShapeError, ["matmul: inner sizes differ, 3 and 2"]),
    (lambda: ones(3) @ ones(4), ShapeError, ["inner sizes differ, 3 and 4", "(3,) @ y (4,)"]),
    (lambda: ones(2, 2, 3) @ ones(3, 3, 2), ShapeError, ["leading axes do not broadcast"]),
    (lambda: X @ 2.0, ShapeError, ["at least one axis on each side", "multiply"]),
    (lambda: mg.tensor([2]) ** -1, ArgumentError, ["no negative integer power: x (1,) ** y ()", ".astype(np.float32)"]),
    (lambda: mg.dot(X, Y), ShapeError, ["dot: inner sizes differ, 3 and 4"]),
    (lambda: mg.linear(X, ones(5, 4, name="w")), ShapeError, ["x has 3 features, weight takes 4", "'w' (5, 4)"]),
    (lambda: mg.linear(X, ones(5, 3), ones(4)), ShapeError, ["linear: shapes", "bias (4,)"]),
    (lambda: mg.linear(X, ones(3)), ShapeError, ["a weight of shape (out_features, in_features), got (2, 3) and (3,)"]),
    (lambda: mg.concatenate([X, ones(2, 2)]), ShapeError, ["concatenate", "'x' (2, 3)", "(2, 2)"]),
    (lambda: mg.concatenate([ones(), ones()]), ShapeError, ["concatenate", "zero-dimensional"]),
    (lambda: mg.stack([X, Y]), ShapeError, ["stack", "'x' (2, 3)", "'y' (4, 3)"]),
    (lambda: mg.concatenate([]), ShapeError, ["concatenate: expects at least one tensor"]),
    (lambda: mg.stack([]), ShapeError, ["stack: expects at least one tensor"]),
    (lambda: mg.reshape(X, (5, 2)), ShapeError, ["reshape", "(5,2)", "'x' (2, 3)"]),
    (lambda: X.reshape(-1, -1), ShapeError, ["reshape", "unknown dimension"]),
    (lambda: X.transpose(0, 0), ShapeError, ["transpose: repeated axis", "'x' (2, 3)"]),
    (lambda: mg.transpose(X, (0, 1, 2)), ShapeError, ["transpose: axes don't match", "'x' (2, 3)"]),
    (lambda: mg.squeeze(X, 0), ShapeError, ["squeeze", "not equal to one", "'x' (2, 3)"]),
    (lambda: mg.broadcast_to(X, (2, 2)), ShapeError, ["broadcast_to", "(2,2)", "'x' (2, 3)"]),
    (lambda: mg.split(X, 4), ShapeError, ["split: 2 elements along axis 0 do not divide into 4 pieces"]),
    (lambda: mg.split(X, 0), ShapeError, ["do not divide into 0 pieces"]),
    (lambda: mg.pad(X, (1, 2, 3)), ShapeError, ["pad: pad_width (1, 2, 3) does not fit a tensor of shape (2, 3)"]),
    (lambda: mg.pad(X, -1), ShapeError, ["pad: index can't contain negative values", "'x' (2, 3)"]),
    (lambda: mg.max(ones(0)), ShapeError, ["max: zero-size array", "(0,)"]),
    (lambda: mg.sum(X, axis=(0, 0)), ShapeError, ["sum: duplicate value in 'axis'"]),
    (lambda: mg.einsum("ij,jk->ik", X, Y), ShapeError, ["einsum", "'x' (2, 3)", "'y' (4, 3)"]),
    (lambda: mg.einsum("ii->i", X), ShapeError, ["einsum", "'i'", "(2 != 3)"]),
    (
        lambda: sigmoid_cross_entropy(X, Y),
        ShapeError,
        ["sigmoid_cross_entropy", "logits 'x' (2, 3)", "targets 'y' (4, 3)"],
    ),
    (lambda: cross_entropy(X, np.ones((2, 4))), ShapeError, ["cross_entropy", "(2, 4)", "(2, 3)"]),
    # axes and indices that do not exist
    *[
        (lambda f=f: f(X, axis=7), OutOfRangeError, [f.__name__, "axis 7", "'x' (2, 3)"])
        for f in (*ALONG_AXES, mg.flip, mg.expand_dims)
    ],
    (lambda: mg.var(X, axis=(0, 5)), OutOfRangeError, ["var: axis 5 is out of bounds"]),
    (lambda: mg.swapaxes(X, 0, 4), OutOfRangeError, ["swapaxes", "axis 4", "'x' (2, 3)"]),
    (lambda: mg.moveaxis(X, 0, 5), OutOfRangeError, ["moveaxis", "axis 5"]),
    (lambda: mg.concatenate([X, Y], axis=4), OutOfRangeError, ["concatenate: axis 4"]),
    (lambda: mg.stack([X, X], axis=7), OutOfRangeError, ["stack: axis 7"]),
    (lambda: mg.split(X, 2, axis=5), OutOfRangeError, ["split: there is no axis 5 in 'x' of shape (2, 3)"]),
    (lambda: mg.split(ones(), 1), OutOfRangeError, ["split: there is no axis 0"]),
    (lambda: X[5], OutOfRangeError, ["index 5 is out of bounds for axis 0 with size 2", "'x' (2, 3)"]),
    (lambda: X[0, 0, 0], OutOfRangeError, ["too many indices", "'x' (2, 3)"]),
    (lambda: X[[0, 9]], OutOfRangeError, ["index 9 is out of bounds"]),
    (lambda: X[np.ones(5, bool)], OutOfRangeError, ["boolean index did not match", "'x' (2, 3)"]),
    (lambda: mg.take_along_axis(X, [[5]], axis=1), OutOfRangeError, ["take_along_axis", "index 5", "size 3"]),
    (lambda: mg.take_along_axis(X, [0, 1], axis=0), OutOfRangeError, ["indices of shape (2,)", "as many axes"]),
    (lambda: mg.take_along_axis(X, [[0]], axis=5), OutOfRangeError, ["along axis 5", "the axis must exist"]),
    (lambda: cross_entropy(X, np.array([0, 5])), OutOfRangeError, ["index 5 is out of bounds", "size 3"]),
    # kinds of things that cannot be used
    (lambda: X + "a", DtypeError, ["expected real numbers or booleans", "str"]),
    (lambda: X * 1j, DtypeError, ["expected real numbers or booleans", "complex"]),
    (lambda: X + None, DtypeError, ["add", "NoneType"]),
    (lambda: mg.add(X, [[1], [1, 2]]), ShapeError, ["nested lists must have the same length"]),
    (lambda: mg.relu("a"), DtypeError, ["expected real numbers or booleans"]),
    (lambda: ~X, DtypeError, ["invert", "'x' (2, 3)"]),
    (lambda: X & X, DtypeError, ["bitwise_and"]),
    (lambda: X[1.5], DtypeError, ["cannot index with 1.5: use integers, slices"]),
    (lambda: X["a"], DtypeError, ["cannot index with 'a'"]),
    (lambda: X[np.array([0.5])], DtypeError, ["cannot index with array([0.5])"]),
    (lambda: X[mg.tensor([0.5])], DtypeError, ["cannot index with array([0.5]"]),
    (lambda: X[0.5:1], DtypeError, ["slice indices must be integers"]),
    (lambda: mg.take_along_axis(X, np.array([[0.5]])), DtypeError, ["indices must be integers, got float64"]),
    (lambda: mg.take_along_axis(X, [[0], [1, 2]]), ShapeError, ["nested lists"]),
    (lambda: mg.concatenate(X), DtypeError, ["expects a list of tensors, got Tensor; write concatenate([a, b])"]),
    (lambda: mg.stack(3), DtypeError, ["expects a list of tensors, got int"]),
    (lambda: mg.split(X, "a"), DtypeError, ["expects a number of pieces, or a list of the indices", "'a'"]),
    (lambda: mg.split(X, [0.5]), DtypeError, ["expects a number of pieces"]),
    (lambda: mg.pad(X, 1.5), DtypeError, ["pad_width", "integers, got 1.5"]),
    (lambda: mg.sum(X, axis="a"), DtypeError, ["sum", "integer"]),
    (lambda: mg.einsum(X, "ij"), DtypeError, ["the first argument is a string such as 'ij,jk->ik', got Tensor"]),
    (lambda: X.astype(complex), DtypeError, ["expected a dtype of real numbers or booleans, got complex128"]),
    (lambda: X.astype("no"), DtypeError, ["'no' is not a dtype; use np.float32"]),
    # values that mean nothing
    (lambda: mg.clip(X), ArgumentError, ["clip: needs min, max or both"]),
    (lambda: mg.gelu(X, approximate="erf"), ArgumentError, ["approximate must be 'none' or 'tanh', got 'erf'"]),
    (lambda: mg.var(ones(1), ddof=1), ArgumentError, ["var: needs more than ddof=1 elements along axis None, got 1"]),
    (lambda: mg.std(X, axis=0, ddof=2), ArgumentError, ["std: needs more than ddof=2 elements along axis 0, got 2"]),
    (lambda: mg.var(ones(0, 3), axis=0), ArgumentError, ["var: needs more than ddof=0 elements along axis 0, got 0"]),
    (lambda: mg.pad(X, 1, mode="edge"), UnsupportedError, ["only mode='constant' is supported, got 'edge'"]),
    (lambda: mg.einsum("ij,jk", X), ArgumentError, ["'ij,jk' describes 2 operands, 1 were given"]),
    (lambda: mg.einsum("ijk->i", X), ArgumentError, ["'ijk' in 'ijk->i' does not fit an operand with 2 axes"]),
    (lambda: mg.einsum("i1->i", X), ArgumentError, ["letters, commas, '...' and '->' alone"]),
    (lambda: mg.einsum("...ij...->i", X), ArgumentError, ["does not fit"]),
    (lambda: mg.einsum("i...->i", X), ArgumentError, ["must have '...' too"]),
    (lambda: mg.einsum("ij->ik", X), ShapeError, ["output subscript 'k' which never appeared"]),
    (lambda: mg.ones(2, dtype=np.int8) + 300, ArgumentError, ["add: ", "300 out of bounds", "x (2,)"]),
    (lambda: X * 10**400, ArgumentError, ["multiply: ", "too large", "x 'x' (2, 3)"]),
    # calls that do not fit
    (
        lambda: mg.relu(X, inplace=True),
        UnknownArgumentError,
        ["relu() got an unexpected", "'inplace': no function"],
    ),
    (lambda: mg.relu(), TypeError, ["relu() missing a required argument: 'x'"]),
    (lambda: mg.exp(X, Y), TypeError, ["exp() got too many positional arguments"]),
    (lambda: mg.outer(X), TypeError, ["outer() missing a required argument: 'y'"]),
    (lambda: mg.where(X > 0, X), TypeError, ["where() missing a required argument: 'y'"]),
    (
        lambda: mg.leaky_relu(X, slope=0.1),
        TypeError,
        ["leaky_relu() got an unexpected keyword argument 'slope'"],
    ),
    (lambda: mg.elu(X, aplha=1), TypeError, ["got an unexpected keyword argument 'aplha'"]),
    (lambda: mg.clip(X, a_min=0), TypeError, ["got an unexpected keyword argument 'a_min'"]),
    (lambda: mg.pad(X, 1, value=3), TypeError, ["got an unexpected keyword argument 'value'"]),
    (
        lambda: mg.std(X, unbiased=True),
        UnknownArgumentError,
        ["'unbiased': use ddof=1 for the unbiased estimate"],
    ),
    (lambda: mg.norm(X, ord=1), TypeError, ["got an unexpected keyword argument 'ord'"]),
    (lambda: mg.sum(X, 0, True), TypeError, ["sum() got too many positional arguments"]),
    (
        lambda: X.sum(axis=1, keepdim=True),
        UnknownArgumentError,
        ["'keepdim': minigrad follows NumPy: use keepdims=True"],
    ),
    *[
        (
            lambda f=f: f(X, dim=1),
            UnknownArgumentError,
            [f"{f.__name__}() got an unexpected", "'dim': minigrad follows NumPy: use axis=1"],
        )
        for f in (*ALONG_AXES, mg.squeeze, mg.flip, mg.expand_dims)
    ],
    *[
        (lambda f=f: f([X, X], dim=0), TypeError, [f"{f.__name__}() got an unexpected keyword argument 'dim'"])
        for f in (mg.concatenate, mg.stack)
    ],
    (lambda: mg.split(X, 2, dim=0), TypeError, ["got an unexpected keyword argument 'dim'"]),
    (lambda: mg.take_along_axis(X, [[0]], dim=1), TypeError, ["got an unexpected keyword argument 'dim'"]),
]


def check(call: Callable[[], Any], kind: type[MinigradError], pieces: list[str]) -> None:
    with pytest.raises(kind) as caught:
        call()
    assert type(caught.value) is kind
    for piece in pieces:
        assert piece in str(caught.value)


@pytest.mark.parametrize(("call", "kind", "pieces"), BAD, ids=[" ".join(pieces)[:60] for _, _, pieces in BAD])
def test_bad_input(call: Callable[[], Any], kind: type[MinigradError], pieces: list[str]) -> None:
    check(call, kind, pieces)


def test_nothing_equals_none() -> None:
    assert not (X == None).numpy().any()  # noqa: E711
    assert (X != None).numpy().all()  # noqa: E711
