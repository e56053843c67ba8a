"""Ways in which arrays could be shared and are not, by name: users' functions, gradients, optimizers, graphs."""

from __future__ import annotations

import threading
from typing import Any, NamedTuple

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.engine.recompute import values_of
from minigrad.errors import GraphError, InPlaceError, RuleError


def leaf(*values: Any, dtype: Any = np.float64) -> mg.Tensor:
    return mg.tensor(np.array(values, dtype), requires_grad=True)


class Pair(NamedTuple):
    first: Any
    second: Any


KEPT: Any = {
    "a dict": (lambda x: {"x": x}, lambda kept: kept["x"]),
    "a named tuple": (lambda x: Pair(x, None), lambda kept: kept.first),
    "a nested list": (lambda x: [[x.reshape(-1)]], lambda kept: kept[0][0]),
    "an object": (lambda x: type("Kept", (), {"x": x})(), lambda kept: kept.x),
    "a function": (lambda x: lambda: x, lambda kept: kept()),
}


WRITERS: Any = {
    "the gradient": lambda g, x: np.multiply(g, 2, out=g),
    "an input": lambda g, x: np.multiply(g, x, out=x),
    "what is kept, in a tuple": lambda g, kept: np.multiply(g, kept[0], out=kept[0]),
    "an option, in a list": lambda g, weights: np.multiply(g, weights[0], out=weights[0]),
}


class TestUsersFunctions:
    @pytest.mark.parametrize(("keep", "get"), KEPT.values(), ids=KEPT)
    @pytest.mark.parametrize("first", [True, False], ids=["read before", "read after"])
    def test_what_it_keeps(self, keep: Any, get: Any, first: bool) -> None:
        @mg.primitive(keeps=True)
        def square(x: Any) -> Any:
            return x * x, keep(x)

        square.derivatives(lambda g, kept: 2 * g * get(kept))
        x = leaf(1.0, 2.0)
        held = x.data if first else None
        output = square(x).sum()
        (x.data if held is None else held)[...] = 7
        output.backward()
        assert x.grad.tolist() == [2, 4]

    @pytest.mark.parametrize("rule", [lambda g, x: x, lambda g, out: out, lambda g, x: g, lambda g, x: x[:]])
    def test_a_rule_that_returns_what_was_saved(self, rule: Any) -> None:
        @mg.primitive
        def same(x: Any) -> Any:
            return x

        same.derivatives(rule)
        x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
        output = same(x) * y
        output.backward(np.ones(2), retain_graph=True)
        gradient = x.grad.tolist()
        x.grad.data[...] = 100
        y.grad.data[...] = 100
        assert (x.tolist(), y.tolist()) == ([1, 2], [3, 4])
        x.grad = y.grad = None
        output.backward(np.ones(2))
        assert (x.grad.tolist(), y.grad.tolist()) == (gradient, [1, 2])

    def test_a_function_that_returns_an_array_of_its_own_again_and_again(self) -> None:
        mine = np.array([1.0, 2.0])

        @mg.primitive
        def table(x: Any) -> Any:
            mine[...] = x
            return mine

        table.derivatives(lambda g, out: g * out)
        x = leaf(1.0, 2.0)
        first, second = table(x), table(x * 10)
        assert (first.tolist(), second.tolist()) == ([1, 2], [10, 20])

    @pytest.mark.parametrize("rule", WRITERS.values(), ids=WRITERS)
    def test_a_rule_that_writes_into_an_argument(self, rule: Any) -> None:
        @mg.primitive(keeps=True)
        def f(x: Any, weights: Any) -> Any:
            return x * weights[0], (x * 2,)

        f.derivatives(rule)
        x = leaf(1.0, 2.0)
        output = f(x, [np.ones(2)]).sum()
        with pytest.raises(RuleError, match="a rule of f writes into its argument"):
            output.backward()
        assert x.tolist() == [1, 2]

    def test_a_rule_that_writes_into_one_of_several_inputs(self) -> None:
        @mg.primitive
        def product(*arrays: Any) -> Any:
            return arrays[0] * arrays[1]

        product.derivatives(lambda g, arrays, position: np.multiply(g, arrays[1 - position], out=arrays[1 - position]))
        x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
        with pytest.raises(RuleError, match=r"writes into its argument .arrays"):
            product(x, y).backward(np.array([2.0, 2.0]))
        assert (x.tolist(), y.tolist()) == ([1, 2], [3, 4])

    def test_a_rule_that_writes_into_the_array_of_a_tensor(self) -> None:
        """Where the backward pass is recorded rules get tensors; each has its own array, once somebody reads it."""

        @mg.primitive
        def product(x: Any, y: Any) -> Any:
            return x * y

        def rule(g: Any, y: Any) -> Any:
            if not isinstance(y, mg.Tensor):
                return g * y
            values = y.data.copy()
            y.data[...] = 0
            return g * values

        product.derivatives(rule, lambda g, x: g * x)
        x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
        output = product(x, y).sum()
        for _ in range(2):
            found = mg.grad(output, [x, y], create_graph=True)
            assert [gradient.tolist() for gradient in found] == [[3, 4], [1, 2]]
        assert y.tolist() == [3, 4]

    def test_a_function_that_writes_into_an_option(self) -> None:
        @mg.primitive
        def f(x: Any, weights: Any) -> Any:
            weights[0][...] = 2
            return x * weights[0]

        f.derivatives(lambda g, weights: g * weights[0])
        mine = np.ones(2)
        with pytest.raises(RuleError, match=r"f writes into its argument .weights.,"):
            f(leaf(1.0, 2.0), (mine,))
        assert mine.tolist() == [1, 1]

    def test_random_numbers_that_were_drawn_are_shown(self) -> None:
        generator = np.random.default_rng(0)

        @mg.primitive(random=True)
        def noisy(x: Any) -> Any:
            return x + generator.normal(size=x.shape)

        noisy.derivatives(lambda g: g)
        x = leaf(1.0, 2.0)
        drawn = noisy(x)
        values = drawn.tolist()
        output = (drawn * drawn).sum()
        drawn.data[...] = 7
        assert values_of(output.node)[drawn.node].tolist() == values
        output.backward()
        np.testing.assert_allclose(x.grad.tolist(), 2 * np.array(values))


