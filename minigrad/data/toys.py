"""Toy sets: points in the plane, of a few classes, to look at what a model learns."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from minigrad.checks import check_integer, check_non_negative
from minigrad.data.dataset import TensorDataset
from minigrad.engine.arrays import as_array
from minigrad.engine.random import generator
from minigrad.engine.tensor import Tensor
from minigrad.errors import ArgumentError, ShapeError

Floats = npt.NDArray[np.float64]

MOST = 100_000_000  # points, or classes


def xor() -> TensorDataset:
    """Return the four points of the exclusive or: the smallest task that no linear model solves.

    Points are float32 of shape ``(4, 2)``, labels int64.

    >>> from minigrad import data
    >>> for point, label in data.xor():
    ...     print(point, label)
    tensor([0., 0.]) tensor(0)
    tensor([0., 1.]) tensor(1)
    tensor([1., 0.]) tensor(1)
    tensor([1., 1.]) tensor(0)
    """
    points = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
    return TensorDataset(points, np.array([0, 1, 1, 0], np.int64))


def moons(n: int = 200, noise: float = 0.1, *, rng: np.random.Generator | None = None) -> TensorDataset:
    """Return two half circles of radius 1 that reach into each other, in random order.

    Points are float32 of shape ``(n, 2)``, labels int64 of 0 (the upper moon) and 1, as many of each as there can be.

    Args:
        n: the number of points.
        noise: the standard deviation of what is added to each coordinate.
        rng: where the noise and the order come from; the default generator if None.

    Raises:
        ArgumentError: when ``n`` is no positive integer, or the noise is negative or not finite.

    >>> from minigrad import data
    >>> data.moons(100)
    TensorDataset(100 samples of (2,) float32, () int64)
    """
    upper, lower = _arms("moons", n, 2)
    points = np.concatenate(
        [
            np.stack([np.cos(np.pi * upper), np.sin(np.pi * upper)], axis=1),
            np.stack([1 - np.cos(np.pi * lower), 0.5 - np.sin(np.pi * lower)], axis=1),
        ]
    )
    return _scattered(points, _labels(upper, lower), check_non_negative("moons: noise", noise), rng)


def spirals(
    n: int = 300, classes: int = 3, noise: float = 0.03, *, rng: np.random.Generator | None = None
) -> TensorDataset:
    """Return the arms of a spiral of radius 1 round the origin, one for each class, in random order.

    Points are float32 of shape ``(n, 2)``, labels int64 from 0, as many of each as there can be.

    Args:
        n: the number of points.
        classes: the number of arms.
        noise: the standard deviation of what is added to each coordinate.
        rng: where the noise and the order come from; the default generator if None.

    Raises:
        ArgumentError: when ``n`` or ``classes`` is no positive integer, or the noise is negative or not finite.

    >>> from minigrad import data
    >>> data.spirals(90, classes=2)
    TensorDataset(90 samples of (2,) float32, () int64)
    """
    arms = _arms("spirals", n, check_integer("spirals: classes", classes, least=1, most=MOST))
    labels = _labels(*arms)
    along = np.concatenate(arms)
    radius = 0.1 + 0.9 * along  # not from 0, where all classes would be one point
    angle = 2 * np.pi * labels / classes + 4 * along
    points = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    return _scattered(points, labels, check_non_negative("spirals: noise", noise), rng)


def blobs(
    n: int = 300, centers: Any = 3, spread: float = 0.5, *, rng: np.random.Generator | None = None
) -> TensorDataset:
    """Return round clouds of points, one for each class, in random order.

    Points are float32 of shape ``(n, 2)``, labels int64 from 0, as many of each as there can be.

    Args:
        n: the number of points.
        centers: how many clouds, evenly on a circle of radius 2; or their places, of shape ``(classes, 2)``.
        spread: the standard deviation of each cloud.
        rng: where the points and the order come from; the default generator if None.

    Raises:
        ArgumentError: when ``n`` or ``centers`` is no positive integer, or the spread is negative or not finite.
        ShapeError: when the places are no points of the plane.

    >>> from minigrad import data
    >>> data.blobs(60, centers=[[0.0, 0.0], [3.0, 3.0]])
    TensorDataset(60 samples of (2,) float32, () int64)
    """
    places = _places(centers)
    labels = _labels(*_arms("blobs", n, len(places)))
    return _scattered(places[labels], labels, check_non_negative("blobs: spread", spread), rng)


def _places(centers: Any) -> Floats:
    if not isinstance(centers, (list, tuple, np.ndarray, Tensor)):
        angle = (
            2 * np.pi * np.linspace(0, 1, check_integer("blobs: centers", centers, least=1, most=MOST), endpoint=False)
        )
        return 2 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    places = as_array(centers.data if isinstance(centers, Tensor) else centers).astype(np.float64)
    if places.ndim != 2 or places.shape[1] != 2 or len(places) == 0:
        raise ShapeError(f"blobs: centers must be a number, or points of shape (classes, 2), got shape {places.shape}")
    if not np.isfinite(places).all():
        raise ArgumentError("blobs: centers must be finite")
    return places


def _arms(function: str, n: Any, classes: int) -> list[Floats]:
    """Share ``n`` points out to the classes: for each, where they lie along its curve, from 0 to 1."""
    whole, rest = divmod(check_integer(f"{function}: n", n, least=1, most=MOST), classes)
    return [np.linspace(0, 1, whole + (label < rest)) for label in range(classes)]


def _labels(*arms: Floats) -> npt.NDArray[np.int64]:
    return np.repeat(np.arange(len(arms), dtype=np.int64), [len(arm) for arm in arms])


def _scattered(
    points: Floats, labels: npt.NDArray[np.int64], noise: float, rng: np.random.Generator | None
) -> TensorDataset:
    random = generator(rng)
    scattered = points + noise * random.standard_normal(points.shape)
    order = random.permutation(len(points))
    return TensorDataset(scattered[order].astype(np.float32), labels[order])
