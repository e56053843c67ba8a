"""Pictures of what an analysis measured: the numbers in them are the ones that were measured."""

import re
import sys
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from matplotlib.figure import Figure

import minigrad as mg
from minigrad import analysis, data, nn, optim, viz
from minigrad.analysis import BatchSizeRow, BatchSizeStudy, Curvature, Spectrum
from minigrad.errors import ArgumentError, DtypeError, MissingExtraError

RNG = np.random.default_rng(0)
BATCH = mg.tensor(RNG.normal(size=(16, 8)).astype(np.float32)), RNG.normal(size=(16, 8)).astype(np.float32)


def lines(axes):
    return {line.get_label(): line for line in axes.get_lines()}


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


# --- gradient flow


def flow(depth=3, activation="relu", initialisation="he", **options):
    model = analysis.deep_network(depth, 8, activation, initialisation, rng=np.random.default_rng(0))
    return model, analysis.gradient_flow(model, [BATCH], nn.MSELoss(), **options)


def test_each_panel_has_the_first_and_the_last_step():
    model = analysis.deep_network(3, 8, "relu", "he", rng=np.random.default_rng(0))
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    measured = analysis.gradient_flow(model, [BATCH], nn.MSELoss(), optimizer=optimizer, steps=5)
    figure = viz.gradient_flow(measured)
    tables = (measured.activations, measured.activation_gradients, measured.weight_gradients)
    for axes, table in zip(figure.axes, tables, strict=True):
        np.testing.assert_array_equal(lines(axes)["first step"].get_ydata(), table[0])
        np.testing.assert_array_equal(lines(axes)["last step"].get_ydata(), table[-1])
        assert axes.get_yscale() == "log"
        assert [text.get_text() for text in axes.get_xticklabels()] == list(measured.layers)
        low, high = axes.get_ylim()
        assert high / low > 100  # what hardly changes looks flat
    assert legend(figure) == ["first step", "last step"]
    assert figure.get_suptitle().replace("\n", " ") == measured.diagnosis


def test_a_module_is_measured_and_left_as_it_is():
    model, measured = flow()
    before = {name: array.tobytes() for name, array in model.state_dict().items()}
    figure = viz.gradient_flow(model, [BATCH], nn.MSELoss())
    assert legend(figure) == ["one step"]
    np.testing.assert_array_equal(lines(figure.axes[1])["one step"].get_ydata(), measured.activation_gradients[0])
    assert {name: array.tobytes() for name, array in model.state_dict().items()} == before


@pytest.mark.parametrize(("depth", "steps"), [(20, 4), (9, 3), (10, None), (57, None)])
def test_of_many_layers_some_are_named_as_the_diagnosis_names_them(depth, steps):
    measured = flow(depth)[1]
    figure = viz.gradient_flow(measured)
    for axes in figure.axes:
        assert axes.get_xlabel() == "layer (its name in the model)"
        places = axes.get_xticks().astype(int) - 1
        assert [text.get_text() for text in axes.get_xticklabels()] == [measured.layers[place] for place in places]
        assert {0, depth} <= set(places)  # the ends, of which a diagnosis speaks
        assert 4 <= len(places) <= 8
        assert steps is None or set(np.diff(places)) == {steps}
    assert figure._repr_png_().startswith(b"\x89PNG")


def test_what_is_zero_is_a_cross_at_the_bottom():
    model, _ = flow()
    for parameter in model.parameters():
        parameter.data = parameter.data * 0
    figure = viz.gradient_flow(model, [BATCH], nn.MSELoss())
    assert "zero, one step" in legend(figure)
    assert figure._repr_png_().startswith(b"\x89PNG")


def test_what_is_not_finite_is_a_picture_too():
    model, _ = flow()
    next(model.parameters()).data[...] = np.inf
    assert viz.gradient_flow(model, [BATCH], nn.MSELoss())._repr_png_().startswith(b"\x89PNG")


def test_gradient_flow_on_given_axes():
    figure, measured = Figure(), flow()[1]
    axes = figure.subplots(1, 3)
    assert viz.gradient_flow(measured, ax=axes) is figure
    assert axes[0].get_title().split("\n", 1)[0] == "activations"
    assert axes[0].get_title().split("\n", 1)[1].replace("\n", " ") == measured.diagnosis
    assert axes[1].get_title() == "gradients of the activations"
    alone = Figure().add_subplot()
    viz.gradient_flow(measured, ax=alone)
    assert alone.get_title() == axes[0].get_title()
    with pytest.raises(ArgumentError, match="one matplotlib axes, or 3"):
        viz.gradient_flow(measured, ax=axes[:2])


