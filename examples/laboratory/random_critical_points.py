"""Why saddles are what high dimensions have: random critical points of each kind, counted.

Claim: the share of minima among critical points halves with each dimension if the signs of the Hessian's eigenvalues
are independent: 1 / 2^d. Gaussian symmetric matrices have far fewer still, since their eigenvalues repel one another:
1/2, then (2 - sqrt 2) / 4, and about exp(-d^2 ln(3) / 4) for large d (Dean and Majumdar, "Large deviations of extreme
eigenvalues of random matrices", 2006). What is neither minimum nor maximum is a saddle.

Run: python examples/laboratory/random_critical_points.py
"""

from dataclasses import dataclass

import numpy as np

from minigrad import analysis

SAMPLES, CHECKED, DIMENSIONS = 20_000, 20, range(1, 11)
# minima among Gaussian matrices: the solid angle of a cone for d = 2
GAUSSIAN = {1: 0.5, 2: (2 - 2**0.5) / 4, 3: 1 / 4 - 1 / (2**0.5 * np.pi)}


@dataclass(frozen=True)
class Share:
    """The kinds of critical points of one dimension, as shares of all samples."""

    dimension: int
    minima: float
    saddles: float
    agreed: int  # of those checked, how many the second derivative test calls the same

    def __str__(self) -> str:
        if self.minima == 0:
            return f"below {3 / SAMPLES:.5f}"  # at 95%: three in all the samples
        return f"{self.minima:.5f} ± {error(self.minima):.5f}"


def error(share: float) -> float:
    """Return the standard error of a share."""
    return (share * (1 - share) / SAMPLES) ** 0.5


def independent(rng: np.random.Generator, dimension: int) -> np.ndarray:
    """Draw Hessians: eigenvalues that are independent and Gaussian, along axes at random."""
    axes = np.linalg.qr(rng.normal(size=(SAMPLES, dimension, dimension))).Q
    return axes * rng.normal(size=(SAMPLES, 1, dimension)) @ axes.mT


def gaussian(rng: np.random.Generator, dimension: int) -> np.ndarray:
    """Draw Hessians from the Gaussian orthogonal ensemble: a Gaussian matrix plus its transpose."""
    matrices = rng.normal(size=(SAMPLES, dimension, dimension))
    return matrices + matrices.mT


def count(hessians: np.ndarray) -> Share:
    """Count what kind of critical point each Hessian makes of the origin, by the signs of its eigenvalues."""
    dimension = hessians.shape[1]
    positive = (np.linalg.eigvalsh(hessians) > 0).sum(axis=1)
    kinds = np.select([positive == dimension, positive == 0], ["minimum", "maximum"], "saddle")
    tested = [
        analysis.classify_critical_point(lambda x, A=hessian: x @ A @ x / 2, np.zeros(dimension)).kind
        for hessian in hessians[:CHECKED]
    ]
    agreed = int((kinds[:CHECKED] == tested).sum())
    return Share(dimension, float((kinds == "minimum").mean()), float((kinds == "saddle").mean()), agreed)


def measure() -> tuple[list[Share], list[Share]]:
    """Return the shares with independent signs, and those of Gaussian matrices."""
    rng = np.random.default_rng(0)
    return tuple([count(draw(rng, d)) for d in DIMENSIONS] for draw in (independent, gaussian))


def holds(signs: list[Share], matrices: list[Share]) -> bool:
    """Return whether the claim holds, to four standard errors."""
    expected = [(s.minima, 0.5**s.dimension) for s in signs]
    expected += [(m.minima, GAUSSIAN[m.dimension]) for m in matrices if m.dimension in GAUSSIAN]
    as_said = all(abs(share - theory) < 4 * error(theory) for share, theory in expected)
    fewer = all(m.minima < s.minima for s, m in zip(signs[1:], matrices[1:], strict=True))
    grows = all(np.all(np.diff([s.saddles for s in shares]) >= 0) for shares in (signs, matrices))
    return as_said and fewer and grows


def main() -> None:
    print("Claim: the share of minima among random critical points is 1 / 2^d with independent signs, far smaller with")
    print(f"Gaussian matrices, and the share of saddles grows with d. {SAMPLES:,} Hessians of each dimension:\n")
    signs, matrices = measure()
    print("     independent signs                          Gaussian symmetric matrices")
    print(" d   minima             theory     saddles      minima             theory     saddles")
    for s, m in zip(signs, matrices, strict=True):
        known = f"{GAUSSIAN[m.dimension]:.5f}" if m.dimension in GAUSSIAN else ""
        one = f"{s!s:17}  {0.5**s.dimension:.5f}   {s.saddles:8.3%}"
        print(f"{s.dimension:2}   {one}      {m!s:17}  {known:7}   {m.saddles:8.3%}")
    agreed = sum(share.agreed for share in (*signs, *matrices))
    print(f"\nThe second derivative test agrees on {agreed} of the {2 * len(signs) * CHECKED} that it was tried on.")
    print(f"The claim holds: {holds(signs, matrices)}")


if __name__ == "__main__":
    main()
