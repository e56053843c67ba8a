"""The directions that span a landscape: as long as filters, along eigenvectors, through a training path."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.viz.planes import Place, hessian_plane, path_plane, random_plane

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(16, 3)).astype(np.float32), RNG.normal(size=(16, 2)).astype(np.float32)


def network():
    mg.seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))


def mean_square(model):
    return lambda: nn.MSELoss()(model(mg.tensor(X)), Y)


def quadratic(*curvatures):
    """A parameter at zero whose loss is ``sum(curvatures * w**2) / 2``."""
    w = mg.tensor(np.zeros(len(curvatures)), requires_grad=True)
    return [w], lambda: (w * w * np.array(curvatures)).sum() / 2


def test_random_directions_have_the_norm_of_each_filter_and_leave_biases():
    model = network()
    place = Place("test", model, mean_square(model))
    for direction in random_plane(place, np.random.default_rng(1)).directions:
        for parameter, part in place.split(direction):
            if parameter.ndim > 1:
                np.testing.assert_allclose(np.linalg.norm(part, axis=1), np.linalg.norm(parameter.data, axis=1))
            else:
                assert not part.any()


def test_parameters_without_matrices_are_one_filter_each():
    w = mg.tensor([3.0, 4.0], requires_grad=True)
    one, other = random_plane(Place("test", [w], w.sum), np.random.default_rng(1)).directions
    np.testing.assert_allclose([np.linalg.norm(one), np.linalg.norm(other)], 5.0)
    assert not np.allclose(one, other)


def test_random_directions_follow_the_generator():
    model = network()
    place = Place("test", model, mean_square(model))
    one, again = (random_plane(place, np.random.default_rng(3)).directions[0] for _ in range(2))
    np.testing.assert_array_equal(one, again)


@pytest.mark.parametrize(
    ("curvatures", "expected"),
    [((1.0, -8.0, 3.0, 0.5), (1, 2)), ((5.0, 4.0, -1.0), (0, 1)), ((2.0, 7.0), (1, 0)), ((-3.0, -9.0, 0.0), (1, 0))],
)
def test_hessian_directions_are_the_eigenvectors_of_largest_magnitude(curvatures, expected):
    plane = hessian_plane(Place("test", *quadratic(*curvatures)))
    np.testing.assert_allclose(np.abs(plane.directions), np.eye(len(curvatures))[list(expected)], atol=1e-12)
    values = [curvatures[number] for number in expected]
    assert plane.names == tuple(f"eigenvector of eigenvalue {value:g} (distance)" for value in values)


def test_the_hessian_of_a_larger_model():
    pytest.importorskip("scipy")
    model = nn.MLP([3, 40, 2])
    one, other = hessian_plane(Place("test", model, mean_square(model))).directions
    np.testing.assert_allclose([one @ one, other @ other, one @ other], [1, 1, 0], atol=1e-6)


def test_principal_components_of_a_path_in_a_known_plane():
    model, loss = quadratic(1.0, 1.0, 1.0, 1.0)
    basis = np.linalg.qr(np.random.default_rng(0).normal(size=(4, 2)))[0].T
    inside = np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 1.0], [4.0, 1.0]])
    plane = path_plane(Place("test", model, loss), inside @ basis)
    np.testing.assert_allclose(np.abs(np.array(plane.directions) @ basis.T), np.eye(2), atol=1e-12)
    np.testing.assert_allclose(plane.path @ np.array(plane.directions), inside @ basis, atol=1e-12)
    assert plane.names == (
        "principal component 1 (94% of the variance)",  # 16 of 17
        "principal component 2 (6% of the variance)",
    )
