"""Paths over surfaces, as a picture and as an animation."""

import io
import re
import sys

import numpy as np
import pytest
from matplotlib.figure import Figure

import minigrad as mg
from minigrad import analysis, optim, viz
from minigrad.analysis import surfaces
from minigrad.errors import ArgumentError, DtypeError, MinigradError, MissingExtraError
from minigrad.viz.contours import contours, levels

BOWL = surfaces.quadratic_bowl(10.0)


def sgd(lr, **options):
    return lambda parameters: optim.SGD(parameters, lr=lr, **options)


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def lines(axes):
    return {line.get_label(): line for line in axes.get_lines()}


def test_the_paths_are_those_that_descend_returns():
    figure = viz.trajectory([sgd(0.05), sgd(0.05, momentum=0.9)], BOWL, steps=20, start=(1.0, 2.0))
    plane, losses = figure.axes[:2]
    for make, label in ((sgd(0.05), "SGD lr=0.05"), (sgd(0.05, momentum=0.9), "SGD lr=0.05 momentum=0.9")):
        path = analysis.descend(make, BOWL, 20, (1.0, 2.0))
        np.testing.assert_array_equal(lines(plane)[label].get_xydata(), path.points)
        np.testing.assert_array_equal(lines(losses)[label].get_ydata(), path.losses)
    assert losses.get_yscale() == "log"
    assert (losses.get_xlabel(), losses.get_ylabel()) == ("step", "loss − minimum")
    assert (plane.get_xlabel(), plane.get_ylabel(), plane.get_title()) == ("x", "y", BOWL.name)
    assert figure.axes[2].get_title() == "loss"  # the colour bar


def test_contours_lie_as_the_surface_does():
    plane = viz.trajectory([sgd(0.05)], surfaces.quadratic_bowl(9.0), steps=2).axes[0]
    ellipses = [path.get_extents() for path in plane.collections[1].get_paths() if len(path.vertices)]
    ellipse = next(found for found in ellipses if found.width > 2)
    np.testing.assert_allclose(ellipse.width / ellipse.height, 3.0, rtol=0.01)  # steep along y


@pytest.mark.parametrize(
    ("optimizers", "labels"),
    [
        ([sgd(0.1)], ["SGD lr=0.1"]),
        ({"plain": sgd(0.1)}, ["plain"]),
        ([("plain", sgd(0.1)), sgd(0.2)], ["plain", "SGD lr=0.2"]),
        ([analysis.descend(sgd(0.1), BOWL)], ["SGD lr=0.1"]),
        ({"before": analysis.descend(sgd(0.1), BOWL)}, ["before"]),
        (iter([sgd(0.1)]), ["SGD lr=0.1"]),
    ],
)
def test_ways_to_name_optimizers(optimizers, labels):
    assert legend(viz.trajectory(optimizers, BOWL, steps=3)) == [*labels, "start", "minimum"]


def test_each_of_the_same_name_is_told_apart():
    figure = viz.trajectory([sgd(0.1), ("SGD lr=0.1", sgd(0.05)), sgd(0.2), sgd(0.1)], BOWL, steps=3)
    named = ["SGD lr=0.1", "SGD lr=0.1 (2)", "SGD lr=0.2", "SGD lr=0.1 (3)"]
    assert legend(figure)[:-2] == named
    assert [line.get_label() for line in figure.axes[1].get_lines()] == named
    taken = viz.trajectory([("a", sgd(0.1)), ("a", sgd(0.1)), ("a (2)", sgd(0.1))], BOWL, steps=3)
    assert legend(taken)[:-2] == ["a", "a (3)", "a (2)"]


def test_paths_differ_in_colour_line_and_marker():
    figure = viz.trajectory([sgd(lr) for lr in np.linspace(0.01, 0.08, 8)], BOWL, steps=5)
    drawn = [line for label, line in lines(figure.axes[0]).items() if label.startswith("SGD")]
    for part in ("color", "marker"):
        assert len({getattr(line, f"get_{part}")() for line in drawn}) == 8
    assert len({str((line.get_linestyle(), line._unscaled_dash_pattern)) for line in drawn}) == 8


