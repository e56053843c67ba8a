"""A Hessian-vector product of the cross-entropy of an MLP, with respect to all its parameters."""

from __future__ import annotations

from benchmarks import problem
from benchmarks.problem import Sizes, Work
from benchmarks.serve import Peer
from benchmarks.with_pytorch import set_threads

TITLE = "A Hessian-vector product"
REFERENCES = ("PyTorch", "minigrad")
CASES = {name: problem.CASES[name] for name in (problem.SMALL, problem.MIDDLE)}
STEPS = 2


def with_minigrad(sizes: Sizes, batch: int) -> Work:
    """``mg.hvp``."""
    import minigrad as mg
    from minigrad.nn import functional as F

    X, y, arrays = problem.problem(sizes, batch)
    X, y, parameters = mg.tensor(X), mg.tensor(y), tuple(mg.tensor(array) for array in arrays)
    directions = tuple(mg.tensor(array * array) for array in arrays)

    def loss_of(*parameters: mg.Tensor) -> mg.Tensor:
        x = X
        for layer in range(0, len(parameters), 2):
            x = mg.linear(x, parameters[layer], parameters[layer + 1])
            x = mg.tanh(x) if layer < len(parameters) - 2 else x
        return F.cross_entropy(x, y)

    return Work(*keeping(lambda: mg.hvp(loss_of, parameters, directions)))


def with_pytorch(sizes: Sizes, batch: int) -> Work:
    """PyTorch: the gradient of the gradient times the vector."""
    import torch
    from torch.nn import functional as F

    set_threads()
    X, y, arrays = problem.problem(sizes, batch)
    X, y, parameters = torch.tensor(X), torch.tensor(y), [torch.tensor(a, requires_grad=True) for a in arrays]
    directions = [torch.tensor(array * array) for array in arrays]

    def product() -> tuple:
        x = X
        for layer in range(0, len(parameters), 2):
            x = F.linear(x, parameters[layer], parameters[layer + 1])
            x = torch.tanh(x) if layer < len(parameters) - 2 else x
        gradients = torch.autograd.grad(F.cross_entropy(x, y), parameters, create_graph=True)
        return torch.autograd.grad(gradients, parameters, directions)

    return Work(*keeping(product))


def with_jax(sizes: Sizes, batch: int) -> Work:
    """JAX, compiled: the gradient differentiated forwards."""
    import jax
    import jax.numpy as jnp

    X, y, arrays = problem.problem(sizes, batch)
    X, y, parameters = jnp.asarray(X), jnp.asarray(y), [jnp.asarray(array) for array in arrays]
    directions = [array * array for array in parameters]

    def loss_of(parameters: list) -> jax.Array:
        x = X
        for layer in range(0, len(parameters), 2):
            x = x @ parameters[layer].T + parameters[layer + 1]
            x = jnp.tanh(x) if layer < len(parameters) - 2 else x
        return -jnp.take_along_axis(jax.nn.log_softmax(x), y[:, None], 1).mean()

    product = jax.jit(lambda p, v: jax.jvp(jax.grad(loss_of), (p,), (v,))[1])
    return Work(*keeping(lambda: jax.block_until_ready(product(parameters, directions))))


def keeping(product):
    """Return the function and one that gives the first array of its last result."""
    last = None

    def run() -> None:
        nonlocal last
        last = product()

    return run, lambda: last[0]


PEERS = {
    "minigrad": Peer(with_minigrad),
    "PyTorch": Peer(with_pytorch, "torch"),
    "JAX jit": Peer(with_jax, "jax"),
}
