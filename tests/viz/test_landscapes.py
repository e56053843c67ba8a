"""The loss over planes and lines in parameter space: the right numbers, and nothing changed by looking."""

import sys

import numpy as np
import pytest
from matplotlib.figure import Figure

import minigrad as mg
from minigrad import nn, optim, viz
from minigrad.errors import ArgumentError, DtypeError, MissingExtraError, ShapeError, StateDictError
from minigrad.viz.planes import Place

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(16, 3)).astype(np.float32), RNG.normal(size=(16, 2)).astype(np.float32)


def network(*layers):
    mg.seed(0)
    return nn.Sequential(nn.Linear(3, 4), *layers, nn.Tanh(), nn.Linear(4, 2))


def mean_square(model):
    return lambda: nn.MSELoss()(model(mg.tensor(X)), Y)


def quadratic(*curvatures):
    """A parameter at zero whose loss is ``sum(curvatures * w**2) / 2``."""
    w = mg.tensor(np.zeros(len(curvatures)), requires_grad=True)
    return [w], lambda: (w * w * np.array(curvatures)).sum() / 2


def training_path(model, steps=6):
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    path = [model.state_dict()]
    for _ in range(steps):
        optimizer.zero_grad()
        mean_square(model)().backward()
        optimizer.step()
        path.append(model.state_dict())
    return path


def lines(axes):
    return {line.get_label(): line for line in axes.get_lines()}


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


# --- the plane


def test_the_grid_has_the_loss_at_each_place():
    model, loss = quadratic(1.0, 6.0)
    figure = viz.landscape(model, loss, directions="hessian", radius=2.0, resolution=5)
    axes = figure.axes[0]
    assert (axes.get_xlim(), axes.get_ylim()) == ((-2.0, 2.0), (-2.0, 2.0))
    place = Place("test", model, loss)
    a, b = np.meshgrid(np.linspace(-2, 2, 5), np.linspace(-2, 2, 5))
    found = place.losses(np.column_stack([a.ravel(), b.ravel()]))
    np.testing.assert_allclose(found, (a.ravel() ** 2 + 6 * b.ravel() ** 2) / 2)
    assert legend(figure) == ["present parameters: loss 0"]


def test_the_first_direction_goes_across():
    model, loss = quadratic(1.0, 6.0)  # six times as steep along the first direction
    axes = viz.landscape(model, loss, directions="hessian", resolution=41).axes[0]
    narrow = axes.collections[1].get_paths()[2].get_extents()
    np.testing.assert_allclose(narrow.height / narrow.width, np.sqrt(6), rtol=0.01)


def test_a_path_is_drawn_where_it_lies_and_ends_at_the_centre():
    model = network()
    path = training_path(model)
    figure = viz.landscape(model, mean_square(model), directions="path", path=path, resolution=5)
    drawn = lines(figure.axes[0])["training path"].get_xydata()
    assert len(drawn) == len(path)
    np.testing.assert_allclose(drawn[-1], [0.0, 0.0], atol=1e-6)
    low, high = figure.axes[0].get_xlim()
    assert low < drawn[:, 0].min() < drawn[:, 0].max() < high
    flat = [np.concatenate([array.ravel() for array in state.values()]) for state in path]
    again = viz.landscape(model, mean_square(model), directions="path", path=flat, resolution=5)
    np.testing.assert_array_equal(lines(again.axes[0])["training path"].get_xydata(), drawn)


def test_a_radius_is_a_distance_in_the_plane_of_a_path():
    model = network()
    path = training_path(model)
    figure = viz.landscape(model, mean_square(model), directions="path", path=path, resolution=3, radius=0.5)
    assert figure.axes[0].get_xlim() == (-0.5, 0.5)


def test_frozen_parameters_stay():
    model = network()
    model[0].weight.requires_grad = model[0].bias.requires_grad = False
    seen = []

    def loss():
        seen.append(model[0].weight.data.copy())
        return mean_square(model)()

    for directions in ("random", "hessian"):
        viz.landscape(model, loss, directions=directions, resolution=3)
    assert all(np.array_equal(weight, model[0].weight.data) for weight in seen)


