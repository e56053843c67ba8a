import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.figure import Figure

import minigrad as mg
from minigrad import nn, viz
from minigrad.errors import ArgumentError, MissingExtraError, ShapeError


def run(epochs=5, validation=True):
    curve = list(np.linspace(2.0, 0.5, epochs))
    metrics = {"train_accuracy": curve[::-1]} | ({"validation_accuracy": curve[::-1]} if validation else {})
    return SimpleNamespace(train_loss=curve, validation_loss=curve if validation else [], metrics=metrics)


X = np.array([[0.0, 0.0], [1.0, 1.0], [0.0, 1.0], [1.0, 0.0]], np.float32)
y = np.array([0, 0, 1, 1])


def legend(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_history_has_loss_and_accuracy_side_by_side():
    figure = viz.history(run())
    assert [(a.get_xlabel(), a.get_ylabel()) for a in figure.axes] == [("epoch", "loss"), ("epoch", "accuracy")]
    for axes in figure.axes:
        assert legend(axes) == ["train", "validation"]
        one, other = axes.get_lines()
        assert one.get_linestyle() != other.get_linestyle()
        assert one.get_marker() != other.get_marker()
        assert list(one.get_xdata()) == [1, 2, 3, 4, 5]


def test_history_without_validation_or_metrics():
    assert legend(viz.history(run(validation=False)).axes[0]) == ["train"]
    only_loss = SimpleNamespace(train_loss=[1.0], validation_loss=[], metrics={})
    assert len(viz.history(only_loss).axes) == 1


def test_a_metric_of_ones_own_gets_a_panel():
    h = SimpleNamespace(train_loss=[1.0], validation_loss=[], metrics={"top_five": [0.5], "validation_f1": [0.25]})
    assert [axes.get_ylabel() for axes in viz.history(h).axes] == ["loss", "top five", "f1"]


def test_an_empty_history_says_so():
    h = SimpleNamespace(train_loss=[], validation_loss=[], metrics={})
    assert [text.get_text() for text in viz.history(h).axes[0].texts] == ["no epoch was finished"]


def test_history_on_given_axes():
    figure = Figure()
    axes = figure.subplots(1, 2)
    assert viz.history(run(), ax=axes) is figure
    assert viz.history(run(), ax=axes[0]) is figure
    with pytest.raises(ArgumentError, match="one matplotlib axes, or 2"):
        viz.history(run(), ax=[axes[0]] * 3)


def test_a_figure_shows_itself_without_pyplot():
    assert viz.history(run())._repr_png_().startswith(b"\x89PNG")
    code = """
import sys, types
from minigrad import viz
viz.history(types.SimpleNamespace(train_loss=[1.0], validation_loss=[], metrics={}))._repr_png_()
print("matplotlib.figure" in sys.modules, "matplotlib.pyplot" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False"]


@pytest.mark.parametrize(
    "model",
    [
        lambda points: mg.stack([points[:, 0], points[:, 1], points[:, 0] * 2], axis=1),
        lambda points: points.sum(axis=1) - 1,
        lambda points: points.sum(axis=1, keepdims=True) - 1,
        lambda points: points.numpy(),
        lambda points: np.zeros((len(points), 2)),
        lambda points: np.full((len(points), 2), np.inf),
    ],
)
def test_decision_boundary_of_any_callable(model):
    figure = viz.decision_boundary(model, X, y, resolution=20)
    axes = figure.axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("x1", "x2")
    assert legend(axes) == ["class 0", "class 1"]
    assert figure._repr_png_().startswith(b"\x89PNG")


def test_decision_boundary_runs_in_evaluation_mode_and_restores_each_module():
    seen = []

    class Watch(nn.Module):
        def forward(self, x):
            seen.append((self.training, (leaf * 1.0).requires_grad))
            return x

    leaf = mg.tensor(1.0, requires_grad=True)
    frozen = Watch().eval()
    model = nn.Sequential(nn.Linear(2, 2), Watch(), frozen)
    viz.decision_boundary(model, mg.tensor(X), mg.tensor(y), resolution=5)
    assert seen == [(False, False), (False, False)]
    assert [module.training for module in model] == [True, True, False]
    assert model.training

    def fail(x):
        raise RuntimeError("broken")

    model[1].forward = fail
    with pytest.raises(RuntimeError, match="broken"):
        viz.decision_boundary(model, X, y, resolution=5)
    assert [module.training for module in model] == [True, True, False]


def test_decision_boundary_regions_follow_the_model():
    figure = viz.decision_boundary(lambda points: points[:, 0] - 0.5, X, y, resolution=101)
    lines = [path for collection in figure.axes[0].collections for path in collection.get_paths()]
    vertical = [path for path in lines if len(path.vertices) and np.allclose(path.vertices[:, 0], 0.5)]
    assert vertical


def test_decision_boundary_on_given_axes():
    figure = Figure()
    assert viz.decision_boundary(lambda p: p[:, 0], X, y[:, None], ax=figure.add_subplot(), resolution=5) is figure


@pytest.mark.parametrize(
    ("arguments", "options", "kind", "message"),
    [
        ((np.ones((3, 5)), [0, 1, 0]), {}, ShapeError, r"\(N, 2\), got \(3, 5\)"),
        ((np.ones((0, 2)), []), {}, ShapeError, r"\(N, 2\)"),
        ((X, [0, 1]), {}, ShapeError, r"each of the 4 points, got shape \(2,\)"),
        ((X, y), {"resolution": 1}, ArgumentError, "at least 2, got 1"),
        ((X * np.nan, y), {}, ArgumentError, "NaN or infinity"),
    ],
)
def test_bad_input(arguments, options, kind, message):
    with pytest.raises(kind, match=message):
        viz.decision_boundary(lambda p: p[:, 0], *arguments, **options)


def test_logits_of_another_shape_are_refused():
    with pytest.raises(ShapeError, match=r"logits of shape \(25, classes\).*returned \(3,\)"):
        viz.decision_boundary(lambda p: np.zeros(3), X, y, resolution=5)


def test_without_matplotlib_the_error_names_the_command(monkeypatch):
    monkeypatch.delitem(sys.modules, "minigrad.viz.figure", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r"pip install minigrad\[plot\]"):
        viz.history(run())
