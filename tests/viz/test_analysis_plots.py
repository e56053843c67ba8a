"""Pictures of what an analysis measured: the numbers in them are the ones that were measured."""

import sys
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure

import minigrad as mg
from minigrad import analysis, nn, optim, viz
from minigrad.analysis import BatchSizeRow, BatchSizeStudy, Curvature, Spectrum, surfaces
from minigrad.errors import ArgumentError, DtypeError, GraphError, MissingExtraError, ShapeError

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


def test_many_layers_are_numbered():
    figure = viz.gradient_flow(flow(20)[1])
    assert figure.axes[0].get_xlabel() == "layer, counted from the input"
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
    assert axes[0].get_title().replace("\n", " ") == measured.diagnosis
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
    grid, density = lines(axes)["density"].get_data()
    floor = axes.get_ylim()[0]
    np.testing.assert_allclose(density, np.maximum(found.density(grid, 0.2), floor))
    assert (grid[0] < -1, grid[-1] > 4) == (True, True)
    np.testing.assert_array_equal(lines(axes)["nodes of the estimate"].get_xdata(), found.nodes)
    assert axes.get_title() == "10.0% of the eigenvalues are negative"
    assert axes.get_yscale() == "log"


def test_a_curvature_is_estimated_by_the_generator():
    w = mg.tensor(np.ones(30), requires_grad=True)
    curvature = Curvature([w], lambda: (w**3 * np.arange(30)).sum())
    drawn = [
        lines(viz.spectrum(curvature, rng=np.random.default_rng(1)).axes[0])["density"].get_ydata() for _ in range(2)
    ]
    np.testing.assert_array_equal(*drawn)


def test_a_spectrum_of_one_eigenvalue():
    figure = viz.spectrum(Spectrum(np.array([2.0, 2.0]), np.array([0.5, 0.5])))
    assert figure.axes[0].get_title() == "0.0% of the eigenvalues are negative"
    assert viz.spectrum(Spectrum(np.zeros(2), np.array([0.5, 0.5])))._repr_png_().startswith(b"\x89PNG")


def test_bad_input_of_spectrum():
    with pytest.raises(DtypeError, match="or a Curvature, got ndarray"):
        viz.spectrum(np.ones(3))
    with pytest.raises(ArgumentError, match="width must be a positive finite number"):
        viz.spectrum(Spectrum(np.array([1.0]), np.array([1.0])), width=0.0)
    with pytest.raises(ArgumentError, match="ax must be one matplotlib axes; got 2"):
        viz.spectrum(Spectrum(np.array([1.0]), np.array([1.0])), ax=Figure().subplots(1, 2))


# --- directional derivatives


def test_the_derivative_is_the_gradients_length_times_the_cosine():
    figure = viz.directional(lambda p: 3 * p[0] + 4 * p[1], [1.0, 2.0])
    degrees, derivatives = figure.axes[1].get_lines()[0].get_data()
    steepest = np.degrees(np.arctan2(4, 3))
    np.testing.assert_allclose(derivatives, 5 * np.cos(np.radians(degrees - steepest)), atol=1e-12)
    assert figure.axes[1].get_title() == "greatest along the gradient, at 53°"
    assert figure.axes[0].get_title() == "gradient (3, 4), length 5"
    assert legend(figure) == ["x", "gradient", "steepest descent", "no change"]


def test_arrows_point_along_the_gradient_and_across_it():
    plane = viz.directional(lambda p: 3 * p[0] + 4 * p[1], np.array([1.0, 2.0]), radius=10.0).axes[0]
    up, down = (np.array(arrow.xy) - [1.0, 2.0] for arrow in plane.texts)
    np.testing.assert_allclose(up / np.linalg.norm(up), [0.6, 0.8])
    np.testing.assert_allclose(down, -up)
    (one, other) = lines(plane)["no change"].get_xydata()
    assert abs((other - one) @ up) < 1e-9
    assert plane.get_aspect() == 1  # else a right angle is none in the picture


def test_the_contours_of_a_direction_lie_as_the_function_does():
    plane = viz.directional(lambda p: p[0] ** 2 + 9 * p[1] ** 2, [0.0, 0.0]).axes[0]
    ellipse = plane.collections[1].get_paths()[1].get_extents()
    np.testing.assert_allclose(ellipse.width / ellipse.height, 3.0, rtol=0.05)


def test_a_zero_gradient_has_no_direction():
    figure = viz.directional(surfaces.saddle(), [0.0, 0.0])
    assert figure.axes[0].get_title() == "the gradient is 0: no direction is steepest"
    assert not figure.axes[0].texts
    assert figure._repr_png_().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "options", "kind", "message"),
    [
        ((surfaces.saddle(), [1.0]), {}, ShapeError, r"\(2,\), got \(1,\)"),
        ((surfaces.saddle(), [1.0, np.nan]), {}, ArgumentError, "x must be finite"),
        ((surfaces.saddle(), [1.0, 1.0]), {"radius": 0}, ArgumentError, "radius must be above 0"),
        ((3.0, [1.0, 1.0]), {}, DtypeError, "f must be a function"),
        ((lambda p: p, [1.0, 1.0]), {}, GraphError, "scalar"),
        ((lambda p: 1.0, [1.0, 1.0]), {}, DtypeError, "must return a tensor"),
        ((lambda p: p.log().sum(), [0.0, 1.0]), {}, ArgumentError, "gradient of f is not finite"),
        ((surfaces.saddle(), [1.0, 1.0]), {"ax": Figure().subplots(1, 3)}, ArgumentError, "or 2, one for each"),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_bad_input_of_directional(arguments, options, kind, message):
    with pytest.raises(kind, match=message):
        viz.directional(*arguments, **options)


def test_without_matplotlib_the_error_names_the_command(monkeypatch):
    measured = flow()[1]
    monkeypatch.delitem(sys.modules, "minigrad.viz.figure", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    draws = (
        lambda: viz.gradient_flow(measured),
        lambda: viz.batch_sizes(study(row(1))),
        lambda: viz.spectrum(Spectrum(np.array([1.0]), np.array([1.0]))),
        lambda: viz.directional(surfaces.saddle(), [1.0, 1.0]),
    )
    for draw in draws:
        with pytest.raises(MissingExtraError, match=r"pip install minigrad\[plot\]"):
            draw()