def test_what_is_not_finite_is_left_out_and_told():
    w = mg.tensor([1.0, 1.0], requires_grad=True)
    figure = viz.landscape([w], lambda: (w[0] - 0.9).log() + w[1] ** 2, resolution=9, rng=np.random.default_rng(0))
    assert "not finite" in figure.axes[0].texts[0].get_text()
    assert figure._repr_png_().startswith(b"\x89PNG")
    nowhere = viz.landscape([w], lambda: w.sum() * np.nan, resolution=3)
    assert "100%" in nowhere.axes[0].texts[0].get_text()
    assert nowhere._repr_png_().startswith(b"\x89PNG")


def test_a_flat_loss_is_a_picture_too():
    w = mg.tensor([1.0, 1.0], requires_grad=True)
    assert viz.landscape([w], lambda: (w * 0).sum() + 3, resolution=3)._repr_png_().startswith(b"\x89PNG")


def test_a_loss_may_be_a_number():
    w = mg.tensor([1.0, 1.0], requires_grad=True)
    assert legend(viz.landscape([w], lambda: float(w.data.sum()), resolution=3)) == ["present parameters: loss 2"]


def test_a_loss_that_does_not_tell_its_arguments_keeps_pythons_own_words():
    with pytest.raises(TypeError, match="max expected at least 1 argument, got 0"):
        viz.landscape([mg.tensor([1.0, 1.0], requires_grad=True)], max)


# --- nothing is changed


def test_a_buffer_that_cannot_be_written_stays():
    model = network(nn.Identity())
    model.register_buffer("table", np.ones(4))
    table = model.table.data
    table.flags.writeable = False
    viz.landscape(model, mean_square(model), resolution=3)
    assert model.table.data is table


@pytest.mark.parametrize("fails_at", [None, 1, 3])
@pytest.mark.parametrize("look", ["random", "hessian", "path", "line"])
def test_parameters_gradients_buffers_and_modes_are_as_before(look, fails_at):
    model = network(nn.BatchNorm1d(4), nn.Dropout(0.5))
    path = training_path(model)
    model[2].eval()
    calls = []

    def loss():
        calls.append(1)
        model[1].running_mean.data[...] = 7.0
        if len(calls) == fails_at:
            raise RuntimeError("broken")
        value = mean_square(model)()
        model.eval()
        model[1].running_var.data = np.zeros(4)
        for parameter in model.parameters():
            parameter.grad = np.ones(parameter.shape)
        return value

    arrays = [(p, p.data, p.data.copy(), p.grad, p.grad.data.copy()) for p in model.parameters()]
    buffers = [(b, b.data, b.data.copy()) for b in model.buffers()]
    modes = [module.training for module in model.modules()]

    def run():
        if look == "line":
            viz.landscape_line(model, loss, path[0], points=3)
        else:
            viz.landscape(model, loss, directions=look, path=path if look == "path" else None, resolution=3)

    if fails_at:
        with pytest.raises(RuntimeError, match="broken"):
            run()
    else:
        run()
    for parameter, array, copy, gradient, values in arrays:
        assert parameter.data is array
        assert parameter.data.tobytes() == copy.tobytes()
        assert parameter.grad is gradient
        assert parameter.grad.data.tobytes() == values.tobytes()
    for buffer, array, copy in buffers:
        assert buffer.data is array
        assert buffer.data.tobytes() == copy.tobytes()
    assert [module.training for module in model.modules()] == modes


def test_the_loss_records_nothing():
    model = network()
    recorded = []

    def loss():
        value = mean_square(model)()
        recorded.append(value.requires_grad)
        return value

    viz.landscape(model, loss, resolution=3)
    assert recorded == [False] * 10


# --- the line


def test_the_line_has_the_loss_between_both_ends_and_beyond():
    w = mg.tensor(np.array([-1.0]), requires_grad=True)
    figure = viz.landscape_line([w], lambda: ((w * w - 1) ** 2).sum(), np.array([1.0]), points=7, margin=0.5)
    shares, losses = figure.axes[0].get_lines()[0].get_data()
    np.testing.assert_allclose(losses, ((2 * shares - 1) ** 2 - 1) ** 2, atol=1e-12)
    assert (shares[0], shares[-1]) == (-0.5, 1.5)
    assert {0.0, 1.0} <= set(shares)
    assert figure.axes[0].get_title() == "loss between two solutions\nbarrier 1 above the line between the ends"
    assert figure.axes[0].get_xlabel() == "share of the way (distance 2)"


