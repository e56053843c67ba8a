"""``source_lines``: which line of the script made a node."""

from __future__ import annotations

import functools
import inspect
import operator
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.source import SourceLine, calling_line

FILE = __file__


def leaf(value: Any = (1.0, 2.0, 3.0)) -> Any:
    return mg.tensor(np.asarray(value, np.float32), requires_grad=True)


def here() -> int:
    """Return the number of the line that calls this."""
    frame = inspect.currentframe()
    assert frame is not None
    assert frame.f_back is not None
    return frame.f_back.f_lineno


@mg.primitive
def triple(x: Any) -> Any:
    return 3 * x


triple.derivatives(lambda g: g * 3)

MATRIX = np.eye(3, dtype=np.float32)

# every way into the library: the line is always the one in this file
WAYS: dict[str, Callable[[Any], Any]] = {
    "operator": lambda x: x * 2,
    "reflected operator": lambda x: 2 - x,
    "operator with an array": lambda x: np.ones(3, np.float32) * x,
    "array @ tensor": lambda x: MATRIX @ x,
    "power": lambda x: x**2,
    "negation": lambda x: -x,
    "comparison of a product": lambda x: mg.where(x.detach() > 1, x, 0.0),
    "index": lambda x: x[0],
    "unpacking": lambda x: next(iter(x)),
    "method": lambda x: x.sum(),
    "property": lambda x: x.reshape(3, 1).T,
    "dunder": lambda x: mg.Tensor.__rmul__(x, 2),
    "function": lambda x: mg.exp(x),
    "keyword argument": lambda x: mg.sum(x, axis=0),
    "NumPy's ufunc": lambda x: np.exp(x),
    "NumPy's ufunc of an array first": lambda x: np.add(MATRIX, x),
    "NumPy's function": lambda x: np.mean(x),
    "NumPy's function of a list": lambda x: np.stack([x, x]),
    "composed function": lambda x: mg.var(x),
    "loss": lambda x: nn.functional.mse_loss(x, mg.zeros(3)),
    "user's primitive": lambda x: triple(x),
    "functools.partial": lambda x: functools.partial(mg.sum, axis=0)(x),
    "functools.reduce": lambda x: functools.reduce(operator.add, [x, x, x]),
    "operator module": lambda x: operator.mul(x, x),
    "map": lambda x: next(map(mg.tanh, [x])),
    "sum of Python": lambda x: sum([x, x]),
    "comprehension": lambda x: [x * k for k in range(3)][-1],
    "generator expression": lambda x: next(x * k for k in range(3)),
    "in place on a result": lambda x: operator.iadd(x * 1, 2),
    "layer": lambda x: LINEAR(x),
    "layers": lambda x: TOWER(x),
}
LINEAR = nn.Linear(3, 2)
TOWER = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))


def made(tensor: Any) -> list[Any]:
    """Return the nodes of the operations that a tensor was computed by."""
    nodes, waiting = [], [tensor.node]
    while waiting:
        node = waiting.pop()
        if node.primitive is not None:
            nodes.append(node)
            waiting += node.parents
    return nodes


@pytest.mark.parametrize("name", WAYS)
def test_the_line_of_every_operation_is_the_users(name: str) -> None:
    way = WAYS[name]
    with mg.source_lines():
        out = way(leaf())
    assert made(out)
    for node in made(out):
        assert node.line is not None
        assert (node.line.file, node.line.number) == (FILE, way.__code__.co_firstlineno)
        assert node.line.function in ("<lambda>", "<listcomp>", "<genexpr>")


def test_the_functions_name_and_number() -> None:
    with mg.source_lines():
        x = leaf()
        y, line = x * x, here()
    assert y.node.line == SourceLine(FILE, line, "test_the_functions_name_and_number")
    assert y.node.line.file == FILE


def test_an_expression_of_several_lines() -> None:
    x = leaf()
    with mg.source_lines():
        first = here() + 1
        y = (
            mg.exp(x)
            + mg.tanh(x)
        )  # fmt: skip
    assert {node.operation: node.line.number - first for node in made(y)} == {"exp": 1, "tanh": 2, "add": 1}


