"""Losses as modules, which hold their settings."""

from __future__ import annotations

from typing import Any

from minigrad.checks import one_of
from minigrad.engine.tensor import Tensor
from minigrad.nn import loss_functions
from minigrad.nn.checks import number_between
from minigrad.nn.module import Module


class _Loss(Module):
    """A loss with a reduction."""

    def __init__(self, reduction: str = "mean") -> None:
        self.reduction = one_of(type(self).__name__, "reduction", reduction, loss_functions.REDUCTIONS)

    def extra_repr(self) -> str:
        """Return the reduction, where it is not the usual one."""
        return "" if self.reduction == "mean" else f"reduction={self.reduction!r}"


class CrossEntropyLoss(_Loss):
    """The cross-entropy of logits with class indices, one-hot rows or probabilities; see ``F.cross_entropy``.

    >>> import minigrad as mg
    >>> from minigrad import nn
    >>> nn.CrossEntropyLoss()(mg.tensor([[2.0, 0.0]]), mg.tensor([0]))
    tensor(0.1269)
    """

    def __init__(self, label_smoothing: float = 0.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.label_smoothing = number_between("CrossEntropyLoss", "label_smoothing", label_smoothing, 0, 1)

    def forward(self, logits: Any, targets: Any) -> Tensor:
        """Return the loss of logits ``(N, C)`` with targets ``(N,)`` or ``(N, C)``."""
        return loss_functions.cross_entropy(logits, targets, self.label_smoothing, self.reduction)


class NLLLoss(_Loss):
    """The negative log-likelihood of class indices under log-probabilities; see ``F.nll_loss``.

    >>> import minigrad as mg
    >>> from minigrad import nn
    >>> nn.NLLLoss()(mg.tensor([[-0.5, -1.0]]), mg.tensor([1]))
    tensor(1.)
    """

    def forward(self, log_probabilities: Any, targets: Any) -> Tensor:
        """Return the loss of log-probabilities ``(N, C)`` with class indices ``(N,)``."""
        return loss_functions.nll_loss(log_probabilities, targets, self.reduction)


class MSELoss(_Loss):
    """The squared error; see ``F.mse_loss``.

    >>> import minigrad as mg
    >>> from minigrad import nn
    >>> nn.MSELoss()(mg.tensor([1.0, 2.0]), mg.tensor([1.0, 4.0]))
    tensor(2.)
    """

    def forward(self, prediction: Any, target: Any) -> Tensor:
        """Return the loss of two tensors of one shape."""
        return loss_functions.mse_loss(prediction, target, self.reduction)


class L1Loss(_Loss):
    """The absolute error; see ``F.l1_loss``.

    >>> import minigrad as mg
    >>> from minigrad import nn
    >>> nn.L1Loss()(mg.tensor([1.0, 2.0]), mg.tensor([1.0, 4.0]))
    tensor(1.)
    """

    def forward(self, prediction: Any, target: Any) -> Tensor:
        """Return the loss of two tensors of one shape."""
        return loss_functions.l1_loss(prediction, target, self.reduction)


class HuberLoss(_Loss):
    """The squared error up to ``delta``, and the absolute error beyond; see ``F.huber_loss``.

    >>> import minigrad as mg
    >>> from minigrad import nn
    >>> nn.HuberLoss()(mg.tensor([3.0]), mg.tensor([0.0]))
    tensor(2.5)
    """

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction)
        self.delta = number_between("HuberLoss", "delta", delta, 1e-30)

    def forward(self, prediction: Any, target: Any) -> Tensor:
        """Return the loss of two tensors of one shape."""
        return loss_functions.huber_loss(prediction, target, self.reduction, self.delta)


class BCELoss(_Loss):
    """The binary cross-entropy of probabilities; see ``F.binary_cross_entropy``.

    >>> import minigrad as mg
    >>> from minigrad import nn
    >>> nn.BCELoss()(mg.tensor([0.5]), mg.tensor([1.0]))
    tensor(0.6931)
    """

    def forward(self, probability: Any, target: Any) -> Tensor:
        """Return the loss of two tensors of one shape."""
        return loss_functions.binary_cross_entropy(probability, target, self.reduction)


class BCEWithLogitsLoss(_Loss):
    """The binary cross-entropy of logits, exact for any size; see ``F.binary_cross_entropy_with_logits``.

    >>> import minigrad as mg
    >>> from minigrad import nn
    >>> nn.BCEWithLogitsLoss()(mg.tensor([0.0]), mg.tensor([1.0]))
    tensor(0.6931)
    """

    def forward(self, logits: Any, target: Any) -> Tensor:
        """Return the loss of two tensors of one shape."""
        return loss_functions.binary_cross_entropy_with_logits(logits, target, self.reduction)
