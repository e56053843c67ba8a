"""The batch-size study: what it counts and measures, the same start for all, and what it refuses."""

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import data, nn, optim
from minigrad.analysis import batch_size, batch_size_study
from minigrad.errors import ArgumentError, DtypeError, GraphError, ShapeError


def points(n=50, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3)).astype(np.float32)
    return X, (X @ [1.0, -2.0, 0.5] > 0).astype(np.int64)


def make_model():
    return nn.MLP([3, 6, 2])


def quick(sizes=(1, 8, "full"), train=None, **options):
    return batch_size_study(make_model, train or points(), sizes, **{"epochs": 2, "sharpness": False, **options})


def figures(study):
    """Return all that does not depend on the clock."""
    rows = [
        (r.batch_size, r.gradient_noise, r.train_loss, r.test_loss, r.test_accuracy, r.sharpness) for r in study.rows
    ]
    return rows, [row.losses.tolist() for row in study.rows]


def test_updates_an_epoch_are_the_samples_over_the_size_rounded_up():
    study = quick([1, 8, 49, 50, "full"])
    assert [row.batch_size for row in study.rows] == [1, 8, 49, 50, 50]
    assert [row.updates_an_epoch for row in study.rows] == [50, 7, 2, 1, 1]
    assert [len(row.losses) for row in study.rows] == [100, 14, 4, 2, 2]
    assert (study.samples, study.epochs) == (50, 2)


def test_each_row_is_the_training_by_hand_through_the_same_loader():
    train, test = points(), points(30, seed=1)
    study = quick([1, 8, "full"], test=test, seed=3)
    for row in study.rows:
        mg.seed(3)
        model = make_model()
        optimizer, losses = optim.SGD(model.parameters(), lr=0.05), []
        loader = data.DataLoader(train, row.batch_size, shuffle=True, seed=3)
        for _ in range(2):
            for X, y in loader:
                optimizer.zero_grad()
                loss = F.cross_entropy(model(X), y)
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
        assert row.losses.tolist() == losses
        assert row.train_loss == F.cross_entropy(model(mg.tensor(train[0])), train[1]).item()
        assert row.test_loss == F.cross_entropy(model(mg.tensor(test[0])), test[1]).item()
        assert row.test_accuracy == np.mean(model(mg.tensor(test[0])).data.argmax(axis=1) == test[1])


def test_all_sizes_start_from_the_same_weights():
    starts = []

    def spy(parameters, size):
        starts.append([parameter.data.copy() for parameter in parameters])
        return optim.SGD(parameters, lr=0.1)

    quick([1, 25, 50], make_optimizer=spy)
    for start in starts[1:]:
        for one, other in zip(starts[0], start, strict=True):
            np.testing.assert_array_equal(one, other)


def test_a_seed_gives_the_same_figures_again_and_another_seed_others():
    test = points(30, seed=1)
    assert figures(quick(test=test, seed=5)) == figures(quick(test=test, seed=5))
    assert figures(quick(test=test, seed=5)) != figures(quick(test=test, seed=6))


def test_the_default_generator_goes_on_as_if_nothing_had_been_drawn():
    mg.seed(7)
    expected = nn.Linear(3, 3).weight.data
    mg.seed(7)
    quick()
    np.testing.assert_array_equal(nn.Linear(3, 3).weight.data, expected)


def test_the_optimizer_is_made_from_the_parameters_and_the_size():
    sizes = []

    def scaled(parameters, size):
        sizes.append((len(parameters), size))
        return optim.SGD(parameters, lr=0.001 * size)

    quick(["full", 8], make_optimizer=scaled)
    assert sizes == [(4, 50), (4, 8)]


def regression(n=40, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 2))
    return X, X @ [[1.0], [-1.0]] + rng.normal(size=(n, 1))


def make_line():
    return nn.Linear(2, 1, bias=False, dtype=np.float64)


def still(parameters, size):
    return optim.SGD(parameters, lr=0.0)


def test_the_noise_of_single_samples_is_the_formula():
    """The gradient of a sample's squared error is 2 (w x - y) x."""
    X, y = regression()
    options = {"loss": nn.MSELoss(), "make_optimizer": still, "epochs": 1, "sharpness": False}
    row = batch_size_study(make_line, (X, y), [1], **options).rows[0]
    mg.seed(0)
    w = make_line().weight.data
    gradients = 2 * (X @ w.T - y) * X
    mean = gradients.mean(axis=0)
    expected = np.mean(np.sum((gradients - mean) ** 2, axis=1)) / np.sum(mean**2)
    assert row.gradient_noise == pytest.approx(expected, rel=1e-12)


