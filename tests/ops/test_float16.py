"""Half precision: what is summed is summed in single, and comes back in half."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn, optim

HALF = np.float16
EPSILON = 2.0**-11  # half the distance from 1 to the next number: the relative error of one rounding
RNG = np.random.default_rng(0)


def halves(*shape: int, scale: float = 1.0, seed: int = 1) -> Any:
    """Return numbers that depend on these arguments alone, not on the tests that ran before."""
    return (np.random.default_rng([seed, *shape]).normal(size=shape) * scale).astype(HALF)


def rounded(value: Any) -> Any:
    """Return the nearest half-precision number, which one rounding at the end gives."""
    return np.asarray(value, np.float64).astype(HALF)


def assert_rounded_once(found: Any, exact: Any) -> None:
    """The result is the nearest half-precision number, or a neighbour, as single precision has an error of its own."""
    found = found.numpy() if isinstance(found, mg.Tensor) else found
    assert found.dtype == HALF
    exact = np.asarray(exact, np.float64)
    spacing = np.spacing(np.abs(exact).astype(HALF)).astype(np.float64)
    assert (np.abs(found.astype(np.float64) - exact) <= 0.51 * spacing + 1e-7 * np.abs(exact)).all()


REDUCTIONS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "sum": (mg.sum, np.sum),
    "mean": (mg.mean, np.mean),
    "var": (mg.var, np.var),
    "std": (mg.std, np.std),
    "norm": (mg.norm, lambda x, axis: np.sqrt(np.sum(x * x, axis=axis))),
    "logsumexp": (mg.logsumexp, lambda x, axis: np.log(np.sum(np.exp(x), axis=axis))),
}


def test_numpy_itself_stalls_along_an_axis() -> None:
    """The reason for it all; when NumPy adds such numbers in single everywhere, this fails and the code can go."""
    tenths = np.full((10_000, 2), 0.1, HALF)
    assert np.add.reduce(tenths, axis=0).tolist() == [256, 256]  # 256 + 0.1 is 256
    assert np.add.reduce(tenths[:, 0]) == 1000  # contiguous or one axis: in single
    assert np.dot(tenths.T, np.ones(10_000, HALF)).tolist() == [1000, 1000]  # products: in single
    assert np.matmul(tenths.T, np.ones(10_000, HALF)).tolist() == [1000, 1000]


@pytest.mark.parametrize("axis", [None, 0, 1, (0, 1)])
@pytest.mark.parametrize("name", REDUCTIONS)
def test_reductions_of_large_arrays_are_rounded_once(name: str, axis: Any) -> None:
    ours, numpys = REDUCTIONS[name]
    x = np.abs(halves(3000, 5)) if name == "sum" else halves(3000, 5, scale=2)
    assert_rounded_once(ours(mg.tensor(x), axis=axis), numpys(x.astype(np.float64), axis=axis))
    assert_rounded_once(ours(mg.tensor(x.T), axis=axis), numpys(x.T.astype(np.float64), axis=axis))


@pytest.mark.parametrize("shape", [(60_000,), (60_000, 1), (60_000, 2)])
def test_the_sum_of_sixty_thousand_ones(shape: tuple[int, ...]) -> None:
    assert set(mg.ones(shape, dtype=HALF).sum(axis=0).numpy().ravel().tolist()) == {60_000}


def test_the_sum_of_a_hundred_thousand_ones_overflows_and_says_so_while_their_mean_is_one() -> None:
    ones = mg.ones(100_000, dtype=HALF)
    with pytest.warns(RuntimeWarning, match="overflow encountered in cast"):
        total = ones.sum()
    assert total.item() == np.inf
    assert total.dtype == HALF
    assert (ones.mean().item(), ones.var().item()) == (1, 0)
    assert mg.sum(ones.astype(np.float32)).item() == 100_000
    assert mg.cumsum(mg.full(10_000, 0.1, dtype=HALF)).numpy()[-1] == rounded(10_000 * float(HALF(0.1)))


def test_squares_beyond_the_range_do_not_spoil_a_small_result() -> None:
    """300 squared is more than 65504, but the variance of one such number among many is not."""
    x = np.zeros((1000, 2), HALF)
    x[0] = 300
    exact = x.astype(np.float64)
    assert_rounded_once(mg.var(mg.tensor(x), axis=0), exact.var(axis=0))
    assert_rounded_once(mg.std(mg.tensor(x), axis=0), exact.std(axis=0))
    assert_rounded_once(mg.norm(mg.tensor(x)), np.sqrt(2) * 300)
    assert_rounded_once(F.mse_loss(mg.tensor(x), np.zeros((1000, 2))), 90)


@pytest.mark.parametrize("name", REDUCTIONS)
def test_gradients_of_reductions_are_rounded_once(name: str) -> None:
    ours, _ = REDUCTIONS[name]
    values, upstream = halves(3000, 5), halves(5)
    gradients = []
    for dtype in (HALF, np.float64):
        x = mg.tensor(values.astype(dtype), requires_grad=True)
        ours(x, axis=0).backward(mg.tensor(upstream.astype(dtype)))
        assert x.grad is not None
        assert x.grad.dtype == dtype
        gradients.append(x.grad.numpy())
    # std, norm and logsumexp use their own rounded results
    np.testing.assert_allclose(gradients[0].astype(np.float64), gradients[1], rtol=4 * EPSILON, atol=2.0**-24)


def test_the_gradient_of_a_mean_keeps_its_digits_when_the_loss_is_scaled() -> None:
    """1 / 300,000 is subnormal in half precision, with 3 of 11 bits; 20,000 / 300,000 is not."""
    x = mg.zeros(300_000, dtype=HALF, requires_grad=True)
    x.mean().backward(mg.tensor(20_000, dtype=HALF))
    assert x.grad is not None
    assert x.grad.numpy()[0] == rounded(20_000 / 300_000)
    x = mg.zeros(70_000, dtype=HALF, requires_grad=True)  # a count that half precision does not have
    x.max().backward(mg.tensor(7_000, dtype=HALF))
    assert x.grad is not None
    assert x.grad.numpy()[0] == rounded(0.1)


# --- the softmax family


@pytest.mark.parametrize("classes", [10, 1000])
def test_rows_of_softmax_sum_to_one(classes: int) -> None:
    x = halves(50, classes, scale=3)
    exact = np.exp(x.astype(np.float64))
    exact /= exact.sum(axis=1, keepdims=True)
    found = mg.softmax(mg.tensor(x))
    assert_rounded_once(found, exact)
    np.testing.assert_allclose(found.numpy().astype(np.float64).sum(axis=1), 1, rtol=0, atol=EPSILON)
    assert_rounded_once(mg.log_softmax(mg.tensor(x)), np.log(exact))
    assert_rounded_once(mg.softmax(mg.tensor(x.T), axis=0), exact.T)


@pytest.mark.parametrize("f", [mg.softmax, mg.log_softmax])
def test_gradients_of_the_softmax_family(f: Any) -> None:
    values, upstream = halves(20, 1000), halves(20, 1000, seed=2)
    gradients = []
    for dtype in (HALF, np.float64):
        x = mg.tensor(values.astype(dtype), requires_grad=True)
        f(x).backward(mg.tensor(upstream.astype(dtype)))
        assert x.grad is not None
        gradients.append(x.grad.numpy().astype(np.float64))
    # the saved result is in half precision: its rounding is in the gradient
    np.testing.assert_allclose(gradients[0], gradients[1], rtol=0, atol=8 * EPSILON * np.abs(gradients[1]).max())


# --- losses

LABELS = RNG.integers(0, 7, 2000)
ONE_HOT = np.eye(7)[LABELS]
PROBABILITIES = RNG.dirichlet(np.ones(7), 2000)
LOSSES: dict[str, Callable[[Any, str], Any]] = {
    "cross_entropy": lambda x, how: F.cross_entropy(x, LABELS, reduction=how),
    "cross_entropy smooth": lambda x, how: F.cross_entropy(x, LABELS, 0.1, reduction=how),
    "cross_entropy one-hot": lambda x, how: F.cross_entropy(x, ONE_HOT, reduction=how),
    "nll_loss": lambda x, how: F.nll_loss(-abs(x), LABELS, reduction=how),
    "mse_loss": lambda x, how: F.mse_loss(x, ONE_HOT, reduction=how),
    "l1_loss": lambda x, how: F.l1_loss(x, ONE_HOT, reduction=how),
    "huber_loss": lambda x, how: F.huber_loss(x, ONE_HOT, reduction=how),
    "binary_cross_entropy": lambda x, how: F.binary_cross_entropy(x * 0.125 + 0.5, ONE_HOT, reduction=how),
    "binary_cross_entropy_with_logits": lambda x, how: F.binary_cross_entropy_with_logits(x, ONE_HOT, reduction=how),
}


@pytest.mark.parametrize("how", ["mean", "sum", "none"])
@pytest.mark.parametrize("name", LOSSES)
def test_losses_agree_with_double_precision(name: str, how: str) -> None:
    # numbers of few bits, so that what precedes the loss is exact in half precision too
    values = np.round(np.clip(halves(2000, 7), -3, 3) * 16) / 16
    results = []
    for dtype in (HALF, np.float64):
        x = mg.tensor(values.astype(dtype), requires_grad=True)
        loss = LOSSES[name](x, how)
        loss.backward(mg.ones(loss.shape, dtype=dtype))
        assert x.grad is not None
        assert (loss.dtype, x.grad.dtype) == (dtype, dtype)
        results.append((loss.numpy(), x.grad.numpy()))
    (loss, gradient), (exact, exact_gradient) = results
    assert_rounded_once(loss, exact)
    np.testing.assert_allclose(gradient.astype(np.float64), exact_gradient, rtol=2 * EPSILON, atol=2.0**-24)


def test_cross_entropy_of_probabilities_in_half() -> None:
    """The targets are rounded to half precision first, as they get the logits' dtype."""
    logits, targets = halves(2000, 7), PROBABILITIES.astype(HALF)
    exact = F.cross_entropy(mg.tensor(logits.astype(np.float64)), targets.astype(np.float64))
    assert_rounded_once(F.cross_entropy(mg.tensor(logits), PROBABILITIES), exact.item())


