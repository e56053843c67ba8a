"""A checkpoint that was written before the engine was rebuilt is read, and training goes on from it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import minigrad as mg
from minigrad import nn, optim

# written by mg.save after three of the steps below; the losses are those of the next three
FILE = Path(__file__).parent / "earlier.safetensors"
LOSSES = [0.697681188583374, 0.696928858757019, 0.6968468427658081]


def test_a_checkpoint_of_the_earlier_engine_goes_on() -> None:
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2))
    optimizer = optim.Adam(model.parameters(), lr=0.01, weight_decay=0.1)
    scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=2)
    saved = mg.load(FILE)
    saved.restore(model=model, optimizer=optimizer, scheduler=scheduler)
    assert saved.extra == {"epoch": 3}
    X = mg.tensor(np.sin(np.arange(64.0)).reshape(16, 4).astype(np.float32))
    losses = []
    for _ in LOSSES:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(X), np.arange(16) % 2)
        loss.backward()
        optimizer.step()
        scheduler.step()
        losses.append(loss.item())
    np.testing.assert_allclose(losses, LOSSES, rtol=1e-5)