class TestGradients:
    def test_of_two_leaves(self) -> None:
        a, b = leaf(1.0, 2.0), leaf(3.0, 4.0)
        (a + b).sum().backward()
        a.grad.data[...] = 0
        with mg.no_grad():
            a.grad += 5
        assert (a.grad.tolist(), b.grad.tolist()) == ([5, 5], [1, 1])

    def test_that_one_asks_for_twice(self) -> None:
        a, b = leaf(1.0, 2.0), leaf(3.0, 4.0)
        for options in ({}, {"create_graph": True}):
            found = mg.grad((a + b).sum(), [a, b, a], **options)
            found[0].data[...] = 0
            assert [g.tolist() for g in found] == [[0, 0], [1, 1], [1, 1]]

    def test_to_start_from(self) -> None:
        for start in (np.ones(2), mg.tensor(np.ones(2))):
            x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
            held = start if isinstance(start, np.ndarray) else start.data
            output = +x + y
            output.backward(start, retain_graph=True)
            held[...] = 7
            x.grad.data[0] = 5
            assert (x.grad.tolist(), y.grad.tolist(), held.tolist()) == ([5, 1], [1, 1], [7, 7])
            (found,) = mg.grad(output, output, gradient=start, create_graph=True)
            held[...] = 8
            assert found.tolist() == [7, 7]

    def test_that_were_assigned(self) -> None:
        x, mine = leaf(1.0, 2.0), np.ones(2)
        x.grad = mine
        mine[...] = 7
        x.grad.data[0] = 3
        assert (x.grad.tolist(), mine.tolist()) == ([3, 1], [7, 7])

    def test_of_intermediate_results(self) -> None:
        x = leaf(1.0, 2.0)
        y = x * 3
        y.retain_grad()
        output = y + 0
        for _ in mg.backprop(output, np.ones(2)):
            if y.grad is not None:
                y.grad.data[...] = 100
        assert x.grad.tolist() == [3, 3]

    def test_in_a_recorded_pass_whose_steps_one_writes_into(self) -> None:
        x = leaf(1.0, 2.0)
        for step in mg.backprop((x * x).sum(), create_graph=True):
            for tensor in (step.gradient, *[each for sent in step.contributions for each in sent[2:]]):
                tensor.data[...] = 100
        assert x.grad.tolist() == [2, 4]

    def test_in_a_pass_whose_steps_cannot_be_written_into(self) -> None:
        x = leaf(1.0, 2.0)
        for step in mg.backprop((x * x).sum()):
            for array in (step.gradient, *[each for sent in step.contributions for each in sent[2:]]):
                assert not isinstance(array, np.ndarray) or not array.flags.writeable

    def test_an_earlier_one_is_not_changed_by_the_next(self) -> None:
        x = leaf(1.0, 2.0)
        (x * x).sum().backward()
        first, held = x.grad, x.grad.data
        (x * x).sum().backward()
        assert (first.tolist(), held.tolist(), x.grad.tolist()) == ([2, 4], [2, 4], [4, 8])

    def test_clipping(self) -> None:
        a, b = leaf(1.0, 2.0), leaf(3.0, 4.0)
        (a * 5 + b * 5).sum().backward()
        held = b.grad.data
        optim.clip_grad_value([a], 1.0)
        optim.clip_grad_norm([a], 0.5)
        assert (b.grad.tolist(), held.tolist()) == ([5, 5], [5, 5])