@pytest.mark.parametrize(
    ("arguments", "options", "kind", "message"),
    [
        ((flow()[1], [BATCH]), {}, ArgumentError, "is measured already: pass it alone"),
        ((flow()[1],), {"steps": 2}, ArgumentError, "is measured already: pass it alone"),
        ((flow()[0],), {}, ArgumentError, "pass batches and loss too"),
        ((flow()[0], [BATCH]), {}, ArgumentError, "pass batches and loss too"),
        (("flow",), {}, DtypeError, "or a module, got str"),
    ],
)
def test_bad_input_of_gradient_flow(arguments, options, kind, message):
    with pytest.raises(kind, match=message):
        viz.gradient_flow(*arguments, **options)


# --- the batch-size study


def row(size, **changes):
    made = BatchSizeRow(size, 128 // size, 1e-3, 0.2 / size, 30.0 / size, 0.1 * size**0.2, 0.2, 0.9, 1.5,
                        np.ones(3), False)  # fmt: skip
    return replace(made, **changes)


def study(*rows):
    return BatchSizeStudy(list(rows), 128, 2)


def test_a_panel_for_each_of_what_was_measured():
    figure = viz.batch_sizes(study(row(8), row(1), row(64)))
    assert [axes.get_title() for axes in figure.axes] == [
        "time of an epoch",
        "gradient noise",
        "final loss",
        "test accuracy",
        "sharpness",
    ]
    time = figure.axes[0]
    curve = lines(time)["seconds"]
    np.testing.assert_array_equal(curve.get_xdata(), [1, 8, 64])  # in order, however they were given
    np.testing.assert_array_equal(curve.get_ydata(), [0.2, 0.2 / 8, 0.2 / 64])
    assert (time.get_xscale(), time.get_yscale(), time.get_ylabel()) == ("log", "log", "seconds")
    assert sorted(text.get_text() for text in time.get_xticklabels()) == ["1", "64", "8"]
    assert list(lines(figure.axes[2])) == ["train", "test"]
    assert figure.axes[4].get_yscale() == "linear"  # all the same


def test_what_was_not_measured_has_no_panel():
    bare = {"test_loss": None, "test_accuracy": None, "sharpness": None}
    figure = viz.batch_sizes(study(row(1, **bare), row(64, **bare)))
    assert [axes.get_title() for axes in figure.axes] == ["time of an epoch", "gradient noise", "final loss"]
    assert list(lines(figure.axes[2])) == ["train"]


def test_a_full_batch_has_no_noise_to_rounding():
    figure = viz.batch_sizes(study(row(1), row(64), row(128, gradient_noise=3e-14)))
    noise = figure.axes[1]
    assert lines(noise)["zero, to rounding"].get_xdata().tolist() == [128]
    assert noise.get_ylim()[0] > 1e-3


def test_a_training_that_diverged_leaves_a_gap_and_is_told():
    nan = dict.fromkeys(("seconds_an_epoch", "gradient_noise", "train_loss", "test_loss", "sharpness"), np.nan)
    figure = viz.batch_sizes(study(row(1), row(8, diverged=True, **nan), row(64)))
    assert figure.axes[2].get_title() == "final loss (diverged: batch size 8)"
    assert np.isnan(lines(figure.axes[2])["train"].get_ydata()).tolist() == [False, True, False]
    assert figure._repr_png_().startswith(b"\x89PNG")
    nowhere = viz.batch_sizes(study(row(8, diverged=True, **nan)))
    assert nowhere._repr_png_().startswith(b"\x89PNG")


@pytest.mark.parametrize("width", [3.0, 5.0, 12.0])
def test_names_of_sizes_do_not_overlap(width):
    sizes = [1, 2, 3, 4, 60, 64, 100, 128, 256, 500, 512, 600, 1024]
    figure = Figure(figsize=(width, 4.0), layout="constrained")
    axes = figure.subplots()
    viz.batch_sizes(study(*map(row, reversed(sizes)), row(64)), ax=axes)
    figure.canvas.draw()
    assert axes.get_xticks().tolist() == sizes  # each has its mark
    named = [text for text in axes.get_xticklabels() if text.get_text()]
    boxes = [text.get_window_extent() for text in named]
    assert all(left.x1 < right.x0 for left, right in pairwise(boxes))
    assert (named[0].get_text(), named[-1].get_text()) == ("1", "1024")
    assert len(named) >= 4


def test_batch_sizes_on_given_axes_and_bad_input():
    figure = Figure()
    assert viz.batch_sizes(study(row(1), row(8)), ax=figure.subplots(1, 5)) is figure
    with pytest.raises(ArgumentError, match="one matplotlib axes, or 5"):
        viz.batch_sizes(study(row(1), row(8)), ax=Figure().subplots(1, 2))
    with pytest.raises(DtypeError, match=r"analysis.batch_size_study\(\) returned, got list"):
        viz.batch_sizes([row(1)])


# --- the spectrum


