"""A training step written by hand in NumPy: plainly, and with every array allocated beforehand."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from benchmarks.problem import LR, MOMENTUM, Sizes, Work, problem

BLOCK = 1 << 16  # elements of the update that are in the cache together


def plain(sizes: Sizes, batch: int) -> Work:
    """NumPy as one writes it."""
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

    return Work(step, lambda: parameters[0])


def buffers(sizes: Sizes, batch: int) -> Work:
    """NumPy with nothing allocated in a step: what there is to win."""
    X, y, arrays = problem(sizes, batch)
    flat, momenta, gradients = (np.zeros(sum(a.size for a in arrays), np.float32) for _ in range(3))
    parameters, slots = views(flat, arrays), views(gradients, arrays)
    for parameter, array in zip(parameters, arrays, strict=True):
        parameter[...] = array
    weights, biases = parameters[::2], parameters[1::2]
    outputs = [np.empty((batch, n), np.float32) for n in sizes[1:]]
    upstream = [np.empty_like(x) for x in outputs[:-1]]
    masks = [np.empty(x.shape, bool) for x in upstream]
    layers = list(zip([X, *outputs], [w.T for w in weights], biases, outputs, strict=False))
    backwards = list(zip(slots[::2], slots[1::2], [X, *outputs], weights, [None, *upstream], strict=False))[::-1]
    loss_of = cross_entropy(outputs[-1], y)
    update = sgd(flat, gradients, momenta)
    ones = np.ones(batch, np.float32)

    def step() -> float:
        for x, weight, bias, out in layers:
            np.dot(x, weight, out=out)
            np.add(out, bias, out=out)
            if out is not outputs[-1]:
                np.maximum(out, 0, out=out)
        loss, g = loss_of()
        for depth, (weight_slot, bias_slot, x, weight, below) in enumerate(backwards, 1):
            np.dot(g.T, x, out=weight_slot)
            np.dot(ones, g, out=bias_slot)
            if below is not None:
                np.dot(g, weight, out=below)
                g = np.multiply(below, np.greater(x, 0, out=masks[-depth]), out=below)
        update()
        return loss

    return Work(step, lambda: parameters[0])


def views(flat: np.ndarray, arrays: list[np.ndarray]) -> list[np.ndarray]:
    """Return views of one long array in the shapes of others."""
    bounds = np.cumsum([0, *(a.size for a in arrays)]).tolist()
    return [flat[start:end].reshape(a.shape) for (start, end), a in zip(pairwise(bounds), arrays, strict=True)]


def cross_entropy(logits: np.ndarray, y: np.ndarray):
    """Return a function of the loss of what ``logits`` then holds, and its gradient, which overwrites them."""
    batch, classes = logits.shape
    places = np.arange(batch) * classes + y
    elements = logits.reshape(-1)
    greatest, total = np.empty((batch, 1), np.float32), np.empty((batch, 1), np.float32)
    picked, logarithms = np.empty(batch, np.float32), np.empty((batch, 1), np.float32)

    def loss_and_gradient() -> tuple[float, np.ndarray]:
        np.maximum.reduce(logits, axis=1, keepdims=True, out=greatest)
        np.subtract(logits, greatest, out=logits)
        elements.take(places, out=picked, mode="clip")  # "raise" would copy the output
        np.exp(logits, out=logits)
        np.add.reduce(logits, axis=1, keepdims=True, out=total)
        np.log(total, out=logarithms)
        loss = float((np.add.reduce(logarithms[:, 0]) - np.add.reduce(picked)) / np.float32(batch))
        np.multiply(total, batch, out=total)
        np.divide(logits, total, out=logits)
        elements[places] -= 1 / batch
        return loss, logits

    return loss_and_gradient


def sgd(flat: np.ndarray, gradients: np.ndarray, momenta: np.ndarray):
    """Return a function that updates all parameters at once, block by block."""
    starts = range(0, flat.size, BLOCK)
    blocks = [tuple(array[start : start + BLOCK] for array in (flat, gradients, momenta)) for start in starts]
    scratch = np.empty(min(flat.size, BLOCK), np.float32)

    def update() -> None:
        for parameter, gradient, momentum in blocks:
            np.multiply(momentum, MOMENTUM, out=momentum)
            np.add(momentum, gradient, out=momentum)
            step = scratch[: parameter.size]
            np.subtract(parameter, np.multiply(momentum, LR, out=step), out=parameter)

    return update