OPTIMIZERS: Any = [
    lambda p: optim.SGD(p, lr=0.1), lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True), optim.Adam,
    optim.AdamW, optim.RMSprop, optim.Adagrad,
]  # fmt: skip


class TestOptimizers:
    class ByHand(optim.Optimizer):
        """Runs a function as its update."""

        def __init__(self, params: Any, update: Any) -> None:
            super().__init__(params, {"lr": 1.0})
            self.function = update

        def update(self, p: Any, g: Any, state: Any, lr: float) -> Any:
            return self.function(p, g, state)

    def test_a_gradient_that_is_kept_in_the_state(self) -> None:
        def update(p: Any, g: Any, state: Any) -> Any:
            new = p - state.get("gradient", 0)
            state["gradient"] = g
            return new

        w = leaf(1.0, 2.0)
        optimizer = self.ByHand([w], update)
        w.grad = np.ones(2)
        held = w.grad.data
        optimizer.step()
        held[...] = 100
        optimizer.step()
        assert w.tolist() == [0, 1]

    def test_an_update_that_returns_the_gradient(self) -> None:
        def update(p: Any, g: Any, state: Any) -> Any:
            return g

        w = leaf(1.0, 2.0)
        optimizer = self.ByHand([w], update)
        w.grad = np.ones(2)
        optimizer.step()
        w.data[...] = 9
        assert w.grad.tolist() == [1, 1]

    def test_an_update_cannot_write_into_the_gradient(self) -> None:
        def update(p: Any, g: Any, state: Any) -> Any:
            g *= 0

        w = leaf(1.0, 2.0)
        w.grad = np.ones(2)
        with pytest.raises(ValueError, match="read-only"):
            self.ByHand([w], update).step()
        assert (w.tolist(), w.grad.tolist()) == ([1, 2], [1, 1])

    @pytest.mark.parametrize("make", OPTIMIZERS)
    @pytest.mark.parametrize("shape", [(), (3,), (0,), (2, 3), (200, 200)], ids=str)
    def test_a_step_between_forward_and_backward(self, make: Any, shape: Any) -> None:
        w = mg.tensor(np.full(shape, 2.0), requires_grad=True)
        optimizer = make([w])
        for _ in range(2):
            w.grad = np.ones(shape)
            held, before = w.data, np.array(w.tolist()).reshape(shape)
            output = (w * w).sum()
            optimizer.step()
            w.grad = None
            output.backward()
            np.testing.assert_array_equal(w.grad.data, 2 * before)
            np.testing.assert_array_equal(held, before)
            w.data[...] = 2
            np.testing.assert_array_equal(held, before)

    def test_a_parameter_without_axes(self) -> None:
        w = mg.tensor(3.0, requires_grad=True)
        optim.Newton([w], damping=1.0).step(lambda: (w - 1) ** 2.0)
        w.data[...] = 2
        output = w * w
        w.data[...] = 9
        output.backward()
        assert w.grad.item() == 4

    def test_state_dicts(self) -> None:
        w = leaf(1.0, 2.0)
        optimizer = optim.SGD([w], lr=0.1, momentum=0.9)
        w.grad = np.ones(2)
        optimizer.step()
        state = optimizer.state_dict()
        optimizer.load_state_dict(state)
        state["state"][0]["momentum_buffer"][...] = 100
        optimizer.state_dict()["state"][0]["momentum_buffer"][...] = 100
        assert optimizer.state[w]["momentum_buffer"].tolist() == [1, 1]


