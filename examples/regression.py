"""Regression with the mean squared error: learn a curve from noisy points.

Run: python examples/regression.py
"""

import numpy as np

import minigrad as mg
from minigrad import data, nn, optim


def curve(x: np.ndarray) -> np.ndarray:
    """Return the function to be found again."""
    return np.sin(2 * x) + 0.3 * x


def main() -> None:
    mg.seed(0)
    rng = np.random.default_rng(0)
    x = rng.uniform(-3, 3, (400, 1)).astype(np.float32)
    y = curve(x) + rng.normal(0, 0.1, x.shape).astype(np.float32)

    model = nn.MLP([1, 32, 32, 1], activation=nn.Tanh)
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    loader = data.DataLoader((x, y), batch_size=50, shuffle=True)
    history = mg.fit(model, loader, loss=nn.MSELoss(), optimizer=optimizer, epochs=150, progress=False)

    for epoch in (0, 9, 49, 149):
        print(f"epoch {epoch + 1:3}  mean squared error {history.train_loss[epoch]:.4f}")
    print("the noise alone has a mean squared error of 0.0100\n\n    x    truth    model")
    with mg.no_grad():
        for point in np.linspace(-3, 3, 7, dtype=np.float32):
            print(f"{point:5.1f}  {curve(point):7.3f}  {model(mg.tensor([[point]])).item():7.3f}")


if __name__ == "__main__":
    main()