class Twice(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(3, 3)

    def forward(self, x: Any) -> Any:
        return 2 * self.inner(x)


def test_inside_of_a_users_module_it_is_the_line_in_forward() -> None:
    model = Twice()
    with mg.source_lines():
        out = model(leaf())
    assert {node.line.function for node in made(out)} == {"forward"}
    assert out.node.scope == "Twice"


def test_inside_of_a_users_primitive_called_by_another_function_it_is_that_function() -> None:
    def six_times(x: Any) -> Any:
        return triple(2 * x)

    with mg.source_lines():
        out = six_times(leaf())
    assert {node.line.function for node in made(out)} == {"six_times"}


def test_a_function_in_another_file(tmp_path: Path) -> None:
    path = tmp_path / "minigrad_helpers.py"
    path.write_text("def square(x):\n    return (\n        x * x)\n")
    space: dict[str, Any] = {"__name__": "minigrad.helpers"}  # the file decides, not what the module is called
    exec(compile(path.read_text(), str(path), "exec"), space)
    with mg.source_lines():
        out = space["square"](leaf())
    assert out.node.line == SourceLine(str(path), 3, "square")


def test_code_without_a_file_or_a_module() -> None:
    space: dict[str, Any] = {"x": leaf(), "__name__": None}
    with mg.source_lines():
        exec("\ny = x * x", space)
    assert space["y"].node.line == SourceLine("<string>", 2, "<module>")


def test_a_line_outside_of_everything_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("minigrad.source._OWN", "")  # as if all files were the library's
    assert calling_line() is None


def test_parameters_have_the_line_that_made_them() -> None:
    with mg.source_lines():
        x, line = mg.tensor(1.0, requires_grad=True), here()
        layer, later = nn.Linear(2, 2), here()
        flipped = mg.zeros(3)
        flipped.requires_grad = True
    assert x.node is not None
    assert x.node.line == SourceLine(FILE, line, "test_parameters_have_the_line_that_made_them")
    for parameter in layer.parameters():
        assert parameter.node is not None
        assert parameter.node.line is not None
        assert (parameter.node.line.file, parameter.node.line.number) == (FILE, later)
    assert flipped.node is not None
    assert flipped.node.line is not None
    assert flipped.node.line.number == later + 2


def test_nothing_is_noted_outside() -> None:
    x = leaf()
    with mg.source_lines():
        pass
    y = x * x
    assert x.node.line is None
    assert y.node.line is None
    assert nn.Linear(2, 2).weight.node.line is None  # type: ignore[union-attr]


def noted() -> tuple[bool, bool]:
    """Return whether an operation records its node, and whether it records its line."""
    x = leaf()
    y = x * x
    return y.requires_grad, x.node.line is not None


BLOCKS = {"lines": mg.source_lines, "no": mg.no_grad, "yes": mg.enable_grad}


@pytest.mark.parametrize("first", BLOCKS)
@pytest.mark.parametrize("second", BLOCKS)
@pytest.mark.parametrize("third", BLOCKS)
def test_blocks_nest_in_any_order(first: str, second: str, third: str) -> None:
    def expected(*inside: str) -> tuple[bool, bool]:
        modes = [name for name in inside if name != "lines"]
        return not modes or modes[-1] == "yes", "lines" in inside

    with BLOCKS[first]():
        assert noted() == expected(first)
        with BLOCKS[second]():
            assert noted() == expected(first, second)
            with BLOCKS[third]():
                assert noted() == expected(first, second, third)
            assert noted() == expected(first, second)
        assert noted() == expected(first)
    assert noted() == (True, False)


def test_decorated_functions_keep_the_lines() -> None:
    @mg.enable_grad()
    def square(x: Any) -> Any:
        return x * x

    with mg.no_grad(), mg.source_lines():
        out = square(leaf())
    assert out.node.line.function == "square"


def test_an_exception_ends_it() -> None:
    with pytest.raises(ZeroDivisionError), mg.source_lines():
        raise ZeroDivisionError
    assert noted() == (True, False)
    with mg.source_lines():
        with pytest.raises(ZeroDivisionError), mg.no_grad():
            raise ZeroDivisionError
        assert noted() == (True, True)


def test_it_decorates_a_function() -> None:
    @mg.source_lines()
    def inside() -> tuple[bool, bool]:
        return noted()

    assert inside() == inside() == (True, True)
    assert noted() == (True, False)


def test_threads_are_separate() -> None:
    inside, done, seen = threading.Event(), threading.Event(), []

    def other() -> None:
        assert inside.wait(5)
        seen.append(noted())
        with mg.source_lines():
            seen.append(noted())
        done.set()

    thread = threading.Thread(target=other)
    thread.start()
    with mg.source_lines():
        inside.set()
        assert done.wait(5)
        assert noted() == (True, True)
    thread.join(5)
    assert seen == [(True, False), (True, True)]


def test_a_recorded_backward_pass_has_the_line_of_backward() -> None:
    x = leaf(3.0)
    with mg.source_lines():
        y = x * x * x
        line = here() + 1
        y.backward(create_graph=True)
    assert x.grad.node.line.number == line
    assert x.grad.node.line.file == FILE


def test_values_and_gradients_are_the_same() -> None:
    def run() -> tuple[Any, Any]:
        x = leaf()
        y = (mg.exp(x) * TOWER(x)[0]).sum()
        y.backward()
        return y.tolist(), x.grad.tolist()

    plain = run()
    with mg.source_lines():
        assert run() == plain
