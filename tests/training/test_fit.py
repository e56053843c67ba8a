"""The training loop: what it computes, what it returns, and what it refuses."""

import warnings

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import data, nn, optim
from minigrad.errors import ArgumentError, DtypeError, ShapeError
from minigrad.training import TrainingWarning, accuracy


def problem(n=50, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3)).astype(np.float32)
    return X, (X @ [1.0, -2.0, 0.5] > 0).astype(np.int64)


def setup(seed=0, lr=0.1):
    mg.seed(seed)
    model = nn.MLP([3, 8, 2])
    return {
        "model": model,
        "loss": nn.CrossEntropyLoss(),
        "optimizer": optim.SGD(model.parameters(), lr=lr, momentum=0.9),
    }


def test_fit_is_the_five_steps_by_hand():
    """Bit for bit the loop that one would write."""
    X, y = problem()
    fitted, by_hand = setup(), setup()
    history = mg.fit(train=data.DataLoader((X, y), 16, shuffle=True, seed=1), epochs=3, progress=False, **fitted)
    losses = []
    loader = data.DataLoader((X, y), 16, shuffle=True, seed=1)
    for _ in range(3):
        total = 0.0
        for inputs, labels in loader:
            by_hand["optimizer"].zero_grad()
            loss = by_hand["loss"](by_hand["model"](inputs), labels)
            loss.backward()
            by_hand["optimizer"].step()
            total += loss.item() * len(labels)
        losses.append(total / len(X))
    for one, other in zip(fitted["model"].parameters(), by_hand["model"].parameters(), strict=True):
        np.testing.assert_array_equal(one.data, other.data)
    assert history.train_loss == losses


def test_the_last_short_batch_counts_with_its_size():
    X, y = problem(7)
    parts = setup(lr=0.0)
    history = mg.fit(
        train=data.DataLoader((X, y), 4), validation=data.DataLoader((X, y), 3), epochs=1, progress=False, **parts
    )
    whole = F.cross_entropy(parts["model"](mg.tensor(X)), y).item()
    right = float((parts["model"](mg.tensor(X)).data.argmax(1) == y).mean())
    assert history.train_loss[0] == pytest.approx(whole, rel=1e-6)
    assert history.validation_loss[0] == pytest.approx(whole, rel=1e-6)
    assert history.metrics["train_accuracy"] == [pytest.approx(right)]
    assert history.metrics["validation_accuracy"] == [pytest.approx(right)]


def test_history_has_one_entry_an_epoch_and_the_learning_rate_of_each():
    parts = setup(lr=0.1)
    scheduler = optim.lr_scheduler.StepLR(parts["optimizer"], 1, 0.5)
    history = mg.fit(train=data.DataLoader(problem(), 25), epochs=3, scheduler=scheduler, progress=False, **parts)
    assert history.learning_rate == pytest.approx([0.1, 0.05, 0.025])
    assert history.epochs == len(history.train_loss) == len(history.seconds) == 3
    assert history.validation_loss == []
    assert history.note == ""
    assert "3 epochs" in repr(history)
    assert "train_accuracy" in history.last()


def test_a_plateau_scheduler_gets_the_validation_loss():
    parts = setup(lr=1e-3)
    scheduler = optim.lr_scheduler.ReduceLROnPlateau(parts["optimizer"], factor=0.1, patience=0, threshold=0.9)
    batches = data.DataLoader(problem(), 25)
    history = mg.fit(train=batches, validation=batches, epochs=3, scheduler=scheduler, progress=False, **parts)
    assert history.learning_rate == pytest.approx([1e-3, 1e-3, 1e-4])


def test_any_callable_model_any_loss_any_optimizer():
    w = mg.tensor([0.0, 0.0], requires_grad=True)

    class Descent:
        def zero_grad(self):
            w.grad = None

        def step(self):
            w.data = w.data - 0.1 * w.grad.data

    rng = np.random.default_rng(0)
    X = rng.normal(size=(64, 2)).astype(np.float32)
    batches = [(mg.tensor(X[i : i + 16]), mg.tensor(X[i : i + 16] @ np.float32([2, -3]))) for i in range(0, 64, 16)]
    history = mg.fit(lambda x: x @ w, batches, loss=F.mse_loss, optimizer=Descent(), epochs=60, progress=False)
    np.testing.assert_allclose(w.data, [2, -3], atol=1e-3)
    assert history.metrics == {}  # regression has no accuracy, and nobody asked for one
    assert np.isnan(history.learning_rate[0])


