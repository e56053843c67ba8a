"""Layers, losses and whole trainings against values recorded from PyTorch in float64."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, ops, optim
from tests.reference import load

LOSSES, LAYERS, TRAININGS, EXTREMES = load("losses"), load("layers"), load("trainings"), load("extremes")


def close(ours, theirs, rtol=1e-11, atol=1e-13):
    np.testing.assert_allclose(ours.data if isinstance(ours, mg.Tensor) else ours, theirs, rtol=rtol, atol=atol)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("name", LOSSES)
def test_losses(name, reduction):
    case = LOSSES[name]
    options = dict(case["options"])
    criterion = getattr(nn, options.pop("loss"))(reduction=reduction, **options)
    real = case["target"].dtype.kind == "f"
    x = mg.tensor(case["input"], requires_grad=True)
    target = mg.tensor(case["target"], requires_grad=real and f"target_gradient_{reduction}" in case)
    value = criterion(x, target)
    close(value, case[f"value_{reduction}"])
    value.backward(case["upstream_none"] if reduction == "none" else None)
    # the recorded 1e12 of saturated probabilities is that of a float32 constant
    close(x.grad, case[f"gradient_{reduction}"], rtol=1e-8 if name == "BCELoss-saturated" else 1e-11)
    if target.requires_grad:
        theirs = case[f"target_gradient_{reduction}"]
        finite = np.isfinite(theirs)  # PyTorch does not limit the logarithms of BCELoss here
        close(target.grad.data[finite], theirs[finite])


def layer_of(options):
    options = {("axis" if name == "dim" else name): value for name, value in dict(options).items()}
    kind = getattr(nn, options.pop("layer"))
    sized = kind in (nn.Linear, nn.BatchNorm1d, nn.LayerNorm, nn.Embedding)
    if "normalized_shape" in options and isinstance(options["normalized_shape"], list):
        options["normalized_shape"] = tuple(options["normalized_shape"])
    return kind(**options, **({"dtype": np.float64} if sized else {}))


def check_pass(layer, case, prefix=""):
    x = mg.tensor(case[f"{prefix}input"] if prefix else case["batches"][-1] if "batches" in case else case["input"])
    x.requires_grad = x.dtype.kind == "f"
    layer.zero_grad()
    output = layer(x)
    close(output, case[f"{prefix}output"])
    output.backward(case[f"{prefix}upstream"])
    if x.requires_grad:
        close(x.grad, case[f"{prefix}gradient"], atol=1e-12)
    for name, parameter in layer.named_parameters():
        close(parameter.grad, case[f"{prefix}parameter_gradient.{name}"], atol=1e-12)


@pytest.mark.parametrize("name", LAYERS)
def test_layers(name):
    case = LAYERS[name]
    layer = layer_of(case["options"])
    for path, parameter in layer.named_parameters():
        parameter.data = case[f"parameter.{path}"]
    for batch in case.get("batches", [])[:-1]:
        layer(mg.tensor(batch))
    check_pass(layer, case)
    for path, buffer in layer.named_buffers():
        close(buffer, case[f"buffer.{path}"])
    if "eval_input" in case:
        check_pass(layer.eval(), case, "eval_")


@pytest.mark.parametrize("name", [name for name in TRAININGS if name != "problem"])
def test_a_hundred_steps_of_training(name):
    case, problem = TRAININGS[name], TRAININGS["problem"]
    options = dict(case["options"])
    criterion_name, last = options.pop("loss"), options.pop("last")
    layers = [nn.Linear(4, 8, dtype=np.float64), nn.Tanh(), nn.Linear(8, 3, dtype=np.float64)]
    if last is not None:
        layers.append(getattr(nn, last)(**({"axis": 1} if "oftmax" in last else {})))
    model = nn.Sequential(*layers)
    for path, parameter in model.named_parameters():
        parameter.data = problem[f"start.{path}"]
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    criterion = getattr(nn, criterion_name)(**options)
    x, target = mg.tensor(problem["input"]), mg.tensor(case["target"])
    for step in range(100):
        optimizer.zero_grad()
        loss = criterion(model(x), target)
        np.testing.assert_allclose(loss.item(), case["values"][step], rtol=1e-6)
        loss.backward()
        optimizer.step()
        if step + 1 in (1, 10, 50, 100):
            recorded = [1, 10, 50, 100].index(step + 1)
            for path, parameter in model.named_parameters():
                np.testing.assert_allclose(parameter.data, case[f"steps.{path}"][recorded], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", [name for name in EXTREMES if name.endswith("float64")])
def test_functions_at_extremes(name, dtype):
    """Where PyTorch gives a number in float64 so do we, and the same; where it gives nan we may know better."""
    case = EXTREMES[name]
    function = case["options"]["function"]
    x = mg.tensor(case["input"], dtype=dtype, requires_grad=True)
    output = ops.functions[function](x, **({"axis": 1} if "softmax" in function or "exp" in function else {}))
    output.backward(case["upstream"].astype(dtype))
    tolerance = {"rtol": 1e-6, "atol": 2e-7} if dtype == "float32" else {"rtol": 1e-12, "atol": 1e-15}
    for ours, theirs in ((output.data, case["output"]), (x.grad.data, case["gradient"])):
        known = ~np.isnan(theirs)
        assert known.any()
        np.testing.assert_allclose(ours[known], theirs[known], **tolerance)
