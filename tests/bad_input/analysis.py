"""Bad input to the analysis of models and functions."""

from __future__ import annotations

import numpy as np

from minigrad.analysis import (
    Curvature,
    Surface,
    batch_size_study,
    check_convex,
    check_convex_set,
    classify_critical_point,
    deep_network,
    descend,
    directional_derivative,
    directional_derivatives,
    eigendecompose,
    escape,
    escape_direction,
    gradient_flow,
    minimum_ratio,
    steepest_direction,
)
from minigrad.errors import ArgumentError, DtypeError, GraphError, OutOfRangeError, ShapeError
from tests.bad_input.given import (
    DATASET,
    LOSS,
    SURFACE,
    Cases,
    hill,
    itself,
    make_optimizer,
    net,
    net_loss,
    squares,
    total,
)

ANALYSIS: Cases = {
    "analysis.batch_size_study": [
        (lambda: batch_size_study(3, DATASET, [2]), DtypeError, "make_model must make a new model for each"),
        (lambda: batch_size_study(net, 3, [2]), DtypeError, "train needs a dataset with len() and indexing,"),
        (lambda: batch_size_study(net, DATASET, 3), ArgumentError, "sizes must be a list such as [1, 32,"),
        (lambda: batch_size_study(net, DATASET, [0]), ArgumentError, "a size must be a positive integer,"),
    ],
    "analysis.check_convex_set": [
        (lambda: check_convex_set(3, (-1, 1)), DtypeError, "check_convex_set needs a function contains of a"),
        (lambda: check_convex_set(lambda x: True, 3), ShapeError, "domain must be (low, high), or a list of"),
        (lambda: check_convex_set(lambda x: True, (1, -1)), ArgumentError, "domain needs finite bounds with"),
        (
            lambda: check_convex_set(lambda x: True, (-1, 1), rng=3),
            DtypeError,
            "rng= needs a numpy.random.Generator, such as np.random.default_rng(0), got 3",
        ),
    ],
    "analysis.check_convex": [
        (lambda: check_convex(3, (-1, 1)), DtypeError, "check_convex needs a function f of a point, got int"),
        (lambda: check_convex(total, 3), ShapeError, "domain must be (low, high), or a list of one (low,"),
        (lambda: check_convex(total, (1, -1)), ArgumentError, "domain needs finite bounds with low < high,"),
        (lambda: check_convex(lambda x: "a", (-1, 1)), DtypeError, "f must return a scalar tensor or a"),
    ],
    "analysis.classify_critical_point": [
        (lambda: classify_critical_point(3, [0.0, 0.0]), DtypeError, "f must be a function of one tensor,"),
        (lambda: classify_critical_point(squares, "a"), DtypeError, "expected real numbers or booleans, got"),
        (
            lambda: classify_critical_point(squares, [0.0], tolerance="a"),
            ArgumentError,
            "tolerance must be a number from 0 to below 1, such as 1e-6; got 'a'",
        ),
        (
            lambda: classify_critical_point(itself, [0.0, 1.0]),
            GraphError,
            "f must return a scalar, it returned shape (2,); reduce it with .sum() or .mean()",
        ),
    ],
    "analysis.escape": [
        (lambda: escape(3, [0.0]), DtypeError, "escape: f must be a function of one tensor, got int"),
        (lambda: escape(squares, [0.0]), ArgumentError, "no direction of negative curvature leads away from"),
        (lambda: escape(hill, [0.0], step="a"), ArgumentError, "step must be a positive finite number, got"),
        (lambda: escape(hill, "a"), DtypeError, "expected real numbers or booleans, got <U1 (str)"),
    ],
    "analysis.escape_direction": [
        (lambda: escape_direction(3, [0.0]), DtypeError, "f must be a function of one tensor, got int"),
        (lambda: escape_direction(squares, [0.0]), ArgumentError, "no direction of negative curvature leads"),
        (lambda: escape_direction(itself, [0.0, 1.0]), GraphError, "f must return a scalar, it returned"),
        (lambda: escape_direction(hill, None), DtypeError, "expected real numbers or booleans, got object"),
    ],
    "analysis.minimum_ratio": [
        (lambda: minimum_ratio(3, [0.0]), DtypeError, "f must be a function of one tensor, got int"),
        (lambda: minimum_ratio(squares, "a"), DtypeError, "expected real numbers or booleans, got <U1 (str)"),
        (lambda: minimum_ratio(itself, [0.0, 1.0]), GraphError, "f must return a scalar, it returned shape"),
        (lambda: minimum_ratio(squares, [[0.0], [1.0, 2.0]]), ShapeError, "nested lists must have the same"),
    ],
    "analysis.Curvature": [
        (lambda: Curvature(3, net_loss), DtypeError, "parameters must be a module or an iterable of"),
        (lambda: Curvature(net(), 3), DtypeError, "loss must be a function that computes the loss anew,"),
        (lambda: Curvature([], net_loss), ArgumentError, "there is no parameter that requires a gradient;"),
        (lambda: Curvature(net(), net_loss).hvp(3), ShapeError, "vector must have shape (17,), one element"),
    ],
    "analysis.deep_network": [
        (lambda: deep_network(0, 4), ArgumentError, "deep_network: depth must be a positive integer, got 0"),
        (lambda: deep_network(2, "a"), ArgumentError, "width must be a positive integer, got 'a'"),
        (lambda: deep_network(2, 4, "relo"), ArgumentError, "activation must be one of 'relu', 'sigmoid',"),
        (lambda: deep_network(2, 4, rng=3), DtypeError, "rng= needs a numpy.random.Generator, such as"),
    ],
    "analysis.descend": [
        (lambda: descend(3, SURFACE), DtypeError, "make_optimizer must be a function that makes an"),
        (lambda: descend(make_optimizer, 3), DtypeError, "surface must be a Surface, such as"),
        (lambda: descend(make_optimizer, SURFACE, 0), ArgumentError, "steps must be a positive integer, got"),
        (
            lambda: descend(make_optimizer, SURFACE, 3, [1.0]),
            ShapeError,
            "start must be a point of the surface Rosenbrock, of shape (2,), got shape (1,)",
        ),
    ],
    "analysis.directional_derivative": [
        (lambda: directional_derivative(3, [0.0], [1.0]), DtypeError, "directional_derivative needs a"),
        (
            lambda: directional_derivative(total, [0.0], [1.0, 2.0]),
            ShapeError,
            "direction must have the shape of x, (1,), got (2,)",
        ),
        (
            lambda: directional_derivative(total, [0.0], [0.0]),
            ArgumentError,
            "direction is zero, and points nowhere: give one with an element that is not 0",
        ),
        (
            lambda: directional_derivative(itself, [0.0, 1.0], [0.0, 1.0]),
            GraphError,
            "directional_derivative needs a function that returns a scalar, it returned shape (2,)",
        ),
    ],
    "analysis.directional_derivatives": [
        (
            lambda: directional_derivatives(3, [0.0, 1.0], [0.0]),
            DtypeError,
            "directional_derivatives needs a function f of a tensor, got int",
        ),
        (lambda: directional_derivatives(total, [0.0], [0.0]), ShapeError, "directional_derivatives needs a"),
        (
            lambda: directional_derivatives(total, [0.0, 1.0], "a"),
            DtypeError,
            "expected real numbers or booleans, got <U1 (str)",
        ),
        (
            lambda: directional_derivatives(total, [0.0, 1.0], [np.nan]),
            ArgumentError,
            "angles must be finite numbers of radians, got [nan]",
        ),
    ],
    "analysis.steepest_direction": [
        (lambda: steepest_direction(3, [0.0]), DtypeError, "steepest_direction needs a function f of a"),
        (lambda: steepest_direction(squares, [0.0]), ArgumentError, "the gradient is zero at x, a critical"),
        (lambda: steepest_direction(total, "a"), DtypeError, "expected real numbers or booleans, got <U1"),
        (lambda: steepest_direction(itself, [1.0, 2.0]), GraphError, "steepest_direction needs a function"),
    ],
    "analysis.eigendecompose": [
        (lambda: eigendecompose(3), ShapeError, "eigendecompose needs a square matrix, with at least one"),
        (lambda: eigendecompose("a"), DtypeError, "expected real numbers or booleans, got <U1 (str)"),
        (lambda: eigendecompose(np.ones((2, 3))), ShapeError, "eigendecompose needs a square matrix, with"),
        (
            lambda: eigendecompose([[1.0, np.nan], [0, 1]]),
            ArgumentError,
            "eigendecompose needs a matrix that is finite, got nan in row 0, column 1",
        ),
    ],
    "analysis.gradient_flow": [
        (lambda: gradient_flow(3, [], LOSS), DtypeError, "model must be a module, such as nn.MLP([2, 8,"),
        (lambda: gradient_flow(net(), [], LOSS), ArgumentError, "gradient_flow: the batches give no batch"),
        (lambda: gradient_flow(net(), [3], LOSS), ShapeError, "each batch must be (inputs, targets), got"),
        (lambda: gradient_flow(net(), DATASET, LOSS), OutOfRangeError, "labels must be from 0 to 1 for 2"),
    ],
    "analysis.Surface": [
        (
            lambda: Surface("a", 3, (), 0.0, ((-1, 1), (-1, 1)), (0, 0)),
            DtypeError,
            "function must be a function of a point, got int",
        ),
        (lambda: Surface(3, total, (), 0.0, ((-1, 1), (-1, 1)), (0, 0)), DtypeError, "name must be a string, got int"),
        (
            lambda: Surface("a", total, (), 0.0, ((1, -1), (-1, 1)), (0, 0)),
            ArgumentError,
            "bounds must be finite, the low one first, got (1, -1)",
        ),
        (
            lambda: Surface("a", total, (), 0.0, ((-1, 1), (-1, 1)), (0,)),
            ShapeError,
            "the bounds are of 2 coordinates, so each point of start must have 2, got (0,)",
        ),
    ],
}