def test_the_noise_is_that_of_the_next_epochs_whole_batches():
    X, y = regression()
    options = {"loss": nn.MSELoss(), "make_optimizer": still, "epochs": 2, "sharpness": False, "seed": 4}
    row = batch_size_study(make_line, (X, y), [12], **options).rows[0]
    mg.seed(4)
    w = make_line().weight.data
    mean = np.mean(2 * (X @ w.T - y) * X, axis=0)
    loader = data.DataLoader((X, y), 12, shuffle=True, seed=4)
    loader.set_epoch(2)
    batches = [np.mean(2 * (a.data @ w.T - b.data) * a.data, axis=0) for a, b in loader][:3]  # the fourth has 4 samples
    expected = np.mean([np.sum((batch - mean) ** 2) for batch in batches]) / np.sum(mean**2)
    assert row.gradient_noise == pytest.approx(expected, rel=1e-12)


def test_means_over_all_samples_do_not_depend_on_how_many_are_taken_at_once(monkeypatch):
    options = {"loss": nn.MSELoss(), "epochs": 1, "sharpness": False, "test": regression(30, seed=1)}
    whole = batch_size_study(make_line, regression(), [8], **options).rows[0]
    monkeypatch.setattr("minigrad.analysis.batch_size_trial.CHUNK", 7)  # leaves a short one
    parts = batch_size_study(make_line, regression(), [8], **options).rows[0]
    for name in ("gradient_noise", "train_loss", "test_loss"):
        assert getattr(parts, name) == pytest.approx(getattr(whole, name), rel=1e-12)


def test_the_noise_falls_with_the_size_as_for_drawing_without_replacement():
    """(N - B) / (N - 1) / B, averaged over the orders of many seeds."""
    train, noise = regression(), {1: [], 4: [], 20: []}
    options = {"loss": nn.MSELoss(), "make_optimizer": still, "epochs": 1, "sharpness": False}
    start = make_line().state_dict()

    def same_line():
        line = make_line()
        line.load_state_dict(start)
        return line

    for seed in range(60):
        for row in batch_size_study(same_line, train, list(noise), seed=seed, **options).rows:
            noise[row.batch_size].append(row.gradient_noise)
    for size, values in noise.items():
        expected = np.mean(noise[1]) * (40 - size) / 39 / size
        error = np.std(values) / np.sqrt(len(values))
        assert abs(np.mean(values) - expected) < 4 * error + 1e-9 * expected


def test_the_full_batch_has_no_noise_to_rounding():
    assert quick(["full"]).rows[0].gradient_noise < 1e-10
    options = {"loss": nn.MSELoss(), "epochs": 1, "sharpness": False}
    assert batch_size_study(make_line, regression(), ["full"], **options).rows[0].gradient_noise < 1e-25


def test_the_sharpness_of_a_linear_regression_is_the_formula():
    """The Hessian of the mean squared error is 2 X'X / N, wherever the training ended."""
    X, y = regression()
    study = batch_size_study(make_line, (X, y), [1, "full"], loss=nn.MSELoss(), epochs=1)
    expected = 2 * np.linalg.eigvalsh(X.T @ X)[-1] / len(X)
    assert [row.sharpness for row in study.rows] == pytest.approx([expected] * 2, rel=1e-6)


def test_dropout_and_batch_norm_are_measured_in_evaluation_mode():
    def model():
        return nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 2))

    row = batch_size_study(model, points(), ["full"], epochs=1).rows[0]
    assert row.gradient_noise < 1e-10
    assert row.sharpness > 0


def test_a_training_that_diverges_is_told_and_the_others_go_on():
    def optimizer(parameters, size):
        return optim.SGD(parameters, lr=1e20 if size == 5 else 0.01)

    options = {"make_optimizer": optimizer, "loss": nn.MSELoss(), "epochs": 3}
    study = batch_size_study(make_line, regression(), [5, 20], test=regression(seed=1), **options)
    wild, tame = study.rows
    assert wild.diverged
    assert len(wild.losses) < 3 * wild.updates_an_epoch
    assert all(np.isnan([wild.train_loss, wild.test_loss, wild.gradient_noise, wild.sharpness]))
    assert not tame.diverged
    assert tame.train_loss < tame.losses[0]
    assert "diverged" in str(study).splitlines()[1]


