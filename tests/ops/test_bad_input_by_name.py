"""Bad input to every operation, and to the engine's functions, by name: each with the error and its message."""

from __future__ import annotations

import inspect
import re
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import (
    ArgumentError,
    DtypeError,
    GraphError,
    MinigradError,
    ShapeError,
    UnavailableError,
)
from minigrad.ops import functions
from tests.ops.test_bad_input import ALONG_AXES, X, Y, check, ones

OPERATIONS = {
    name: f for name, f in functions.items() if name not in ("restore", "getitem", "shifted") and hasattr(mg, name)
}
REST: dict[str, tuple[Any, ...]] = {  # what a function needs beside its first operand, if it is no second operand
    "astype": (np.float64,),
    "clip": (0.0, 1.0),
    "where": (X, X),
    "reshape": (6,),
    "swapaxes": (0, 1),
    "moveaxis": (0, 1),
    "expand_dims": (0,),
    "broadcast_to": ((2, 3),),
    "pad": (1,),
    "split": (1,),
    "take_along_axis": ([[0]],),
    "linear": (ones(5, 3),),
}
BINARY = [name for name, f in OPERATIONS.items() if list(inspect.signature(f).parameters)[:2] == ["x", "y"]]
NO_NUMBERS = [
    ("a", DtypeError, "expected real numbers or booleans, got <U1 (str)"),
    (1j, DtypeError, "expected real numbers or booleans, got complex128 (complex)"),
    ([[1], [1, 2]], ShapeError, "nested lists must have the same length at each level"),
]
Named = tuple[str, Callable[[], Any], type[MinigradError], list[str]]


def with_first(name: str, operand: Any) -> Callable[[], Any]:
    """Call a function with this first operand, and sound arguments after it."""
    function = OPERATIONS[name]
    if name in ("concatenate", "stack"):
        return lambda: function([operand, X])
    if name == "einsum":
        return lambda: function("ij,ij->i", operand, X)
    return lambda: function(operand, *((X,) if name in BINARY else REST.get(name, ())))


def of_each_operation() -> Iterator[Named]:
    for name, f in OPERATIONS.items():
        yield name, f, TypeError, [f"{name}() missing ", " required "]
        for operand, kind, piece in NO_NUMBERS:
            yield name, with_first(name, operand), kind, [piece]
        if name not in ("equal", "not_equal", "concatenate", "stack", "split", "take_along_axis", "pad", "einsum"):
            yield name, with_first(name, None), DtypeError, [f"{name}: ", " is None (NoneType), expected real numbers"]
    for name in BINARY:
        f = OPERATIONS[name]
        for operand, kind, piece in NO_NUMBERS:
            yield name, partial(f, X, operand), kind, [piece]
        if name not in ("matmul", "dot", "outer"):
            fit = [f"{name}: shapes do not broadcast: x 'x' (2, 3) and y 'y' (4, 3)", "must be equal or one of them 1"]
            yield name, partial(f, X, Y), ShapeError, fit
    for f in (*ALONG_AXES, mg.flip, mg.squeeze):
        name = f.__name__
        for axis in ("a", 0.5):
            yield name, partial(f, X, axis=axis), DtypeError, [f"{name}: ", "for x 'x' (2, 3)"]


DIFFERENTIATED: dict[str, list[Any]] = {"vjp": [X], "jvp": [X, X], "hvp": [X, X], "jacobian": [X], "hessian": [X]}