def test_minima_and_saddles_are_marked_where_they_are():
    surface = surfaces.himmelblau()
    plane = viz.trajectory([sgd(0.01)], surface, steps=3).axes[0]
    np.testing.assert_array_equal(lines(plane)["minima"].get_xydata(), surface.minima)
    np.testing.assert_array_equal(lines(plane)["saddles"].get_xydata(), surface.saddles)
    assert lines(plane)["minima"].get_marker() != lines(plane)["saddles"].get_marker()
    assert lines(plane)["start"].get_xydata().tolist() == [[0.0, 0.0]]


def test_one_dimension_is_the_curve_with_the_paths_on_it():
    surface = surfaces.two_minima()
    figure = viz.trajectory([sgd(0.05)], surface, steps=10)
    path = analysis.descend(sgd(0.05), surface, 10)
    curve = figure.axes[0].get_lines()[0].get_xydata()
    np.testing.assert_array_equal(curve[:, 1], surface.values(curve[:, :1]))
    on_it = lines(figure.axes[0])["SGD lr=0.05"].get_xydata()
    np.testing.assert_array_equal(on_it, np.column_stack([path.points, path.losses]))
    assert legend(figure) == ["SGD lr=0.05", "start", "minimum", "local minimum"]
    assert len(figure.axes) == 2


def test_a_path_that_diverges_is_cut_off_and_told():
    figure = viz.trajectory({"huge": sgd(1.0), "right": sgd(0.1)}, BOWL, steps=1000)
    plane, losses = figure.axes[:2]
    assert legend(figure)[:2] == ["huge: diverges", "right"]
    assert (plane.get_xlim(), plane.get_ylim()) == BOWL.bounds
    points = lines(plane)["huge: diverges"].get_xydata()
    assert np.abs(points).max() <= 50 * 6
    assert np.abs(points[-1]).max() > 3  # outside of the picture
    assert losses.get_ylim()[1] < 1e7
    assert figure._repr_png_().startswith(b"\x89PNG")


def test_the_cut_off_step_keeps_its_direction():
    whole = analysis.descend(sgd(1e9), BOWL, 1).points
    cut = lines(viz.trajectory([sgd(1e9)], BOWL, steps=1).axes[0])["SGD lr=1e+09: diverges"].get_xydata()
    way, short = whole[1] - whole[0], cut[1] - cut[0]
    np.testing.assert_allclose(short / np.linalg.norm(short), way / np.linalg.norm(way), atol=0.01)
    assert np.linalg.norm(short) < 1e-3 * np.linalg.norm(way)


def test_a_path_that_comes_back_is_drawn_to_its_end():
    x = np.array([1.0, 1e6, -1e6, 0.5, 0.0])
    there_and_back = analysis.Path("jumps", np.column_stack([x, 0 * x]), x**2 / 2, False)
    figure = viz.trajectory([there_and_back], BOWL)
    assert lines(figure.axes[0])["jumps"].get_xdata().tolist() == [1.0, 300.0, -300.0, 0.5, 0.0]
    heights = lines(figure.axes[1])["jumps"].get_ydata()
    assert np.isfinite(heights).all()
    assert heights[1] > figure.axes[1].get_ylim()[1] > heights[0]


def test_a_surface_without_minimum_has_its_loss_itself():
    figure = viz.trajectory([sgd(0.05), sgd(0.02)], surfaces.monkey_saddle(), steps=60)
    assert (figure.axes[1].get_ylabel(), figure.axes[1].get_yscale()) == ("loss", "linear")
    assert legend(figure) == ["SGD lr=0.05: diverges", "SGD lr=0.02: leaves the picture", "start", "saddle"]


def test_what_lands_in_the_minimum_is_drawn_at_the_bottom():
    figure = viz.trajectory([sgd(1.0)], surfaces.quadratic_bowl(1.0), steps=3)
    heights = lines(figure.axes[1])["SGD lr=1"].get_ydata()
    assert (heights > 0).all()
    assert [text.get_text() for text in figure.axes[1].texts] == ["zero, to rounding"]


def test_a_start_outside_of_the_bounds_is_in_the_picture():
    plane = viz.trajectory([sgd(0.05)], BOWL, steps=3, start=(7.0, 0.0)).axes[0]
    assert plane.get_xlim() == (-3.0, 7.0)


