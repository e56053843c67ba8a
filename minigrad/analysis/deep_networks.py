"""``deep_network``: many equal layers, to see what an activation function and an initialisation do to them."""

from __future__ import annotations

import numpy as np

from minigrad.checks import one_of
from minigrad.nn import Linear, Module, ReLU, Sequential, Sigmoid, Tanh, init
from minigrad.nn.checks import number_between, positive_integer

ACTIVATIONS: dict[str, type[Module]] = {"relu": ReLU, "sigmoid": Sigmoid, "tanh": Tanh}


def deep_network(
    depth: int,
    width: int,
    activation: str = "relu",
    initialisation: str | float = "he",
    *,
    inputs: int | None = None,
    outputs: int | None = None,
    rng: np.random.Generator | None = None,
) -> Sequential:
    """Return ``depth`` hidden layers of equal width, each with its activation function, and a linear output layer.

    Args:
        depth: the number of hidden layers.
        width: the number of units of each.
        activation: ``"relu"``, ``"sigmoid"`` or ``"tanh"``.
        initialisation: of all weights: ``"he"`` (He et al., "Delving deep into rectifiers", 2015, section 2.2:
            normal, of variance ``2 / fan_in``), ``"xavier"`` (Glorot and Bengio, "Understanding the difficulty of
            training deep feedforward neural networks", 2010, section 4.2.1: normal, of variance
            ``2 / (fan_in + fan_out)``), or the standard deviation of a normal distribution. Biases are 0.
        inputs: the number of features; ``width`` if None.
        outputs: the number of outputs; ``width`` if None.
        rng: draws the weights; the default generator if None.

    Raises:
        ArgumentError: when a size is no positive integer, or a name is none of these.

    >>> from minigrad.analysis import deep_network
    >>> deep_network(1, 3, "tanh", "xavier", outputs=2)
    Sequential(
      (0): Linear(in_features=3, out_features=3)
      (1): Tanh()
      (2): Linear(in_features=3, out_features=2)
    )  # 20 parameters
    """
    one_of("deep_network", "activation", activation, tuple(ACTIVATIONS))
    depth, width = (positive_integer("deep_network", *named) for named in (("depth", depth), ("width", width)))
    first = width if inputs is None else positive_integer("deep_network", "inputs", inputs)
    last = width if outputs is None else positive_integer("deep_network", "outputs", outputs)
    widths = [first, *[width] * depth, last]
    network = Sequential()
    for place in range(depth + 1):
        layer = Linear(widths[place], widths[place + 1], rng=rng)
        _initialise(layer, initialisation, rng)
        network.append(layer)
        if place < depth:
            network.append(ACTIVATIONS[activation]())
    return network


def _initialise(layer: Linear, initialisation: str | float, rng: np.random.Generator | None) -> None:
    assert layer.bias is not None
    init.zeros_(layer.bias)
    if not isinstance(initialisation, str):
        deviation = number_between("deep_network", "initialisation, as a standard deviation,", initialisation, 0)
        init.normal_(layer.weight, std=deviation, rng=rng)
    elif one_of("deep_network", "initialisation", initialisation, ("he", "xavier")) == "he":
        init.kaiming_normal_(layer.weight, nonlinearity="relu", rng=rng)
    else:
        init.xavier_normal_(layer.weight, rng=rng)