# those that are no operations: making tensors, differentiating, training
OF_THE_ENGINE: list[Named] = [
    ("tensor", lambda: mg.tensor("a"), DtypeError, ["expected real numbers or booleans, got <U1 (str)"]),
    ("tensor", lambda: mg.tensor({1: 2}), DtypeError, ["got object (dict)"]),
    ("tensor", lambda: mg.tensor([1.0], np.float32), TypeError, ["tensor() takes "]),
    *[
        (
            name,
            partial(getattr(mg, name), shape),
            ShapeError,
            [f"cannot make a tensor of shape {shape!r}"],
        )
        for name in ("zeros", "ones")
        for shape in (-1, (2.5,), "ab")
    ],
    ("full", lambda: mg.full((2,), "a"), DtypeError, ["expected real numbers or booleans"]),
    ("full", lambda: mg.full((2,), [1, 2, 3]), ShapeError, ["cannot make a tensor of shape (2,)"]),
    ("full", lambda: mg.full((2,)), TypeError, ["full() missing 1 required positional argument: 'fill_value'"]),
    ("arange", lambda: mg.arange(1j), DtypeError, ["expected real numbers or booleans, got complex128"]),
    ("arange", lambda: mg.arange(0, 5, 0), ArgumentError, ["arange: step must not be zero"]),
    ("arange", lambda: mg.arange(0, np.inf), ArgumentError, ["arange: cannot count from 0 to inf by 1"]),
    ("eye", lambda: mg.eye(-1), ShapeError, ["cannot make an identity matrix of -1 rows and None columns"]),
    ("eye", lambda: mg.eye(2, 0.5), ShapeError, ["of 2 rows and 0.5 columns"]),
    ("eye", lambda: mg.eye(2, dtype=complex), DtypeError, ["a dtype of real numbers or booleans, got complex128"]),
    *[
        (name, partial(getattr(mg, name), operand), kind, [piece])
        for name in ("zeros_like", "ones_like")
        for operand, kind, piece in NO_NUMBERS
    ],
    *[
        ("seed", partial(mg.seed, n), ArgumentError, [f"seed() needs a non-negative integer, got {n!r}"])
        for n in (-1, 1.5, True, None, "a")
    ],
    ("backprop", lambda: mg.backprop(3), DtypeError, ["expected a tensor to differentiate, got int"]),
    ("backprop", lambda: list(mg.backprop(X)), GraphError, ["needs a scalar", "'x' of shape (2, 3) has 6 elements"]),
    ("backprop", lambda: mg.backprop(X, create=True), TypeError, ["got an unexpected keyword argument 'create'"]),
    ("grad", lambda: mg.grad(3, X), DtypeError, ["expected a tensor to differentiate, got int"]),
    ("grad", lambda: mg.grad(X.sum(), 3), DtypeError, ["inputs must be tensors in a list or tuple, input 0 is: int"]),
    ("grad", lambda: mg.grad(X.sum(), Y), GraphError, ["does not depend on input 0, 'y'", "allow_unused=True"]),
    ("value_and_grad", lambda: mg.value_and_grad(3), DtypeError, ["value_and_grad needs a function, got int"]),
    (
        "value_and_grad",
        lambda: mg.value_and_grad(mg.sin)(X),
        GraphError,
        ["needs a function that returns a scalar", "(2, 3)"],
    ),
    ("value_and_grad", lambda: mg.value_and_grad(mg.sin)(3), DtypeError, ["at least one floating-point argument"]),
    *[
        (
            name,
            partial(getattr(mg, name), 3, *rest),
            DtypeError,
            ["expected a function of tensors", "int"],
        )
        for name, rest in DIFFERENTIATED.items()
    ],
    *[
        (name, partial(getattr(mg, name), lambda x: 3, *rest), DtypeError, ["it returned int"])
        for name, rest in DIFFERENTIATED.items()
    ],
    ("vjp", lambda: mg.vjp(mg.sin, 1), DtypeError, ["a derivative needs a floating-point tensor, got int64"]),
    ("jvp", lambda: mg.jvp(mg.sin, X, Y), ShapeError, ["for argument 0 (2, 3) expected, got (4, 3)"]),
    ("hvp", lambda: mg.hvp(mg.sin, X, X), GraphError, ["hvp() needs a function that returns a scalar"]),
    ("jacobian", lambda: mg.jacobian(mg.sin, 1), DtypeError, ["a derivative needs a floating-point tensor, got int64"]),
    ("hessian", lambda: mg.hessian(mg.sin, X), GraphError, ["hessian() needs a function that returns a scalar"]),
    *[
        ("primitive", partial(mg.primitive, f), DtypeError, ["primitive: expected a function on arrays", kind])
        for f, kind in ((3, "int"), ("a", "str"))
    ],
    ("primitive", lambda: mg.primitive(numpy=np.exp)(lambda x: x), ArgumentError, ["np.exp already stands for exp"]),
    *[
        (name, partial(getattr(mg, name), given), ArgumentError, ["decorate functions", repr(given)])
        for name in ("no_grad", "enable_grad")
        for given in (3, "a")
    ],
    *[
        (name, partial(getattr(mg, name), mode=1), TypeError, ["got an unexpected keyword argument 'mode'"])
        for name in ("no_grad", "enable_grad")
    ],
    *[
        ("compile", partial(mg.compile, *given), UnavailableError, ["comes back in a later", "as it is"])
        for given in ((), (len,))
    ],
    ("compile", partial(mg.compile, mode=1), TypeError, ["got an unexpected keyword argument 'mode'"]),
]
NAMED = [*of_each_operation(), *OF_THE_ENGINE]


@pytest.mark.parametrize(
    ("name", "call", "kind", "pieces"), NAMED, ids=[f"{name} {' '.join(pieces)[:50]}" for name, _, _, pieces in NAMED]
)
def test_bad_input_of_every_function(
    name: str, call: Callable[[], Any], kind: type[MinigradError], pieces: list[str]
) -> None:
    check(call, kind, pieces)


def test_every_operation_has_three_cases_of_two_kinds_at_least() -> None:
    """Those of everything else that is public are counted in ``tests/bad_input``."""
    counted = Counter(name for name, *_ in NAMED)
    for name in OPERATIONS:
        assert counted[name] >= 3, f"add what {name} needs to REST"
        assert len({kind for case, _, kind, _ in NAMED if case == name}) > 1, name


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_function_names_an_unknown_argument(name: str) -> None:
    with pytest.raises(TypeError, match=rf"^{re.escape(name)}\(\) got an unexpected keyword argument 'no_such_thing'$"):
        OPERATIONS[name](X, no_such_thing=1)


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_function_refuses_what_is_no_number(name: str) -> None:
    count = len([p for p in inspect.signature(OPERATIONS[name]).parameters.values() if p.default is p.empty])
    with pytest.raises(MinigradError):
        OPERATIONS[name](*[object()] * count)