def test_a_large_batch_of_small_losses_is_not_lost() -> None:
    """A gradient of 1 / 70,000 is still there, and a scaled one has all its digits."""
    x = mg.zeros((70_000, 2), dtype=HALF, requires_grad=True)
    loss = F.cross_entropy(x, np.zeros(70_000, int))
    loss.backward(mg.tensor(1024, dtype=HALF))
    assert x.grad is not None
    assert loss.item() == rounded(np.log(2))
    assert x.grad.numpy()[0].tolist() == rounded([-512 / 70_000, 512 / 70_000]).tolist()


def test_double_targets_that_require_a_gradient_keep_their_precision() -> None:
    target = mg.tensor(np.zeros(3), requires_grad=True)
    loss = F.mse_loss(mg.tensor(np.ones(3, HALF)), target)
    assert loss.dtype == np.float64
    assert F.mse_loss(mg.tensor(np.ones(3, HALF)), np.zeros(3)).dtype == HALF


def test_the_gradient_of_a_certain_probability_is_finite() -> None:
    x = mg.tensor(np.array([0, 1, 0.5], HALF), requires_grad=True)
    mg.ops.loss.binary_cross_entropy(x, mg.tensor(np.array([0, 1, 1], HALF))).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [0, 0, -2]
    x = mg.tensor(np.array([0.25], HALF), requires_grad=True)
    mg.ops.loss.binary_cross_entropy(x, 1.0).sum().backward()  # a number for a target
    assert x.grad is not None
    assert x.grad.tolist() == [-4]


