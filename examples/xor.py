"""XOR with a loop of one's own: the smallest problem that one layer cannot solve.

Run: python examples/xor.py
"""

import minigrad as mg

X = mg.tensor([[0, 0], [0, 1], [1, 0], [1, 1]], dtype="float32")
y = mg.tensor([[0], [1], [1], [0]], dtype="float32")


def main() -> None:
    # two layers, as four plain tensors
    mg.seed(1)
    W1, b1 = mg.nn.init.xavier_uniform_(mg.zeros((2, 8), requires_grad=True)), mg.zeros(8, requires_grad=True)
    W2, b2 = mg.nn.init.xavier_uniform_(mg.zeros((8, 1), requires_grad=True)), mg.zeros(1, requires_grad=True)
    parameters = [W1, b1, W2, b2]

    for step in range(501):
        # forward: what the network says now, and how wrong it is
        hidden = mg.tanh(X @ W1 + b1)
        output = mg.sigmoid(hidden @ W2 + b2)
        loss = ((output - y) ** 2).mean()

        # backward: how each parameter moves the loss
        for parameter in parameters:
            parameter.grad = None
        loss.backward()

        # update: a step downhill
        with mg.no_grad():
            for parameter in parameters:
                parameter -= 2.0 * parameter.grad

        if step % 100 == 0:
            print(f"step {step:3}  loss {loss.item():.4f}")

    print("\n x1  x2   output  wanted")
    for (x1, x2), answer, wanted in zip(X.tolist(), output.tolist(), y.tolist(), strict=True):
        print(f"  {x1:.0f}   {x2:.0f}    {answer[0]:.3f}     {wanted[0]:.0f}")


if __name__ == "__main__":
    main()
