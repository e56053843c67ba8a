"""What walks into a saddle, and what leaves it."""

import numpy as np
import pytest

from tests.laboratory.scripts import experiment

pytestmark = pytest.mark.slow

saddle = experiment("saddle")


@pytest.fixture(scope="module")
def measured():
    return saddle.measure()


def test_the_claim_holds(measured):
    assert saddle.holds(*measured)


def test_where_each_ends(measured):
    ends = {name: path.points[-1] for name, path in measured[0].items()}
    np.testing.assert_allclose(ends["gradient descent, on the ridge"], [0, 0], atol=1e-6)
    np.testing.assert_allclose(ends["Newton, beside it"], [0, 0], atol=1e-12)
    for name in ("gradient descent, beside it", "saddle-free Newton, beside it", "escape, then gradient descent"):
        np.testing.assert_allclose(np.abs(ends[name]), [0, 1], atol=1e-6)


def test_the_ridge_itself_is_left_by_no_gradient(measured):
    assert (measured[0]["gradient descent, on the ridge"].points[:, 1] == 0).all()


def test_they_stay_as_long_as_their_factors_near_the_saddle_say(measured):
    """Both factors follow from the Hessian there, diag(2, -2)."""
    n = np.arange(100)
    for name, along_x, along_y in (("gradient descent", 0.8, 1.2), ("saddle-free Newton", 1 / 3, 5 / 3)):
        near = np.hypot(1.4 * along_x**n, 0.001 * along_y**n) < 0.1
        assert saddle.stay(measured[0][f"{name}, beside it"]) == near.sum()


def test_newton_goes_to_the_saddle_from_its_basin(measured):
    """A step takes y to 2 y^3 / (3 y^2 - 1), which is nearer to zero where 5 y^2 < 1."""
    starts = np.random.default_rng(0).uniform(*np.array(saddle.SURFACE.bounds).T, (saddle.STARTS, 2))
    basin = int((5 * starts[:, 1] ** 2 < 1).sum())
    assert measured[1] == {"gradient descent": 0, "Newton": basin, "saddle-free Newton": 0}
