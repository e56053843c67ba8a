"""Draw a computation graph: every value, and every gradient, where it arises.

Run: python examples/draw_a_graph.py        (needs Graphviz: pip install minigrad[render])
"""

import minigrad as mg
from minigrad import viz


def main() -> None:
    # one neuron with two inputs, as in every textbook
    x = mg.tensor([1.0, 2.0], name="x")
    w = mg.tensor([0.6, -0.1], requires_grad=True, name="w")
    b = mg.tensor(0.1, requires_grad=True, name="b")
    target = mg.tensor(1.0, name="target")

    output = mg.sigmoid(mg.dot(w, x) + b)
    output.name = "output"
    loss = (output - target) ** 2
    loss.name = "loss"

    # the gradients in the drawing are true before backward() has run: draw() walks the graph itself
    drawing = viz.draw(loss, title="One neuron")
    print(drawing)
    print("\nthe picture is in", drawing.save("runs/draw_a_graph/neuron.svg"))

    # and they are the ones that backward() gives
    loss.backward()
    print("w.grad =", w.grad, " b.grad =", b.grad)


if __name__ == "__main__":
    main()
