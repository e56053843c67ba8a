"""How to pass a local minimum: momentum, and the noise of small batches.

Claim: gradient descent stops in the first minimum on its way. With enough momentum it passes a local one, since it
still has the height that it came down from; with the noise of small batches it may be pushed out of one.

Run: python examples/laboratory/local_minimum.py        (needs matplotlib: pip install minigrad[plot])
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from minigrad import analysis, nn, optim, viz

SURFACE = analysis.surfaces.two_minima()  # a local minimum at -1, a barrier at 0, the global minimum at 2
LEARNING_RATE = 0.05
RUNS, SAMPLES, STEPS = 100, 64, 500


@dataclass(frozen=True)
class Noisy:
    """A hundred runs of gradient descent with minibatches of one size."""

    batch_size: int
    noise: float  # root mean square of a batch's gradient less the gradient of all samples
    passed: float  # the share of runs that were beyond the barrier at some step
    ended: float  # the share of runs that were beyond it at the last step


def descent(momentum: float, steps: int = STEPS) -> analysis.Path:
    """Return the way down with a momentum."""
    return analysis.descend(lambda p: optim.SGD(p, lr=LEARNING_RATE, momentum=momentum), SURFACE, steps)


def minibatches(batch_size: int) -> Noisy:
    """Descend with minibatches from the local minimum's side, a hundred runs next to one another.

    The loss of sample i is the surface plus slopes[i] * x. The slopes sum to zero, so the mean loss of all samples is
    the surface itself, and the gradient of a batch is the surface's plus the mean of its slopes.
    """
    rng = np.random.default_rng(0)
    slopes = rng.normal(0, 8, SAMPLES)
    slopes -= slopes.mean()
    x = nn.Parameter(np.full((RUNS, 1), SURFACE.start[0]))
    optimizer = optim.SGD([x], lr=LEARNING_RATE)
    noise, beyond = [], np.zeros((STEPS, RUNS), bool)
    for step in range(STEPS):
        batches = rng.permuted(np.tile(slopes, (RUNS, 1)), axis=1)[:, :batch_size]  # one for each run
        batch_slopes = batches.mean(axis=1, keepdims=True)
        optimizer.zero_grad()
        (SURFACE(x).sum() + (batch_slopes * x).sum()).backward()
        optimizer.step()
        noise.append(np.mean(batch_slopes**2))
        beyond[step] = x.numpy().ravel() > 0
    return Noisy(batch_size, float(np.mean(noise)) ** 0.5, float(beyond.any(axis=0).mean()), float(beyond[-1].mean()))


def measure() -> tuple[dict[float, analysis.Path], list[Noisy]]:
    """Return the ways with each momentum, and the shares with each batch size."""
    ways = {momentum: descent(momentum) for momentum in (0.0, 0.5, 0.9)}
    return ways, [minibatches(size) for size in (SAMPLES, 16, 8, 4, 1)]


def holds(ways: dict[float, analysis.Path], runs: list[Noisy]) -> bool:
    """Return whether the claim holds."""
    stops, passes = ways[0.0].points[-1, 0], ways[0.9].points[-1, 0]
    full, smallest = runs[0], runs[-1]
    return abs(stops + 1) < 1e-6 and abs(passes - 2) < 1e-6 and full.passed == 0 and smallest.passed > 0.9


def main() -> None:
    print("Claim: gradient descent stops in the first minimum on its way; enough momentum carries it through a local")
    print("one, and the noise of small batches pushes it out. The local minimum is at -1, the global one at 2.\n")
    ways, runs = measure()
    print(f"momentum  farthest x  last x  loss       ({STEPS} steps, learning rate {LEARNING_RATE})")
    for momentum, way in ways.items():
        print(f"{momentum:8}  {way.points.max():10.3f}  {way.points[-1, 0]:6.3f}  {way.losses[-1]:.3f}")

    print(f"\nbatch size  noise of the gradient  passed the barrier  beyond it at the end   (of {RUNS} runs)")
    for run in runs:
        standard_error = (run.passed * (1 - run.passed) / RUNS) ** 0.5
        passed = f"{run.passed:.0%} ± {standard_error:.0%}"
        print(f"{run.batch_size:10}  {run.noise:21.2f}  {passed:>18}  {run.ended:20.0%}")
    print(f"\nA batch of all {SAMPLES} samples has no noise: that is plain gradient descent. Much noise helps out of")
    print("the local minimum, and out of the global one as well: some runs of batch size 1 have come back.")
    print(f"The claim holds: {holds(ways, runs)}")

    output = Path("runs/laboratory/local_minimum.png")
    output.parent.mkdir(parents=True, exist_ok=True)
    beginnings = {f"momentum {momentum}": descent(momentum, steps=80) for momentum in ways}
    viz.trajectory(beginnings, SURFACE).savefig(output, dpi=150)
    print(f"the picture is in {output}")


if __name__ == "__main__":
    main()