def test_the_spectrum_has_the_density_and_the_nodes():
    found = Spectrum(np.array([-1.0, 0.0, 4.0]), np.array([0.1, 0.7, 0.2]))
    figure = viz.spectrum(found, width=0.2)
    axes = figure.axes[0]
    grid, density = lines(axes)["density (bells of width 0.2)"].get_data()
    drawn = np.isfinite(density)
    np.testing.assert_allclose(density[drawn], found.density(grid, 0.2)[drawn])
    assert np.ptp(grid[drawn]) > 5
    np.testing.assert_array_equal(lines(axes)["nodes of the estimate"].get_xdata(), found.nodes)
    assert axes.get_title() == "10.0% of the eigenvalues are clearly below zero\n(by more than a bell's width, 0.2)"
    assert axes.get_yscale() == "log"


def test_bells_end_where_they_are_a_hundredth_of_the_least():
    found = Spectrum(np.array([-1.0, 0.0, 4.0]), np.array([0.001, 0.998, 0.001]))
    axes = viz.spectrum(found, width=0.1).axes[0]
    grid, density = lines(axes)["density (bells of width 0.1)"].get_data()
    least = found.density([4.0], 0.1).item()
    assert axes.get_ylim()[0] == pytest.approx(least / 100)
    assert np.nanmin(density) >= least / 100
    drawn = grid[np.isfinite(density)]
    reach = 0.1 * np.sqrt(2 * np.log([100, 100 * 998]))  # of a bell of the least weight, and of the high one
    np.testing.assert_allclose([drawn[0], drawn[-1]], [-1 - reach[0], 4 + reach[0]], atol=0.01)
    assert not ((drawn > reach[1] + 0.01) & (drawn < 4 - reach[0] - 0.01)).any()
    low, high = axes.get_xlim()
    assert -1.7 < low < drawn[0]
    assert drawn[-1] < high < 4.7


@pytest.mark.parametrize(("updates", "share"), [(0, 0.1), (30, 0.03), (120, 0.0)])
def test_the_share_below_zero_is_that_of_the_whole_hessian(updates, share):
    images, labels = data.digits()[:256]
    model = nn.MLP([64, 8, 10], rng=np.random.default_rng(0))
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for _ in range(updates):
        optimizer.zero_grad()
        criterion(model(images), labels).backward()
        optimizer.step()
    curvature = Curvature(model, lambda: criterion(model(images), labels))
    exact = np.linalg.eigvalsh(curvature.hessian())
    assert (np.abs(exact) < 1e-6 * exact[-1]).mean() > 0.25  # of unused pixels and dead units
    axes = viz.spectrum(curvature, rng=np.random.default_rng(0)).axes[0]
    told, width = (float(found) for found in re.search(r"^(.*)%.*\n.* ([\d.e-]+)\)$", axes.get_title()).groups())
    assert told / 100 == pytest.approx((exact < -width).mean(), abs=0.01)
    assert told / 100 == pytest.approx(share, abs=0.01)


def test_a_curvature_is_estimated_by_the_generator():
    w = mg.tensor(np.ones(30), requires_grad=True)
    curvature = Curvature([w], lambda: (w**3 * np.arange(30)).sum())
    figures = [viz.spectrum(curvature, rng=np.random.default_rng(1)) for _ in range(2)]
    drawn = [figure.axes[0].get_lines()[0].get_ydata() for figure in figures]
    np.testing.assert_array_equal(*drawn)


def test_a_spectrum_of_one_eigenvalue():
    figure = viz.spectrum(Spectrum(np.array([2.0, 2.0]), np.array([0.5, 0.5])))
    assert figure.axes[0].get_title().startswith("0.0% of the eigenvalues are clearly below zero")
    assert viz.spectrum(Spectrum(np.zeros(2), np.array([0.5, 0.5])))._repr_png_().startswith(b"\x89PNG")


def test_bad_input_of_spectrum():
    with pytest.raises(DtypeError, match="or a Curvature, got ndarray"):
        viz.spectrum(np.ones(3))
    with pytest.raises(ArgumentError, match="width must be a positive finite number"):
        viz.spectrum(Spectrum(np.array([1.0]), np.array([1.0])), width=0.0)
    with pytest.raises(ArgumentError, match="ax must be one matplotlib axes; got 2"):
        viz.spectrum(Spectrum(np.array([1.0]), np.array([1.0])), ax=Figure().subplots(1, 2))


def test_without_matplotlib_the_error_names_the_command(monkeypatch):
    measured = flow()[1]
    monkeypatch.delitem(sys.modules, "minigrad.viz.figure", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    draws = (
        lambda: viz.gradient_flow(measured),
        lambda: viz.batch_sizes(study(row(1))),
        lambda: viz.spectrum(Spectrum(np.array([1.0]), np.array([1.0]))),
    )
    for draw in draws:
        with pytest.raises(MissingExtraError, match=r"pip install minigrad\[plot\]"):
            draw()
