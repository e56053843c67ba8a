"""Two moons: classify points of the plane, and draw where the model decides for which class.

Run: python examples/moons.py        (needs matplotlib: pip install minigrad[plot])
"""

from pathlib import Path

import numpy as np

import minigrad as mg
from minigrad import data, nn, optim, viz


def main() -> None:
    mg.seed(0)
    moons = data.moons(400, noise=0.15, rng=np.random.default_rng(0))
    X, y = moons[:]
    model = nn.MLP([2, 16, 16, 2])
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    loader = data.DataLoader(moons, batch_size=100, shuffle=True)
    history = mg.fit(model, loader, loss=nn.CrossEntropyLoss(), optimizer=optimizer, epochs=100, progress=False)
    print(f"loss {history.train_loss[0]:.3f} -> {history.train_loss[-1]:.3f}")
    print(f"accuracy {history.metrics['train_accuracy'][-1]:.1%} of {len(moons)} points")

    output = Path("runs/moons")
    output.mkdir(parents=True, exist_ok=True)
    viz.decision_boundary(model, X, y).savefig(output / "boundary.png", dpi=150)
    print(f"the picture is in {output / 'boundary.png'}")


if __name__ == "__main__":
    main()
