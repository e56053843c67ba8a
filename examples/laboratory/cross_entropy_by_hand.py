"""Cross-entropy by hand: one example of five classes, one step after the other, with Python's own numbers.

Claim: softmax, logarithm and picking the true class give what cross_entropy gives, and the gradient with respect to
the logits is softmax - one_hot.

Run: python examples/laboratory/cross_entropy_by_hand.py
"""

import math

import numpy as np

import minigrad as mg
import minigrad.nn.functional as F

LOGITS = [2.0, 1.0, -1.0, 0.5, 3.0]
TRUE_CLASS = 1
ONE_HOT = [0, 1, 0, 0, 0]


def by_hand() -> dict[str, list[float]]:
    """Return each step of the cross-entropy as a column of five numbers."""
    # softmax: positive numbers that sum to 1, from any five numbers
    exponentials = [math.exp(logit) for logit in LOGITS]
    total = sum(exponentials)
    softmax = [exponential / total for exponential in exponentials]

    # the logarithm: 0 for a class that is certain, far below 0 for one that is thought impossible
    logarithms = [math.log(probability) for probability in softmax]

    # pick: the one-hot vector takes the true class, and leaves the others out of the sum
    terms = [-hot * logarithm for hot, logarithm in zip(ONE_HOT, logarithms, strict=True)]

    gradient = [probability - hot for probability, hot in zip(softmax, ONE_HOT, strict=True)]
    return {"exp": exponentials, "softmax": softmax, "log": logarithms, "-hot * log": terms, "gradient": gradient}


def by_library() -> tuple[float, float, np.ndarray]:
    """Return the loss for the class's number, the loss for the one-hot vector, and the gradient of the first."""
    logits = mg.tensor([LOGITS], dtype="float64", requires_grad=True)
    loss = F.cross_entropy(logits, mg.tensor([TRUE_CLASS]))
    loss.backward()
    one_hot = F.cross_entropy(logits, mg.tensor([ONE_HOT], dtype="float64"))
    return loss.item(), one_hot.item(), logits.grad.numpy()[0]


def measure() -> dict[str, float]:
    """Return both losses by hand and by the library, and how far the gradients lie apart."""
    steps = by_hand()
    loss, one_hot_loss, gradient = by_library()
    return {
        "by hand": sum(steps["-hot * log"]),
        "class number": loss,
        "one-hot vector": one_hot_loss,
        "gradient difference": float(np.abs(gradient - steps["gradient"]).max()),
    }


def holds(measured: dict[str, float]) -> bool:
    """Return whether the claim holds, to rounding."""
    losses = [measured[name] for name in ("by hand", "class number", "one-hot vector")]
    return max(losses) - min(losses) < 1e-12 and measured["gradient difference"] < 1e-12


def main() -> None:
    print("Claim: cross_entropy is softmax, logarithm, pick; its gradient is softmax - one_hot.\n")
    steps, gradient = by_hand(), by_library()[2]
    print("class  logit      exp  softmax      log  one-hot  -hot * log  softmax - hot  gradient of the library")
    for index, (logit, hot) in enumerate(zip(LOGITS, ONE_HOT, strict=True)):
        exponential, softmax, logarithm, term, difference = (column[index] for column in steps.values())
        print(
            f"{index:5}  {logit:5.1f}  {exponential:7.3f}  {softmax:7.4f}  {logarithm:7.4f}  {hot:7}  {abs(term):10.4f}"
            f"  {difference:13.4f}  {gradient[index]:23.4f}"
        )
    measured = measure()
    print(f"  sum         {sum(steps['exp']):7.3f}  {sum(steps['softmax']):7.4f}{measured['by hand']:30.4f}")

    print(f"\nloss by hand                       {measured['by hand']:.12f}")
    print(f"cross_entropy(logits, class)       {measured['class number']:.12f}")
    print(f"cross_entropy(logits, one-hot)     {measured['one-hot vector']:.12f}")
    print(f"largest difference of gradients    {measured['gradient difference']:.1e}")
    print(f"\nThe claim holds: {holds(measured)}")


if __name__ == "__main__":
    main()