def test_a_model_of_several_inputs_and_a_metric_of_ones_own():
    def hits(output, targets):
        return float((output.data.argmax(1) == targets.data).sum()) / len(targets)

    class Two(nn.Module):
        def __init__(self):
            self.layer = nn.Linear(3, 2)

        def forward(self, a, b):
            return self.layer(a + b)

    X, y = problem()
    model = Two()
    history = mg.fit(
        model, data.DataLoader((X, X, y), 10), loss=F.cross_entropy, optimizer=optim.SGD(model.parameters(), lr=0.1),
        epochs=2, metrics=[hits, "accuracy"], progress=False,
    )  # fmt: skip
    assert history.metrics["train_hits"] == history.metrics["train_accuracy"]


def test_modes_train_while_learning_eval_while_validating_and_restored():
    modes = []

    class Spy(nn.MLP):
        def forward(self, x):
            modes.append((self.training, super().forward(x).requires_grad))
            return super().forward(x)

    model = Spy([3, 4, 2]).eval()
    batches = data.DataLoader(problem(), 50)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    mg.fit(model, batches, loss=F.cross_entropy, optimizer=optimizer, epochs=1, validation=batches, progress=False)
    assert modes == [(True, True), (False, False)]
    assert not model.training
    model.train()
    mg.evaluate(model, batches)
    assert model.training


def test_ctrl_c_returns_what_there_is(capsys):
    class Interrupting:
        def __init__(self):
            self.epoch = 0

        def __len__(self):
            return 2

        def __iter__(self):
            self.epoch += 1
            X, y = problem(20)
            yield mg.tensor(X), mg.tensor(y)
            if self.epoch == 3:
                raise KeyboardInterrupt
            yield mg.tensor(X), mg.tensor(y)

    history = mg.fit(train=Interrupting(), epochs=5, **setup())
    assert history.epochs == 2
    assert history.note.startswith("interrupted in epoch 3 of 5")
    assert history.note in capsys.readouterr().out


def test_a_loss_that_is_not_finite_ends_the_run_before_it_spoils_the_parameters():
    X, y = problem(8)
    bad = X.copy()
    bad[0] = np.nan
    parts = setup()
    batches = [(mg.tensor(X), mg.tensor(y)), (mg.tensor(bad), mg.tensor(y))]
    with pytest.warns(
        TrainingWarning, match=r"epoch 1 of 2: the loss of batch 2 is nan.*within mg\.detect_anomaly\(\)"
    ):
        history = mg.fit(train=batches, epochs=2, progress=False, **parts)
    assert history.epochs == 0
    assert all(np.isfinite(parameter.data).all() for parameter in parts["model"].parameters())


def test_lines_where_there_is_no_terminal(capsys):
    batches = data.DataLoader(problem(), 25)
    mg.fit(train=batches, validation=batches, epochs=2, **setup())
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("epoch 1/2  loss 0.")
    for word in ("accuracy", "validation loss", "validation accuracy", "%", " s"):
        assert word in lines[1]
    mg.fit(train=batches, epochs=1, progress=False, **setup())
    assert capsys.readouterr().out == ""


def test_a_bar_in_a_terminal(monkeypatch, capsys):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    mg.fit(train=data.DataLoader(problem(), 25), epochs=2, **setup())
    assert "epoch 2/2" in capsys.readouterr().out


def test_a_bar_ends_with_what_ended_the_training(monkeypatch, capsys):
    def loss(output, targets):
        raise KeyboardInterrupt

    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    history = mg.fit(train=data.DataLoader(problem(), 25), epochs=2, **{**setup(), "loss": loss})
    assert history.note
    assert capsys.readouterr().out.endswith(history.note + "\n")


def test_evaluate():
    X, y = problem()
    model = setup()["model"]
    figures = mg.evaluate(model, data.DataLoader((X, y), 16), loss=F.cross_entropy)
    assert figures["accuracy"] == pytest.approx((model(mg.tensor(X)).data.argmax(1) == y).mean())
    assert figures["loss"] == pytest.approx(F.cross_entropy(model(mg.tensor(X)), y).item(), rel=1e-6)


