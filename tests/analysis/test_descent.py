"""Where an optimizer goes on a surface: against closed forms, and what ends a run."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import analysis, optim
from minigrad.analysis import surfaces
from minigrad.analysis.descent import optimizer_label
from minigrad.errors import ArgumentError, DtypeError, ShapeError

BOWL = surfaces.quadratic_bowl(10.0)


def sgd(lr, **options):
    return lambda parameters: optim.SGD(parameters, lr=lr, **options)


def test_gradient_descent_on_a_bowl_is_the_closed_form():
    path = analysis.descend(sgd(0.15), BOWL, 20, (2.0, -1.0))
    shrinks = 1 - 0.15 * np.array([1.0, 10.0])
    expected = np.array([2.0, -1.0]) * shrinks ** np.arange(21)[:, None]
    np.testing.assert_allclose(path.points, expected, rtol=1e-12)
    np.testing.assert_allclose(path.losses, (expected**2 @ [1.0, 10.0]) / 2, rtol=1e-12)
    assert (path.points.dtype, path.losses.dtype) == (np.float64, np.float64)
    assert (path.steps, path.diverged, path.label) == (20, False, "SGD lr=0.15")


def test_the_surfaces_own_start_is_the_default():
    assert analysis.descend(sgd(0.1), BOWL, 1).points[0].tolist() == list(BOWL.start)


def test_steps_to_is_the_first_step_at_or_below_a_loss():
    path = analysis.descend(sgd(0.1), surfaces.quadratic_bowl(1.0), 30, (1.0, 0.0))  # the loss is 0.9**(2k) / 2
    assert path.steps_to(0.5) == 0
    assert path.steps_to(0.5 * 0.9**20 * (1 + 1e-9)) == 10
    assert path.steps_to(-1.0) is None


def test_a_closure_gives_the_loss_and_the_gradient_of_the_present_point():
    seen = []

    class Watch(optim.SGD):
        def step(self, closure=None):
            loss = super().step(closure)
            seen.append((loss.item(), next(self.parameters()).grad.data.copy()))
            return loss

    path = analysis.descend(lambda p: Watch(p, lr=0.1), BOWL, 3)
    np.testing.assert_allclose([loss for loss, _ in seen], path.losses[:-1])
    np.testing.assert_allclose([gradient for _, gradient in seen], path.points[:-1] * [1.0, 10.0])


def test_an_optimizer_of_second_order_may_differentiate_the_loss_once_more():
    class Second:
        def __init__(self, parameters):
            (self.parameter,) = parameters

        def zero_grad(self):
            self.parameter.grad = None

        def step(self, closure):
            (slope,) = mg.grad(closure(), self.parameter, create_graph=True)
            (curvature,) = mg.grad(slope.sum(), self.parameter)
            self.parameter.data = self.parameter.data - slope.data / curvature.data

    path = analysis.descend(Second, BOWL, 1)
    np.testing.assert_allclose(path.points[1], [0.0, 0.0], atol=1e-15)
    assert path.label == "Second"


def test_newton_lands_in_one_step_on_any_bowl():
    path = analysis.descend(lambda p: optim.Newton(p), surfaces.quadratic_bowl(1e4, 30), 1)
    np.testing.assert_allclose(path.points[1], [0.0, 0.0], atol=1e-10)
    assert path.label == "Newton lr=1"


@pytest.mark.parametrize(
    ("path", "diverged"),
    [
        (lambda: analysis.descend(sgd(1.0), BOWL, 1000), True),  # overflows
        (lambda: analysis.descend(sgd(0.2001), BOWL, 10), False),  # grows, still inside
        (lambda: analysis.descend(sgd(0.205), BOWL, 60), True),  # has grown out
        (lambda: analysis.descend(sgd(0.1), surfaces.monkey_saddle(), 100), True),  # falls without end
    ],
)
def test_what_diverges_is_told(path, diverged):
    assert path().diverged is diverged


def test_a_path_ends_before_what_is_not_finite():
    path = analysis.descend(sgd(1.0), BOWL, 1000)
    assert path.steps < 1000
    assert np.isfinite(path.points).all()
    assert np.isfinite(path.losses).all()
    assert len(path.points) == len(path.losses) == path.steps + 1
    assert "diverged" in repr(path)


def test_losses_are_without_the_noise_of_a_noisy_surface():
    noisy = surfaces.noisy(BOWL, 1.0, rng=np.random.default_rng(0))
    path = analysis.descend(sgd(0.05), noisy, 10)
    np.testing.assert_array_equal(path.losses, BOWL.values(path.points))
    assert not np.array_equal(path.points, analysis.descend(sgd(0.05), BOWL, 10).points)


def test_one_dimension_and_many():
    assert analysis.descend(sgd(0.05), surfaces.two_minima(), 5).points.shape == (6, 1)
    assert analysis.descend(sgd(0.05), surfaces.quadratic_bowl(dimension=7), 5).points.shape == (6, 7)


def test_labels_have_what_is_not_the_default():
    w = [mg.zeros(1, requires_grad=True)]
    assert optimizer_label(optim.SGD(w, lr=0.001)) == "SGD lr=0.001"
    assert optimizer_label(optim.SGD(w, lr=0.1, momentum=0.9, nesterov=True)) == "SGD lr=0.1 momentum=0.9 nesterov"
    assert optimizer_label(optim.Adam(w, betas=(0.5, 0.9))) == "Adam lr=0.001 betas=(0.5, 0.9)"


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ((optim.SGD([mg.zeros(2, requires_grad=True)]), BOWL), DtypeError, "function that makes an optimizer"),
        ((0.1, BOWL), DtypeError, r"lambda p: optim\.SGD"),
        ((lambda p: None, BOWL), DtypeError, "it returned None"),
        ((lambda p: optim.SGD([mg.zeros(2, requires_grad=True)]), BOWL), ArgumentError, "called with, and no others"),
        ((sgd(0.1), BOWL, 0), ArgumentError, "descend: steps must be a positive integer, got 0"),
        ((sgd(0.1), BOWL, 5, [1.0]), ShapeError, r"of shape \(2,\), got shape \(1,\)"),
        ((sgd(0.1), BOWL, 5, [1.0, np.nan]), ArgumentError, "must be finite"),
        ((sgd(0.1), BOWL, 5, [1e200, 1.0]), ArgumentError, "its loss must be finite"),
        ((sgd(0.1), "bowl"), DtypeError, "must be a Surface, .*got str"),
    ],
)
def test_bad_input(arguments, kind, message):
    with pytest.raises(kind, match=message):
        analysis.descend(*arguments)
