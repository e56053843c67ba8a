"""``backward()`` and ``grad()``: what they compute, what they keep, and what they leave alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.engine.walk import walk
from minigrad.errors import GraphError


def leaf(*values: float, name: str | None = None) -> mg.Tensor:
    return mg.tensor(np.array(values), requires_grad=True, name=name)


class TestAccumulation:
    def test_gradients_add_up_over_passes(self) -> None:
        x = leaf(1.0, 2.0)
        (x * x).sum().backward()
        (3 * x).sum().backward()
        assert x.grad.tolist() == [5, 7]

    def test_adding_up_makes_a_new_gradient(self) -> None:
        x = leaf(1.0)
        x.sum().backward()
        first = x.grad
        x.sum().backward()
        assert first.tolist() == [1]
        assert x.grad.tolist() == [2]

    def test_a_tensor_used_as_both_operands(self) -> None:
        x = leaf(3.0)
        (x * x).sum().backward()
        assert x.grad.tolist() == [6]

    def test_diamond(self) -> None:
        x = leaf(2.0)
        a = x * 3
        b, c = a + 1, a * a
        (b * c).sum().backward()
        assert x.grad.tolist() == [3 * (36 + 7 * 12)]  # d/da (a + 1) a^2, times 3

    def test_a_ladder_of_diamonds_visits_each_node_once(self) -> None:
        x = leaf(1.0)
        y = x
        for _ in range(200):  # 2^200 paths
            y = y + y
        steps = list(mg.backprop(y, np.ones(1)))
        assert len(steps) == 201
        assert x.grad.item() == 2.0**200

    def test_a_tensor_used_a_thousand_times(self) -> None:
        x = leaf(1.5)
        total: Any = 0.0
        for k in range(1000):
            total = total + k * x
        total.backward()
        assert x.grad.tolist() == [sum(range(1000))]

    def test_shared_parameters(self) -> None:
        w = leaf(2.0, name="w")
        x = mg.tensor(np.array([5.0]))
        (w * (w * x)).sum().backward()
        assert w.grad.tolist() == [20]
        assert x.grad is None

    def test_only_leaves_that_require_a_gradient_get_one(self) -> None:
        x, y = leaf(1.0), mg.tensor(np.array([2.0]))
        z = x * y
        z.sum().backward()
        assert x.grad.tolist() == [2]
        assert y.grad is None
        assert z.grad is None

    def test_a_leaf_can_be_differentiated_itself(self) -> None:
        x = leaf(4.0)
        x.backward(np.array([7.0]))
        assert x.grad.tolist() == [7]

    def test_broadcast_axes_are_summed_out(self) -> None:
        x, bias, scale = mg.ones((2, 3), requires_grad=True), mg.ones((3,), requires_grad=True), leaf(2.0)
        (scale * x + bias).sum().backward()
        assert x.grad.tolist() == [[2] * 3] * 2
        assert bias.grad.tolist() == [2] * 3
        assert scale.grad.tolist() == [6]

    def test_gradients_have_the_dtype_of_their_tensor(self) -> None:
        x = mg.tensor([1.0], requires_grad=True)
        y = mg.tensor(np.array([2.0]), requires_grad=True)
        half = mg.tensor(np.array([3.0], np.float16), requires_grad=True)
        (x * y * half).sum().backward()
        assert (x.grad.dtype, y.grad.dtype, half.grad.dtype) == (np.float32, np.float64, np.float16)


class TestSharing:
    """Whoever writes into one gradient changes no other, nor the gradient that the pass started from."""

    @pytest.mark.parametrize(
        "f",
        [
            lambda x, y: x + y,
            lambda x, y: x - y,
            lambda x, y: mg.identity(x) + mg.identity(y),
            lambda x, y: x.reshape(-1) + y.reshape(-1),
            lambda x, y: mg.concatenate([x, y]),
            lambda x, y: mg.stack([x, y]).sum(axis=0),
            lambda x, y: (x + y).sum() + x.sum() * 0,
            lambda x, y: x.T + y.T,
            lambda x, y: mg.where(np.array(True), x, y) + y,
        ],
    )
    @pytest.mark.parametrize("create_graph", [False, True])
    def test_each_gradient_is_a_value_of_its_own(self, create_graph: bool, f: Any) -> None:
        x, y = mg.ones((2, 2), requires_grad=True), mg.ones((2, 2), requires_grad=True)
        output = f(x, y)
        output.retain_grad()
        start = np.ones(output.shape, np.float32)
        output.backward(start, create_graph=create_graph)
        gradients = [x.grad, y.grad, output.grad]
        before = [gradient.tolist() for gradient in gradients]
        for place, gradient in enumerate(gradients):
            gradient.data[...] = place + 5
            expected = [np.full(g.shape, k + 5).tolist() if k <= place else before[k] for k, g in enumerate(gradients)]
            assert [g.tolist() for g in gradients] == expected
        assert (start == 1).all()

    def test_changing_the_seed_afterwards_changes_nothing(self) -> None:
        x, seed = leaf(1.0, 2.0), np.array([1.0, 1.0])
        mg.identity(x).backward(seed)
        seed += 10
        assert x.grad.tolist() == [1, 1]

    @pytest.mark.parametrize("create_graph", [False, True])
    def test_so_is_each_that_grad_returns(self, create_graph: bool) -> None:
        x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
        start = np.ones(2)
        a, b, again = mg.grad(x + y, (x, y, x), gradient=start, create_graph=create_graph)
        a.data[...] = 9
        assert b.tolist() == again.tolist() == start.tolist() == [1, 1]

    @pytest.mark.parametrize("taken", [False, True])
    @pytest.mark.parametrize("create_graph", [False, True])
    @pytest.mark.parametrize("f", [mg.identity, lambda x: x])
    def test_a_tensor_to_start_from_is_left_alone(self, f: Any, create_graph: bool, taken: bool) -> None:
        x, start = leaf(1.0, 2.0), mg.tensor(np.ones(2))
        array = start.data if taken else None
        f(x).backward(start, create_graph=create_graph)
        (start.data if array is None else array)[...] = 7
        assert x.grad.tolist() == [1, 1]
        x.grad.data[...] = 5
        assert start.tolist() == [7, 7]

    def test_a_later_pass_leaves_a_kept_gradient_alone(self) -> None:
        x = leaf(1.0)
        (kept,) = mg.grad(mg.identity(x), x)
        mg.identity(x).backward()
        x.grad.data[...] = 5
        assert kept.tolist() == [1]


class TestSeeds:
    def test_a_scalar_starts_from_1(self) -> None:
        x = leaf(2.0)
        (x * 3).backward()  # one element counts as a scalar
        assert x.grad.tolist() == [3]

    @pytest.mark.parametrize("kind", [np.array, mg.tensor, list])
    def test_gradient_may_be_an_array_a_tensor_or_a_list(self, kind: Any) -> None:
        x = leaf(1.0, 2.0)
        (x * x).backward(kind([1.0, 10.0]))
        assert x.grad.tolist() == [2, 40]
        assert x.grad.dtype == np.float64

    def test_a_tensor_seed_is_not_watched_without_create_graph(self) -> None:
        x, v = leaf(2.0), leaf(1.0)
        (x * 3).backward(v)
        assert not x.grad.requires_grad
        assert v.grad is None


class TestRetaining:
    def test_a_second_pass_needs_retain_graph(self) -> None:
        x = leaf(3.0)
        y = (x * x).sum()
        y.backward(retain_graph=True)
        y.backward()
        assert x.grad.tolist() == [12]
        with pytest.raises(GraphError, match="released"):
            y.backward()

    def test_releasing_frees_the_saved_values_and_keeps_the_structure(self) -> None:
        x = leaf(3.0, name="x")
        y = x * x
        y.backward()
        assert y.node.released
        assert not x.node.released
        assert y.node.operation == "multiply"
        assert list(y.node.parents) == [x.node, x.node]
        assert y.shape == (1,)

    def test_a_part_that_another_graph_shares_is_released_too(self) -> None:
        x = leaf(3.0)
        shared = x * x
        one, two = shared + 1, shared * 2
        one.backward()
        with pytest.raises(GraphError, match="'multiply' were released"):
            two.backward()

    def test_a_released_part_that_leads_to_no_target_does_no_harm(self) -> None:
        x, y = leaf(3.0), leaf(4.0)
        shared = x * x
        shared.sum().backward()
        assert mg.grad((shared + y).sum(), y)[0].tolist() == [1]

    def test_a_released_tensor_can_be_an_input_itself(self) -> None:
        x = leaf(3.0)
        y = x * x
        y.backward()
        assert mg.grad(y * 3, y)[0].tolist() == [3]
        assert mg.grad(y * 3, y, create_graph=True)[0].tolist() == [3]
        with pytest.raises(GraphError, match="released"):
            mg.grad(y * 3, x)

    def test_retain_grad_keeps_an_intermediate_gradient(self) -> None:
        x = leaf(1.0, 2.0)
        y = x * 3
        y.retain_grad()
        (y * y).sum().backward()
        assert y.grad.tolist() == [6, 12]
        assert x.grad.tolist() == [18, 36]

    def test_retain_grad_of_a_leaf_changes_nothing(self) -> None:
        x = leaf(1.0)
        x.retain_grad()
        (x * 2).backward()
        assert x.grad.tolist() == [2]

    def test_create_graph_makes_gradients_that_can_be_differentiated(self) -> None:
        x = leaf(2.0)
        (x**3).sum().backward(create_graph=True)
        first, x.grad = x.grad, None
        assert first.requires_grad
        first.sum().backward()
        assert x.grad.tolist() == [12]

    def test_backward_inside_no_grad_and_create_graph(self) -> None:
        x = leaf(2.0)
        y = (x**3).sum()
        with mg.no_grad():
            y.backward(retain_graph=True)
            (slope,) = mg.grad(y, x, create_graph=True)
        assert x.grad.tolist() == [12]
        assert mg.grad(slope.sum(), x)[0].tolist() == [12]

    def test_recorded_gradients_add_up_inside_no_grad(self) -> None:
        x = leaf(2.0)
        with mg.no_grad():
            for _ in range(2):
                with mg.enable_grad():
                    y = (x**3).sum()
                y.backward(create_graph=True)
        assert mg.grad(x.grad, x)[0].tolist() == [24]


class TestGrad:
    @pytest.mark.parametrize("together", [tuple, list, iter, dict.fromkeys])
    def test_gradients_come_as_a_tuple(self, together: Any) -> None:
        x, y = leaf(2.0), leaf(3.0)
        assert mg.grad(x * y, together([])) == ()
        for inputs, expected in ((x, [[3]]), (together([x]), [[3]]), (together([x, y]), [[3], [2]])):
            found = mg.grad(x * y, inputs)
            assert type(found) is tuple
            assert [g.tolist() for g in found] == expected

    def test_nothing_accumulates(self) -> None:
        x = leaf(2.0)
        mg.grad(x * x, x)
        assert x.grad is None

    def test_an_input_asked_for_twice(self) -> None:
        x = leaf(2.0)
        a, b = mg.grad(x * x, (x, x))
        assert a.tolist() == b.tolist() == [4]
        a.data[...] = 0
        assert b.tolist() == [4]

    def test_intermediate_results_are_inputs_too(self) -> None:
        x = leaf(2.0)
        y = x * x
        z = y * y
        assert mg.grad(z, y, retain_graph=True)[0].tolist() == [8]
        assert [g.tolist() for g in mg.grad(z, (y, x))] == [[8], [32]]

    def test_the_output_itself(self) -> None:
        x = leaf(2.0)
        y = x * x
        assert mg.grad(y, y)[0].tolist() == [1]

    def test_rules_that_lead_to_no_input_do_not_run(self) -> None:
        ran = []

        @mg.primitive
        def spy(x: Any, name: str) -> Any:
            return x * 1.0

        spy.derivatives(lambda g, name: (ran.append(name), g)[1])
        x, y = leaf(1.0), leaf(1.0)
        output = spy(x, name="x") * spy(y, name="y")
        mg.grad(output, x)
        assert ran == ["x"]

    def test_unused_inputs(self) -> None:
        x, y = leaf(1.0), leaf(1.0, name="y")
        with pytest.raises(GraphError, match=r"does not depend on input 1, 'y'.*allow_unused=True"):
            mg.grad(x * 2, (x, y))
        used, unused = mg.grad(x * 2, (x, y), allow_unused=True)
        assert used.tolist() == [2]
        assert unused is None

    def test_a_graph_is_released_unless_asked(self) -> None:
        x = leaf(2.0)
        y = x * x
        mg.grad(y, x, retain_graph=True)
        mg.grad(y, x, create_graph=True)
        mg.grad(y, x)
        with pytest.raises(GraphError, match="released"):
            mg.grad(y, x)

    def test_grad_with_a_gradient_that_is_watched(self) -> None:
        x, v = leaf(1.0, 2.0), leaf(1.0, 1.0)
        (pulled,) = mg.grad(x * x, x, gradient=v, create_graph=True)
        assert mg.grad(pulled.sum(), v)[0].tolist() == [2, 4]

    def test_value_and_grad(self) -> None:
        f = mg.value_and_grad(lambda x, y, scale=1.0: (x * y).sum() * scale)
        value, (dx, dy) = f(mg.tensor([1.0, 2.0]), np.array([3.0, 4.0]), scale=2.0)
        assert value.item() == 22
        assert dx.tolist() == [6, 8]
        assert dx.dtype == np.float32
        assert dy.tolist() == [2, 4]
        assert dy.dtype == np.float64

    def test_value_and_grad_passes_other_arguments_on(self) -> None:
        f = mg.value_and_grad(lambda x, index, text: x[index] * len(text))
        value, gradient = f(mg.tensor([1.0, 2.0]), 1, "abc")
        assert value.item() == 6
        assert gradient.tolist() == [0, 3]

    def test_value_and_grad_gives_zeros_for_what_is_unused(self) -> None:
        _, (_, unused) = mg.value_and_grad(lambda x, y: x * 2)(mg.tensor(1.0), mg.tensor([1.0, 2.0]))
        assert unused.tolist() == [0, 0]

    def test_value_and_grad_works_under_no_grad(self) -> None:
        with mg.no_grad():
            assert mg.value_and_grad(lambda x: x * x)(3.0)[1].item() == 6

    def test_value_and_grad_keeps_the_name_and_the_words_of_the_function(self) -> None:
        def loss(x: Any) -> Any:
            """Say how far it is."""
            return x * x

        assert mg.value_and_grad(loss).__name__ == "loss"
        assert mg.value_and_grad(loss).__doc__ == "Say how far it is."

    def test_value_and_grad_leaves_its_arguments_alone(self) -> None:
        x = leaf(1.0)
        mg.value_and_grad(lambda x: (x * x).sum())(x)
        assert x.grad is None


def test_the_walk_runs_on_arrays_unless_it_is_to_be_recorded() -> None:
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    y = (x * x).sum()
    assert all(type(gradient) is np.ndarray for _, gradient, _ in walk({y.node: np.ones((), np.float32)}))


def test_a_pass_releases_only_what_it_went_through() -> None:
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    middle = mg.exp(x)
    mg.grad((middle * middle).sum(), middle)
    (found,) = mg.grad(middle.sum(), x)
    np.testing.assert_array_equal(found.numpy(), np.exp(x.numpy()))

    y = (x * 2).sum()
    assert mg.grad(y, mg.tensor(1.0, requires_grad=True), allow_unused=True) == (None,)
    y.backward()
    assert x.grad.tolist() == [2, 2]


def test_a_tensor_that_requires_no_gradient_any_more_gets_none() -> None:
    x = mg.tensor(3.0, requires_grad=True)
    y = x * x
    x.requires_grad = False
    y.backward()
    assert x.grad is None
