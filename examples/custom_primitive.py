"""A function of one's own: say how it is computed and what its derivatives are, and it joins the others.

Run: python examples/custom_primitive.py
"""

import numpy as np

import minigrad as mg


@mg.primitive(broadcasts=True)
def smooth_maximum(x, y, sharpness=1.0):
    """Return a maximum without a corner: log(exp(s x) + exp(s y)) / s."""
    return np.logaddexp(sharpness * x, sharpness * y) / sharpness


# one rule for each input: the gradient g of the output times the derivative, in plain NumPy; what a rule needs it names
smooth_maximum.derivatives(
    lambda g, x, out, sharpness: g * np.exp(sharpness * (x - out)),
    lambda g, y, out, sharpness: g * np.exp(sharpness * (y - out)),
)


def main() -> None:
    x = mg.tensor([0.0, 1.0, 4.0], requires_grad=True)
    y = mg.tensor(1.0, requires_grad=True)
    out = smooth_maximum(x, y, sharpness=2.0)
    out.sum().backward()
    print("smooth_maximum:", out.detach())
    print("d/dx:          ", x.grad)
    print("d/dy:          ", y.grad, "(y was broadcast: its three gradients are added up)")

    # are the rules right? compare with differences, for the gradient and for the gradient's gradient
    mg.testing.gradcheck(smooth_maximum, x, y)
    mg.testing.gradcheck(smooth_maximum, x, y, order=2)
    print("gradcheck:      both orders agree with finite differences")

    # it differentiates twice because its rules are made of functions that do
    print("second derivative at x = y:", mg.hessian(lambda t: smooth_maximum(t, 1.0), mg.tensor(1.0)).item())


if __name__ == "__main__":
    main()