def test_times_are_medians_of_what_the_clock_said(monkeypatch):
    """An update takes one tick here, and an epoch one more for its own reading of the clock after each."""
    ticks = iter(range(10_000))
    monkeypatch.setattr("minigrad.analysis.batch_size_trial.time.perf_counter", lambda: next(ticks))
    rows = quick([10, 50]).rows
    assert [row.seconds_an_update for row in rows] == [1, 1]
    assert [row.seconds_an_epoch for row in rows] == [11, 3]


def test_the_text_is_an_aligned_table_that_names_its_units():
    lines = str(quick([1, 50], test=points(20, seed=1))).splitlines()
    assert lines[0].split("  ")[0] == "batch size"
    for name in ("updates/epoch", "ms/update", "s/epoch", "gradient noise", "train loss", "test accuracy"):
        assert name in lines[0]
    assert "sharpness" not in "".join(lines)
    assert len({len(line) for line in lines[:3]}) == 1
    assert lines[3] == "(50 samples, 2 epochs)"
    assert "test" not in str(quick([50])).splitlines()[0]
    assert "median" in lines[4]


def test_one_epoch_is_one():
    study = quick([50], epochs=1)
    assert "(50 samples, 1 epoch)" in str(study).splitlines()
    assert repr(study) == "BatchSizeStudy(batch sizes 50; 1 epoch)"
    assert repr(quick([8])) == "BatchSizeStudy(batch sizes 8; 2 epochs)"


def test_noise_that_is_rounding_is_called_so():
    study = quick([1, "full"])
    assert 0 <= study.rows[1].gradient_noise < 1e-9
    lines = str(study).splitlines()
    assert "0 (to rounding)" in lines[2]
    assert "rounding" not in lines[1]


def test_no_line_is_too_long_for_a_screen():
    study = quick([1, 50], test=points(20, seed=1), sharpness=True)
    assert max(map(len, str(study).splitlines())) <= 120


def test_regression_has_no_accuracy():
    options = {"loss": nn.MSELoss(), "epochs": 1, "sharpness": False}
    row = batch_size_study(make_line, regression(), [8], test=regression(seed=1), **options).rows[0]
    assert row.test_accuracy is None
    assert row.test_loss > 0


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"sizes": [51]}, ArgumentError, "a batch of 51 is more than the 50 training samples"),
        ({"sizes": [0]}, ArgumentError, "a size must be a positive integer, got 0"),
        ({"sizes": [2.0]}, ArgumentError, "a size must be a positive integer, got 2.0"),
        ({"sizes": ["all"]}, ArgumentError, "'full', got 'all'"),
        ({"sizes": []}, ArgumentError, "sizes must be a list"),
        ({"sizes": "full"}, ArgumentError, "sizes must be a list"),
        ({"epochs": 0}, ArgumentError, "epochs must be a positive integer"),
        ({"seed": -1}, ArgumentError, "seed must be a non-negative integer"),
        ({"sharpness": 1}, DtypeError, "sharpness must be True or False"),
        ({"make_model": nn.Linear(3, 2)}, DtypeError, "make_model must make a new model"),
        ({"make_model": lambda: None}, DtypeError, "it returned NoneType"),
        ({"train": data.DataLoader(points(), 5)}, DtypeError, "train needs a dataset"),
        ({"train": points()[:1]}, ShapeError, "a sample must be"),
        ({"loss": nn.MSELoss}, DtypeError, "loss must be a function"),
        ({"loss": nn.CrossEntropyLoss(reduction="none")}, GraphError, r"must be a scalar, it has shape \(10,\)"),
        ({"loss": lambda out, y: 0.0}, DtypeError, "it returned float"),
        ({"make_optimizer": optim.SGD}, DtypeError, r"a function of \(parameters, batch_size\)"),
    ],
)
def test_what_is_wrong_is_said(change, error, message):
    options = {"make_model": make_model, "train": points(), "sizes": [10], "epochs": 1, "sharpness": False}
    with pytest.raises(error, match=message):
        batch_size_study(**{**options, **change})


def test_models_that_do_not_start_alike_are_refused():
    rng, model = np.random.default_rng(0), make_model()
    for make in (lambda: nn.MLP([3, 6, 2], rng=rng), lambda: model):
        with pytest.raises(ArgumentError, match="the same initial weights each time"):
            batch_size_study(make, points(), [10, 50], epochs=1, sharpness=False)


def test_the_usual_learning_rate_is_the_one_of_the_docstring():
    assert f"lr={batch_size.LEARNING_RATE}" in batch_size_study.__doc__