def test_second_derivatives_stay_in_half() -> None:
    x = mg.tensor(halves(4, 3), requires_grad=True)
    for f in (
        lambda x: F.cross_entropy(x, [0, 1, 2, 0]),
        lambda x: F.mse_loss(x, np.zeros((4, 3))),
        lambda x: mg.var(x),
        lambda x: mg.softmax(x)[0, 0],
    ):
        exact = mg.hessian(f, x.detach().astype(np.float64)).numpy()
        found = mg.hessian(f, x.detach())
        assert found.dtype == HALF
        np.testing.assert_allclose(found.numpy().astype(np.float64), exact, rtol=0, atol=8 * EPSILON)


# --- a whole training


def test_a_model_in_half_precision_learns() -> None:
    centres = np.array([[2, 0], [-2, 0], [0, 2]], HALF)
    labels = np.random.default_rng(0).integers(0, 3, 300)
    X = mg.tensor((centres[labels] + halves(300, 2, scale=0.5)).astype(HALF))
    model = nn.MLP([2, 16, 3], dtype=HALF, rng=np.random.default_rng(0))
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

    def step(X: Any, y: Any) -> Any:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(X), y)
        loss.backward()
        optimizer.step()
        return loss

    losses = [step(X, labels) for _ in range(100)]
    assert {loss.dtype for loss in losses} == {np.dtype(HALF)}
    assert losses[-1].item() < 0.05


# --- gradients that are summed outside of reductions


def test_broadcast_arguments_and_repeated_indices_and_einsum_add_in_single() -> None:
    tenth, total = mg.full((10_000, 3), 0.1, dtype=HALF), rounded(10_000 * float(HALF(0.1))).item()
    bias = mg.zeros(3, dtype=HALF, requires_grad=True)
    (mg.zeros((10_000, 3), dtype=HALF) + bias).backward(tenth)
    assert bias.grad is not None
    assert bias.grad.tolist() == [total] * 3
    rows = mg.zeros((2, 3), dtype=HALF, requires_grad=True)
    rows[np.zeros(10_000, int)].backward(tenth)
    assert rows.grad is not None
    assert rows.grad.tolist() == [[total] * 3, [0] * 3]
    ones = mg.ones((10_000, 2), dtype=HALF, requires_grad=True)
    product = mg.einsum("ij,ik->jk", tenth, ones)
    assert product.tolist() == [[total] * 2] * 3
    assert product.dtype == HALF


def test_a_product_of_many_halves_is_rounded_once() -> None:
    x = 1 + halves(300, 3, scale=0.05)
    assert_rounded_once(mg.prod(mg.tensor(x), axis=0), np.prod(x.astype(np.float64), axis=0))


@pytest.mark.parametrize("function", [mg.max, mg.min])
def test_more_ties_than_a_half_can_count_share_a_gradient(function: Callable[..., Any]) -> None:
    x = mg.tensor(np.ones(100_000, HALF), requires_grad=True)
    function(x).backward()
    assert x.grad is not None
    assert (x.grad.numpy() == HALF(1e-5)).all()


def test_a_wider_argument_makes_the_result_wider() -> None:
    scores = mg.tensor(np.log(np.full((2, 2), 0.5, HALF)), requires_grad=True)
    loss = mg.ops.loss.nll_loss(scores, np.full((2, 2), 0.5, np.float32))
    assert loss.dtype == np.float32
    loss.sum().backward()
    assert scores.grad.dtype == HALF
