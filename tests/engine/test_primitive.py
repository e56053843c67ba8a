"""Users' own functions with ``@mg.primitive``: called and checked as the library's own."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.engine.node import Number, ancestors, backward_order
from minigrad.errors import DtypeError, GradientCheckError, RuleError, ShapeError


@mg.primitive
def scaled_power(x: Any, y: Any, scale: float = 1.0, *, shift: float = 0.0) -> Any:
    """Return ``scale * x * y**2 + shift``."""
    return scale * x * y**2 + shift


scaled_power.derivatives(
    lambda g, y, scale: g * scale * y**2,
    lambda g, x, y, scale: g * scale * x * 2 * y,
)


@mg.primitive(broadcasts=True)
def hypot(x: Any, y: Any) -> Any:
    return np.hypot(x, y)


hypot.derivatives(lambda g, out, x: g * x / out, lambda g, out, y: g * y / out)


def leaf(value: Any) -> mg.Tensor:
    return mg.tensor(np.asarray(value, float), requires_grad=True)


class TestBinding:
    @pytest.mark.parametrize(
        "call",
        [
            lambda x, y: scaled_power(x, y, 2.0, shift=1.0),
            lambda x, y: scaled_power(x, y, scale=2.0, shift=1.0),
            lambda x, y: scaled_power(x, y=y, scale=2.0, shift=1.0),
            lambda x, y: scaled_power(y=y, x=x, shift=1.0, scale=2.0),
        ],
    )
    def test_arguments_by_position_and_by_keyword(self, call: Any) -> None:
        x, y = leaf([1.0, 2.0]), leaf([3.0, 4.0])
        output = call(x, y)
        assert output.tolist() == [19, 65]
        output.sum().backward()
        assert x.grad.tolist() == [18, 32]
        assert y.grad.tolist() == [12, 32]
        assert output.node.options == {"scale": 2.0, "shift": 1.0}

    def test_an_optional_input_that_is_left_out(self) -> None:
        @mg.primitive
        def between(x: Any, low: Any = None, high: Any = None) -> Any:
            return x * (1.0 if low is None else low) * (1.0 if high is None else high)

        between.derivatives(
            lambda g, low, high: g * between.forward(1.0, low, high),
            lambda g, x: g * x,
            lambda g, x: g * x,
        )
        x, high = leaf(3.0), leaf(5.0)
        output = between(x, high=high)
        assert output.item() == 15
        output.backward()
        assert (x.grad.item(), high.grad.item()) == (5, 3)
        assert [type(node) for node in between(x).node.parents[1:]] == [Number, Number]

    def test_a_number_has_a_node_once_somebody_asks(self) -> None:
        x = leaf(3.0)
        node = (x * 2.0).node
        assert list(node.inputs) == [x.node, 2.0]
        first, number = node.parents
        assert first is x.node
        assert (number.value, number.shape, number.requires_grad) == (2.0, (), False)
        assert node.parents[1] is number
        assert backward_order([node]) == [node, x.node]
        assert set(ancestors(node)) == {node, x.node, number}

    def test_arrays_and_numbers_are_inputs_too(self) -> None:
        x = leaf([3.0, 5.0])
        hypot(x, [4.0, 12.0]).sum().backward()
        np.testing.assert_allclose(x.grad.numpy(), [0.6, 5 / 13], rtol=1e-6)
        assert not hypot(3.0, 4.0).requires_grad
        assert hypot(3.0, 4.0).item() == 5

    def test_nothing_is_recorded_where_nothing_requires_a_gradient(self) -> None:
        assert hypot(mg.tensor(3.0), mg.tensor(4.0)).node is None
        with mg.no_grad():
            assert hypot(leaf(3.0), leaf(4.0)).node is None

    def test_it_keeps_its_name_and_text(self) -> None:
        assert scaled_power.__doc__ == (
            "scaled_power(x, y, scale=1.0, *, shift=0.0)\n\nReturn ``scale * x * y**2 + shift``."
        )
        assert repr(scaled_power) == "<primitive scaled_power>"
        assert scaled_power(leaf(1.0), leaf(1.0)).node.operation == "scaled_power"

    @pytest.mark.parametrize(("name", "expected"), [("_softmax_", "softmax"), ("softmax", "softmax"), ("__", "__")])
    @pytest.mark.parametrize("text", [None, "Return it."])
    def test_underscores_around_its_name_go_and_its_text_stays(self, name: str, expected: str, text: Any) -> None:
        def function(x: Any, *, axis: int = 0) -> Any:
            return x

        function.__name__, function.__doc__ = name, text
        made = mg.primitive(function)
        assert repr(made) == f"<primitive {expected}>"
        assert made.__doc__ == f"{expected}(x, *, axis=0)\n\n{text or ''}"

    @pytest.mark.parametrize("broadcasts", [False, True])
    def test_numbers_come_as_arrays_unless_inputs_broadcast(self, broadcasts: bool) -> None:
        seen = []

        @mg.primitive(broadcasts=broadcasts)
        def watched(x: Any) -> Any:
            seen.append(type(x))
            return np.square(x)

        watched.derivatives(lambda g, x: g * 2.0 * x)
        assert watched(3.0).item() == 9
        assert seen == [float if broadcasts else np.ndarray]

    def test_of_any_number_of_inputs_none_may_be_none(self) -> None:
        @mg.primitive
        def total(*arrays: Any, start: Any = None) -> Any:
            return sum(arrays)

        @mg.primitive
        def bare_total(*arrays: Any) -> Any:
            return sum(arrays)

        for primitive in (total, bare_total):
            primitive.derivatives(lambda g: g)
            with pytest.raises(DtypeError, match=r"total: argument 1 is None \(NoneType\), expected real numbers"):
                primitive(leaf(1.0), None)


class TestDerivatives:
    def test_gradcheck(self) -> None:
        assert mg.testing.gradcheck(scaled_power, np.array([1.0, 2.0]), np.array([0.5, 3.0]), order=2)
        assert mg.testing.gradcheck(hypot, np.array([[1.0], [2.0]]), np.array([0.5, 3.0]), order=2)

    def test_broadcast_axes_are_summed_over(self) -> None:
        x, y = leaf(np.ones((2, 3))), leaf(np.ones(3))
        hypot(x, y).sum().backward()
        assert y.grad.shape == (3,)
        np.testing.assert_allclose(y.grad.numpy(), 2 / np.sqrt(2))

    def test_none_stops_the_gradient(self) -> None:
        @mg.primitive
        def stopped(x: Any, y: Any) -> Any:
            return x * y

        stopped.derivatives(lambda g, y: g * y, None)
        x, y = leaf(2.0), leaf(3.0)
        stopped(x, y).backward()
        assert x.grad.item() == 3
        assert y.grad is None

    def test_a_rule_that_returns_none_is_named(self) -> None:
        @mg.primitive
        def quiet(x: Any) -> Any:
            return x * 1.0

        quiet.derivatives(lambda g: None)
        x = leaf(2.0)
        with pytest.raises(RuleError, match=r"quiet: the rule of argument 0 must return an array .*returned NoneType"):
            quiet(x).backward()
        assert x.grad is None

    @pytest.mark.parametrize("result", [np.float64, np.int64, np.bool_])
    @pytest.mark.parametrize("has_rule", [True, False])
    def test_results_without_a_gradient_require_none(self, has_rule: bool, result: Any) -> None:
        @mg.primitive
        def rounded(x: Any) -> Any:
            return np.round(x).astype(result)

        rounded.derivatives((lambda g: g) if has_rule else None)
        output = rounded(leaf([1.2, 2.7]))
        assert output.requires_grad == (has_rule and result is np.float64)
        assert (output.node is None) == (not output.requires_grad)

    def test_any_number_of_inputs(self) -> None:
        @mg.primitive
        def weighted(*arrays: Any, scale: float = 1.0) -> Any:
            return sum((k + 1) * a for k, a in enumerate(arrays)) * scale

        weighted.derivatives(lambda g, position, scale: g * (position + 1) * scale)
        tensors = [leaf(1.0) for _ in range(3)]
        weighted(*tensors, scale=10.0).backward()
        assert [t.grad.item() for t in tensors] == [10, 20, 30]

    def test_gradients_are_cast_to_the_dtype_of_the_input(self) -> None:
        @mg.primitive
        def wide(x: Any) -> Any:
            return x * 2.0

        wide.derivatives(lambda g: np.asarray(g, np.float64) * 2)
        x = mg.tensor([1.0], requires_grad=True)
        wide(x).backward()
        assert x.grad.dtype == np.float32


class TestMistakes:
    def test_no_rules(self) -> None:
        @mg.primitive
        def bare(x: Any) -> Any:
            return x

        for args in ((leaf(1.0),), ()):
            with pytest.raises(
                RuleError, match=r"bare has no derivative rules yet; give them with bare.derivatives\(...\)"
            ):
                bare(*args)

    @pytest.mark.parametrize("thing", [3, "double", functools.partial(np.multiply, 2.0), np.ones(2)], ids=type)
    def test_what_is_no_function_with_a_name(self, thing: Any) -> None:
        kind = type(thing).__name__
        for make in (mg.primitive, mg.primitive(broadcasts=True)):
            with pytest.raises(DtypeError, match=f"primitive: expected a function on arrays, got {kind}"):
                make(thing)

    def test_more_than_one_array(self) -> None:
        primitive = mg.primitive(lambda x: (x, x))
        primitive.derivatives(lambda g: g)
        with pytest.raises(
            RuleError, match="must return one array of real numbers or booleans, it returned a tuple of 2"
        ):
            primitive(leaf(1.0))

    def test_more_rules_than_arguments(self) -> None:
        with pytest.raises(RuleError, match="double: 2 rules for 1 positional arguments"):
            mg.primitive(double).derivatives(None, None)

    @pytest.mark.parametrize(
        ("rule", "message"),
        [
            (
                lambda g: g.sum(),
                r"double: the rule of argument 0 must return .* shape \(2,\), it returned \(\)",
            ),
            (lambda g: np.ones((3, 2)), r"\(2,\), it returned \(3, 2\); if its arguments broadcast, declare"),
            (lambda g: 3.0, r"must return an array of shape \(2,\), it returned float 3.0"),
            (lambda g: "no", r"it returned str 'no'"),
        ],
    )
    def test_a_rule_that_returns_something_else(self, rule: Any, message: str) -> None:
        primitive = mg.primitive(double)
        primitive.derivatives(rule)
        with pytest.raises(RuleError, match=message):
            primitive(leaf([1.0, 2.0])).sum().backward()

    def test_broadcasting_has_to_be_declared(self) -> None:
        primitive = mg.primitive(double)
        primitive.derivatives(lambda g: np.ones((3, 2)))
        with pytest.raises(RuleError, match=r"if its arguments broadcast, declare @primitive\(broadcasts=True\)"):
            primitive(leaf([1.0, 2.0])).sum().backward()

    @pytest.mark.parametrize("shape", [(), (1,), (4,), (1, 4), (2, 3)])
    def test_a_shape_that_no_broadcasting_explains(self, shape: tuple[int, ...]) -> None:
        primitive = mg.primitive(broadcasts=True)(double)
        primitive.derivatives(lambda g: np.ones(shape))
        with pytest.raises(RuleError, match="the rule of argument 0 must return a gradient of the argument's shape"):
            primitive(leaf(np.ones((2, 2)))).sum().backward()

    def test_a_wrong_rule_is_found_by_gradcheck(self) -> None:
        primitive = mg.primitive(double)
        primitive.derivatives(lambda g: g * 2.001)
        with pytest.raises(GradientCheckError, match=r"input 0 'w' is wrong at index \(\d,\): backward gives"):
            mg.testing.gradcheck(primitive, mg.tensor([1.0, 2.0], name="w"))

    def test_wrong_arguments(self) -> None:
        with pytest.raises(TypeError, match=r"^scaled_power\(\) got an unexpected keyword argument 'scal'$"):
            scaled_power(leaf(1.0), leaf(1.0), scal=2.0)
        with pytest.raises(TypeError, match=r"^scaled_power\(\) missing a required argument: 'y'$"):
            scaled_power(leaf(1.0))

    def test_wrong_arguments_of_a_function_of_any_number_of_inputs(self) -> None:
        @mg.primitive
        def largest(*arrays: Any, axis: int) -> Any:
            return np.max(np.stack(arrays), axis=axis)

        largest.derivatives(lambda g: g)
        for options, message in (
            ({}, "missing a required"),
            ({"axis": 0, "scal": 1}, "got an unexpected keyword argument 'scal'$"),
            ({"dim": 0}, "got an unexpected keyword argument 'dim': minigrad follows NumPy: use axis=0$"),
        ):
            with pytest.raises(TypeError, match=rf"^largest\(\) {message}"):
                largest(leaf(1.0), **options)

    def test_shapes_that_do_not_fit_are_explained(self) -> None:
        with pytest.raises(ShapeError, match=r"hypot: shapes do not broadcast: x \(2,\) and y \(3,\)"):
            hypot(leaf([1.0, 2.0]), leaf([1.0, 2.0, 3.0]))

    def test_an_error_inside_the_function_keeps_its_cause(self) -> None:
        @mg.primitive
        def broken(x: Any) -> Any:
            raise ValueError("no such luck")

        broken.derivatives(None)
        with pytest.raises(ShapeError, match=r"broken: no such luck, for x \(\)") as caught:
            broken(leaf(1.0))
        assert isinstance(caught.value.__cause__, ValueError)


def double(x: Any) -> Any:
    return x * 2.0


@mg.primitive
def double_it(x: Any) -> Any:
    return x * 2.0


double_it.derivatives(lambda g: g * 2.0)


def test_a_function_may_keep_an_array_for_its_rules():
    seen = []

    @mg.primitive(keeps=True)
    def cube(x):
        square = x * x
        return square * x, square

    def rule(g, x, kept):
        seen.append(kept is None)
        return g * 3.0 * (x * x if kept is None else kept)

    cube.derivatives(rule)
    x = mg.tensor(2.0, dtype=np.float64, requires_grad=True)
    cube(x).backward()
    assert x.grad.item() == 12
    (slope,) = mg.grad(cube(x), x, create_graph=True)
    assert mg.grad(slope, x)[0].item() == 12
    assert seen == [False, True]  # a pass that is recorded computes it anew
    assert isinstance(cube(np.array([3.0])), mg.Tensor)
    assert mg.testing.gradcheck(cube, np.array([1.0, -2.0]), order=2)
    for value in (np.array([2.0, 3.0]), leaf([2.0, 3.0])):  # called from inside another's rule, it gives its result
        assert cube.dispatch(value).tolist() == [8, 27]
        assert type(cube.dispatch(value)) is type(value)


@pytest.mark.parametrize("single", [None, False, True])
def test_half_precision_is_widened_where_that_is_asked_for(single: bool | None) -> None:
    seen: list[Any] = []

    def cube(x: Any) -> Any:
        seen.append(x.dtype)
        return x * x * x

    made: Any = mg.primitive(cube) if single is None else mg.primitive(in_single=single)(cube)
    made.derivatives(lambda g, x: seen.append(g.dtype) or seen.append(x.dtype) or g * (3 * x * x))
    x = mg.tensor(np.array([2.0], np.float16), requires_grad=True)
    y = made(x)
    y.sum().backward()
    assert seen == [np.float32 if single else np.float16] * 3
    assert y.dtype == x.grad.dtype == np.float16


def test_one_rule_serves_all_inputs_of_a_function_of_any_number() -> None:
    def total(*parts: Any, scale: float = 1.0) -> Any:
        return sum(parts) * scale

    with pytest.raises(RuleError, match=r"one rule for all of \*parts$"):
        mg.primitive(total).derivatives(lambda g: g, lambda g: g)


def test_writing_into_a_result_leaves_what_its_rule_saved() -> None:
    x = mg.tensor([0.0, 1.0], requires_grad=True)
    y = mg.exp(x)
    y.data[...] = 0
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), np.exp(x.numpy()))
