"""Why a network needs activation functions: linear layers in a row are one linear layer.

Claim: two linear layers are one, with the weight W2 W1, whose rank the narrow middle limits; they cannot learn XOR,
and stay at a loss of ln 2. With a relu between them they learn it.

Run: python examples/laboratory/linear_collapse.py
"""

import math
from dataclasses import dataclass

import numpy as np

import minigrad as mg
from minigrad import data, nn, optim

SEEDS = range(10)


@dataclass(frozen=True)
class Collapse:
    """How two linear layers, 8 -> 3 -> 8, compare with the one that they make."""

    difference: float  # the largest between their outputs, relative to the largest output
    entries: int  # of the one layer's weight
    rank: int
    width: int  # of the middle
    bent_difference: float  # the same with a relu in the middle


@dataclass(frozen=True)
class Training:
    """What the seeds gave on XOR."""

    losses: tuple[float, ...]
    right: tuple[int, ...]  # of the four points


def collapse() -> Collapse:
    """Multiply two layers into one, and compare."""
    rng = np.random.default_rng(0)
    two = nn.MLP([8, 3, 8], activation=nn.Identity, dtype=np.float64, rng=rng)
    bent = nn.Sequential(two[0], nn.ReLU(), two[2])
    x = mg.tensor(rng.normal(size=(1000, 8)))
    with mg.no_grad():
        weight = two[2].weight @ two[0].weight
        bias = two[2].weight @ two[0].bias + two[2].bias
        one, output, bent_output = x @ weight.T + bias, two(x), bent(x)
    largest = mg.abs(output).max()
    differences = [(mg.abs(other - one).max() / largest).item() for other in (output, bent_output)]
    rank = int(np.linalg.matrix_rank(weight.numpy()))
    return Collapse(differences[0], weight.size, rank, two[0].out_features, differences[1])


def learn_xor(activation: type[nn.Module]) -> Training:
    """Train 2 -> 8 -> 2 on XOR with each seed."""
    X, y = data.xor()[:]
    criterion, losses, right = nn.CrossEntropyLoss(), [], []
    for seed in SEEDS:
        model = nn.MLP([2, 8, 2], activation, rng=np.random.default_rng(seed))
        optimizer = optim.Adam(model.parameters(), lr=0.05)
        mg.fit(model, [(X, y)], loss=criterion, optimizer=optimizer, epochs=300, progress=False)
        figures = mg.evaluate(model, [(X, y)], loss=criterion)
        losses.append(figures["loss"])
        right.append(round(4 * figures["accuracy"]))
    return Training(tuple(losses), tuple(right))


def measure() -> tuple[Collapse, Training, Training]:
    """Return the comparison, and XOR without and with relu."""
    return collapse(), learn_xor(nn.Identity), learn_xor(nn.ReLU)


def holds(one: Collapse, linear: Training, relu: Training) -> bool:
    """Return whether the claim holds."""
    same = one.difference < 1e-12 and one.rank == one.width
    stuck = min(linear.losses) > 0.999 * math.log(2) and max(linear.right) <= 3
    return same and stuck and min(relu.right) == 4


def main() -> None:
    print("Claim: linear layers in a row are one linear layer, and cannot learn XOR; with relu they can.\n")
    one, linear, relu = measure()
    print(f"two layers and the one they make differ by   {one.difference:.1e} of the largest output")
    print(f"with a relu in the middle they differ by     {one.bent_difference:.1e}")
    print(f"the one weight has {one.entries} entries, and rank        {one.rank}, the width of the middle\n")

    print(f"XOR, {len(SEEDS)} seeds     least loss  greatest loss  right of 4, by seed")
    for name, training in (("no activation", linear), ("relu", relu)):
        right = " ".join(map(str, training.right))
        print(f"{name:16}  {min(training.losses):10.4f}  {max(training.losses):13.4f}  {right}")
    print(f"{'ln 2':16}  {math.log(2):10.4f}  {'':13}  the best of a straight line: one half for every point")

    print(f"\nThe claim holds: {holds(one, linear, relu)}")


if __name__ == "__main__":
    main()
