"""Handwritten digits with `fit`: the same training, with validation, a schedule and curves.

Run: python examples/digits_with_fit.py
"""

from pathlib import Path

import numpy as np

import minigrad as mg
from minigrad import data, nn, optim, viz

EPOCHS = 20


def main() -> None:
    mg.seed(0)
    train, test = data.random_split(data.digits(), [0.8, 0.2], rng=np.random.default_rng(0))
    model = nn.MLP([64, 64, 10], dropout=0.1)
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

    history = mg.fit(
        model,
        data.DataLoader(train, batch_size=32, shuffle=True),
        loss=nn.CrossEntropyLoss(label_smoothing=0.05),
        optimizer=optimizer,
        epochs=EPOCHS,
        validation=data.DataLoader(test, batch_size=len(test)),
        scheduler=optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=EPOCHS),
    )

    output = Path("runs/digits_with_fit")
    output.mkdir(parents=True, exist_ok=True)
    viz.history(history).savefig(output / "history.svg")
    print(f"\n{history}\nthe curves are in {output / 'history.svg'}")


if __name__ == "__main__":
    main()
