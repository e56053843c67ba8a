"""Handwritten digits with a loop of one's own: the five steps of training, written out.

Run: python examples/digits_by_hand.py
"""

import numpy as np

import minigrad as mg
from minigrad import data, nn, optim

EPOCHS = 15


def main() -> None:
    mg.seed(0)
    train, test = data.random_split(data.digits(), [0.8, 0.2], rng=np.random.default_rng(0))
    loader = data.DataLoader(train, batch_size=32, shuffle=True)
    model = nn.MLP([64, 64, 10])
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

    for epoch in range(EPOCHS):
        total = 0.0
        for images, labels in loader:  # 1. draw a batch
            logits = model(images)  # 2. forward: the model's scores for each class
            loss = criterion(logits, labels)  # 3. loss: how far they are from the labels
            optimizer.zero_grad()
            loss.backward()  # 4. backward: the gradient of the loss for every parameter
            optimizer.step()  # 5. update: a step against the gradient
            total += loss.item() * len(labels)
        print(f"epoch {epoch + 1:2}/{EPOCHS}  loss {total / len(train):.4f}")

    model.eval()
    with mg.no_grad():  # nothing is recorded: this is no training
        images, labels = test[:]
        predictions = model(images).argmax(axis=1)
    print(f"\ntest accuracy {(predictions == labels).mean().item():.2%} on {len(test)} digits it has never seen")


if __name__ == "__main__":
    main()
