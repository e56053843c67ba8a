"""The learning rate: too small, right and too large.

Claim: near a minimum gradient descent comes closer exactly while its learning rate is below 2 / lambda_max, where
lambda_max is the largest eigenvalue of the Hessian there. Far below that it crawls; just above, it is driven out.

Run: python examples/laboratory/learning_rates.py        (needs matplotlib: pip install minigrad[plot])
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from minigrad import analysis, optim, viz
from minigrad.analysis import surfaces

STEPS = 30
PARABOLA = surfaces.Surface("parabola 2 x^2", lambda p: 2 * p[..., 0] ** 2, ((0.0,),), 0.0, ((-2.0, 2.0),), (1.0,))
# a surface, its minimum, and where to start; the last is no quadratic, so that the bound holds only near the minimum
PLACES = (
    (PARABOLA, (0.0,), (1.0,)),
    (surfaces.quadratic_bowl(10), (0.0, 0.0), (2.5, 1.0)),
    (surfaces.two_minima(), (2.0,), (2.001,)),
)


@dataclass(frozen=True)
class Run:
    """Gradient descent with one learning rate."""

    surface: str
    bound: float  # 2 / lambda_max
    choice: str
    learning_rate: float
    closer: float  # the distance to the minimum after all steps, over that at the start

    @property
    def outcome(self) -> str:
        """What it came to, in a word."""
        if self.closer > 1:
            return "diverges"
        return "converges" if self.closer < 0.01 else "crawls" if self.closer > 0.5 else "comes closer"


def measure() -> list[Run]:
    """Descend each surface with each learning rate."""
    runs = []
    for surface, minimum, start in PLACES:
        eigenvalues = analysis.classify_critical_point(surface, np.array(minimum)).eigenvalues
        smallest, largest = float(eigenvalues[0]), float(eigenvalues[-1])
        bound = 2 / largest
        rates = {
            "too small": 0.01 * bound,
            "best": 2 / (smallest + largest),
            "just below the bound": 0.95 * bound,
            "just above the bound": 1.05 * bound,
        }
        for choice, rate in rates.items():
            path = analysis.descend(lambda p, rate=rate: optim.SGD(p, lr=rate), surface, STEPS, start)
            distances = np.linalg.norm(path.points - minimum, axis=1)
            runs.append(Run(surface.name, bound, choice, rate, float(distances[-1] / distances[0])))
    return runs


def holds(runs: list[Run]) -> bool:
    """Return whether the claim holds."""
    expected = {"too small": {"crawls"}, "best": {"converges"}, "just above the bound": {"diverges"}}
    below = {"just below the bound": {"comes closer", "converges"}}
    return all(run.outcome in (expected | below)[run.choice] for run in runs)


def main() -> None:
    print("Claim: gradient descent comes closer to a minimum exactly while its learning rate is below 2 / lambda_max,")
    print(f"lambda_max the largest eigenvalue of the Hessian there. {STEPS} steps, from the same place each time:\n")
    runs = measure()
    print("surface                       bound  learning rate                 distance, end / start  outcome")
    for run in runs:
        chosen = f"{run.learning_rate:.4f}  {run.choice}"
        print(f"{run.surface:28}  {run.bound:.3f}  {chosen:29} {run.closer:21.2e}  {run.outcome}")
    print(
        "\nThe factor of a step along an axis is 1 - learning rate * lambda. The axis that is steepest sets the bound;"
    )
    print("the flattest one sets how long it takes.")
    print(f"The claim holds: {holds(runs)}")

    output = Path("runs/laboratory/learning_rates.png")
    output.parent.mkdir(parents=True, exist_ok=True)
    bowl = PLACES[1][0]
    rates = {f"{run.choice}, {run.learning_rate:.3f}": run.learning_rate for run in runs if run.surface == bowl.name}
    makers = {label: lambda p, rate=rate: optim.SGD(p, lr=rate) for label, rate in rates.items()}
    viz.trajectory(makers, bowl, steps=STEPS).savefig(output, dpi=150)
    print(f"the picture is in {output}")


if __name__ == "__main__":
    main()
