"""Bad input to pictures."""

from __future__ import annotations

import numpy as np

import minigrad as mg
from minigrad import nn, viz
from minigrad.errors import ArgumentError, DtypeError, GraphError, ShapeError, StateDictError
from tests.bad_input.given import (
    LOSS,
    OPTIMIZERS,
    SURFACE,
    Cases,
    X,
    a_spectrum,
    a_study,
    a_trace,
    itself,
    net,
    net_loss,
    total,
)

VIZ: Cases = {
    "viz.draw": [
        (lambda: viz.draw(3), DtypeError, "a picture of a graph needs a tensor, such as a loss; got int"),
        (lambda: viz.draw(X, direction="up"), ArgumentError, "direction must be one of LR, TB, RL, BT; got 'up'"),
        (lambda: viz.draw(X, collapse="maybe"), ArgumentError, "collapse must be True, False or \"auto\"; got 'maybe'"),
        (lambda: viz.draw(X, title=3), DtypeError, "title must be a string, got int"),
    ],
    "viz.player": [
        (lambda: viz.player(3), DtypeError, "a picture of a graph needs a tensor, such as a loss; got int"),
        (lambda: viz.player(X.sum(), optimizer=3), DtypeError, "optimizer= must be an optimizer, such as"),
        (lambda: viz.player(X.sum(), gradient="a"), DtypeError, "expected real numbers or booleans, got <U1 (str)"),
        (lambda: viz.player(X.sum(), title=3), DtypeError, "title must be a string, got int"),
    ],
    "viz.Player": [
        (lambda: viz.Player(3), DtypeError, "Player plays a trace, such as viz.trace(loss); got int"),
        (lambda: viz.Player(), TypeError, "() missing 1 required positional argument: 'trace'"),
        (lambda: viz.Player(a_trace(), 3), DtypeError, "title must be a string, got int"),
    ],
    "viz.trace": [
        (lambda: viz.trace(3), DtypeError, "a picture of a graph needs a tensor, such as a loss; got int"),
        (lambda: viz.trace(X.sum(), optimizer="sgd"), DtypeError, "optimizer= must be an optimizer, such as"),
        (lambda: viz.trace(X.sum(), gradient=[1, 2]), ShapeError, "gradient= must have the output's shape (), got"),
        (lambda: viz.trace(mg.tensor(1.0)), GraphError, "a tensor of shape () depends on no tensor that requires a"),
    ],
    "viz.step": [
        (lambda: viz.step(3), DtypeError, "a picture of a graph needs a tensor, such as a loss; got int"),
        (lambda: viz.step(X.sum(), optimizer=3), DtypeError, "optimizer= must be an optimizer, such as"),
        (lambda: viz.step(X.sum(), gradient="a"), DtypeError, "expected real numbers or booleans, got <U1 (str)"),
    ],
    "viz.history": [
        (lambda: viz.history(3), DtypeError, "history() draws what mg.fit(...) returned, got int"),
        (lambda: viz.history({}), DtypeError, "history() draws what mg.fit(...) returned, got dict"),
        (lambda: viz.history({"a": 3}), DtypeError, "history() draws what mg.fit(...) returned, got dict"),
        (lambda: viz.history({"a": ["b"]}), DtypeError, "history() draws what mg.fit(...) returned, got dict"),
    ],
    "viz.decision_boundary": [
        (
            lambda: viz.decision_boundary(3, np.ones((4, 2)), [0, 1, 0, 1]),
            DtypeError,
            "model must be a module or a function of points (M, 2), got int",
        ),
        (
            lambda: viz.decision_boundary(nn.Linear(2, 2), np.ones((4, 3)), [0, 1, 0, 1]),
            ShapeError,
            "decision_boundary() draws points in the plane: X must have shape (N, 2), got (4, 3)",
        ),
        (
            lambda: viz.decision_boundary(nn.Linear(2, 2), np.ones((4, 2)), [0, 1, 0, 1], resolution=0),
            ArgumentError,
            "resolution must be an integer of at least 2, got",
        ),
        (
            lambda: viz.decision_boundary(nn.Linear(2, 2), "a", [0, 1, 0, 1]),
            DtypeError,
            "expected real numbers or booleans, got <U1 (str)",
        ),
    ],
    "viz.landscape": [
        (lambda: viz.landscape(3, lambda: X.sum()), DtypeError, "model must be a module or a list of tensors, got int"),
        (lambda: viz.landscape(nn.Linear(2, 2), 3), DtypeError, "loss must be a function without arguments that"),
        (
            lambda: viz.landscape(net(), net_loss, directions="up"),
            ArgumentError,
            "directions must be 'random', 'hessian', 'path', got 'up'",
        ),
        (lambda: viz.landscape(net(), net_loss, resolution=0), ArgumentError, "resolution must be an integer of at"),
    ],
    "viz.landscape_line": [
        (lambda: viz.landscape_line(3, net_loss, {}), DtypeError, "model must be a module or a list of tensors, got"),
        (lambda: viz.landscape_line(net(), net_loss, 3), ShapeError, "other_state must be a state dict, or all"),
        (lambda: viz.landscape_line(net(), net_loss, {}), StateDictError, "other_state lacks the parameter"),
        (
            lambda: viz.landscape_line(net(), net_loss, net().state_dict()),
            ArgumentError,
            "other_state is where the model is; pass another solution",
        ),
    ],
    "viz.trajectory": [
        (lambda: viz.trajectory(3, SURFACE), DtypeError, "optimizers must be a list or dict of functions such as"),
        (lambda: viz.trajectory({}, SURFACE), ArgumentError, "no optimizers; pass at least one, such as lambda p:"),
        (lambda: viz.trajectory({"a": 3}, SURFACE), DtypeError, "an entry of optimizers must be a function that"),
        (lambda: viz.trajectory(OPTIMIZERS, SURFACE, start=[1.0]), ShapeError, "start must be a point of the surface"),
    ],
    "viz.animate_trajectory": [
        (lambda: viz.animate_trajectory(3, SURFACE), DtypeError, "optimizers must be a list or dict of functions"),
        (lambda: viz.animate_trajectory(OPTIMIZERS, 3), DtypeError, "surface must be a Surface, such as"),
        (
            lambda: viz.animate_trajectory(OPTIMIZERS, SURFACE, frames=0),
            ArgumentError,
            "frames must be an integer of at least 2, got 0",
        ),
        (
            lambda: viz.animate_trajectory(OPTIMIZERS, SURFACE, frames="a"),
            ArgumentError,
            "frames must be an integer of at least 2, got 'a'",
        ),
    ],
    "viz.directional": [
        (lambda: viz.directional(3, [1.0, 2.0]), DtypeError, "f must be a function of a tensor of shape (2,), got int"),
        (lambda: viz.directional(total, [1.0]), ShapeError, "directional() draws functions of the plane: x must have"),
        (lambda: viz.directional(total, [1.0, 2.0], radius=-1), ArgumentError, "radius must be a finite number, zero"),
        (lambda: viz.directional(itself, [1.0, 2.0]), GraphError, "directional_derivative needs a function that"),
    ],
    "viz.spectrum": [
        (lambda: viz.spectrum(3), DtypeError, "spectrum() draws what Curvature(...).spectrum() returned, or a"),
        (lambda: viz.spectrum(a_spectrum(), width=-1), ArgumentError, "width must be a positive finite number, got -1"),
        (lambda: viz.spectrum(a_spectrum(), width="a"), ArgumentError, "width must be a positive finite number, got"),
        (lambda: viz.spectrum(a_spectrum(), ax=3), DtypeError, "ax must be matplotlib axes, such as"),
    ],
    "viz.gradient_flow": [
        (lambda: viz.gradient_flow(3), DtypeError, "the first argument must be what analysis.gradient_flow()"),
        (lambda: viz.gradient_flow(net()), ArgumentError, "to measure a module, pass batches and loss too, as"),
        (lambda: viz.gradient_flow(net(), 3, LOSS), DtypeError, "batches must give (inputs, targets), such as a"),
        (lambda: viz.gradient_flow(net(), [], LOSS), ArgumentError, "gradient_flow: the batches give no batch"),
    ],
    "viz.batch_sizes": [
        (lambda: viz.batch_sizes(3), DtypeError, "batch_sizes() draws what analysis.batch_size_study() returned, got"),
        (lambda: viz.batch_sizes(None), DtypeError, "batch_sizes() draws what analysis.batch_size_study() returned,"),
        (lambda: viz.batch_sizes([]), DtypeError, "batch_sizes() draws what analysis.batch_size_study() returned,"),
        (lambda: viz.batch_sizes(a_study(), ax=3), DtypeError, "ax must be matplotlib axes, such as"),
    ],
}
