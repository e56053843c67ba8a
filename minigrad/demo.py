"""The demo: train on handwritten digits, then show what was trained, how it went, and one step of it in slow motion."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np

from minigrad import data, nn, optim, training, viz
from minigrad.engine.random import seed as set_seed
from minigrad.engine.tensor import Tensor
from minigrad.training import History


def run(output: Path, *, epochs: int = 30, seed: int = 0) -> float:
    """Train, write the page, the pictures and the weights that ``write`` names, and print a summary.

    Args:
        output: the folder to write into; made if there is none.
        epochs: how many times to go through the training data.
        seed: of the split, the initial weights and the order of the batches.

    Returns:
        The accuracy on the test data.
    """
    print("Training MLP([64, 64, 10]) on 1,438 handwritten digits of 8x8 cells; 359 more are kept for the test.\n")
    start = time.perf_counter()
    model, history, test = train(epochs=epochs, seed=seed)
    seconds = time.perf_counter() - start
    accuracy = training.evaluate(model, test)["accuracy"]
    print(f"\nTest accuracy {accuracy:.2%}, after {history.epochs} epochs in {seconds:.1f} s.\n")
    for path, what in write(output, model, history, test, first_step(seed)):
        print(f"  {path!s:34} {what}")
    print(f"\nNext: open {output / 'backprop.html'} in a browser and press the right arrow key.")
    if Path("examples").is_dir():  # in a clone
        print(f"Run an example:   {_python()} examples/digits_by_hand.py")
        print("Read the engine:  minigrad/engine/node.py, then walk.py")
    return accuracy


def _python() -> str:
    """Return how to call the Python that runs now: the path from here, if it is below."""
    executable = Path(sys.executable)
    return str(executable.relative_to(Path.cwd())) if executable.is_relative_to(Path.cwd()) else "python"


def prepare(seed: int) -> tuple[nn.MLP, optim.SGD, data.DataLoader, data.DataLoader]:
    """Return an untrained model, its optimizer, the batches of four fifths of the digits, and those of the last."""
    set_seed(seed)
    train_set, test_set = data.random_split(data.digits(), [0.8, 0.2], rng=np.random.default_rng(seed))
    train_loader = data.DataLoader(train_set, batch_size=32, shuffle=True, seed=seed)
    test_loader = data.DataLoader(test_set, batch_size=359)
    model = nn.MLP([64, 64, 10])
    return model, optim.SGD(model.parameters(), lr=0.1, momentum=0.9), train_loader, test_loader


def first_step(seed: int) -> viz.Player:
    """Return the player of the first training step, in which there is most to see."""
    model, optimizer, train_loader, _ = prepare(seed)
    loss = loss_of_one_batch(model, train_loader)
    return viz.player(loss, optimizer=optimizer, title="The first training step on handwritten digits")


def train(*, epochs: int, seed: int) -> tuple[nn.MLP, History, data.DataLoader]:
    """Train on four fifths of the digits; return the model, what happened, and the batches of the last fifth."""
    model, optimizer, train_loader, test_loader = prepare(seed)
    history = training.fit(
        model,
        train_loader,
        loss=nn.CrossEntropyLoss(),
        optimizer=optimizer,
        epochs=epochs,
        validation=test_loader,
    )
    return model, history, test_loader


def write(
    output: Path, model: nn.MLP, history: History, test: data.DataLoader, player: viz.Player
) -> list[tuple[Path, str]]:
    """Write the demo's files; return each path with a few words on what it shows."""
    output.mkdir(parents=True, exist_ok=True)
    loss = loss_of_one_batch(model, test)
    drawing = viz.draw(loss, title="One batch of handwritten digits: loss and gradients")
    weights = output / "weights.safetensors"
    save_weights(weights, model)
    figure = viz.history(history)
    figure.savefig(output / "history.svg")
    return [
        (player.save(output / "backprop.html"), "the first training step, to step through in the browser"),
        (drawing.save(output / "graph.svg"), "the computation graph, with shapes, values and gradients"),
        (drawing.save(output / "graph.png"), "the same as a bitmap"),
        (output / "history.svg", "loss and accuracy, epoch by epoch"),
        (weights, "the trained weights, readable by any safetensors reader"),
    ]


def loss_of_one_batch(model: nn.MLP, batches: data.DataLoader) -> Tensor:
    """Return the loss of 32 digits, with its graph."""
    X, y = (part[:32] for part in next(iter(batches)))
    X.name, y.name = "images", "labels"
    loss: Tensor = nn.CrossEntropyLoss()(model(X), y)
    loss.name = "loss"
    return loss


def save_weights(path: Path, model: nn.Module) -> None:
    """Write the model's state, under its PyTorch names."""
    from safetensors.numpy import save

    path.write_bytes(save(model.state_dict()))
