"""The peers of the training step.

A step is zero_grad, forward, cross-entropy, backward, SGD (lr 0.01, momentum 0.9), loss read as a float, in float32.
"""

from __future__ import annotations

from benchmarks import by_hand, with_minigrad, with_others, with_pytorch
from benchmarks.problem import CASES as CASES
from benchmarks.problem import TINY
from benchmarks.serve import Peer

TITLE = "One training step"
LIMIT, REFERENCE = "NumPy, preallocated", "PyTorch"
REFERENCES = (REFERENCE, LIMIT)
PEERS = {
    LIMIT: Peer(by_hand.buffers),
    "NumPy, plain": Peer(by_hand.plain),
    "minigrad": Peer(with_minigrad.eager),
    REFERENCE: Peer(with_pytorch.eager, "torch"),
    "PyTorch, fused SGD": Peer(with_pytorch.fused, "torch"),
    "torch.compile": Peer(with_pytorch.compiled, "torch", slow=True),
    "torch.compile, whole step": Peer(with_pytorch.compiled_step, "torch", slow=True),
    "JAX jit": Peer(with_others.jax_jit, "jax"),
    "MyGrad": Peer(with_others.mygrad, "mygrad"),
    "HIPS autograd": Peer(with_others.autograd, "autograd"),
    "scikit-learn": Peer(with_others.scikit_learn, "sklearn"),
}
STEPS = 10  # the losses after so many must agree
INCOMPARABLE = {("scikit-learn", TINY): "has one logistic output for two classes, so its losses are other ones"}
