"""Bad input to the engine: the library's own error, with what was expected, what came, and what to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.engine.random import generator
from minigrad.errors import (
    ArgumentError,
    DtypeError,
    GraphError,
    InPlaceError,
    MinigradError,
    OutOfRangeError,
    ShapeError,
    UnknownArgumentError,
    UnknownAttributeError,
)


def ones(*shape: int, name: str | None = None) -> mg.Tensor:
    return mg.tensor(np.ones(shape), requires_grad=True, name=name)


X = ones(2, 3, name="x")
PLAIN = mg.tensor(1.0, name="c")


def released() -> mg.Tensor:
    output = (ones(2) * 2).sum()
    output.backward()
    return output


def inside_no_grad() -> mg.Tensor:
    with mg.no_grad():
        return ones(2).sum()


BAD: list[tuple[Callable[[], Any], type[MinigradError], list[str]]] = [
    # making tensors
    (lambda: mg.tensor("a"), DtypeError, ["expected real numbers or booleans", "str"]),
    (lambda: mg.tensor(None), DtypeError, ["expected real numbers or booleans", "NoneType"]),
    (lambda: mg.tensor(1j), DtypeError, ["expected real numbers or booleans, got complex128"]),
    (lambda: mg.tensor([1.0], dtype=complex), DtypeError, ["got complex128"]),
    (lambda: mg.tensor(["a"], dtype=np.float32), DtypeError, ["expected real numbers or booleans, got <U1 (list)"]),
    (lambda: mg.tensor({1: 2}, dtype=np.float32), DtypeError, ["expected real numbers or booleans, got object (dict)"]),
    (lambda: mg.tensor(10**400, dtype=np.int64), DtypeError, ["expected real numbers or booleans, got object (int)"]),
    (lambda: mg.tensor([1.0], dtype="flaot32"), DtypeError, ["flaot32"]),
    (lambda: mg.tensor([[1], [1, 2]]), ShapeError, ["nested lists must have the same length at each level"]),
    (lambda: mg.tensor([1, 2], requires_grad=True), DtypeError, ["floating-point tensor, got int64", "np.float32"]),
    (lambda: mg.tensor([True], requires_grad=True), DtypeError, ["got bool", ".astype(np.float32)"]),
    (lambda: setattr(mg.tensor([1]), "requires_grad", True), DtypeError, ["got int64", ".astype(np.float32)"]),
    (lambda: mg.zeros(2, dtype=int, requires_grad=True), DtypeError, ["floating-point tensor, got int64"]),
    (
        lambda: mg.tensor([1.0], require_grad=True),
        TypeError,
        ["tensor() got an unexpected keyword argument"],
    ),
    (lambda: mg.tensor([1.0], device="cpu"), TypeError, ["got an unexpected keyword argument 'device'"]),
    (lambda: mg.tensor([1.0], np.float32), TypeError, ["tensor() takes 1 positional argument but 2 were given"]),
    (lambda: mg.tensor(1.0, name=3), DtypeError, ["a name is a string, got int"]),
    (lambda: mg.tensor([X[0, 0]]), GraphError, ["requires a gradient", ".detach().numpy()"]),
    (lambda: mg.Tensor([1.0]), DtypeError, ["Tensor wraps an ndarray, got list; use mg.tensor(...)"]),
    (lambda: mg.zeros(-1), ShapeError, ["cannot make a tensor of shape -1"]),
    (lambda: mg.ones((2.5,)), ShapeError, ["cannot make a tensor of shape (2.5,)"]),
    (lambda: mg.zeros(2, 3), TypeError, ["zeros() takes "]),
    (lambda: mg.zeros(2, dtype="no"), DtypeError, ["'no' is not a dtype; use np.float32"]),
    (lambda: mg.full((2,), "a"), DtypeError, ["expected real numbers or booleans"]),
    (lambda: mg.full((2,)), TypeError, ["full() missing 1 required positional argument: 'fill_value'"]),
    (lambda: mg.full((2,), [1, 2, 3]), ShapeError, ["cannot make a tensor of shape (2,)"]),
    (
        lambda: mg.full(2, 300, dtype=np.int8),
        ArgumentError,
        ["cannot fill a tensor with 300", "out of bounds for int8"],
    ),
    (lambda: mg.arange(0, 5, 0), ArgumentError, ["step must not be zero"]),
    (lambda: mg.arange("a"), ArgumentError, ["arange: cannot count from 'a'"]),
    (lambda: mg.arange(np.ones(2)), ArgumentError, ["start, stop and step must be numbers, got an array"]),
    (lambda: mg.arange(0, np.inf), ArgumentError, ["arange: cannot count from 0 to inf"]),
    (lambda: mg.eye(-1), ShapeError, ["cannot make an identity matrix of -1 rows"]),
    (lambda: mg.eye(2, dtype=complex), DtypeError, ["got complex128"]),
    (lambda: mg.zeros_like(X, dtype=complex), DtypeError, ["got complex128"]),
    (lambda: mg.ones_like("a"), DtypeError, ["expected real numbers"]),
    (lambda: mg.seed(-1), ArgumentError, ["non-negative integer, got -1"]),
    (lambda: mg.seed(1.5), ArgumentError, ["non-negative integer, got 1.5"]),
    (lambda: mg.seed(True), ArgumentError, ["non-negative integer, got True"]),
    (lambda: generator(3), DtypeError, ["numpy.random.Generator, such as np.random.default_rng(0), got 3"]),
    # backward and grad
    (lambda: (X * 2).backward(), GraphError, ["needs a scalar", "shape (2, 3) has 6 elements", ".sum()", "gradient="]),
    (lambda: PLAIN.backward(), GraphError, ["nothing to differentiate: 'c' of shape ()", "requires_grad=True"]),
    (lambda: inside_no_grad().backward(), GraphError, ["nothing to differentiate", "outside of no_grad()"]),
    (lambda: X.argmax().backward(), GraphError, ["nothing to differentiate"]),
    (lambda: mg.floor(X).sum().backward(), GraphError, ["nothing to differentiate"]),
    (lambda: released().backward(), GraphError, ["released by an earlier backward pass", "retain_graph=True"]),
    (lambda: mg.grad(released(), X), GraphError, ["does not depend on input 0, 'x'"]),
    (lambda: (X * 2).backward(np.ones(3)), ShapeError, ["output's shape (2, 3), got (3,)"]),
    (lambda: X.sum().backward("a"), DtypeError, ["expected real numbers or booleans, got <U1 (str)"]),
    (lambda: mg.backprop(X.sum(), create=True), TypeError, ["got an unexpected keyword argument 'create'"]),
    (lambda: mg.backprop(3), DtypeError, ["expected a tensor to differentiate, got int"]),
    (lambda: mg.grad(3, X), DtypeError, ["expected a tensor to differentiate, got int"]),
    (lambda: mg.grad(X.sum(), 3), DtypeError, ["inputs must be tensors", "int"]),
    (lambda: mg.grad(X.sum(), [X, np.ones(2)]), DtypeError, ["inputs must be tensors", "input 1", "ndarray"]),
    (lambda: mg.grad(X.sum(), PLAIN), GraphError, ["input 0, 'c' of shape (), requires no gradient"]),
    (lambda: mg.grad(X.sum(), ones(1, name="y")), GraphError, ["does not depend on input 0, 'y'", "allow_unused=True"]),
    (lambda: mg.grad(X, X), GraphError, ["needs a scalar, 'x' of shape (2, 3)"]),
    (lambda: mg.grad(X.sum(), X, retain=True), TypeError, ["unexpected keyword argument 'retain'"]),
    (lambda: mg.tensor(1.0).retain_grad(), GraphError, ["tensor of shape () needs no gradient"]),
    (lambda: PLAIN.retain_grad(), GraphError, ["'c' of shape () needs no gradient, so there is none to retain"]),
    # functions of functions
    (lambda: mg.value_and_grad(3), DtypeError, ["value_and_grad needs a function, got int"]),
    (lambda: mg.value_and_grad(lambda x: x)(3), DtypeError, ["at least one floating-point argument"]),
    (
        lambda: mg.value_and_grad(lambda x: x * x)(np.ones(2)),
        GraphError,
        ["needs a function that returns a scalar", "(2,)"],
    ),
    (
        lambda: mg.value_and_grad(lambda x: 3.0)(2.0),
        DtypeError,
        ["the function must return a tensor, it returned float"],
    ),
    (lambda: mg.vjp(lambda x: x, mg.tensor(1)), DtypeError, ["a derivative needs a floating-point tensor, got int64"]),
    (lambda: mg.vjp(lambda x: 3, 1.0), DtypeError, ["the function must return a tensor, it returned int"]),
    (lambda: mg.vjp(lambda x: x * x, np.ones(2))[1](np.ones(3)), ShapeError, ["shape (2,), got (3,)"]),
    (lambda: mg.jvp(lambda x: x, np.ones(2), np.ones(3)), ShapeError, ["for argument 0 (2,) expected, got (3,)"]),
    (
        lambda: mg.jvp(lambda x, y: x, (1.0, 2.0), 1.0),
        ShapeError,
        ["one direction for each argument: [0, 1] expected, got 1.0"],
    ),
    (
        lambda: mg.hvp(lambda x: x * x, np.ones(2), np.ones(2)),
        GraphError,
        ["hvp() needs a function that returns a scalar"],
    ),
    (lambda: mg.hessian(lambda x: x * x, np.ones(2)), GraphError, ["hessian() needs a function that returns a scalar"]),
    (lambda: mg.jacobian(lambda x: [x], np.ones(2)), DtypeError, ["must return a tensor, it returned list"]),
    (lambda: mg.jacobian(3, X), DtypeError, ["expected a function of tensors to differentiate, got int"]),
    (
        lambda: mg.jacobian(lambda x: x, X, vectorize=True),
        TypeError,
        ["got an unexpected keyword argument 'vectorize'"],
    ),
    (lambda: mg.hessian(lambda x: x, 3), DtypeError, ["got int64"]),
    (lambda: mg.no_grad(3), ArgumentError, ["decorate functions, got 3"]),
    (lambda: mg.grad(X.sum(), X, allow_unused=1), DtypeError, ["allow_unused must be True or False, got 1"]),
    (lambda: mg.primitive(broadcast=True), TypeError, ["unexpected keyword argument 'broadcast'"]),
    # changing a tensor of a graph
    (lambda: X.__setitem__(0, 1.0), InPlaceError, ["cannot assign into 'x' of shape (2, 3)", "mg.where", "no_grad()"]),
    (lambda: mg.zeros(3).__setitem__(0, X[0, 0]), InPlaceError, ["shape (3,)", "shape () requires a gradient"]),
    (lambda: mg.tensor([1]).__iadd__(0.5), DtypeError, ["+= would give float64", "holds int64", "x = x + ..."]),
    (lambda: mg.zeros(1).__iadd__(np.ones(2)), ShapeError, ["+= would change the shape", "to (2,)"]),
    (lambda: setattr(X, "data", np.ones(4)), ShapeError, ["data of 'x' of shape (2, 3)", "(4,)"]),
    (lambda: setattr(X, "grad", np.ones(4)), ShapeError, ["'x' of shape (2, 3) must have its shape, got (4,)"]),
    (lambda: setattr(X * 2, "requires_grad", False), GraphError, ["the result of multiply; use .detach()"]),
    (lambda: mg.zeros(2).__setitem__(7, 1.0), OutOfRangeError, ["cannot assign into", "index 7"]),
    # attributes that PyTorch has, and slips
    (lambda: X.unsqueeze(0), UnknownAttributeError, ["no attribute 'unsqueeze': use expand_dims"]),
    (lambda: X.view(6), UnknownAttributeError, ["no attribute 'view': use reshape"]),
    (lambda: X.permute(1, 0), UnknownAttributeError, ["no attribute 'permute': use transpose"]),
    (lambda: X.float(), UnknownAttributeError, ["use astype(np.float32)"]),
    (lambda: X.to("cpu"), UnknownAttributeError, ["use astype(dtype); minigrad computes on the CPU alone"]),
    (lambda: X.item(), ShapeError, ["item() needs exactly one element, 'x' of shape (2, 3) has 6; use .numpy()"]),
]


@pytest.mark.parametrize(
    ("call", "kind", "pieces"), BAD, ids=[f"{n} {' '.join(p)[:50]}" for n, (_, _, p) in enumerate(BAD)]
)
def test_bad_input(call: Callable[[], Any], kind: type[MinigradError], pieces: list[str]) -> None:
    with pytest.raises(kind) as caught:
        call()
    assert type(caught.value) is kind
    for piece in pieces:
        assert piece in str(caught.value)


def test_every_error_is_also_the_kind_that_people_catch() -> None:
    for kind, python in [
        (ShapeError, ValueError),
        (DtypeError, TypeError),
        (OutOfRangeError, IndexError),
        (GraphError, RuntimeError),
        (UnknownArgumentError, TypeError),
        (UnknownAttributeError, AttributeError),
        (mg.errors.GradientCheckError, AssertionError),
    ]:
        assert issubclass(kind, python)
        assert issubclass(kind, MinigradError)


def test_a_failed_pass_changes_no_gradient() -> None:
    x = ones(2)
    (x * 2).sum().backward()
    for call in (lambda: (x * 2).backward(), lambda: released().backward(), lambda: (x * 2).backward(np.ones(5))):
        with pytest.raises(MinigradError):
            call()
    assert x.grad.tolist() == [2, 2]


def test_a_type_error_inside_a_users_function_stays_as_it_is() -> None:
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        mg.jacobian(lambda x, y: x, np.ones(2))