def test_a_model_of_several_outputs_is_measured_by_its_own_loss_alone():
    batches = [(mg.ones((3, 2)), mg.zeros((3, 2)))]
    assert mg.evaluate(lambda x: (x, x.sum()), batches, loss=lambda outputs, y: outputs[1] - y.mean()) == {"loss": 6.0}


def test_accuracy_of_one_hot_targets():
    assert accuracy(mg.tensor([[1.0, 0.0], [0.0, 1.0]]), np.eye(2)[[0, 0]]) == 0.5
    with pytest.raises(ShapeError, match=r"accuracy: needs outputs of shape \(N, C\).*pass metrics=\(\)"):
        accuracy(mg.ones((3, 1)), mg.ones((3, 1)))


def once(X, y):
    yield mg.tensor(X), mg.tensor(y)


def test_an_optimizer_of_another_model_is_refused_at_once_and_one_of_a_part_is_not():
    parts = setup()
    batches, before = data.DataLoader(problem(), 25), parts["model"].state_dict()
    other = {**parts, "optimizer": optim.SGD(nn.MLP([2, 3, 2]).parameters(), lr=0.1)}
    message = r"none of the 4 parameters of the optimizer is the model's.*optim\.SGD\(model\.parameters\(\), \.\.\.\)"
    with pytest.raises(ArgumentError, match=message):
        mg.fit(train=batches, epochs=1, progress=False, **other)
    assert repr(parts["model"].state_dict()) == repr(before)

    last = list(parts["model"].parameters())[-1]
    mg.fit(train=batches, epochs=1, progress=False, **{**parts, "optimizer": optim.SGD([last], lr=0.1)})
    after = parts["model"].state_dict()
    assert [name for name in before if not np.array_equal(before[name], after[name])] == [last.name]


def test_a_module_without_parameters_may_compute_with_tensors_from_elsewhere():
    weight = mg.tensor(np.zeros((3, 2), np.float32), requires_grad=True)

    class Product(nn.Module):
        def forward(self, x):
            return x @ weight

    parts = {"model": Product(), "loss": nn.CrossEntropyLoss(), "optimizer": optim.SGD([weight], lr=0.1)}
    mg.fit(train=data.DataLoader(problem(), 25), epochs=1, progress=False, **parts)
    assert weight.data.any()


def test_an_optimizer_of_a_loss_that_learns_is_one():
    class Scaled(nn.Module):
        def __init__(self):
            self.scale = nn.Parameter(np.ones(1, np.float32))

        def forward(self, output, targets):
            return nn.functional.cross_entropy(output * self.scale, targets)

    loss = Scaled()
    parts = {**setup(), "loss": loss, "optimizer": optim.SGD(loss.parameters(), lr=0.1)}
    mg.fit(train=data.DataLoader(problem(), 25), epochs=1, progress=False, **parts)
    assert loss.scale.item() != 1


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        ({"epochs": 0}, ArgumentError, "epochs must be a positive integer, got 0"),
        ({"epochs": 2.0}, ArgumentError, "epochs must be a positive integer, got 2.0"),
        ({"metrics": ["acuracy"]}, ArgumentError, "no metric 'acuracy'; known: accuracy"),
        ({"metrics": "accuracy"}, ArgumentError, "metrics is a list"),
        ({"train": data.xor()}, DtypeError, r"wrap it: DataLoader\(dataset"),
        ({"train": 3}, DtypeError, "train must give batches"),
        ({"train": []}, ArgumentError, "train gives no batches"),
        ({"train": once(*problem()), "epochs": 2}, ArgumentError, "iterator that can be gone through only once"),
        ({"train": [mg.ones(3)]}, ShapeError, r"a batch is \(inputs, targets\), got Tensor"),
        ({"validation": []}, ArgumentError, "validation gives no batches"),
        (
            {"loss": lambda output, targets: 0.5},
            DtypeError,
            "loss must be a scalar tensor, the function returned float",
        ),
        ({"epoch": 3}, TypeError, r"got an unexpected keyword argument 'epoch'"),
    ],
)
def test_bad_input(change, kind, message):
    arguments = {"train": data.DataLoader(problem(), 25), "epochs": 1, "progress": False, **setup(), **change}
    with pytest.raises(kind, match=message), warnings.catch_warnings():
        mg.fit(**arguments)