@pytest.mark.parametrize(
    ("loss", "barrier"),
    [
        (lambda w: w**2, "0"),  # rises all the way
        (lambda w: 3 * w + 1, "0"),
        (lambda w: w.sqrt(), "0.25"),  # at a quarter of the way: 1/2 - 1/4
        (lambda w: w * (1 - w) + 2 * w, "0.25"),
        (lambda w: (2 * w - 1) ** 2, "0"),
    ],
)
def test_the_barrier_is_the_highest_point_above_the_line_between_the_ends(loss, barrier):
    w = mg.tensor(np.array([0.0]), requires_grad=True)
    figure = viz.landscape_line([w], lambda: loss(w).sum(), np.array([1.0]), points=41, margin=0.0)
    assert figure.axes[0].get_title().endswith(f"\nbarrier {barrier} above the line between the ends")
    ends = lines(figure.axes[0])["line between the ends"].get_xydata()
    np.testing.assert_allclose(ends, [[0, loss(mg.tensor(0.0)).item()], [1, loss(mg.tensor(1.0)).item()]])


def test_the_ends_are_both_models():
    model, other = network(), network()
    training_path(other)
    figure = viz.landscape_line(model, mean_square(model), other.state_dict(), points=5)
    texts = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    ends = [mean_square(model)().item(), mean_square(other)().item()]
    assert texts == [
        "line between the ends",
        f"present parameters: loss {ends[0]:.4g}",
        f"other solution: loss {ends[1]:.4g}",
    ]


def test_a_line_through_what_is_not_finite():
    w = mg.tensor(np.array([1.0]), requires_grad=True)
    figure = viz.landscape_line([w], lambda: w.log().sum(), np.array([-1.0]), points=9)
    assert "not finite" in figure.axes[0].get_title()
    assert figure._repr_png_().startswith(b"\x89PNG")


# --- what is refused


MODEL = network()
LOSS = mean_square(MODEL)


@pytest.mark.parametrize(
    ("arguments", "options", "kind", "message"),
    [
        ((MODEL, LOSS), {"directions": "pca"}, ArgumentError, "'random', 'hessian', 'path', got 'pca'"),
        ((MODEL, LOSS), {"directions": "path"}, ArgumentError, "belong together.*without a path"),
        ((MODEL, LOSS), {"path": [np.zeros(26)] * 3}, ArgumentError, "belong together.*with a path"),
        ((MODEL, LOSS), {"resolution": 2}, ArgumentError, "resolution must be an integer of at least 3"),
        ((MODEL, LOSS), {"radius": 0.0}, ArgumentError, "radius must be above 0"),
        ((MODEL, LOSS), {"radius": -1.0}, ArgumentError, "radius must be a finite number"),
        ((MODEL, LOSS), {"rng": 3}, DtypeError, "numpy.random.Generator"),
        ((MODEL, 1.0), {}, DtypeError, "loss must be a function without arguments"),
        ((MODEL, nn.MSELoss()), {}, DtypeError, r"without arguments.*criterion\(model\(X\), y\), got MSELoss"),
        ((MODEL, nn.functional.mse_loss), {}, DtypeError, r"without arguments.*needs arguments.*mse_loss"),
        ((MODEL, lambda x, y: x), {}, DtypeError, "without arguments.*needs arguments"),
        ((MODEL, lambda: MODEL(mg.tensor(X))), {}, ShapeError, r"scalar, it returned shape \(16, 2\)"),
        ((nn.Tanh(), LOSS), {}, ArgumentError, "no parameters"),
        (("model", LOSS), {}, DtypeError, "must be a module or a list of tensors, got str"),
        (([mg.tensor([1, 2])], LOSS), {}, DtypeError, "floating-point numbers, got int"),
        (([mg.tensor([1.0])], LOSS), {}, ArgumentError, "one parameter spans no plane; use landscape_line"),
        (([mg.tensor([1.0, np.inf])], LOSS), {}, ArgumentError, "not finite"),
        (([mg.zeros(3)], LOSS), {}, ArgumentError, "every parameter is zero"),
        ((MODEL, LOSS), {"directions": "path", "path": [np.zeros(26)] * 2}, ArgumentError, "at least 3 points"),
        ((MODEL, LOSS), {"directions": "path", "path": [np.zeros(26)] * 3}, ArgumentError, "span no plane"),
        ((MODEL, LOSS), {"directions": "path", "path": [np.zeros(5)] * 3}, ShapeError, r"path\[0\].*\(26,\), got"),
        ((MODEL, LOSS), {"directions": "path", "path": [np.full(26, np.nan)] * 3}, ArgumentError, "must be finite"),
        ((MODEL, LOSS), {"directions": "path", "path": [{}] * 3}, StateDictError, "lacks the parameter '0.weight'"),
        ((MODEL, LOSS), {"directions": "path", "path": MODEL.state_dict()}, DtypeError, "must be a list"),
    ],
)
def test_bad_input(arguments, options, kind, message):
    with pytest.raises(kind, match=message):
        viz.landscape(*arguments, **options)


