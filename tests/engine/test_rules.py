"""Derivative rules name what they need: a node saves that and nothing else."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import RuleError
from minigrad.ops import primitives


def leaf(*shape: int) -> mg.Tensor:
    return mg.tensor(np.random.default_rng(0).uniform(0.5, 2, shape), requires_grad=True)


CONSTANT = np.random.default_rng(1).uniform(0.5, 2, (2, 3))
SAVED: dict[str, tuple[Callable[[mg.Tensor], mg.Tensor], set[str]]] = {
    "add": (lambda x: x + CONSTANT, set()),
    "subtract": (lambda x: CONSTANT - x, set()),
    "negative": (lambda x: -x, set()),
    "multiply by a constant": (lambda x: x * CONSTANT, {"y"}),
    "a constant times": (lambda x: mg.multiply(CONSTANT, x), {"x"}),
    "multiply": (lambda x: x * leaf(2, 3), {"x", "y"}),
    "multiply by a number": (lambda x: x * 2.0, {"y"}),
    "divide by a constant": (lambda x: x / CONSTANT, {"y"}),
    "exp": (mg.exp, {"out"}),
    "sqrt": (mg.sqrt, {"out"}),
    "tanh": (mg.tanh, {"out"}),
    "sigmoid": (mg.sigmoid, {"x", "out"}),
    "relu": (mg.relu, {"out"}),
    "log": (mg.log, {"x"}),
    "matmul with a constant": (lambda x: x @ CONSTANT.T, {"y", "x_shape"}),
    "a constant matmul": (lambda x: mg.matmul(CONSTANT.T, x), {"x", "y_shape"}),
    "softmax": (mg.softmax, {"out", "axis"}),
}
ONLY_SHAPES = {
    "sum": lambda x: x.sum(),
    "sum along an axis": lambda x: x.sum(axis=1, keepdims=True),
    "mean": lambda x: x.mean(axis=0),
    "reshape": lambda x: x.reshape(6),
    "transpose": lambda x: x.T,
    "broadcast_to": lambda x: mg.broadcast_to(x, (4, 2, 3)),
    "expand_dims": lambda x: mg.expand_dims(x, 0),
    "squeeze": lambda x: mg.squeeze(x[:1]),
    "flip": lambda x: mg.flip(x, 0),
    "index": lambda x: x[0],
    "concatenate": lambda x: mg.concatenate([x, x]),
    "stack": lambda x: mg.stack([x, CONSTANT]),
    "cumsum": lambda x: mg.cumsum(x, axis=0),
    "pad": lambda x: mg.pad(x, 1),
    "astype": lambda x: x.astype(np.float32),
}


@pytest.mark.parametrize(("f", "names"), SAVED.values(), ids=SAVED)
def test_a_node_saves_what_its_rules_name(f: Any, names: set[str]) -> None:
    assert set(f(leaf(2, 3)).node.saved) == names


@pytest.mark.parametrize("f", ONLY_SHAPES.values(), ids=ONLY_SHAPES)
def test_functions_of_shapes_save_no_array(f: Any) -> None:
    node = f(leaf(2, 3)).node
    saved = [part for value in node.saved.values() for part in (value if isinstance(value, tuple) else (value,))]
    assert not any(isinstance(value, np.ndarray) and value.dtype.kind == "f" for value in saved)


def test_multiply_saves_exactly_the_other_operand() -> None:
    x, y = leaf(3), leaf(3)
    constant = mg.tensor(np.ones(3))
    assert (x * constant).node.saved["y"] is constant._array
    saved = (x * y).node.saved
    assert saved["x"] is x._array
    assert saved["y"] is y._array


@mg.primitive
def blend(x: Any, y: Any, z: Any, scale: float = 2.0, *, shift: float = 0.0) -> Any:
    return scale * x * y * z + shift


def of_x(g: Any, y: Any, z: Any, scale: float) -> Any:
    return g * scale * y * z


def of_y(g: Any, out: Any, y: Any, shift: float) -> Any:
    return g * (out - shift) / y


def of_z(g: Any, z_shape: Any, out: Any, shift: float, z: Any) -> Any:
    return g * (out - shift) / z + np.zeros(z_shape)


blend.derivatives(of_x, of_y, of_z)


@pytest.mark.parametrize(
    ("requires", "names"),
    [
        ("x", {"y", "z", "scale"}),
        ("y", {"out", "y", "shift"}),
        ("z", {"z_shape", "out", "shift", "z"}),
        ("xy", {"y", "z", "scale", "out", "shift"}),
        ("xyz", {"y", "z", "scale", "out", "shift", "z_shape"}),
    ],
)
def test_a_node_saves_for_the_rules_that_will_run(requires: str, names: set[str]) -> None:
    arguments = [
        mg.tensor(np.array([value]), requires_grad=name in requires)
        for name, value in zip("xyz", (2.0, 3.0, 5.0), strict=True)
    ]
    output = blend(*arguments, shift=1.0)
    assert set(output.node.saved) == names
    assert output.node.saved.get("scale", 2.0) == 2.0
    assert output.node.saved.get("shift", 1.0) == 1.0
    assert [position for position, _ in output.node.rules] == ["xyz".index(name) for name in requires]
    output.backward()
    expected = {"x": 30, "y": 20, "z": 12}
    for name, argument in zip("xyz", arguments, strict=True):
        assert (
            argument.grad is None if name not in requires else argument.grad.tolist() == pytest.approx([expected[name]])
        )


def test_gradcheck_of_rules_that_name_everything() -> None:
    assert mg.testing.gradcheck(blend, *np.random.default_rng(0).uniform(1, 2, (3, 4)))


def test_rules_of_any_number_of_inputs() -> None:
    @mg.primitive
    def product(*arrays: Any, scale: float = 1.0) -> Any:
        return functools.reduce(np.multiply, arrays) * scale

    product.derivatives(
        lambda g, position, arrays, arrays_shape, out: g * out / arrays[position] * len(arrays_shape) / len(arrays)
    )
    tensors = [leaf(2), leaf(2), mg.tensor(np.ones(2))]
    output = product(*tensors, scale=3.0)
    assert set(output.node.saved) == {"arrays", "arrays_shape", "out"}
    assert output.node.saved["arrays_shape"] == ((2,),) * 3
    assert mg.testing.gradcheck(product, *np.random.default_rng(0).uniform(1, 2, (3, 2)), order=2)


BAD_RULES: dict[str, tuple[Any, str]] = {
    "an input that is not there": (
        lambda g, w: g,
        "a rule needs 'w', which does not exist; .* may name out, scale, x, x_shape",
    ),
    "several": (lambda g, w, v: g, "needs 'w', 'v', which"),
    "kept without keeps": (lambda g, kept: g, "needs 'kept'"),
    "a shape that is not there": (lambda g, y_shape: g, "needs 'y_shape'"),
    "the position of one": (lambda g, position: g, "needs 'position'"),
    "*args": (lambda g, *args: g, r"names each thing that it needs.* got the parameters \(g, \*args\)"),
    "**options": (lambda g, **options: g, r"got the parameters \(g, \*\*options\)"),
    "by keyword alone": (lambda g, *, x: g, r"got the parameters \(g, \*, x\)|got the parameters \(g, x\)"),
    "nothing": (lambda: 1.0, r"a rule takes the gradient"),
    "not a function": (3, r"a rule is a function such as `lambda g, y: g \* y`, got 3"),
}


@pytest.mark.parametrize(("rule", "message"), BAD_RULES.values(), ids=BAD_RULES)
def test_a_rule_that_names_something_else_is_an_error_when_it_is_given(rule: Any, message: str) -> None:
    @mg.primitive
    def scaled(x: Any, scale: float = 1.0) -> Any:
        return x * scale

    with pytest.raises(RuleError, match=f"^scaled: .*{message}"):
        scaled.derivatives(rule)
    with pytest.raises(RuleError, match="scaled has no derivative rules yet"):
        scaled(1.0)


def test_the_gradient_may_be_called_anything() -> None:
    @mg.primitive
    def cube(x: Any) -> Any:
        return x**3

    cube.derivatives(lambda upstream, x: upstream * 3 * x**2)
    assert mg.testing.gradcheck(cube, np.array([1.0, 2.0]), order=2)


def test_a_rule_may_be_a_method_or_a_partial_function() -> None:
    class Scale:
        def rule(self, g: Any, y: Any) -> Any:
            return g * y

    @mg.primitive
    def product(x: Any, y: Any) -> Any:
        return x * y

    product.derivatives(Scale().rule, functools.partial(lambda factor, g, x: factor * g * x, 1.0))
    assert mg.testing.gradcheck(product, np.array([1.0, 2.0]), np.array([3.0, 4.0]), order=2)


def test_an_argument_by_keyword_alone_has_no_rule() -> None:
    @mg.primitive
    def scaled(x: Any, *, factor: float = 2.0) -> Any:
        return factor * x

    with pytest.raises(RuleError, match="scaled: 2 rules for 1 positional arguments; give at most one for each"):
        scaled.derivatives(lambda g, factor: factor * g, lambda g: g)


def test_operands_are_what_cannot_be_computed_again() -> None:
    x, constant = mg.tensor([1.0, 2.0], requires_grad=True), mg.tensor([3.0, 4.0])
    result = mg.exp(x)
    both, alone = result * constant, mg.sin(result)
    assert both.node.operands[0] is None
    assert both.node.operands[1].tolist() == [3, 4]
    assert alone.node.operands == ()


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (lambda x: 3 * x * x, r"the first parameter of a rule is the gradient that arrives.*got the parameters \(x\)"),
        (lambda x, out: 3 * out, r"the first parameter of a rule is the gradient.*\(x, out\)"),
        (lambda x, g: 3 * g * x, r"the first parameter of a rule is the gradient.*\(x, g\)"),
        (lambda g, kept: g * kept, r"declare @mg.primitive\(keeps=True\)$"),
    ],
)
def test_a_rule_that_leaves_out_the_gradient_is_refused(rule: Callable[..., Any], message: str) -> None:
    @mg.primitive
    def cube(x: Any) -> Any:
        return x**3

    with pytest.raises(RuleError, match=message):
        cube.derivatives(rule)


def test_an_argument_may_be_called_g() -> None:
    @mg.primitive
    def product(g: Any, x: Any) -> Any:
        return g * x

    product.derivatives(lambda g, x: g * x, None)
    a = mg.tensor([1.0, 2.0], requires_grad=True)
    product(a, mg.tensor([3.0, 4.0])).sum().backward()
    assert a.grad.tolist() == [3, 4]


def test_calls_of_many_lengths_leave_little_behind() -> None:
    x = mg.tensor(1.0, requires_grad=True)
    for count in range(1, 300):
        mg.stack([x] * count)
    assert max(len(primitive._plans) for primitive in primitives.values()) == 100


class TestNamesOfAUsersFunction:
    def test_an_argument_with_a_name_that_rules_use_otherwise_is_refused(self) -> None:
        def output(x: Any, out: Any) -> Any:
            return x * out

        def shape(x: Any, x_shape: Any) -> Any:
            return x * x_shape

        def option(x: Any, kept: float = 1.0) -> Any:
            return x * kept

        def of_any_number(*xs: Any, position: float = 1.0) -> Any:
            return sum(xs) * position

        for function, rules in ((output, 2), (shape, 2), (option, 1), (of_any_number, 1)):
            name = list(function.__annotations__)[1]
            with pytest.raises(RuleError, match=f"{function.__name__}: .*{name!r}.*another name"):
                mg.primitive(function).derivatives(*[lambda g: g] * rules)

    def test_position_is_a_name_like_any_other_where_the_number_of_arguments_is_fixed(self) -> None:
        @mg.primitive
        def scaled(x: Any, position: float = 1.0) -> Any:
            return x * position

        scaled.derivatives(lambda g, position: g * position)
        x = mg.tensor([1.0, 2.0], requires_grad=True)
        scaled(x, position=3.0).sum().backward()
        assert x.grad.tolist() == [3, 3]

    def test_options_that_no_call_could_give_are_refused(self) -> None:
        def any_options(x: Any, **options: Any) -> Any:
            return x

        def by_position_alone(x: Any, factor: float = 1.0, /) -> Any:
            return x * factor

        for function, what in ((any_options, r"\*\*options"), (by_position_alone, "factor")):
            with pytest.raises(RuleError, match=f"{function.__name__}: .*{what}"):
                mg.primitive(function).derivatives(lambda g: g)


def test_options_may_be_any_kind_of_dict_and_list() -> None:
    class Names(list[Any]):
        def __init__(self) -> None:
            super().__init__()

    @mg.primitive
    def scaled(x: Any, factors: Any = None, names: Any = ()) -> Any:
        return x * factors["by"]

    scaled.derivatives(lambda g, factors: g * factors["by"])
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    scaled(x, factors={"by": np.array([2.0, 3.0], np.float32)}, names=Names()).sum().backward()
    assert x.grad.tolist() == [2, 3]