class TestGraphs:
    def test_a_tensor_used_twice_in_one_call(self) -> None:
        x = leaf(1.0, 2.0)
        held = x.data
        outputs = [(x * x).sum(), mg.concatenate([x, x]).sum() * x.sum(), mg.where(x > 0, x, x).sum(), mg.dot(x, x)]
        held[...] = 7
        sum(outputs).backward()
        assert x.grad.tolist() == [2 + 12 + 1 + 2, 4 + 12 + 1 + 4]

    def test_a_constant_in_two_graphs(self) -> None:
        w, c = leaf(1.0, 1.0), mg.tensor(np.array([1.0, 2.0]))
        held = c.data
        first = (w * c).sum()
        held[...] = 5
        second = (w * c).sum()
        held[...] = 7
        found = [mg.grad(output, w)[0].tolist() for output in (first, second)]
        assert found == [[1, 2], [5, 5]]
        assert first.node.inputs[0].inputs[1] is second.node.inputs[0].inputs[1]

    def test_requires_grad_that_is_switched(self) -> None:
        w, x = leaf(1.0, 1.0), mg.tensor(np.array([2.0, 3.0]))
        held = x.data
        before = (w * x).sum()
        x.requires_grad = True
        held[...] = 5
        after = (w * x).sum()
        x.requires_grad = False
        held[...] = 7
        before.backward(retain_graph=True)
        after.backward()
        assert (w.grad.tolist(), x.tolist(), x.grad) == ([7, 8], [7, 7], None)  # as in PyTorch

    def test_results_that_were_written_into(self) -> None:
        """What is computed from them afterwards has the new values, in both orders and in drawings."""
        x = leaf(1.0, 2.0)
        for change in ("data", "+=", "assign"):
            y = x * x
            if change == "data":
                y.data[...] = 10
            elif change == "+=":
                with mg.no_grad():
                    y += mg.tensor(np.array([9.0, 6.0]))
            else:
                y.data = np.array([10.0, 10.0])
            z = (y * y).sum()
            assert values_of(z.node)[z.node] == 200
            (gradient,) = mg.grad(z, x, create_graph=True)
            assert gradient.tolist() == [40, 80]  # 2 y dy/dx
            assert mg.grad(gradient.sum(), x)[0].tolist() == [2 * 4 + 40, 2 * 16 + 40]

    def test_values_that_are_shown_cannot_be_written_into(self) -> None:
        x = leaf(1.0, 2.0)
        output = (mg.exp(x) * x * np.ones(2)).sum()
        assert not any(value.flags.writeable for value in values_of(output.node).values())

    def test_writing_between_the_steps_of_a_pass(self) -> None:
        x = leaf(1.0, 2.0)
        held = x.data
        for _ in mg.backprop((mg.exp(x) * x * x).sum()):
            held[...] = 9
        np.testing.assert_allclose(x.grad.tolist(), np.exp([1, 2]) * [3, 8])

    def test_what_cannot_be_recorded_is_refused(self) -> None:
        x, y = leaf(1.0, 2.0), mg.tensor(np.ones(2))
        for target in (x, x * 1):
            with pytest.raises(InPlaceError):
                target[0] = 1
        with pytest.raises(InPlaceError):
            y[0] = x[0]
        assert (x.tolist(), y.tolist()) == ([1, 2], [1, 1])

    def test_a_view_of_itself(self) -> None:
        x = mg.tensor(np.arange(4.0))
        held = x.data
        x[1:] = x[:-1]
        x += x[::-1]
        assert x.tolist() == held.tolist() == [2, 1, 1, 2]

    def test_np_asarray_of_a_leaf_is_refused(self) -> None:
        with pytest.raises(GraphError):
            np.asarray(leaf(1.0))

    def test_several_threads_with_tensors_of_their_own_and_a_shared_constant(self) -> None:
        constant, wrong = mg.tensor(np.array([1.0, 2.0])), []

        def work(seed: int) -> None:
            x = leaf(float(seed), 1.0)
            for _ in range(100):
                output = (x * x * constant).sum()
                x.data += 1
                x.grad = None
                output.backward()
                if (x.grad.data != 2 * (x.data - 1) * [1, 2]).any():
                    wrong.append(seed)

        threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert wrong == []

    @pytest.mark.parametrize("transform", [mg.jacobian, mg.hessian, lambda f, x: mg.hvp(f, x, np.ones(2))])
    def test_the_point_of_a_transform(self, transform: Any) -> None:
        mine = np.array([1.0, 2.0])
        expected = transform(lambda x: (x**3).sum(), mine.copy()).tolist()
        tensor = mg.tensor(mine)

        def cube(x: mg.Tensor) -> mg.Tensor:
            y = (x**3).sum()
            mine[...] = 9
            tensor.data[...] = 9
            x.data[...] = 9
            return y

        assert transform(cube, tensor).tolist() == expected
        mine[...] = [1, 2]
        assert transform(cube, mine).tolist() == expected

    def test_the_pullback_of_a_point_that_changes(self) -> None:
        x, v = mg.tensor(np.array([1.0, 2.0])), np.ones(2)
        value, pullback = mg.vjp(lambda x: x * x, x)
        x.data[...] = 9
        value.data[...] = 9
        found = pullback(v)
        v[...] = 7
        found.data[0] = 5
        assert pullback(np.ones(2)).tolist() == [2, 4]