def test_on_given_axes():
    figure = Figure()
    axes = figure.subplots(1, 2)
    assert viz.trajectory([sgd(0.1)], BOWL, steps=3, ax=axes) is figure
    assert axes[0].get_legend() is not None
    alone = Figure()
    assert viz.trajectory([sgd(0.1)], BOWL, steps=3, ax=alone.add_subplot()) is alone
    with pytest.raises(ArgumentError, match="one matplotlib axes, or 2, one for each panel; got 3"):
        viz.trajectory([sgd(0.1)], BOWL, steps=3, ax=[axes[0]] * 3)
    with pytest.raises(DtypeError, match="ax must be matplotlib axes"):
        viz.trajectory([sgd(0.1)], BOWL, steps=3, ax=figure)


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        (([], BOWL), ArgumentError, "no optimizers"),
        ((sgd(0.1), BOWL), DtypeError, "must be a list or dict of functions"),
        (("SGD", BOWL), DtypeError, "must be a list or dict of functions"),
        (([0.1], BOWL), DtypeError, "function that makes an optimizer"),
        (([(1, sgd(0.1))], BOWL), DtypeError, r"a pair is \(name, function\)"),
        (([sgd(0.1)], "bowl"), DtypeError, "must be a Surface.*got str"),
        (
            ([sgd(0.1)], surfaces.quadratic_bowl(dimension=3)),
            ArgumentError,
            "one or two dimensions, .* has 3; analysis.descend",
        ),
        (([analysis.descend(sgd(0.1), surfaces.two_minima(), 3)], BOWL), ArgumentError, "has 1 dimensions"),
    ],
)
def test_bad_input(arguments, kind, message):
    for function in (viz.trajectory, viz.animate_trajectory):
        with pytest.raises(kind, match=message):
            function(*arguments)


@pytest.mark.parametrize(
    ("optimizers", "options", "message"),
    [
        ([sgd(0.1)], {"steps": 0}, "steps must be a positive integer"),
        ([sgd(0.1)], {"start": (1.0,)}, "start must be a point of the surface"),
        ([sgd(0.1)], {"start": (1.0, np.inf)}, "start and its loss must be finite"),
        ([0.1], {}, "an entry of optimizers must be a function that makes an optimizer"),
        ([lambda p: p], {}, "an entry of optimizers must return an optimizer"),
        (
            {"own": lambda p: optim.SGD([mg.zeros(2, requires_grad=True)], lr=0.1)},
            {},
            "an entry of optimizers must give",
        ),
    ],
)
def test_errors_begin_with_the_function_that_was_called(optimizers, options, message):
    for function in (viz.trajectory, viz.animate_trajectory):
        with pytest.raises(MinigradError, match=f"^{function.__name__}: {message}"):
            function(optimizers, BOWL, **options)


def test_without_matplotlib_the_error_names_the_command(monkeypatch):
    monkeypatch.delitem(sys.modules, "minigrad.viz.figure", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    for function in (viz.trajectory, viz.animate_trajectory):
        with pytest.raises(MissingExtraError, match=r"pip install minigrad\[plot\]"):
            function([sgd(0.1)], BOWL)


def test_levels_are_logarithmic_where_the_range_is_large():
    even = levels(np.linspace(-1.0, 1.0, 1000))
    np.testing.assert_allclose(np.diff(even), np.diff(even)[0])
    grid = np.stack(np.meshgrid(np.linspace(-2, 2, 60), np.linspace(-1, 3, 60)), axis=-1)
    valley = levels(surfaces.rosenbrock().values(grid).ravel(), 0.0)
    assert valley[0] == 0
    np.testing.assert_allclose(valley[2:] / valley[1:-1], valley[2] / valley[1])
    assert levels(np.array([])) is None
    assert levels(np.full(9, 3.0)) is None


@pytest.mark.parametrize(
    ("low", "span"), [(0.66, 1e-3), (0.66, 1e-6), (-0.66, 1e-3), (0.0, 1e-7), (1234.0, 1.0), (-1.0, 2.0), (0.0, 1.25e9)]
)
@pytest.mark.parametrize("power", [1, 8])  # evenly spaced levels, and logarithmic ones
def test_names_of_levels_tell_them_apart(low, span, power):
    side = np.linspace(-1.0, 1.0, 41)
    axes = Figure().add_subplot()
    contours(axes, side, side, low + span * ((side[:, None] ** 2 + side**2) / 2) ** power, label="loss")
    bar = axes.figure.axes[1]
    ticks, labels = bar.get_yticks(), [text.get_text() for text in bar.get_yticklabels()]
    assert len(labels) == len(ticks) >= 4
    assert len(set(labels)) == len(labels)
    named = np.array([float(text.replace("−", "-")) for text in labels])
    assert (np.abs(named - ticks)[1:] <= 0.051 * np.diff(ticks)).all()


def test_round_levels_have_round_names():
    side = np.linspace(0.0, 1.0, 21)
    axes = Figure().add_subplot()
    contours(axes, side, side, side[:, None] * 4 + 0 * side, label="loss")
    labels = [text.get_text() for text in axes.figure.axes[1].get_yticklabels()]
    assert labels == ["0", "0.5", "1", "1.5", "2", "2.5", "3", "3.5", "4"]


# --- the animation


@pytest.fixture(scope="module")
def animation():
    return viz.animate_trajectory([sgd(0.05), sgd(1.0)], BOWL, steps=90, frames=10)


def pixels(png):
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(png)).convert("RGBA"))


