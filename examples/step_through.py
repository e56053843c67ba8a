"""Step through a backward pass: in Python, as text, and in the browser.

Run: python examples/step_through.py        (needs Graphviz: pip install minigrad[render])
"""

import minigrad as mg
from minigrad import nn, optim, viz


def main() -> None:
    # x is used three times, so three contributions add up to its gradient
    x = mg.tensor(3.0, requires_grad=True, name="x")
    result = x * x + x
    result.name = "result"

    print("In Python: mg.backprop is the walk that backward() exhausts.")
    for step in mg.backprop(result, retain_graph=True):
        for sent in step.contributions:
            print(f"  {step.node!r} sends {sent.gradient}, which makes {sent.total}")

    print("\nAs data: the forward pass, the seed, each contribution.")
    trace = viz.trace(result)
    print(trace)
    print("gradients:", {trace.labels[id]: gradient.array.item() for id, gradient in trace.gradients.items()})

    # a whole training step: the optimizer's update is computed on a copy
    mg.seed(0)
    model = nn.MLP([2, 3, 2])
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    inputs = mg.tensor([[1.0, 2.0], [3.0, -1.0]], name="inputs")
    loss = nn.CrossEntropyLoss()(model(inputs), mg.tensor([0, 1], name="labels"))
    loss.name = "loss"
    player = viz.player(loss, optimizer=optimizer, title="One training step of a small MLP")
    print("\nIn the browser: open", player.save("runs/step_through/backprop.html"), "and press the right arrow key.")


if __name__ == "__main__":
    main()
