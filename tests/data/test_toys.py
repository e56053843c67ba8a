import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import data
from minigrad.errors import ArgumentError, DtypeError, ShapeError

DRAWN = [data.moons, data.spirals, data.blobs]
drawn = pytest.mark.parametrize("make", DRAWN, ids=lambda make: make.__name__)


def arrays(dataset):
    return tuple(tensor.numpy() for tensor in dataset.tensors)


def test_xor_is_its_four_points():
    x, y = arrays(data.xor())
    assert (x.dtype, y.dtype) == (np.float32, np.int64)
    np.testing.assert_array_equal(x[:, 0].astype(bool) ^ x[:, 1].astype(bool), y)
    assert len(np.unique(x, axis=0)) == 4


@given(st.sampled_from(DRAWN), st.integers(1, 50))
def test_points_are_float32_and_classes_are_shared_out_evenly(make, n):
    x, y = arrays(make(n, rng=np.random.default_rng(0)))
    assert (x.shape, x.dtype, y.shape, y.dtype) == ((n, 2), np.float32, (n,), np.int64)
    assert np.isfinite(x).all()
    counts = np.bincount(y, minlength=2 if make is data.moons else 3)
    assert len(counts) == (2 if make is data.moons else 3)
    assert counts.max() - counts.min() <= 1


@drawn
def test_points_follow_rng_or_the_default_generator(make):
    def points(**options):
        return arrays(make(20, **options))[0].tolist()

    assert points(rng=np.random.default_rng(1)) == points(rng=np.random.default_rng(1))
    assert points(rng=np.random.default_rng(1)) != points(rng=np.random.default_rng(2))
    mg.seed(4)
    first = points()
    assert points() != first
    mg.seed(4)
    assert points() == first


@drawn
def test_the_order_is_random(make):
    _, y = arrays(make(100, rng=np.random.default_rng(0)))
    assert y.tolist() != sorted(y.tolist())


def test_moons_without_noise_lie_on_their_half_circles():
    x, y = arrays(data.moons(101, noise=0))
    upper, lower = x[y == 0], x[y == 1] - np.array([1, 0.5], np.float32)
    for moon in (upper, lower):
        np.testing.assert_allclose(np.hypot(*moon.T), 1, rtol=1e-6)
    assert (upper[:, 1] >= -1e-6).all()
    assert (lower[:, 1] <= 1e-6).all()


def test_spirals_without_noise_are_one_arm_turned():
    x, y = arrays(data.spirals(400, classes=4, noise=0))
    arms = []
    for label in range(4):
        arm = x[y == label][:, 0] + 1j * x[y == label][:, 1]
        arms.append(arm[np.argsort(np.abs(arm))] * np.exp(-2j * np.pi * label / 4))
    np.testing.assert_allclose(arms[1:], [arms[0]] * 3, atol=1e-6)
    np.testing.assert_allclose(np.abs(arms[0]).max(), 1, rtol=1e-6)


def test_blobs_without_spread_are_their_centers():
    centers = [[0.0, 1.0], [5.0, -1.0]]
    for places in (centers, np.array(centers), mg.tensor(centers)):
        x, y = arrays(data.blobs(10, places, spread=0))
        np.testing.assert_array_equal(x, np.array(centers, np.float32)[y])
    x, y = arrays(data.blobs(10, 5, spread=0))
    np.testing.assert_allclose(np.hypot(*x.T), 2, rtol=1e-6)


def test_noise_is_the_standard_deviation_of_what_is_added():
    clean, _ = arrays(data.blobs(4000, [[1.0, 2.0]], spread=0))
    noisy, _ = arrays(data.blobs(4000, [[1.0, 2.0]], spread=0.25, rng=np.random.default_rng(0)))
    assert np.std(noisy - clean) == pytest.approx(0.25, rel=0.03)


@drawn
@pytest.mark.parametrize("n", [0, -3, 2.5, True, "9", None])
def test_a_number_of_points_that_is_no_positive_integer_is_named(make, n):
    with pytest.raises(ArgumentError, match=f"{make.__name__}: n must be a positive integer, got {n!r}"):
        make(n)


@pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf"), "0.1", None, True])
def test_a_bad_noise_is_named(value):
    expected = f"must be a finite number, zero or more, got {value!r}"
    for make, name in ((data.moons, "noise"), (data.spirals, "noise"), (data.blobs, "spread")):
        with pytest.raises(ArgumentError, match=f"{make.__name__}: {name} {expected}"):
            make(**{name: value})


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: data.spirals(classes=0), ArgumentError, "classes must be a positive integer, got 0"),
        (lambda: data.blobs(centers=0), ArgumentError, "centers must be a positive integer, got 0"),
        (lambda: data.blobs(centers=2.5), ArgumentError, "centers must be a positive integer, got 2.5"),
        (lambda: data.blobs(centers=[1.0, 2.0]), ShapeError, r"shape \(classes, 2\), got shape \(2,\)"),
        (lambda: data.blobs(centers=np.zeros((3, 3))), ShapeError, r"got shape \(3, 3\)"),
        (lambda: data.blobs(centers=[]), ShapeError, r"got shape \(0,\)"),
        (lambda: data.blobs(centers=[[0.0, np.nan]]), ArgumentError, "centers must be finite"),
        (lambda: data.moons(rng=0), DtypeError, r"rng= needs a numpy\.random\.Generator"),
        (lambda: data.moons(n_samples=3), TypeError, "got an unexpected keyword argument 'n_samples'"),
        (lambda: data.xor(4), TypeError, "xor"),
    ],
)
def test_bad_arguments_are_named(call, kind, message):
    with pytest.raises(kind, match=message):
        call()
