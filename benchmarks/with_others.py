"""A training step in JAX, MyGrad, HIPS autograd and scikit-learn."""

from __future__ import annotations

import numpy as np

from benchmarks.problem import LR, MOMENTUM, Sizes, Work, problem


def jax_jit(sizes: Sizes, batch: int) -> Work:
    """JAX, the whole step compiled, its state donated."""
    import jax
    import jax.numpy as jnp

    X, y, parameters = problem(sizes, batch)
    X, y = jnp.asarray(X), jnp.asarray(y)
    state = [jnp.array(p) for p in parameters], [jnp.zeros_like(p) for p in parameters]

    def loss_of(parameters: list, x: jax.Array, y: jax.Array) -> jax.Array:
        for layer in range(0, len(parameters), 2):
            x = x @ parameters[layer].T + parameters[layer + 1]
            x = jax.nn.relu(x) if layer < len(parameters) - 2 else x
        return -jnp.take_along_axis(jax.nn.log_softmax(x), y[:, None], 1).mean()

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

    return Work(step, lambda: state[0][0])


def descend(parameters: list, gradients: list, momenta: list) -> None:
    """Update arrays in place; the frameworks that bring no optimizer use it."""
    for parameter, gradient, momentum in zip(parameters, gradients, momenta, strict=True):
        momentum *= MOMENTUM
        momentum += gradient
        parameter -= LR * momentum


def mygrad(sizes: Sizes, batch: int) -> Work:
    """MyGrad, with its memory guard off, which is its faster way."""
    import mygrad as mg
    from mygrad.nnet import relu, softmax_crossentropy

    mg.turn_memory_guarding_off()
    X, y, arrays = problem(sizes, batch)
    parameters = [mg.tensor(array) for array in arrays]
    momenta = [np.zeros_like(array) for array in arrays]

    def step() -> float:
        x = X
        for layer in range(0, len(parameters), 2):
            x = mg.matmul(x, parameters[layer].T) + parameters[layer + 1]
            x = relu(x) if layer < len(parameters) - 2 else x
        loss = softmax_crossentropy(x, y)
        loss.backward()  # forgets the gradients of the step before
        descend([p.data for p in parameters], [p.grad for p in parameters], momenta)
        return loss.item()

    return Work(step, lambda: parameters[0])


def autograd(sizes: Sizes, batch: int) -> Work:
    """HIPS autograd."""
    import autograd.numpy as anp
    from autograd import value_and_grad

    X, y, parameters = problem(sizes, batch)
    momenta = [np.zeros_like(array) for array in parameters]
    rows = np.arange(batch)

    def loss_of(parameters: list) -> np.floating:
        x = X
        for layer in range(0, len(parameters), 2):
            x = anp.dot(x, parameters[layer].T) + parameters[layer + 1]
            x = anp.maximum(x, 0) if layer < len(parameters) - 2 else x
        x = x - anp.max(x, axis=1, keepdims=True)
        return anp.mean(anp.log(anp.sum(anp.exp(x), axis=1)) - x[rows, y])

    differentiate = value_and_grad(loss_of)

    def step() -> float:
        loss, gradients = differentiate(parameters)
        descend(parameters, gradients, momenta)
        return float(loss)

    return Work(step, lambda: parameters[0])


def scikit_learn(sizes: Sizes, batch: int) -> Work:
    """scikit-learn: ``MLPClassifier.partial_fit`` of the batch; for two classes it has one logistic output."""
    from sklearn.neural_network import MLPClassifier

    X, y, arrays = problem(sizes, batch)
    sgd = {"solver": "sgd", "learning_rate_init": LR, "momentum": MOMENTUM, "nesterovs_momentum": False}
    model = MLPClassifier(tuple(sizes[1:-1]), **sgd, alpha=0, batch_size=batch, shuffle=False)
    model.partial_fit(X, y, classes=np.arange(sizes[-1]))  # makes the arrays, which are then the problem's
    weights, biases = [w.T for w in arrays[::2]], arrays[1::2]
    if sizes[-1] == 2:
        weights[-1], biases[-1] = np.diff(weights[-1], axis=1), np.diff(biases[-1])
    for mine, given in zip(model.coefs_ + model.intercepts_, weights + biases, strict=True):
        mine[...] = given
    for velocity in model._optimizer.velocities:
        velocity[...] = 0

    def step() -> float:
        model.partial_fit(X, y)
        return float(model.loss_)

    return Work(step, lambda: model.coefs_[0])
