"""What a badly conditioned loss costs: gradient descent, momentum and Newton's method on quadratic bowls.

Claim: gradient descent zig-zags, and even with its best learning rate needs kappa/2 ln(1/eps) steps to come eps times
as close, where kappa is the condition number. Heavy-ball momentum (Polyak, 1964) needs about the square root of kappa
in place of kappa; Newton's method needs one step.

Run: python examples/laboratory/conditioning.py        (needs matplotlib: pip install minigrad[plot])
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from minigrad import analysis, optim, viz

CLOSER = 1e-6  # eps: the distance to reach, as a share of that at the start
CONDITIONS = (10, 100, 1000)
ANGLE = 30  # degrees: no axis of the bowl lies along a coordinate
STEEP = np.array([-math.sin(math.radians(ANGLE)), math.cos(math.radians(ANGLE))])


@dataclass(frozen=True)
class Descent:
    """How one optimizer came down one bowl."""

    optimizer: str
    condition: int
    steps: int  # until it was close enough
    theory: float
    zigzag: float  # the share of steps that turn around along the steep axis


def optimizers(condition: int) -> dict:
    """Return each optimizer with its best settings for a bowl with eigenvalues 1 and condition, and theory's steps."""
    root, logarithm = math.sqrt(condition), math.log(1 / CLOSER)
    best, momentum = 4 / (1 + root) ** 2, ((root - 1) / (root + 1)) ** 2
    return {
        "gradient descent": (lambda p: optim.SGD(p, lr=2 / (1 + condition)), condition / 2 * logarithm),
        "heavy ball": (lambda p: optim.SGD(p, lr=best, momentum=momentum), root / 2 * logarithm),
        "Newton": (lambda p: optim.Newton(p), 1.0),
    }


def descend(name: str, condition: int, make_optimizer, theory: float) -> Descent:
    """Walk down the bowl, and count."""
    bowl = analysis.surfaces.quadratic_bowl(condition, angle=ANGLE)
    path = analysis.descend(make_optimizer, bowl, steps=math.ceil(1.5 * theory))
    distances = np.linalg.norm(path.points, axis=1)
    steps = int(np.argmax(distances <= CLOSER * distances[0])) or path.steps + 1
    along = np.diff(path.points[: steps + 1], axis=0) @ STEEP
    turned = along[1:] * along[:-1] < -((1e-12 * distances[0]) ** 2)  # what is below is rounding
    return Descent(name, condition, steps, theory, float(turned.mean()) if len(turned) else 0.0)


def exponent(descents: list[Descent], name: str) -> float:
    """Return the power of kappa with which an optimizer's steps grow, from the smallest to the largest."""
    steps = [d.steps for d in descents if d.optimizer == name]
    return math.log(steps[-1] / steps[0]) / math.log(CONDITIONS[-1] / CONDITIONS[0])


def measure() -> tuple[list[Descent], Descent]:
    """Return every descent, and a cautious one: a quarter of the best learning rate, on the bowl of 100."""
    descents = [descend(n, k, *optimizer) for k in CONDITIONS for n, optimizer in optimizers(k).items()]
    theory = math.log(1 / CLOSER) / -math.log(1 - 0.5 / 101)  # the flat axis, whose eigenvalue is 1
    return descents, descend("a quarter of the rate", 100, lambda p: optim.SGD(p, lr=0.5 / 101), theory)


def holds(descents: list[Descent]) -> bool:
    """Return whether the claim holds."""
    powers = {"gradient descent": 1, "heavy ball": 1 / 2, "Newton": 0}
    grows = all(abs(exponent(descents, name) - power) < 0.05 for name, power in powers.items())
    plain = [d for d in descents if d.optimizer == "gradient descent"]
    return grows and all(abs(d.steps / d.theory - 1) < 0.01 and d.zigzag == 1 for d in plain)


def main() -> None:
    print("Claim: gradient descent zig-zags, and needs kappa/2 ln(1/eps) steps; momentum needs about the root")
    print(f"of kappa in place of kappa, Newton's method one step. Measured, until {CLOSER:g} times as close:\n")
    descents, cautious = measure()
    print("kappa  optimizer              steps  theory  turns around along the steep axis")
    for d in (*descents, cautious):
        print(f"{d.condition:5}  {d.optimizer:21}  {d.steps:5}  {d.theory:6.0f}  {d.zigzag:6.0%} of steps")
    print("\nA quarter of the learning rate does not zig-zag, and takes four times as long: it is the flat axis")
    print("that lasts. Theory for the heavy ball is its rate at the end; the beginning is slower.")
    powers = ", ".join(f"{name} {exponent(descents, name):.2f}" for name in optimizers(1))
    print(f"The steps grow with this power of kappa: {powers}.")
    print(f"The claim holds: {holds(descents)}")

    output = Path("runs/laboratory/conditioning.png")
    output.parent.mkdir(parents=True, exist_ok=True)
    bowl, makers = analysis.surfaces.quadratic_bowl(20, angle=ANGLE), optimizers(20)
    viz.trajectory({name: made for name, (made, _) in makers.items()}, bowl, steps=60).savefig(output, dpi=150)
    print(f"the picture, of kappa 20, is in {output}")


if __name__ == "__main__":
    main()
