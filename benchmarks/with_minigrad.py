"""A training step in minigrad."""

from __future__ import annotations

from typing import Any

from benchmarks.problem import LR, MOMENTUM, Sizes, Work, problem


def setting(sizes: Sizes, batch: int) -> tuple[Any, ...]:
    """Return model, criterion, optimizer, batch and labels."""
    import minigrad as mg
    from minigrad import nn, optim

    X, y, parameters = problem(sizes, batch)
    model = nn.MLP(sizes)
    for parameter, array in zip(model.parameters(), parameters, strict=True):
        parameter.data = array
    optimizer = optim.SGD(model.parameters(), lr=LR, momentum=MOMENTUM)
    return model, nn.CrossEntropyLoss(), optimizer, mg.tensor(X), mg.tensor(y)


def eager(sizes: Sizes, batch: int) -> Work:
    """The library as one uses it."""
    model, criterion, optimizer, X, y = setting(sizes, batch)

    def step() -> float:
        optimizer.zero_grad()
        loss = criterion(model(X), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    return Work(step, lambda: next(iter(model.parameters())).data)
