"""The curvature of a loss over a model's parameters: products with the Hessian, its eigenvalues, trace and spectrum."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad.analysis.buffers import keeping_buffers
from minigrad.analysis.extremes import Extremes, extreme_eigenvalues, from_ascending
from minigrad.analysis.lanczos import Floats
from minigrad.analysis.recorded_gradient import RecordedGradient
from minigrad.analysis.second_derivatives import (
    TOLERANCE,
    CriticalPoint,
    check_hessian_fits,
    check_zero_tolerance,
    positive_share,
    second_derivative_test,
)
from minigrad.analysis.spectrum import Spectrum, stochastic_lanczos_quadrature
from minigrad.checks import MOST, check_flag, check_integer, is_iterable
from minigrad.engine.arrays import as_array
from minigrad.engine.random import generator
from minigrad.engine.tensor import Tensor
from minigrad.errors import ArgumentError, DtypeError, GraphError, ShapeError
from minigrad.nn.module import Module

USUAL = 5  # eigenvalues at each end
SMALL = 128  # parameters; up to here the whole Hessian costs no more products than ARPACK takes


@dataclass(frozen=True)
class Estimate:
    """A mean of random samples, and how far it may be off.

    Attributes:
        mean: the estimate.
        standard_error: of the mean; two of these to either side hold the truth about 19 times in 20.

    >>> from minigrad.analysis import Estimate
    >>> print(Estimate(mean=18.0, standard_error=0.5))
    18 ± 0.5
    """

    mean: float
    standard_error: float

    def __str__(self) -> str:
        return f"{self.mean:.4g} ± {self.standard_error:.2g}"


class Curvature:
    """The curvature of a loss at the parameters' present values, from products with its Hessian.

    A product ``H @ v`` is the gradient of ``gradient . v`` (B. Pearlmutter, "Fast exact multiplication by the Hessian",
    1994), and costs about as much as two backward passes; the Hessian itself is never formed unless asked for. Each
    method evaluates the loss once and differentiates the recorded gradient as often as it needs. Products are
    computed in the parameters' dtype, all else in float64. Every ``.grad`` is left alone.

    The loss decides what is measured: the whole training set or one batch, with dropout or without. Put the model in
    evaluation mode with ``model.eval()`` first, unless the noise of training is meant to be in it. The buffers of a
    module that is given, such as the running statistics of ``BatchNorm1d``, are afterwards what they were; those of a
    model of which only the tensors are given are what its ``forward`` makes of them.

    Args:
        parameters: a module, whose parameters that require a gradient count; or tensors that do, all leaves.
        loss: computes the scalar loss anew from the parameters' present values, such as
            ``lambda: criterion(model(X), y)``.

    Attributes:
        size: the number of elements in all parameters. Vectors have this length, and hold the parameters in their
            order, each raveled.

    Raises:
        ArgumentError: when there are no parameters, or one is given twice.
        DtypeError: when the parameters are no tensors, or the loss is not a function.
        GraphError: when a tensor requires no gradient or is no leaf.
        UnknownArgumentError: from every method, when the loss is a function that needs arguments.

    >>> import minigrad as mg
    >>> from minigrad.analysis import Curvature
    >>> w = mg.tensor([1.0, 2.0], requires_grad=True)
    >>> curvature = Curvature([w], lambda: w[0] ** 2 - 3 * w[1] ** 2)
    >>> curvature.hessian()
    array([[ 2.,  0.],
           [ 0., -6.]])
    >>> curvature.eigenvalues(top=1, bottom=1)
    Extremes(top=[2.], bottom=[-6.])
    """

    def __init__(self, parameters: Module | Iterable[Tensor], loss: Callable[[], Tensor]) -> None:
        if not callable(loss):
            raise DtypeError(
                f"Curvature: loss must be a function that computes the loss anew, such as "
                f"lambda: criterion(model(X), y), got {type(loss).__name__}"
            )
        self._module = parameters if isinstance(parameters, Module) else None
        self._parameters = _listed(parameters)
        self._loss = loss
        self.size = sum(parameter.size for parameter in self._parameters)

    def __repr__(self) -> str:
        return f"Curvature({self.size:,} parameters in {len(self._parameters)} tensors)"

    def gradient(self) -> Floats:
        """Return the gradient of the loss, ``(size,)``.

        Raises:
            GraphError: when the loss is no scalar, or depends on no parameter.
            ArgumentError: when the loss or its gradient is not finite. The other methods raise these too.

        >>> import minigrad as mg
        >>> w = mg.tensor([1.0, 2.0], requires_grad=True)
        >>> Curvature([w], lambda: (w ** 2).sum()).gradient()
        array([2., 4.])
        """
        return self._record().gradient

    def hvp(self, vector: Any) -> Floats:
        """Return the product of the Hessian and a vector, ``(size,)``.

        Args:
            vector: ``(size,)``, finite.

        Raises:
            ShapeError: when the vector has not one element for each parameter.
            ArgumentError: when it is not finite.

        >>> import minigrad as mg
        >>> w = mg.tensor([1.0, 2.0], requires_grad=True)
        >>> Curvature([w], lambda: w[0] * w[1]).hvp([10.0, 1.0])
        array([ 1., 10.])
        """
        given = as_array(vector.numpy() if isinstance(vector, Tensor) else vector, np.float64)
        if given.shape != (self.size,):
            raise ShapeError(
                f"hvp: vector must have shape ({self.size},), one element for each parameter; got {given.shape}"
            )
        if not np.isfinite(given).all():
            raise ArgumentError("hvp: vector must be finite, it contains inf or nan")
        return self._record().product(given)

    def hessian(self) -> Floats:
        """Return the whole Hessian, ``(size, size)``, symmetrised; takes one product for each parameter.

        Raises:
            ArgumentError: when there are more than 4096 parameters.

        >>> import minigrad as mg
        >>> w = mg.tensor([1.0, 2.0], requires_grad=True)
        >>> Curvature([w], lambda: w[0] * w[1]).hessian()
        array([[0., 1.],
               [1., 0.]])
        """
        check_hessian_fits("hessian", self.size)
        return self._record().hessian()

    def eigenvalues(
        self,
        top: int | None = None,
        bottom: int | None = None,
        *,
        tolerance: float = 1e-4,
        vectors: bool = False,
    ) -> Extremes:
        """Return the largest and the smallest eigenvalues of the Hessian, and their eigenvectors if asked for.

        Above 128 parameters by ARPACK's implicitly restarted Lanczos iteration (R. Lehoucq, D. Sorensen and C. Yang,
        "ARPACK users' guide", 1998), which starts from a fixed vector: the same parameters give the same answer.

        Args:
            top: how many of the largest; 5 if None, or all if there are fewer.
            bottom: how many of the smallest, the most negative first; likewise.
            tolerance: how far each eigenvalue may be off, as a share of the largest in magnitude. In float32 not
                much below 1e-5 can be reached; the errors are usually far smaller than allowed.
            vectors: also return the unit eigenvectors.

        Raises:
            MissingExtraError: when scipy is not installed, and there are more than 128 parameters.
            ArgumentError: when there are fewer eigenvalues than asked for, or they do not converge.

        >>> import minigrad as mg
        >>> w = mg.tensor([1.0, 2.0, 3.0], requires_grad=True)
        >>> Curvature([w], lambda: (w ** 3).sum()).eigenvalues(top=2, bottom=0).top
        array([18., 12.])
        """
        usual = min(USUAL, self.size)
        top = usual if top is None else check_integer("eigenvalues: top", top, least=0)
        bottom = usual if bottom is None else check_integer("eigenvalues: bottom", bottom, least=0)
        check_flag("eigenvalues: vectors", vectors)
        _check_tolerance(tolerance)
        if not 0 < max(top, bottom) <= self.size:
            raise ArgumentError(
                f"eigenvalues: top or bottom must be from 1 to {self.size}, the number of parameters; "
                f"got top={top} and bottom={bottom}"
            )
        if self.size <= SMALL or 2 * max(top, bottom) >= self.size:
            values, columns = np.linalg.eigh(self.hessian())
            return from_ascending(values, columns if vectors else None, top, bottom)
        return extreme_eigenvalues(self._record().product, self.size, top, bottom, tolerance, vectors)

    def trace(self, samples: int = 32, *, rng: np.random.Generator | None = None) -> Estimate:
        """Return an estimate of the Hessian's trace, the sum of its eigenvalues: the mean of ``z @ H @ z``.

        The elements of ``z`` are 1 or -1, at random (M. Hutchinson, "A stochastic estimator of the trace of the
        influence matrix for Laplacian smoothing splines", 1989). Exact if the Hessian is diagonal.

        Args:
            samples: the number of products, at least 2.
            rng: draws the signs; the default generator if None.

        >>> import minigrad as mg
        >>> w = mg.tensor([1.0, 2.0], requires_grad=True)
        >>> print(Curvature([w], lambda: (w ** 3).sum()).trace())
        18 ± 0
        """
        signs = self._signs(check_integer("trace: samples", samples, least=2, most=MOST), rng)
        recorded = self._record()
        values = [float(z @ recorded.product(z)) for z in signs]
        return Estimate(float(np.mean(values)), float(np.std(values, ddof=1) / np.sqrt(samples)))

    def spectrum(self, steps: int = 64, samples: int = 4, *, rng: np.random.Generator | None = None) -> Spectrum:
        """Return an estimate of the density of all eigenvalues, by stochastic Lanczos quadrature.

        From B. Ghorbani et al., "An investigation into neural net optimization via Hessian eigenvalue density", 2019;
        with full re-orthogonalisation. Takes ``steps * samples`` products, and holds ``steps`` vectors in float64.

        Args:
            steps: Lanczos' steps from each start: how fine the density is.
            samples: the number of random starts: how certain it is.
            rng: draws the starts; the default generator if None.

        >>> import minigrad as mg
        >>> w = mg.tensor([1.0, 1.0, 1.0, 2.0], requires_grad=True)
        >>> spectrum = Curvature([w], lambda: (w ** 3).sum()).spectrum(samples=1)
        >>> spectrum.nodes.round(3), spectrum.weights.round(3)
        (array([ 6., 12.]), array([0.75, 0.25]))
        """
        steps = check_integer("spectrum: steps", steps, least=1)
        starts = self._signs(check_integer("spectrum: samples", samples, least=1, most=MOST), rng)
        return stochastic_lanczos_quadrature(self._record().product, starts, steps)

    def minimum_ratio(self) -> float:
        """Return the share of the Hessian's eigenvalues that are positive: 1 at a minimum, less at a saddle.

        What rounding may have made of zero does not count as positive: that is up to ``size`` times the machine
        precision of the parameters' dtype, relative to the largest eigenvalue. The share of negative ones is the index
        of a critical point (Y. Dauphin et al., "Identifying and attacking the saddle point problem", 2014).

        Raises:
            ArgumentError: when there are more than 4096 parameters.

        >>> import minigrad as mg
        >>> w = mg.tensor([0.0, 0.0], requires_grad=True)
        >>> Curvature([w], lambda: w[0] ** 2 - w[1] ** 2).minimum_ratio()
        0.5
        """
        check_hessian_fits("minimum_ratio", self.size)
        values: Any = np.linalg.eigvalsh(self._record().hessian())
        return positive_share(values, self._rounding())

    def classify(self, *, tolerance: float | None = None) -> CriticalPoint:
        """Say whether the parameters are at a minimum, a maximum or a saddle of the loss, or at no critical point.

        As ``classify_critical_point`` does for a function of one tensor, by the same rules; the point is all parameters
        side by side. Training stops long before the gradient vanishes to rounding, so pass a larger tolerance there.

        Args:
            tolerance: what counts as zero, of the gradient and of the eigenvalues, relative to the largest eigenvalue;
                1e-6 if None, or ``size`` times the machine precision of the parameters' dtype if that is more.

        Returns:
            The kind, the eigenvalues and eigenvectors, the gradient's norm, and the shares of negative, zero and
            positive eigenvalues.

        Raises:
            ArgumentError: when there are more than 4096 parameters, or the tolerance is not from 0 to below 1.

        >>> import minigrad as mg
        >>> w = mg.tensor([0.0, 0.0], requires_grad=True)
        >>> point = Curvature([w], lambda: (1 - w[0] * w[1]) ** 2).classify()
        >>> point.kind, point.negative, point.positive
        ('saddle', 0.5, 0.5)
        """
        if tolerance is None:
            tolerance = max(TOLERANCE, self._rounding())
        else:
            check_zero_tolerance("classify", tolerance)
        check_hessian_fits("classify", self.size)
        recorded = self._record()
        size = float(np.sqrt(sum(np.sum(np.square(p._array, dtype=np.float64)) for p in self._parameters)))
        return second_derivative_test(recorded.gradient, recorded.hessian(), size, tolerance)

    def _rounding(self) -> float:
        """Return what rounding may make of a zero eigenvalue, relative to the largest."""
        return self.size * max(float(np.finfo(parameter.dtype).eps) for parameter in self._parameters)

    def _record(self) -> RecordedGradient:
        with keeping_buffers(self._module):
            return RecordedGradient(self._parameters, self._loss)

    def _signs(self, samples: int, rng: np.random.Generator | None) -> list[Floats]:
        draws = generator(rng).integers(0, 2, (samples, self.size), np.int8)
        return [2.0 * draw - 1 for draw in draws]


def _check_tolerance(tolerance: Any) -> None:
    number = isinstance(tolerance, (int, float, np.integer, np.floating)) and not isinstance(tolerance, bool)
    if not number or not 0 < tolerance < 1:
        raise ArgumentError(
            f"eigenvalues: tolerance must be a number between 0 and 1, a share of the largest eigenvalue; "
            f"1e-4 is usual; got {tolerance!r}"
        )


def _listed(parameters: Any) -> list[Tensor]:
    """Return the tensors, once it is sure that the loss can be differentiated with respect to each."""
    if isinstance(parameters, Module):
        listed: list[Tensor] = [parameter for parameter in parameters.parameters() if parameter.requires_grad]
    elif isinstance(parameters, Tensor) or not is_iterable(parameters):
        raise DtypeError(
            f"Curvature: parameters must be a module or an iterable of tensors, got {type(parameters).__name__}"
        )
    else:
        listed = list(parameters)
    for position, parameter in enumerate(listed):
        if not isinstance(parameter, Tensor):
            raise DtypeError(f"Curvature: parameter {position} must be a tensor, got {type(parameter).__name__}")
        if not parameter.requires_grad or not parameter.is_leaf:
            problem = "is a result" if not parameter.is_leaf else "requires no gradient"
            raise GraphError(
                f"Curvature: parameter {position}, {parameter.describe()}, {problem}; give leaves with "
                "requires_grad=True, or the module, whose other parameters are left out"
            )
    if not any(parameter.size for parameter in listed):
        raise ArgumentError("Curvature: there is no parameter that requires a gradient; give at least one")
    if len({id(parameter) for parameter in listed}) < len(listed):
        raise ArgumentError("Curvature: a parameter is given twice; give each once")
    return listed
