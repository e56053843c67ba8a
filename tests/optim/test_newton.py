"""Newton's method: where one step lands, how fast many converge, and what a saddle does to it."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.engine.mode import Observer, observing
from minigrad.errors import ArgumentError, DtypeError, GraphError, StateDictError


def leaf(*values: float, dtype: Any = np.float64) -> mg.Tensor:
    return mg.tensor(np.array(values, dtype), requires_grad=True)


def rosenbrock(w: Any) -> Any:
    return (1 - w[0]) ** 2 + 100 * (w[1] - w[0] ** 2) ** 2


def saddle(w: Any) -> Any:
    return w[0] ** 2 - w[1] ** 2


# --- quadratics


@pytest.mark.parametrize("condition", [1.0, 1e3, 1e6, 1e9])
@pytest.mark.parametrize("size", [2, 7])
def test_one_step_lands_in_the_minimum_of_a_quadratic(condition: float, size: int) -> None:
    rng = np.random.default_rng(0)
    turn = np.linalg.qr(rng.normal(size=(size, size)))[0]
    A = turn * np.geomspace(1, condition, size) @ turn.T
    A, goal = (A + A.T) / 2, rng.normal(size=size)
    w = leaf(*rng.normal(size=size))
    before = w.data.copy()

    def loss() -> Any:
        return (w - goal) @ A @ (w - goal) / 2

    value = optim.Newton([w]).step(loss)
    assert value.item() == pytest.approx((before - goal) @ A @ (before - goal) / 2)
    np.testing.assert_allclose(w.data, goal, atol=10 * condition * np.finfo(float).eps * size)


@pytest.mark.parametrize("condition", [1.0, 1e3, 1e5])
def test_single_precision_lands_there_too(condition: float) -> None:
    w = leaf(3.0, -2.0, dtype=np.float32)
    optim.Newton([w]).step(lambda: (w[0] - 1) ** 2 + condition * (w[1] - 0.5) ** 2)
    assert w.dtype == np.float32
    np.testing.assert_allclose(w.data, [1.0, 0.5], rtol=1e-5)


def test_a_learning_rate_takes_its_share_of_the_step_in_each_group() -> None:
    w, v = leaf(4.0), leaf(4.0, 4.0)
    optimizer = optim.Newton([{"params": [w]}, {"params": [v], "lr": 0.25}], lr=0.5)
    optimizer.step(lambda: (w**2).sum() + 9 * (v**2).sum())
    np.testing.assert_allclose(w.data, [2.0])
    np.testing.assert_allclose(v.data, [3.0, 3.0])


def test_the_hessian_is_that_of_all_parameters_together() -> None:
    """The blocks alone would land elsewhere: x*y couples the two tensors."""
    x, y = leaf(2.0), mg.tensor(np.array([[-3.0]]), requires_grad=True)
    optim.Newton([x, y]).step(lambda: (x**2 + y**2 + x * y - 3 * x).sum())
    np.testing.assert_allclose([x.item(), y.item()], [2.0, -1.0], rtol=1e-14)


# --- convergence


def test_convergence_to_rosenbrocks_minimum_is_quadratic() -> None:
    """The error after a step is at most L / (2 * m) times its square (Nocedal and Wright, theorem 3.5)."""
    curvature = 501 - np.sqrt(501**2 - 400)  # m, the smallest eigenvalue of [[802, -400], [-400, 200]]
    change = np.sqrt(2400**2 + 3 * 400**2)  # L, the norm of the third derivatives 2400 and -400 there
    w = leaf(0.97, 0.95)
    optimizer = optim.Newton([w])
    distances = []
    for _ in range(6):
        optimizer.step(lambda: rosenbrock(w))
        distances.append(float(np.linalg.norm(w.data - 1)))
    for before, after in pairwise(distances):
        assert after <= change / (2 * curvature) * before**2
    assert distances[-3] > 1e-5
    assert distances[-1] < 1e-11  # from 4 right digits to 11 in two steps


def test_a_step_is_the_one_that_linear_algebra_gives() -> None:
    w = leaf(-1.2, 1.0)
    x, y = w.data.copy()
    H = np.array([[2 + 1200 * x**2 - 400 * y, -400 * x], [-400 * x, 200]])
    g = np.array([-2 * (1 - x) - 400 * x * (y - x**2), 200 * (y - x**2)])
    for damping in (0.0, 3.0):
        w.data[:] = x, y
        optim.Newton([w], damping=damping).step(lambda: rosenbrock(w))
        np.testing.assert_allclose(w.data, [x, y] - np.linalg.solve(H + damping * np.eye(2), g), rtol=1e-10)


# --- saddles


def test_plain_newton_goes_to_a_saddle_and_saddle_free_leaves_it() -> None:
    plain, free = leaf(1.0, 0.1), leaf(1.0, 0.1)
    optim.Newton([plain]).step(lambda: saddle(plain))
    np.testing.assert_allclose(plain.data, 0, atol=1e-15)
    optimizer = optim.Newton([free], saddle_free=True)
    for place in range(1, 6):
        optimizer.step(lambda: saddle(free))
        np.testing.assert_allclose(free.data, [0.0, 0.1 * 2**place], atol=1e-14)  # |H| = 2, g = -2 y


def test_saddle_free_takes_absolute_eigenvalues_of_a_turned_saddle() -> None:
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    A = turn * [5.0, 0.5, -2.0] @ turn.T
    absolute = turn * [5.0, 0.5, 2.0] @ turn.T
    w = leaf(1.0, -2.0, 0.5)
    expected = w.data - np.linalg.solve(absolute + 0.1 * np.eye(3), A @ w.data)
    optim.Newton([w], damping=0.1, saddle_free=True).step(lambda: w @ ((A + A.T) / 2) @ w / 2)
    np.testing.assert_allclose(w.data, expected, rtol=1e-12)


def test_at_a_minimum_saddle_free_is_plain() -> None:
    one, other = leaf(1.1, 1.15), leaf(1.1, 1.15)
    optim.Newton([one]).step(lambda: rosenbrock(one))
    optim.Newton([other], saddle_free=True).step(lambda: rosenbrock(other))
    np.testing.assert_array_equal(one.data, other.data)


# --- damping


def test_damping_leads_from_newton_to_gradient_descent() -> None:
    start = np.array([1.3, 0.4])
    w = leaf(*start)
    (gradient,) = mg.grad(rosenbrock(w), [w])

    def step(damping: float) -> Any:
        w.data[:] = start
        optim.Newton([w], damping=damping).step(lambda: rosenbrock(w))
        return start - w.data

    newton = step(0.0)
    np.testing.assert_allclose(step(1e-9), newton, rtol=1e-7)
    np.testing.assert_allclose(1e9 * step(1e9), gradient.numpy(), rtol=1e-5)
    lengths = [float(np.linalg.norm(step(damping))) for damping in (0.0, 1.0, 10.0, 1e3, 1e6)]
    assert lengths == sorted(lengths, reverse=True)  # ever shorter, as the Hessian here is positive
    descent = gradient.numpy() / np.linalg.norm(gradient.numpy())
    cosines = [float(step(d) @ descent / np.linalg.norm(step(d))) for d in (0.0, 1.0, 10.0, 1e3, 1e6)]
    assert cosines == sorted(cosines)


def test_a_linear_loss_needs_damping_and_is_then_gradient_descent() -> None:
    w = leaf(1.0, 1.0)
    with pytest.raises(ArgumentError, match="the Hessian is singular"):
        optim.Newton([w]).step(lambda: (w * [1.0, 2.0]).sum())
    optim.Newton([w], damping=4.0).step(lambda: (w * [1.0, 2.0]).sum())
    np.testing.assert_allclose(w.data, [0.75, 0.5])


# --- modules


def mlp(dtype: Any) -> tuple[nn.Module, Any, Any]:
    model = nn.MLP([2, 3, 1], activation=nn.Tanh, dtype=dtype, rng=np.random.default_rng(0))
    X = np.random.default_rng(1).normal(size=(20, 2)).astype(dtype)
    return model, mg.tensor(X), mg.tensor(np.sin(X[:, :1]) + X[:, 1:] ** 2)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("saddle_free", [True, False])
def test_the_step_of_a_module_is_that_of_its_function_of_one_vector(dtype: Any, saddle_free: bool) -> None:
    model, X, y = mlp(dtype)

    def of_vector(v: Any) -> Any:
        hidden = np.tanh(X @ v[:6].reshape(3, 2).T + v[6:9])
        return ((hidden @ v[9:12].reshape(1, 3).T + v[12:] - y) ** 2).mean()

    def vector() -> Any:
        return np.concatenate([parameter.data.ravel() for parameter in model.parameters()])

    start = vector()
    assert of_vector(mg.tensor(start)).item() == pytest.approx(nn.functional.mse_loss(model(X), y).item(), rel=1e-6)
    gradient = mg.value_and_grad(of_vector)(mg.tensor(start))[1].numpy().astype(np.float64)
    values, vectors = np.linalg.eigh(mg.hessian(of_vector, mg.tensor(start)).numpy().astype(np.float64))
    assert values[0] < 0  # so that saddle-free is another step
    scales = (np.abs(values) if saddle_free else values) + 0.5
    optimizer = optim.Newton(model.parameters(), damping=0.5, saddle_free=saddle_free)
    optimizer.step(lambda: nn.functional.mse_loss(model(X), y))
    assert vector().dtype == dtype
    expected = start - vectors @ (vectors.T @ gradient / scales)
    np.testing.assert_allclose(vector(), expected, rtol=1e-10 if dtype == np.float64 else 1e-4)


def test_a_module_is_fitted_in_few_steps() -> None:
    model, X, y = mlp(np.float64)
    optimizer = optim.Newton(model.parameters(), damping=0.01, saddle_free=True)
    losses = [optimizer.step(lambda: nn.functional.mse_loss(model(X), y)).item() for _ in range(40)]
    assert losses[-1] < losses[0] / 20


# --- the step around it


def test_gradients_are_neither_needed_nor_changed() -> None:
    w = leaf(3.0)
    w.grad = [7.0]
    kept = w.grad
    optim.Newton([w]).step(lambda: (w**2).sum())
    assert w.grad is kept
    assert w.grad.tolist() == [7.0]
    fresh = leaf(3.0)
    optim.Newton([fresh]).step(lambda: (fresh**2).sum())
    assert fresh.grad is None


def test_a_closure_may_call_backward_and_keep_the_graph() -> None:
    w = leaf(3.0)
    optimizer = optim.Newton([w])

    def closure() -> Any:
        optimizer.zero_grad()
        loss = (w**2).sum()
        loss.backward(retain_graph=True)
        return loss

    optimizer.step(closure)
    np.testing.assert_allclose(w.data, 0, atol=1e-15)
    assert w.grad is not None
    assert w.grad.tolist() == [6.0]


def test_a_closure_that_calls_backward_alone_is_explained() -> None:
    w = leaf(3.0)

    def closure() -> Any:
        loss = (w**2).sum()
        loss.backward()
        return loss

    with pytest.raises(GraphError, match=r"the closure called backward\(\), which released .*\(retain_graph=True"):
        optim.Newton([w]).step(closure)
    assert w.item() == 3.0
    assert w.grad is not None
    assert w.grad.tolist() == [6.0]


def test_a_closure_runs_once_with_recording_on_and_its_loss_is_returned() -> None:
    w, calls = leaf(3.0), []

    def closure() -> Any:
        calls.append((w**2).sum())
        return calls[-1]

    with mg.no_grad():
        assert optim.Newton([w]).step(closure) is calls[0]
    assert len(calls) == 1
    with pytest.raises(GraphError, match="released"):  # the weights are others now
        calls[0].backward()


def test_parameters_that_the_loss_does_not_use_stay() -> None:
    w, unused = leaf(3.0), leaf(5.0)
    optim.Newton([unused, w]).step(lambda: (w**2).sum())
    assert unused.item() == 5.0
    np.testing.assert_allclose(w.data, 0, atol=1e-15)


def test_a_parameter_in_which_the_loss_is_linear_has_rows_too() -> None:
    w, v = leaf(3.0), leaf(5.0)
    optim.Newton([v, w]).step(lambda: (w * v + w**2 - w).sum())  # saddle at w = 0, v = 1
    np.testing.assert_allclose([w.item(), v.item()], [0, 1], atol=1e-14)


def test_an_array_that_was_taken_before_a_step_keeps_the_old_values() -> None:
    w = leaf(3.0)
    array = w.data
    optim.Newton([w]).step(lambda: (w**2).sum())
    assert array.item() == 3
    np.testing.assert_allclose(w.data, 0, atol=1e-15)


def test_an_observer_is_told_of_the_update() -> None:
    class Record(Observer):
        def __init__(self) -> None:
            self.told: list[Any] = []

        def before_update(self, optimizer: object, parameters: Any) -> None:
            self.told.append([p.item() for p in parameters])

        def after_update(self, optimizer: object, parameters: Any) -> None:
            self.told.append([p.item() for p in parameters])

    record, w = Record(), leaf(3.0)
    with observing(record):
        optim.Newton([w], lr=0.5).step(lambda: (w**2).sum())
    assert record.told == [[3.0], [1.5]]


# --- state


def test_a_state_dict_keeps_the_options() -> None:
    optimizer = optim.Newton([leaf(1.0)], 0.5, damping=2.0, saddle_free=True)
    optimizer.step(lambda: sum((p**2).sum() for p in optimizer.parameters()))
    saved = optimizer.state_dict()
    assert saved == {
        "state": {},
        "param_groups": [{"lr": 0.5, "damping": 2.0, "saddle_free": True, "params": [0]}],
    }
    other = optim.Newton([leaf(1.0)])
    other.load_state_dict(saved)
    assert other.state_dict() == saved
    saved["param_groups"][0]["damping"] = -1
    with pytest.raises(StateDictError, match="Newton: damping must be a finite number of at least 0, got -1"):
        other.load_state_dict(saved)


def test_copies_schedulers_and_the_repr() -> None:
    w = leaf(4.0)
    optimizer = optim.Newton([w], 0.5)
    assert repr(optimizer) == "Newton(1 parameter: lr=0.5, damping=0.0, saddle_free=False)"
    for twin in (copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))):
        (parameter,) = twin.parameters()
        twin.step(lambda parameter=parameter: (parameter**2).sum())
        assert parameter.item() == 2.0
    scheduler = optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    for expected in (2.0, 1.5):
        optimizer.step(lambda: (w**2).sum())
        scheduler.step()
        assert w.item() == expected


# --- bad input

W = leaf(1.0, 2.0)
BIG = mg.zeros(5000, requires_grad=True)


def newton(**options: Any) -> optim.Newton:
    return optim.Newton([W], **options)


BAD: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: newton(damping=-1.0), ArgumentError, "Newton: damping must be a finite number of at least 0, got -1"),
    (lambda: newton(damping=float("nan")), ArgumentError, "damping must be"),
    (lambda: newton(lr=-1.0), ArgumentError, "Newton: lr must be"),
    (lambda: newton(saddle_free=1), DtypeError, "saddle_free must be True or False, got 1"),
    (lambda: newton(saddlefree=True), TypeError, "unexpected keyword argument 'saddlefree'"),
    (lambda: newton(max_parameters=0), ArgumentError, "max_parameters must be an integer of at least 1, got 0"),
    (lambda: newton(max_parameters=1), ArgumentError, "the Hessian of 2 parameters .* max_parameters, which is 1"),
    (lambda: optim.Newton([BIG]), ArgumentError, "of 5,000 parameters would take 191 MiB, .* which is 4,096"),
    (lambda: newton().step(), ArgumentError, r"it needs a function .* got None; write optimizer.step\(lambda: crit"),
    (
        lambda: newton().step(),
        ArgumentError,
        "Training loops that call step.. themselves, such as mg.fit, do not support",
    ),
    (lambda: newton().step((W**2).sum()), ArgumentError, "needs a function that computes it, got tensor"),
    (lambda: newton().step(lambda: None), DtypeError, "the closure must return the loss, a tensor, got NoneType"),
    (lambda: newton().step(lambda: 3.0), DtypeError, "got float"),
    (lambda: newton().step(lambda: W**2), GraphError, r"must return a scalar, got shape \(2,\); reduce it with .mean"),
    (lambda: newton().step(lambda: mg.tensor(1.0)), GraphError, "nothing to differentiate"),
    (lambda: newton().step(lambda: (leaf(1.0) ** 2).sum()), GraphError, "the loss depends on none of the parameters"),
    (lambda: newton().step(lambda: (W * np.inf).sum()), ArgumentError, "the loss is inf, so no step"),
    (lambda: newton().step(lambda: (W * -np.inf).sum()), ArgumentError, "the loss is -inf, so no step"),
    (lambda: newton().step(lambda: (W * np.nan).sum()), ArgumentError, "the loss is nan"),
    (lambda: newton().step(lambda: W.sum()), ArgumentError, r"the Hessian is singular: .* pass damping=1e\+00, or"),
    (
        lambda: newton().step(lambda: ((W - W.data) ** 2).sum() ** 0.5),
        ArgumentError,
        "the gradient is not finite",
    ),
    (lambda: newton().step(lambda: ((W - W.data) ** 1.5).sum()), ArgumentError, "the Hessian is not finite"),
    (
        lambda: newton().step(lambda: W.sum() ** 2),
        ArgumentError,
        "the Hessian is singular: .* pass damping=4e-03, or saddle_free=True with damping",
    ),
    (lambda: newton(saddle_free=True).step(lambda: W.sum() ** 2), ArgumentError, "the Hessian is singular"),
    (
        lambda: newton(damping=2.0).step(lambda: W[0] ** 2 - W[1] ** 2),
        ArgumentError,
        r"plus damping=2 is singular: of its eigenvalues, 0 to 4, .* another damping, or saddle_free=True",
    ),
    (
        lambda: optim.Newton([{"params": [W]}, {"params": [leaf(1.0)], "damping": 2.0}]).step(lambda: W.sum()),
        ArgumentError,
        "damping must be the same in each, got 0.0 and 2.0",
    ),
    (
        lambda: optim.Newton([{"params": [W]}, {"params": [leaf(1.0)], "saddle_free": True}]).step(lambda: W.sum()),
        ArgumentError,
        "saddle_free must be the same in each, got False and True",
    ),
]


def test_as_many_parameters_as_are_allowed() -> None:
    w = leaf(1.0, 2.0)
    optim.Newton([w], max_parameters=2).step(lambda: (w**2).sum())
    assert w.tolist() == [0, 0]


@pytest.mark.parametrize("options", [{"saddle_free": True}, {"damping": 2.0}])
def test_an_eigenvalue_that_is_only_rounding_counts_as_none(options: dict[str, Any]) -> None:
    """Of a turned Hessian with the eigenvalues 0 (with damping, -2) and 3 eigh returns some 1e-16 more or less."""
    angle = 0.7
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    hessian = turn @ np.diag([-2.0 if "damping" in options else 0.0, 3.0]) @ turn.T
    w = mg.tensor(np.array([1.0, 2.0]), requires_grad=True)
    with pytest.raises(ArgumentError, match="is singular"):
        optim.Newton([w], **options).step(lambda: w @ hessian @ w * 0.5)
    assert w.tolist() == [1, 2]


@pytest.mark.parametrize(("call", "kind", "message"), BAD, ids=[str(index) for index in range(len(BAD))])
def test_bad_input_is_explained_and_changes_nothing(
    call: Callable[[], Any], kind: type[Exception], message: str
) -> None:
    with np.errstate(all="ignore"), pytest.raises(kind, match=message):
        call()
    assert W.tolist() == [1.0, 2.0]


def test_thousands_are_separated() -> None:
    big = mg.zeros(40_000, requires_grad=True)
    with pytest.raises(ArgumentError, match="of 40,000 parameters would take 12,207 MiB, and a step 40,000 backward"):
        optim.Newton([big], max_parameters=4096)


def test_a_loop_that_calls_step_itself_is_told_so() -> None:
    model = nn.Linear(2, 2)
    optimizer = optim.Newton(model.parameters())
    batches = [(mg.ones((4, 2)), mg.tensor(np.array([0, 1, 0, 1])))]
    with pytest.raises(ArgumentError, match=r"such as mg\.fit, do not support"):
        mg.fit(model, batches, loss=nn.CrossEntropyLoss(), optimizer=optimizer, epochs=1, progress=False)


def test_groups_that_are_added_count_too() -> None:
    optimizer = newton(max_parameters=3)
    optimizer.add_param_group({"params": [leaf(1.0, 1.0)]})
    with pytest.raises(ArgumentError, match="the Hessian of 4 parameters"):
        optimizer.step(lambda: (W**2).sum())


def test_rounding_does_not_pass_for_curvature() -> None:
    """In single precision the Hessian of (a . w)**2 has small eigenvalues where it should have zeros."""
    a = np.random.default_rng(0).normal(size=12).astype(np.float32)
    w = leaf(*np.ones(12), dtype=np.float32)
    with pytest.raises(ArgumentError, match="singular"):
        optim.Newton([w]).step(lambda: (w @ a) ** 2)
    optim.Newton([w], damping=1e-5, saddle_free=True).step(lambda: (w @ a) ** 2)
    assert abs(float(w.data @ a)) < 1e-3
