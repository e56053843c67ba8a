"""A training run that is killed in the middle of an epoch, and goes on as if nothing had happened.

Run: python examples/resume.py
"""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np

import minigrad as mg
from minigrad import data, nn, optim

FOLDER = Path("runs/resume")


def train(folder: str, die_after: int) -> str:
    """Train with a checkpoint every 50 updates; with die_after, let the process be killed after so many."""
    mg.seed(0)
    training, _ = data.random_split(data.digits(), [0.8, 0.2], rng=np.random.default_rng(0))
    model = nn.Sequential(nn.Linear(64, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 10))
    optimizer = optim.Adam(model.parameters(), lr=0.003)
    calls = 0

    def loss(logits: mg.Tensor, labels: mg.Tensor) -> mg.Tensor:
        nonlocal calls
        calls += 1
        if calls == die_after:
            os.kill(os.getpid(), signal.SIGKILL)  # no time to save anything, or to say goodbye
        return nn.functional.cross_entropy(logits, labels)

    history = mg.fit(
        model,
        data.DataLoader(training, batch_size=32, shuffle=True),
        loss=loss,
        optimizer=optimizer,
        epochs=5,
        scheduler=optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=5),
        progress=False,
        checkpoint=mg.Checkpoint(FOLDER / folder, every=50),
        resume=True,  # goes on if there is something to go on with
    )
    weights = b"".join(array.tobytes() for array in model.state_dict().values())
    return f"{history.train_loss[-1]:.15f} {hashlib.sha256(weights).hexdigest()}"


def process(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, __file__, *arguments], stdout=subprocess.PIPE, text=True)


def main() -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)
    whole = process("whole", "0").stdout
    killed = process("killed", "130")
    newest = mg.Checkpoint(FOLDER / "killed").paths()[-1]
    print(f"killed by signal {-killed.returncode} in update 130 of 225; the newest checkpoint is {newest.name}")
    resumed = process("killed", "0").stdout
    print(f"training loss of the last epoch, never killed    {whole.split()[0]}")
    print(f"training loss of the last epoch, killed, resumed {resumed.split()[0]}")
    print(f"weights and loss are the same to the last bit: {whole == resumed != ''}")


if __name__ == "__main__":
    if sys.argv[1:]:
        print(train(sys.argv[1], int(sys.argv[2])))
    else:
        main()
