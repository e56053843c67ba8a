"""Where training goes: the minimum ratio of a small network's Hessian over a run, against the training loss.

Claim: at a lower loss the minimum ratio, the share of positive eigenvalues, is larger, by rank and not at each step. It
does not reach 1: even late in training some directions curve down, though less and less. (Dauphin et al., "Identifying
and attacking the saddle point problem", 2014, find it at critical points, which these points on the way are not.)

Run: python examples/laboratory/minimum_ratio.py
"""

from dataclasses import dataclass

import numpy as np

from minigrad import data, nn, optim
from minigrad.analysis import Curvature

SEEDS = range(5)
UPDATES = (0, 3, 10, 30, 100, 300, 1000)


@dataclass(frozen=True)
class Place:
    """Where a run was after so many updates."""

    updates: int
    loss: float
    gradient_norm: float
    minimum_ratio: float
    lowest: float  # eigenvalue
    highest: float


def train(seed: int) -> list[Place]:
    """Train 2 -> 8 -> 1 on noisy moons with full batches, and stop at times to measure."""
    rng = np.random.default_rng(seed)
    points, labels = data.moons(100, noise=0.2, rng=rng)[:]
    X, y = points.astype("float64"), labels.astype("float64").reshape(-1, 1)
    model = nn.MLP([2, 8, 1], nn.Tanh, dtype=np.float64, rng=rng)
    criterion = nn.BCEWithLogitsLoss()
    optimizer = optim.SGD(model.parameters(), lr=0.5, momentum=0.9)
    curvature = Curvature(model, lambda: criterion(model(X), y))

    places = []
    for update in range(UPDATES[-1] + 1):
        loss = criterion(model(X), y)
        if update in UPDATES:
            ends = curvature.eigenvalues(top=1, bottom=1)
            gradient_norm = float(np.linalg.norm(curvature.gradient()))
            ratio = curvature.minimum_ratio()
            places.append(Place(update, loss.item(), gradient_norm, ratio, float(ends.bottom[0]), float(ends.top[0])))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return places


def rank_correlation(places: list[Place]) -> float:
    """Return Spearman's correlation of loss and minimum ratio; equal ratios share their mean rank."""
    columns = np.array([[place.loss for place in places], [place.minimum_ratio for place in places]])
    below = (columns[:, None, :] < columns[:, :, None]).sum(axis=2)
    equal = (columns[:, None, :] == columns[:, :, None]).sum(axis=2)
    return float(np.corrcoef(below + equal / 2)[0, 1])


def measure() -> list[list[Place]]:
    """Return the run of each seed."""
    return [train(seed) for seed in SEEDS]


def holds(runs: list[list[Place]]) -> bool:
    """Return whether the claim holds for each seed."""
    grows = all(run[-1].minimum_ratio > run[0].minimum_ratio and rank_correlation(run) < -0.5 for run in runs)
    below_one = all(place.minimum_ratio < 1 for run in runs for place in run)
    weaker = all(run[-1].lowest > 0.1 * run[0].lowest for run in runs)
    return grows and below_one and weaker


def main() -> None:
    print("Claim: the lower the loss, the larger the minimum ratio: not at each step, but their ranks correlate below")
    print("-0.5, and it is larger at the end. It stays below 1, while downward curvature becomes weaker.")
    print("(minimum ratio: the share of the Hessian's eigenvalues that are positive, 1 at a minimum)\n")
    runs = measure()
    print("updates    loss  gradient norm  minimum ratio  lowest eigenvalue  highest eigenvalue   (seed 0)")
    for place in runs[0]:
        print(
            f"{place.updates:7}  {place.loss:6.4f}  {place.gradient_norm:13.4f}  {place.minimum_ratio:13.2f}"
            f"  {place.lowest:17.1e}  {place.highest:18.4f}"
        )

    print("\nseed  ratio at first  at the end  largest of the run  rank correlation of ratio and loss")
    for seed, run in zip(SEEDS, runs, strict=True):
        ratios = [place.minimum_ratio for place in run]
        print(f"{seed:4}  {ratios[0]:14.2f}  {ratios[-1]:10.2f}  {max(ratios):18.2f}  {rank_correlation(run):35.2f}")

    print(f"\nThe claim holds: {holds(runs)}")


if __name__ == "__main__":
    main()