class TestModules:
    def test_running_statistics(self) -> None:
        layer = nn.BatchNorm1d(2, dtype=np.float64)
        layer.eval()
        x = leaf([1.0, 2.0], [3.0, 4.0])
        held = layer.running_var.data
        output = layer(x).sum()
        held[...] = 100
        layer.train()
        layer(x)
        output.backward()
        np.testing.assert_allclose(x.grad.tolist(), np.ones((2, 2)), rtol=1e-4)

    def test_parameters_that_are_one(self) -> None:
        first, second = nn.Linear(2, 2), nn.Linear(2, 2)
        second.weight = first.weight
        output = second(first(mg.ones((1, 2)))).sum()
        expected = [g.tolist() for g in mg.grad(output, [first.weight, first.bias], retain_graph=True)]
        first.weight.data[...] = 9
        first.load_state_dict({name: value * 0 for name, value in first.state_dict().items()})
        assert [g.tolist() for g in mg.grad(output, [first.weight, first.bias])] == expected
        assert second.weight.tolist() == [[0, 0], [0, 0]]

    def test_a_state_dict_of_tensors_of_the_model_itself(self) -> None:
        model = nn.Linear(2, 2)
        model.load_state_dict(dict(model.named_parameters()))
        twin = nn.Linear(2, 2)
        twin.load_state_dict(dict(model.named_parameters()))
        twin.weight.data[...] = 5
        assert model.weight.tolist() != twin.weight.tolist()

    def test_batches(self) -> None:
        X = np.arange(8.0).reshape(4, 2)
        dataset = mg.data.TensorDataset(X)
        held = dataset.tensors[0].data
        for shuffle in (False, True):
            for (batch,) in mg.data.DataLoader(dataset, batch_size=2, shuffle=shuffle):
                batch.data[...] = -1
        (row,) = dataset[0]
        row.data[...] = -1
        assert X.tolist() == held.tolist() == np.arange(8.0).reshape(4, 2).tolist()