def test_frames_are_spread_over_the_steps(animation):
    assert animation.steps == tuple(range(0, 91, 10))
    assert len(animation.frames) == 10
    few = viz.animate_trajectory([sgd(0.05)], BOWL, steps=2, frames=10)
    assert few.steps == (0, 1, 2)


def test_paths_grow_from_frame_to_frame(animation):
    covered = [np.count_nonzero(pixels(frame)[..., 3]) for frame in animation.frames]
    assert covered == sorted(covered)
    assert covered[-1] > 2 * covered[0]
    assert {pixels(frame).shape for frame in (animation.ground, *animation.frames)} == {pixels(animation.ground).shape}
    assert (pixels(animation.ground)[..., 3] == 255).all()


def test_what_an_optimizer_refuses_is_said_as_ever():
    with pytest.raises(ArgumentError, match=r"^SGD: lr must be"):
        viz.trajectory([sgd(-1.0)], BOWL)


def test_the_page_is_self_contained(animation, tmp_path):
    path = animation.save(tmp_path / "folder" / "descent.html")
    page = path.read_text(encoding="utf-8")
    assert page == animation.html
    assert "://" not in page
    assert "default-src 'none'" in page
    assert not re.search(r"<(link|iframe)|src=\"(?!data:)", page)
    assert page.count("{{") == 0
    assert len(page) < 3e6
    assert 'sandbox="allow-scripts"' in animation._repr_html_()


@pytest.mark.slow
def test_the_page_plays_the_usual_number_of_frames_in_three_megabytes():
    makers = [sgd(1e-3), sgd(1e-3, momentum=0.9), lambda p: optim.Adam(p, lr=0.1), lambda p: optim.RMSprop(p, lr=0.02)]
    assert len(viz.animate_trajectory(makers, surfaces.rosenbrock()).html) < 3e6


def test_names_reach_the_page_as_text_alone():
    surface = surfaces.quadratic_bowl()
    hostile = analysis.Surface("</script><b>", surface.function, surface.minima, 0.0, surface.bounds, surface.start)
    page = viz.animate_trajectory([sgd(0.1)], hostile, steps=2, frames=2).html
    assert "<b>" not in page
    assert page.count("</script>") == 2


def test_an_animation_refuses_other_files_and_too_few_frames(animation, tmp_path):
    with pytest.raises(ArgumentError, match=r"saved as an \.html file"):
        animation.save(tmp_path / "descent.gif")
    with pytest.raises(ArgumentError, match="animate_trajectory: frames must be an integer of at least 2, got 1"):
        viz.animate_trajectory([sgd(0.1)], BOWL, frames=1)


def test_pictures_need_no_pyplot():
    import subprocess

    code = """
import sys
from minigrad import analysis, optim, viz
make = lambda p: optim.SGD(p, lr=0.1)
viz.trajectory([make], analysis.surfaces.saddle(), steps=3)._repr_png_()
viz.animate_trajectory([make], analysis.surfaces.saddle(), steps=3, frames=2)._repr_html_()
print("matplotlib.figure" in sys.modules, "matplotlib.pyplot" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False"]
