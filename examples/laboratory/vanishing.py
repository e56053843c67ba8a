"""Why deep networks did not learn: twenty sigmoid layers shrink the gradient, relu with He initialisation keeps it.

Claim: through twenty sigmoid layers the gradient vanishes, by a factor of about 1/4 a layer, the sigmoid's steepest
slope, if the weights neither shrink nor grow it (Xavier); larger weights (He) do not make up for that. With relu and
He initialisation it keeps its size, and the same training learns.

Run: python examples/laboratory/vanishing.py        (needs matplotlib: pip install minigrad[plot])
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

import minigrad as mg
from minigrad import data, nn, optim, viz
from minigrad.analysis import GradientFlow, deep_network, gradient_flow

DEPTH, WIDTH, EPOCHS = 20, 64, 10
NETWORKS = (("sigmoid", "xavier"), ("sigmoid", "he"), ("tanh", "xavier"), ("relu", "xavier"), ("relu", "he"))


@dataclass(frozen=True)
class Network:
    """A network before training, and what training made of it."""

    activation: str
    initialisation: str
    flow: GradientFlow
    losses: list[float]  # of each epoch
    accuracy: float  # on the training samples, at the end

    @property
    def factor_a_layer(self) -> float:
        """What a hidden layer multiplies the gradient by, on its way back: the geometric mean."""
        gradients = self.flow.activation_gradients[0]
        return float((gradients[0] / gradients[DEPTH - 1]) ** (1 / (DEPTH - 1)))


def study(activation: str, initialisation: str) -> Network:
    """Measure the gradients at the start, then train on 1,000 digits."""
    network = deep_network(
        DEPTH, WIDTH, activation, initialisation, inputs=64, outputs=10, rng=np.random.default_rng(0)
    )
    criterion = nn.CrossEntropyLoss()
    samples = data.Subset(data.digits(), range(1000))
    flow = gradient_flow(network, data.DataLoader(samples, batch_size=1000), criterion)

    loader = data.DataLoader(samples, batch_size=50, shuffle=True, seed=0)
    optimizer = optim.Adam(network.parameters(), lr=0.001)  # the kindest to small gradients
    history = mg.fit(network, loader, loss=criterion, optimizer=optimizer, epochs=EPOCHS, progress=False)
    return Network(activation, initialisation, flow, history.train_loss, history.metrics["train_accuracy"][-1])


def measure() -> list[Network]:
    """Return each network."""
    return [study(activation, initialisation) for activation, initialisation in NETWORKS]


def holds(networks: list[Network]) -> bool:
    """Return whether the claim holds."""
    xavier, he, relu = networks[0], networks[1], networks[-1]
    vanished = xavier.flow.kind == he.flow.kind == "vanishing" and max(xavier.accuracy, he.accuracy) < 0.2
    quarter = 0.2 < xavier.factor_a_layer <= 0.25 < he.factor_a_layer < 0.25 * 2**0.5
    return vanished and quarter and relu.flow.kind == "healthy" and relu.accuracy > 0.9


def main() -> None:
    print(f"Claim: {DEPTH} sigmoid layers make the gradient vanish; relu with He initialisation does not.\n")
    networks = measure()
    print("                         gradient                                     loss by epoch")
    print(f"activation  weights  last layer  first layer  factor a layer  diagnosis      1  {EPOCHS:5}  accuracy")
    for network in networks:
        gradients, losses = network.flow.activation_gradients[0], network.losses
        print(
            f"{network.activation:10}  {network.initialisation:7}  {gradients[-1]:10.1e}  {gradients[0]:11.1e}"
            f"  {network.factor_a_layer:14.2f}  {network.flow.kind:9}  {losses[0]:5.2f}  {losses[-1]:5.2f}"
            f"  {network.accuracy:8.1%}"
        )
    print("\nGuessing has a loss of ln 10 = 2.30 and an accuracy of 10%.")
    print(f"The claim holds: {holds(networks)}")

    output = Path("runs/laboratory")
    output.mkdir(parents=True, exist_ok=True)
    for network in (networks[0], networks[-1]):
        print(f"\n{network.activation}, {network.initialisation}. {network.flow.diagnosis}\n  {network.flow.remedy}")
        path = output / f"vanishing_{network.activation}.png"
        viz.gradient_flow(network.flow).savefig(path, dpi=150)
        print(f"  the picture is in {path}")


if __name__ == "__main__":
    main()
