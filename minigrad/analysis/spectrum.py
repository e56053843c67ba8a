"""The density of a large matrix's eigenvalues, by stochastic Lanczos quadrature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad.analysis.lanczos import Floats, Product, lanczos
from minigrad.checks import check_positive
from minigrad.engine.arrays import as_array


@dataclass(frozen=True, eq=False, repr=False)
class Spectrum:
    """Where the eigenvalues of a Hessian lie: an estimate of their density, as weighted points.

    Attributes:
        nodes: eigenvalues, ascending; the outermost are close to the Hessian's own, those between stand for many.
        weights: the share of all eigenvalues that each node stands for; they sum to 1.

    >>> from minigrad.analysis import Spectrum
    >>> spectrum = Spectrum(nodes=np.array([0.0, 4.0]), weights=np.array([0.75, 0.25]))
    >>> spectrum
    Spectrum(2 nodes from 0 to 4)
    """

    nodes: Floats
    weights: Floats

    def density(self, grid: Any, width: float | None = None) -> Floats:
        """Return the density at some eigenvalues: a normal distribution at each node, by its weight.

        Args:
            grid: the eigenvalues to evaluate at, of any shape.
            width: the standard deviation of each distribution; a hundredth of the nodes' range if None.

        Returns:
            The density, in the grid's shape; over the whole line its integral is 1.

        Raises:
            ArgumentError: when the width is not a positive finite number.

        >>> spectrum = Spectrum(nodes=np.array([0.0, 4.0]), weights=np.array([0.75, 0.25]))
        >>> spectrum.density([0.0, 4.0], width=0.5).round(2)
        array([0.6, 0.2])
        """
        width = check_positive("density: width", self._usual_width() if width is None else width)
        away = (as_array(grid, np.float64)[..., None] - self.nodes) / width
        bells = np.exp(-(away**2) / 2) / (width * np.sqrt(2 * np.pi))
        density: Floats = bells @ self.weights
        return density

    def __repr__(self) -> str:
        low, high = float(self.nodes.min()), float(self.nodes.max())
        return f"Spectrum({len(self.nodes):,} nodes from {low:.4g} to {high:.4g})"

    def _usual_width(self) -> float:
        low, high = self.nodes.min(), self.nodes.max()
        return float(high - low or abs(high) or 1.0) / 100  # where all are equal, by their size


def stochastic_lanczos_quadrature(product: Product, starts: list[Floats], steps: int) -> Spectrum:
    """Return the mean, over the starts, of the Gauss quadrature rules that Lanczos' iteration gives.

    The nodes are the eigenvalues of each tridiagonal matrix, the weights the squares of its eigenvectors' first
    elements (B. Ghorbani et al., "An investigation into neural net optimization via Hessian eigenvalue density", 2019,
    section 2.1).
    """
    nodes, weights = [], []
    for start in starts:
        values, vectors = np.linalg.eigh(lanczos(product, start, steps))
        nodes.append(values)
        weights.append(vectors[0] ** 2 / len(starts))
    flat = np.concatenate(nodes)
    order = np.argsort(flat, kind="stable")
    return Spectrum(flat[order], np.concatenate(weights)[order])
