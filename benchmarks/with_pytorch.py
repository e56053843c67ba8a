"""A training step in PyTorch: eager, with the fused optimizer, and compiled in two ways."""

from __future__ import annotations

import os
from itertools import pairwise
from typing import Any

from benchmarks.problem import LR, MOMENTUM, Sizes, Work, problem


def set_threads() -> None:
    import torch

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", torch.get_num_threads())))


def setting(sizes: Sizes, batch: int, fused: bool = False) -> tuple[Any, ...]:
    """Return model, criterion, optimizer, batch and labels."""
    import torch
    from torch import nn

    set_threads()
    X, y, parameters = problem(sizes, batch)
    layers = [layer for n, m in pairwise(sizes) for layer in (nn.Linear(n, m), nn.ReLU())]
    model = nn.Sequential(*layers[:-1])
    with torch.no_grad():
        for parameter, array in zip(model.parameters(), parameters, strict=True):
            parameter.copy_(torch.from_numpy(array))
    optimizer = torch.optim.SGD(model.parameters(), lr=LR, momentum=MOMENTUM, fused=fused)
    return model, nn.CrossEntropyLoss(), optimizer, torch.from_numpy(X), torch.from_numpy(y)


def eager(sizes: Sizes, batch: int, *, fused: bool = False, compiles: bool = False) -> Work:
    """PyTorch as one uses it."""
    import torch

    model, criterion, optimizer, X, y = setting(sizes, batch, fused)

    def forward(X: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return criterion(model(X), y)

    if compiles:
        forward = torch.compile(forward)

    def step() -> float:
        optimizer.zero_grad()
        loss = forward(X, y)
        loss.backward()
        optimizer.step()
        return loss.item()

    return Work(step, lambda: model[0].weight)


def fused(sizes: Sizes, batch: int) -> Work:
    """PyTorch with ``SGD(fused=True)``."""
    return eager(sizes, batch, fused=True)


def compiled(sizes: Sizes, batch: int) -> Work:
    """PyTorch with model and loss compiled, hence their backward pass too, and the fused optimizer."""
    return eager(sizes, batch, fused=True, compiles=True)


def compiled_step(sizes: Sizes, batch: int) -> Work:
    """The whole step compiled, written with ``torch.func`` as a function of arrays, without modules or optimizer."""
    import torch
    from torch.nn import functional as F

    set_threads()
    X, y, parameters = problem(sizes, batch)
    X, y, parameters = torch.from_numpy(X), torch.from_numpy(y), [torch.tensor(p) for p in parameters]
    momenta = [torch.zeros_like(p) for p in parameters]

    def loss_of(parameters: list[torch.Tensor], x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        for layer in range(0, len(parameters), 2):
            x = F.linear(x, parameters[layer], parameters[layer + 1])
            x = F.relu(x) if layer < len(parameters) - 2 else x
        return F.cross_entropy(x, y)

    @torch.compile
    def update(parameters: list, momenta: list, X: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        gradients, loss = torch.func.grad_and_value(loss_of)(parameters, X, y)
        for parameter, momentum, gradient in zip(parameters, momenta, gradients, strict=True):
            momentum.mul_(MOMENTUM).add_(gradient)
            parameter.sub_(LR * momentum)
        return loss

    return Work(lambda: update(parameters, momenta, X, y).item(), lambda: parameters[0])
