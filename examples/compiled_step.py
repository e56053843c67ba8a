"""A training step, compiled: the same numbers, bit for bit, in less time.

Run: python examples/compiled_step.py
"""

import time

import numpy as np

import minigrad as mg
from minigrad import data, nn, optim

EPOCHS = 10


def train(compiled: bool) -> tuple[nn.Module, float]:
    """Train on the digits; return the model and the seconds that it took."""
    mg.seed(0)
    loader = data.DataLoader(data.digits(), batch_size=32, shuffle=True, drop_last=True)
    model = nn.MLP([64, 32, 10], dropout=0.1)
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

    def train_step(images: mg.Tensor, labels: mg.Tensor) -> mg.Tensor:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        return loss

    step = mg.compile(train_step) if compiled else train_step
    start = time.perf_counter()
    for _ in range(EPOCHS):
        mean = np.mean([step(images, labels).item() for images, labels in loader])
    print(f"{'compiled' if compiled else 'as written':>10}: loss {mean:.4f}")
    return model, time.perf_counter() - start


def main() -> None:
    ordinary, slow = train(compiled=False)
    replayed, fast = train(compiled=True)
    pairs = zip(ordinary.parameters(), replayed.parameters(), strict=True)
    print(f"every weight the same, to the last bit: {all(np.array_equal(a.data, b.data) for a, b in pairs)}")
    print(f"as it is written {slow:.2f} s, compiled {fast:.2f} s: {slow / fast:.1f} times as fast")


if __name__ == "__main__":
    main()
