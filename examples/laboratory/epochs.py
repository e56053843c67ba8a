"""What an epoch is: the samples, the iterations and the updates of each, counted.

Claim: an epoch has ceil(samples / batch size) iterations; it sees every sample once, each epoch in an order of its
own; each iteration makes one update, so small batches make many more of them from the same data.

Run: python examples/laboratory/epochs.py
"""

import math
from dataclasses import dataclass

import numpy as np

import minigrad as mg
from minigrad import data, nn, optim

SAMPLES, EPOCHS = 100, 5
BATCH_SIZES = (1, 8, 32, 64, 100)


@dataclass(frozen=True)
class Count:
    """What was counted in the epochs of one batch size."""

    batch_size: int
    iterations: tuple[int, ...]  # of each epoch
    seen_once: bool  # every sample, in every epoch
    orders: int  # how many of the epochs' orders differ
    updates: int  # as the optimizer counts them, in all epochs
    loss: float

    @property
    def expected(self) -> int:
        """The iterations of an epoch, by the claim."""
        return math.ceil(SAMPLES / self.batch_size)


def train(batch_size: int) -> Count:
    """Train a line through noisy points, and count."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (SAMPLES, 1))
    y = 2 * x + 1 + rng.normal(0, 0.1, x.shape)
    model = nn.Linear(1, 1, dtype=np.float64, rng=rng)
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    # the samples' numbers travel with them, so that we can see who came
    loader = data.DataLoader((np.arange(SAMPLES), x, y), batch_size=batch_size, shuffle=True, seed=0)

    orders, iterations = [], []
    for _ in range(EPOCHS):
        batches = []
        for numbers, inputs, targets in loader:
            optimizer.zero_grad()
            ((model(inputs) - targets) ** 2).mean().backward()
            optimizer.step()
            batches.append(numbers.numpy())
        iterations.append(len(batches))
        orders.append(tuple(np.concatenate(batches).tolist()))

    with mg.no_grad():
        loss = ((model(mg.tensor(x)) - y) ** 2).mean().item()
    seen_once = all(sorted(order) == list(range(SAMPLES)) for order in orders)
    updates = optimizer.state[model.weight]["step"]
    return Count(batch_size, tuple(iterations), seen_once, len(set(orders)), updates, loss)


def measure() -> list[Count]:
    """Return what was counted, for each batch size."""
    return [train(batch_size) for batch_size in BATCH_SIZES]


def holds(counts: list[Count]) -> bool:
    """Return whether the claim holds for each batch size."""
    return all(
        count.seen_once
        and count.orders == EPOCHS
        and count.iterations == (count.expected,) * EPOCHS
        and count.updates == EPOCHS * count.expected
        for count in counts
    )


def main() -> None:
    print(f"Claim: an epoch of {SAMPLES} samples has ceil({SAMPLES} / batch size) iterations, one update each;")
    print(f"it sees every sample once, in a new order. {EPOCHS} epochs, counted:\n")
    print("batch size  expected  iterations of each epoch  all seen once  orders  updates  loss at the end")
    counts = measure()
    for count in counts:
        iterations = " ".join(map(str, count.iterations))
        print(
            f"{count.batch_size:10}  {count.expected:8}  {iterations:>24}  {count.seen_once!s:>13}  {count.orders:6}"
            f"  {count.updates:7}  {count.loss:15.4f}"
        )
    print("\nThe noise alone has a loss of 0.01. The same five epochs go further with more updates.")
    print(f"The claim holds: {holds(counts)}")


if __name__ == "__main__":
    main()
