"""The directional derivative as a picture: arrows where the gradient points, and the slope against the angle."""

import sys

import numpy as np
import pytest
from matplotlib.figure import Figure

from minigrad import viz
from minigrad.analysis import surfaces
from minigrad.errors import ArgumentError, DtypeError, GraphError, MissingExtraError, ShapeError


def lines(axes):
    return {line.get_label(): line for line in axes.get_lines()}


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


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


def test_a_gradient_along_an_axis_is_told_as_it_is_and_drawn_inside_the_frame():
    plane, against = viz.directional(surfaces.rosenbrock(), [0.0, 0.0]).axes[:2]
    assert plane.get_title() == "gradient (-2, 0), length 2"
    against.figure.canvas.draw()
    for marker in ("^", "v"):
        (line,) = [line for line in against.get_lines() if line.get_marker() == marker]
        across, _ = line.get_transform().transform(line.get_xydata())[0]
        frame = against.get_window_extent()
        assert frame.x0 + 8 < across < frame.x1 - 8


def test_on_axes_of_the_users_own_the_plane_alone_is_drawn():
    figure = Figure()
    axes = figure.subplots()
    assert viz.directional(lambda p: 3 * p[0] + 4 * p[1], [1.0, 2.0], ax=axes) is figure
    assert figure.axes[0] is axes
    assert axes.get_title() == "gradient (3, 4), length 5"
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [
        "x",
        "gradient",
        "steepest descent",
        "no change",
    ]
    assert not any("directional derivative" in each.get_ylabel() for each in figure.axes)


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
        (
            (lambda p: p.sum() if p[0] > 0 else 0.0, [0.5, 1.0]),
            {},
            DtypeError,
            "must return a tensor, it returned float",
        ),
        ((lambda p: p.sum() if p[0] > 0 else p, [0.5, 1.0]), {}, GraphError, r"a scalar, it returned shape \(2,\)"),
        ((lambda p: p.log().sum(), [0.0, 1.0]), {}, ArgumentError, "gradient of f is not finite"),
        ((surfaces.saddle(), [1.0, 1.0]), {"ax": Figure().subplots(1, 3)}, ArgumentError, "or 2, one for each"),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_bad_input_of_directional(arguments, options, kind, message):
    with pytest.raises(kind, match=message):
        viz.directional(*arguments, **options)


def test_without_matplotlib_the_error_names_the_command(monkeypatch):
    monkeypatch.delitem(sys.modules, "minigrad.viz.figure", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r"pip install minigrad\[plot\]"):
        viz.directional(surfaces.saddle(), [1.0, 1.0])