@pytest.mark.parametrize(
    ("other", "options", "kind", "message"),
    [
        (MODEL.state_dict(), {}, ArgumentError, "other_state is where the model is"),
        (np.zeros(5), {}, ShapeError, r"\(26,\), got shape \(5,\)"),
        (MODEL.state_dict() | {"0.weight": np.zeros((9, 9))}, {}, ShapeError, r"'0.weight' in other_state"),
        (np.zeros(26), {"points": 2}, ArgumentError, "points must be an integer of at least 3"),
        (np.zeros(26), {"margin": -1.0}, ArgumentError, "margin must be a finite number"),
        (["a"], {}, DtypeError, "expected real numbers"),
        (network(), {}, DtypeError, r"other_state must be a state dict.*got a Sequential: pass its \.state_dict\(\)"),
    ],
)
def test_bad_input_of_a_line(other, options, kind, message):
    with pytest.raises(kind, match=message):
        viz.landscape_line(MODEL, LOSS, other, **options)


def test_a_loss_may_have_arguments_that_need_not_be_given():
    w = mg.tensor([1.0, 1.0], requires_grad=True)
    for loss in (lambda scale=2.0: (w * scale).sum(), lambda *scales: (w * 2.0).sum()):
        assert legend(viz.landscape([w], loss, resolution=3)) == ["present parameters: loss 4"]


def test_a_loss_that_fails_inside_is_told_as_it_failed():
    w = mg.tensor([1.0, 1.0], requires_grad=True)
    with pytest.raises(TypeError, match="its own trouble"):
        viz.landscape([w], lambda: (_ for _ in ()).throw(TypeError("its own trouble")), resolution=3)


def test_a_state_dict_needs_a_module():
    with pytest.raises(DtypeError, match="the model is none: pass flat arrays"):
        viz.landscape_line([mg.zeros(2)], LOSS, {"w": np.ones(2)})


def test_on_given_axes():
    figure = Figure()
    axes = figure.subplots(1, 2)
    assert viz.landscape(MODEL, LOSS, resolution=3, ax=axes[0]) is figure
    assert viz.landscape_line(MODEL, LOSS, np.zeros(26), points=3, ax=axes[1]) is figure
    with pytest.raises(ArgumentError, match="ax must be one matplotlib axes; got 2"):
        viz.landscape(MODEL, LOSS, resolution=3, ax=axes)


def test_without_matplotlib_the_error_names_the_command(monkeypatch):
    monkeypatch.delitem(sys.modules, "minigrad.viz.figure", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r"pip install minigrad\[plot\]"):
        viz.landscape(MODEL, LOSS, resolution=3)
    with pytest.raises(MissingExtraError, match=r"pip install minigrad\[plot\]"):
        viz.landscape_line(MODEL, LOSS, np.zeros(26), points=3)
