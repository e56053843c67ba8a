"""AdamW: Adam whose weight decay is not adapted with the gradient."""

from __future__ import annotations

from minigrad.engine.arrays import Array
from minigrad.optim.adam import Adam, Pair
from minigrad.optim.optimizer import Params
from minigrad.optim.state import State


class AdamW(Adam):
    """AdamW: ``p -= lr * weight_decay * p``, then Adam's step.

    From Loshchilov and Hutter, "Decoupled weight decay regularization", 2019, in PyTorch's form.

    Raises:
        ArgumentError: when a number is not allowed.

    >>> import minigrad as mg
    >>> from minigrad import optim
    >>> w = mg.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = optim.AdamW([w], lr=0.5, weight_decay=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([ 0.45, -1.4 ], requires_grad=True)
    """

    elementwise = True

    def __init__(
        self,
        params: Params,
        lr: float = 1e-3,
        betas: Pair = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad)

    def update(
        self, p: Array, g: Array, state: State, lr: float, betas: Pair, eps: float, weight_decay: float, amsgrad: bool
    ) -> Array:
        """Return the new values."""
        return (1 - lr * weight_decay) * p - self.change(g, state, lr, betas, eps, amsgrad)
