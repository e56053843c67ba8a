"""The step of Adam and RMSprop by itself, with gradients that stay as they are."""

from __future__ import annotations

from benchmarks import problem
from benchmarks.problem import Sizes, Work
from benchmarks.serve import Peer
from benchmarks.with_pytorch import set_threads

TITLE = "An optimizer's step"
REFERENCES = ("PyTorch", "minigrad")
CASES = {
    f"{algorithm}, {problem.label(*shape).split(',')[0]}": (algorithm, *shape)
    for algorithm in ("Adam", "RMSprop")
    for shape in (problem.CASES[problem.SMALL], problem.CASES[problem.MIDDLE])
}
STEPS = 20


def with_minigrad(algorithm: str, sizes: Sizes, batch: int) -> Work:
    """The library's optimizer."""
    import minigrad as mg
    from minigrad import optim

    _, _, arrays = problem.problem(sizes, batch)
    parameters = [mg.tensor(array, requires_grad=True) for array in arrays]
    for parameter, array in zip(parameters, arrays, strict=True):
        parameter.grad = mg.tensor(array * array)
    optimizer = getattr(optim, algorithm)(parameters, lr=1e-3)
    return Work(optimizer.step, lambda: parameters[0].data)


def with_pytorch(algorithm: str, sizes: Sizes, batch: int) -> Work:
    """PyTorch's optimizer, as it is by default."""
    import torch

    set_threads()
    _, _, arrays = problem.problem(sizes, batch)
    parameters = [torch.tensor(array, requires_grad=True) for array in arrays]
    for parameter, array in zip(parameters, arrays, strict=True):
        parameter.grad = torch.tensor(array * array)
    optimizer = getattr(torch.optim, algorithm)(parameters, lr=1e-3)
    return Work(optimizer.step, lambda: parameters[0].detach())


PEERS = {"minigrad": Peer(with_minigrad), "PyTorch": Peer(with_pytorch, "torch")}
