"""Draw the README's pictures anew: python docs/make_pictures.py."""

from pathlib import Path

import minigrad as mg
from minigrad import data, nn, viz

HERE = Path(__file__).parent


def main() -> None:
    """Write mlp.svg."""
    mg.seed(0)
    images, labels = data.digits()[:32]
    images.name, labels.name = "images", "labels"
    loss = nn.CrossEntropyLoss()(nn.MLP([64, 32, 10])(images), labels)
    loss.name = "loss"
    print(viz.draw(loss, title="An MLP on 32 handwritten digits").save(HERE / "mlp.svg"))


if __name__ == "__main__":
    main()
