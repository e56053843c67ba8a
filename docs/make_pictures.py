"""Draw the README's pictures anew: python docs/make_pictures.py (needs Chromium and its driver for the player)."""

import shutil
import tempfile
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

import minigrad as mg
from minigrad import analysis, data, nn, optim, viz

HERE = Path(__file__).parent


def draw_mlp() -> Path:
    """Write mlp.svg, the graph of an MLP on handwritten digits."""
    mg.seed(0)
    images, labels = data.digits()[:32]
    images.name, labels.name = "images", "labels"
    loss = nn.CrossEntropyLoss()(nn.MLP([64, 32, 10])(images), labels)
    loss.name = "loss"
    return viz.draw(loss, title="An MLP on 32 handwritten digits").save(HERE / "mlp.svg")


def photograph_player(step: int) -> Path:
    """Write player.png, the player at a step of a small MLP's backward pass."""
    mg.seed(4)
    model = nn.MLP([2, 3, 2])
    inputs = mg.tensor([[1.0, 2.0], [3.0, -1.0]], name="inputs")
    with mg.source_lines():
        loss = nn.CrossEntropyLoss()(model(inputs), mg.tensor([0, 1], name="labels"))
    loss.name = "loss"
    player = viz.player(loss, optimizer=optim.SGD(model.parameters(), lr=0.1), title="One training step of a small MLP")
    options = webdriver.ChromeOptions()
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"):
        options.add_argument(flag)
    with tempfile.TemporaryDirectory() as folder:
        page = player.save(Path(folder) / "player.html")
        browser = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
        size = {"width": 1280, "height": 800, "deviceScaleFactor": 1.5, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        browser.get(f"{page.as_uri()}#step={step}")
        browser.save_screenshot(str(HERE / "player.png"))
        browser.quit()
    return HERE / "player.png"


def draw_trajectories() -> Path:
    """Write trajectory.png, four optimizers on Rosenbrock's valley."""
    ways = {
        "SGD": lambda p: optim.SGD(p, lr=0.001),
        "momentum": lambda p: optim.SGD(p, lr=0.001, momentum=0.9),
        "Adam": lambda p: optim.Adam(p, lr=0.1),
        "Newton": optim.Newton,
    }
    viz.trajectory(ways, analysis.surfaces.rosenbrock(), steps=200).savefig(HERE / "trajectory.png", dpi=110)
    return HERE / "trajectory.png"


if __name__ == "__main__":
    print(draw_mlp())
    print(draw_trajectories())
    print(photograph_player(step=8))
