"""Time one training step of an MLP in minigrad and in other frameworks, side by side.

Run: make bench        (compares with PyTorch and JAX where they are installed in .venv)

A step is zero_grad, forward, cross-entropy, backward, SGD (lr 0.01, momentum 0.9), loss read as a float,
in float32. Each peer runs in a process of its own; rounds of all peers alternate, so that a change of the
machine's speed meets all alike. The ratio is the median over the rounds of time / time of the reference.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import pairwise

import numpy as np

# sizes, batch, steps in a round
SHAPES = [
    ([2, 16, 16, 2], 100, 1000),
    ([64, 32, 10], 32, 1000),
    ([784, 512, 10], 128, 150),
    ([784, 2048, 2048, 10], 512, 5),
]
LR, MOMENTUM = 0.01, 0.9
Step = Callable[[], float]


def problem(sizes: list[int], batch: int) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """Return a batch, its labels, and weights and biases in turn."""
    rng = np.random.default_rng(0)
    X = rng.random((batch, sizes[0]), dtype=np.float32)
    y = rng.integers(0, sizes[-1], batch)
    shapes = [shape for n, m in pairwise(sizes) for shape in ((m, n), (m,))]
    bounds = [n**-0.5 for n in sizes[:-1] for _ in range(2)]
    return X, y, [rng.uniform(-b, b, s).astype(np.float32) for s, b in zip(shapes, bounds, strict=True)]


def with_numpy(sizes: list[int], batch: int) -> Step:
    """Hand-written NumPy: what there is to win."""
    X, y, parameters = problem(sizes, batch)
    momenta = [np.zeros_like(p) for p in parameters]
    rows = np.arange(batch)

    def step() -> float:
        activations = [X]
        for layer in range(0, len(parameters), 2):
            x = activations[-1] @ parameters[layer].T
            x += parameters[layer + 1]
            if layer < len(parameters) - 2:
                np.maximum(x, 0, out=x)
            activations.append(x)
        scores = activations.pop()
        scores -= scores.max(axis=1, keepdims=True)
        probabilities = np.exp(scores)
        total = probabilities.sum(axis=1, keepdims=True)
        loss = float((np.log(total[:, 0]) - scores[rows, y]).mean())
        probabilities /= total
        probabilities[rows, y] -= 1
        probabilities /= batch
        g = probabilities
        for layer in range(len(parameters) - 2, -1, -2):
            x = activations.pop()
            weight_gradient, bias_gradient = g.T @ x, g.sum(axis=0)
            if layer:
                g = g @ parameters[layer]
                g *= x > 0
            for index, gradient in ((layer, weight_gradient), (layer + 1, bias_gradient)):
                momenta[index] *= MOMENTUM
                momenta[index] += gradient
                parameters[index] -= LR * momenta[index]
        return loss

    return step


def with_minigrad(sizes: list[int], batch: int) -> Step:
    """The library itself."""
    import minigrad as mg
    from minigrad import nn, optim

    X, y, parameters = problem(sizes, batch)
    model = nn.MLP(sizes)
    for parameter, array in zip(model.parameters(), parameters, strict=True):
        parameter.data = array
    optimizer = optim.SGD(model.parameters(), lr=LR, momentum=MOMENTUM)
    criterion, X, y = nn.CrossEntropyLoss(), mg.tensor(X), mg.tensor(y)

    def step() -> float:
        optimizer.zero_grad()
        loss = criterion(model(X), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def with_torch(sizes: list[int], batch: int) -> Step:
    """PyTorch, eager."""
    import torch
    from torch import nn

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    X, y, parameters = problem(sizes, batch)
    layers = [layer for n, m in pairwise(sizes) for layer in (nn.Linear(n, m), nn.ReLU())]
    model = nn.Sequential(*layers[:-1])
    with torch.no_grad():
        for parameter, array in zip(model.parameters(), parameters, strict=True):
            parameter.copy_(torch.from_numpy(array))
    optimizer = torch.optim.SGD(model.parameters(), lr=LR, momentum=MOMENTUM)
    criterion, X, y = nn.CrossEntropyLoss(), torch.from_numpy(X), torch.from_numpy(y)

    def step() -> float:
        optimizer.zero_grad()
        loss = criterion(model(X), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def with_jax(sizes: list[int], batch: int) -> Step:
    """JAX, the whole step compiled."""
    import jax
    import jax.numpy as jnp

    X, y, parameters = problem(sizes, batch)
    X, y = jnp.asarray(X), jnp.asarray(y)
    state = [jnp.asarray(p) for p in parameters], [jnp.zeros_like(p) for p in parameters]

    def loss_of(parameters: list, X: jax.Array, y: jax.Array) -> jax.Array:
        for layer in range(0, len(parameters), 2):
            X = X @ parameters[layer].T + parameters[layer + 1]
            if layer < len(parameters) - 2:
                X = jax.nn.relu(X)
        return -jnp.take_along_axis(jax.nn.log_softmax(X), y[:, None], 1).mean()

    def update(state: tuple, X: jax.Array, y: jax.Array) -> tuple:
        parameters, momenta = state
        loss, gradients = jax.value_and_grad(loss_of)(parameters, X, y)
        momenta = [MOMENTUM * m + g for m, g in zip(momenta, gradients, strict=True)]
        return ([p - LR * m for p, m in zip(parameters, momenta, strict=True)], momenta), loss

    compiled = jax.jit(update, donate_argnums=0)

    def step() -> float:
        nonlocal state
        state, loss = compiled(state, X, y)
        return float(loss)

    return step


PEERS = {"NumPy by hand": with_numpy, "minigrad": with_minigrad, "PyTorch": with_torch, "JAX jit": with_jax}
NEEDS = {"PyTorch": "torch", "JAX jit": "jax"}


def serve(peer: str) -> None:
    """Run in the peer's own process: for each line, the number of a shape, print microseconds a step and the loss."""
    steps: dict[int, Step] = {}
    for line in sys.stdin:
        shape = int(line)
        sizes, batch, count = SHAPES[shape]
        if shape not in steps:
            steps[shape] = PEERS[peer](sizes, batch)
            for _ in range(max(count // 5, 3)):
                steps[shape]()
        times = []
        for _ in range(count):
            start = time.perf_counter()
            loss = steps[shape]()
            times.append(time.perf_counter() - start)
        print(json.dumps([statistics.median(times) * 1e6, loss]), flush=True)


def measure(rounds: int, threads: int) -> dict[str, dict[str, list[float]]]:
    """Return for each shape and peer the microseconds of each round."""
    names = [name for name in PEERS if name not in NEEDS or importlib.util.find_spec(NEEDS[name])]
    variables = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    environment = {**os.environ, **dict.fromkeys(variables, str(threads))}
    if threads == 1:
        environment["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "env": environment}
    servers = {name: subprocess.Popen([sys.executable, __file__, "--serve", name], **pipes) for name in names}
    times: dict[str, dict[str, list[float]]] = {}
    for number, (sizes, batch, _) in enumerate(SHAPES):
        series = times.setdefault(f"{'-'.join(map(str, sizes))}, batch {batch}", {name: [] for name in names})
        for _ in range(rounds):
            for name, server in servers.items():
                server.stdin.write(f"{number}\n")
                server.stdin.flush()
                series[name].append(json.loads(server.stdout.readline())[0])
    for server in servers.values():
        server.stdin.close()
        server.wait()
    return times


def report(times: dict[str, dict[str, list[float]]], threads: int) -> None:
    """Print a Markdown table of the ratios to PyTorch, or to NumPy where there is no PyTorch."""
    names = list(next(iter(times.values())))
    reference = "PyTorch" if "PyTorch" in names else names[0]
    print(f"| MLP, {threads} threads | " + " | ".join(names) + " |")
    print("|---|" + "---|" * len(names))
    for shape, series in times.items():
        cells = []
        for name in names:
            ratio = statistics.median(a / b for a, b in zip(series[name], series[reference], strict=True))
            microseconds = statistics.median(series[name])
            cells.append(f"1 ({microseconds:,.0f} us)" if name == reference else f"{ratio:.2f}")
        print(f"| {shape} | " + " | ".join(cells) + " |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9, help="rounds of all peers for each shape (%(default)s)")
    parser.add_argument("--threads", type=int, default=2, help="threads of each peer (%(default)s)")
    parser.add_argument("--serve", choices=PEERS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve)
        return
    print(f"Python {platform.python_version()}, NumPy {np.__version__}, {platform.machine()}, {os.cpu_count()} cores\n")
    report(measure(options.rounds, options.threads), options.threads)


if __name__ == "__main__":
    main()
