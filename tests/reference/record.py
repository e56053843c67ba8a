"""Record what PyTorch computes. Run by hand, where PyTorch is installed: ``python tests/reference/record.py``.

Writes the files beside it; README.md says what is in them. Everything is float64 unless a case
says otherwise, and drawn from a fixed seed, so a second run writes the same numbers.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

HERE = Path(__file__).parent
Case = dict[str, Any]
REDUCTIONS = ("none", "mean", "sum")


# --- losses: inputs, value and gradients for each reduction


def losses() -> Iterator[tuple[str, Case]]:
    random = np.random.default_rng(1)
    logits = random.normal(size=(6, 4)) * 2
    classes = np.array([0, 3, 1, 1, 2, 0])
    one_hot = np.eye(4)[classes]
    probabilities = random.dirichlet(np.ones(4), size=6)
    log_probabilities = np.log(random.dirichlet(np.ones(4), size=6))
    for smoothing in (0.0, 0.1):
        for kind, targets in (("indices", classes), ("one_hot", one_hot), ("probabilities", probabilities)):
            yield loss("CrossEntropyLoss", f"{kind}-{smoothing}", logits, targets, label_smoothing=smoothing)
    huge = np.array([[1e4, -1e4, 0.0], [-1e4, -1e4, 1e4]])
    yield loss("CrossEntropyLoss", "huge", huge, np.array([1, 2]))
    yield loss("NLLLoss", "indices", log_probabilities, classes)
    predictions, targets = random.normal(size=(2, 5, 3)) * 1.5
    predictions[0, 0] = targets[0, 0]
    for name, options in (("MSELoss", {}), ("L1Loss", {}), ("HuberLoss", {}), ("HuberLoss", {"delta": 0.4})):
        yield loss(name, "-".join(f"{key}={value}" for key, value in options.items()), predictions, targets, **options)
    chances = random.uniform(0.02, 0.98, size=(5, 3))
    labels, soft = (random.random(size=(5, 3)) < 0.5).astype(float), random.random(size=(5, 3))
    yield loss("BCELoss", "labels", chances, labels)
    yield loss("BCELoss", "soft", chances, soft)
    yield loss("BCEWithLogitsLoss", "labels", predictions, labels)
    yield loss("BCEWithLogitsLoss", "soft", predictions, soft)
    yield loss("BCEWithLogitsLoss", "huge", np.array([1e4, -1e4, 1e4, -1e4]), np.array([1.0, 0.0, 0.0, 1.0]))
    saturated = np.array([0.0, 1.0, 0.0, 1.0]), np.array([0.0, 1.0, 1.0, 0.0])
    yield loss("BCELoss", "saturated", *saturated)


def loss(name: str, label: str, inputs: Any, targets: Any, **options: Any) -> tuple[str, Case]:
    case: Case = {"options": {"loss": name, **options}, "input": inputs, "target": targets}
    for reduction in REDUCTIONS:
        x = leaf(inputs)
        y = leaf(targets) if targets.dtype.kind == "f" else torch.tensor(targets)
        value = getattr(nn, name)(reduction=reduction, **options)(x, y)
        upstream = np.linspace(0.5, 1.5, value.numel()).reshape(value.shape) if reduction == "none" else np.array(1.0)
        value.backward(torch.tensor(upstream))
        case[f"value_{reduction}"] = value
        case[f"gradient_{reduction}"] = x.grad
        if y.grad is not None:
            case[f"target_gradient_{reduction}"] = y.grad
        if reduction == "none":
            case["upstream_none"] = upstream
    return f"{name}-{label}".rstrip("-"), case


# --- trainings: 100 steps of SGD with momentum on 4-8-3, one for each loss


def trainings() -> Iterator[tuple[str, Case]]:
    random = np.random.default_rng(2)
    inputs = random.normal(size=(16, 4))
    classes = np.digitize(inputs @ np.array([1.0, -0.5, 0.3, 0.8]), [-0.6, 0.6])
    real = np.tanh(inputs @ random.normal(size=(4, 3))) + 0.1 * random.normal(size=(16, 3))
    labels = (real > 0).astype(float)
    start = {
        "0.weight": random.normal(size=(8, 4)) / 2,
        "0.bias": random.normal(size=8) / 10,
        "2.weight": random.normal(size=(3, 8)) / 3,
        "2.bias": random.normal(size=3) / 10,
    }
    yield "problem", {"input": inputs, **{f"start.{name}": value for name, value in start.items()}}
    kinds: list[tuple[str, Any, dict[str, Any], nn.Module | None]] = [
        ("CrossEntropyLoss", classes, {}, None),
        ("CrossEntropyLoss", classes, {"label_smoothing": 0.1}, None),
        ("CrossEntropyLoss", np.eye(3)[classes] * 0.7 + 0.1, {}, None),
        ("NLLLoss", classes, {}, nn.LogSoftmax(dim=1)),
        ("MSELoss", real, {}, None),
        ("L1Loss", real, {}, None),
        ("HuberLoss", real, {"delta": 0.5}, None),
        ("BCELoss", labels, {}, nn.Sigmoid()),
        ("BCEWithLogitsLoss", labels, {}, None),
    ]
    for number, (name, targets, options, last) in enumerate(kinds):
        model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3)).double()
        model.load_state_dict({key: torch.tensor(value) for key, value in start.items()})
        whole = model if last is None else nn.Sequential(*model, last)
        criterion = getattr(nn, name)(**options)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        values, snapshots = [], []
        for step in range(1, 101):
            optimizer.zero_grad()
            value = criterion(whole(torch.tensor(inputs)), torch.tensor(targets))
            value.backward()
            optimizer.step()
            values.append(value.item())
            if step in (1, 10, 50, 100):
                snapshots.append([parameter.detach().clone() for parameter in model.parameters()])
        case: Case = {
            "options": {"loss": name, "last": None if last is None else type(last).__name__, **options},
            "target": targets,
            "values": np.array(values),
        }
        for key, parts in zip(start, zip(*snapshots, strict=True), strict=True):
            case[f"steps.{key}"] = torch.stack(parts)
        yield f"{number}-{name}", case


# --- layers: inputs, outputs, gradients, buffers


def layers() -> Iterator[tuple[str, Case]]:
    random = np.random.default_rng(3)
    x = random.normal(size=(6, 4))
    yield layer("Linear", "", random, x, in_features=4, out_features=3)
    yield layer("Linear", "no-bias", random, x, in_features=4, out_features=3, bias=False)
    yield layer("Linear", "three-axes", random, random.normal(size=(2, 3, 4)), in_features=4, out_features=3)
    yield layer("LayerNorm", "", random, x * 3 + 1, normalized_shape=4)
    yield layer("LayerNorm", "two-axes", random, random.normal(size=(2, 3, 4)), normalized_shape=[3, 4])
    yield layer("LayerNorm", "eps", random, x / 100, normalized_shape=4, eps=1e-2)
    yield layer("LayerNorm", "plain", random, x, normalized_shape=4, elementwise_affine=False)
    yield layer("Embedding", "", random, np.array([[0, 2, 2], [6, 0, 1]]), num_embeddings=7, embedding_dim=3)
    yield batch_norm("", random, (6, 4))
    yield batch_norm("three-axes", random, (5, 4, 3))
    yield batch_norm("momentum", random, (6, 4), momentum=0.3, eps=1e-3)
    yield batch_norm("cumulative", random, (6, 4), momentum=None)
    yield batch_norm("plain", random, (6, 4), affine=False)
    yield batch_norm("no-statistics", random, (6, 4), track_running_stats=False)
    z = np.linspace(-4, 4, 18).reshape(3, 6)  # without 0
    activations: list[tuple[str, str, dict[str, Any]]] = [
        ("ReLU", "", {}),
        ("LeakyReLU", "", {}),
        ("LeakyReLU", "slope", {"negative_slope": 0.3}),
        ("ELU", "", {}),
        ("ELU", "alpha", {"alpha": 0.7}),
        ("GELU", "", {}),
        ("GELU", "tanh", {"approximate": "tanh"}),
        ("SiLU", "", {}),
        ("Sigmoid", "", {}),
        ("Tanh", "", {}),
        ("Softplus", "", {}),
        ("Softmax", "", {"dim": 1}),
        ("LogSoftmax", "", {"dim": 0}),
    ]
    for name, label, options in activations:
        yield layer(name, label, random, z, **options)
    zeros = np.zeros((1, 3))
    for name in ("ReLU", "LeakyReLU", "ELU", "GELU", "SiLU", "Softplus"):
        yield layer(name, "at-zero", random, zeros)


def layer(name: str, label: str, random: np.random.Generator, inputs: Any, **options: Any) -> tuple[str, Case]:
    module = draw_parameters(getattr(nn, name)(**options).double(), random)
    case: Case = {"options": {"layer": name, **options}, "input": inputs}
    pass_through(module, case, inputs, random, "")
    return f"{name}-{label}".rstrip("-"), case


def batch_norm(label: str, random: np.random.Generator, shape: tuple[int, ...], **options: Any) -> tuple[str, Case]:
    module = draw_parameters(nn.BatchNorm1d(4, **options).double(), random)
    batches = random.normal(size=(20, *shape)) * 2 + 0.5
    case: Case = {"options": {"layer": "BatchNorm1d", "num_features": 4, **options}, "batches": batches}
    for batch in batches[:-1]:
        module(torch.tensor(batch))
    pass_through(module, case, batches[-1], random, "")
    case |= {f"buffer.{name}": value.clone() for name, value in module.named_buffers()}
    module.eval()
    case["eval_input"] = random.normal(size=shape)
    pass_through(module, case, case["eval_input"], random, "eval_")
    return f"BatchNorm1d-{label}".rstrip("-"), case


def pass_through(module: nn.Module, case: Case, inputs: Any, random: np.random.Generator, prefix: str) -> None:
    """Add the output of one call and the gradients of everything to the case."""
    module.zero_grad()
    x = leaf(inputs) if inputs.dtype.kind == "f" else torch.tensor(inputs)
    output = module(x)
    upstream = random.normal(size=output.shape)
    output.backward(torch.tensor(upstream))
    case |= {f"{prefix}output": output, f"{prefix}upstream": upstream}
    if x.grad is not None:
        case[f"{prefix}gradient"] = x.grad
    for name, parameter in module.named_parameters():
        case[f"parameter.{name}"] = parameter.detach().clone()
        case[f"{prefix}parameter_gradient.{name}"] = parameter.grad.clone()


def draw_parameters(module: Any, random: np.random.Generator) -> Any:
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.tensor(random.normal(size=tuple(parameter.shape))))
    return module


# --- extremes: functions far from zero


def extremes() -> Iterator[tuple[str, Case]]:
    rows = np.array([[1e4, 0, -1e4], [-1e4, -1e4, -1e4], [1e4, 1e4, 0], [0, 1e-300, -1e-300], [-np.inf, 0, 1]])
    line = np.array([-np.inf, -1e4, -745.2, -100, -36.8, -1e-8, 0, 1e-8, 36.8, 100, 745.2, 1e4, np.inf])
    by_row: dict[str, Callable[[Any], Any]] = {
        "softmax": lambda x: torch.softmax(x, 1),
        "log_softmax": lambda x: torch.log_softmax(x, 1),
        "logsumexp": lambda x: torch.logsumexp(x, 1),
    }
    by_element: dict[str, Callable[[Any], Any]] = {
        "sigmoid": torch.sigmoid,
        "softplus": nn.functional.softplus,
        "tanh": torch.tanh,
    }
    for dtype in (torch.float64, torch.float32):
        for name, function in (by_row | by_element).items():
            x = torch.tensor(rows if name in by_row else line, dtype=dtype, requires_grad=True)
            output = function(x)
            upstream = torch.linspace(0.5, 1.5, output.numel(), dtype=dtype).reshape(output.shape)
            (gradient,) = torch.autograd.grad(output, x, upstream)
            case = {"options": {"function": name}, "input": x, "output": output}
            yield f"{name}-{str(dtype)[6:]}", case | {"upstream": upstream, "gradient": gradient}


# --- optimizers: 100 steps with given gradients

SHAPES = ((3, 4), (5,))
OPTIMIZERS: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "weight_decay": 0.01}),
    ("SGD", {"lr": 0.1, "momentum": 0.9}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.01}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01, "nesterov": True, "groups": True}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "skip": True}),
    ("Adagrad", {}),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.02, "weight_decay": 0.01, "eps": 1e-6, "groups": True, "skip": True}),
    ("Adagrad", {"initial_accumulator_value": 0.5}),
    ("RMSprop", {}),
    ("RMSprop", {"lr": 0.02, "alpha": 0.9, "eps": 1e-4, "weight_decay": 0.01, "groups": True}),
    ("RMSprop", {"momentum": 0.8}),
    ("RMSprop", {"centered": True}),
    ("RMSprop", {"alpha": 0.9, "momentum": 0.8, "weight_decay": 0.01, "centered": True, "skip": True}),
    ("Adam", {}),
    ("Adam", {"lr": 0.05, "betas": [0.8, 0.95], "eps": 1e-4, "weight_decay": 0.01, "groups": True}),
    ("Adam", {"lr": 0.05, "amsgrad": True, "skip": True}),
    ("AdamW", {}),
    ("AdamW", {"lr": 0.05, "betas": [0.8, 0.95], "eps": 1e-4, "weight_decay": 0.1, "amsgrad": True}),
    ("AdamW", {"lr": 0.05, "groups": True, "skip": True}),
]


def optimizers() -> Iterator[tuple[str, Case]]:
    random = np.random.default_rng(4)
    start = random.normal(size=17)
    gradients = random.normal(size=(100, 17)) + np.linspace(-1, 1, 17)
    gradients *= np.exp(random.normal(size=(100, 1)))
    yield "problem", {"start": start, "gradients": gradients}
    for number, (name, settings) in enumerate(OPTIMIZERS):
        yield f"{number}-{name}", optimize(name, settings, start, gradients)


def optimize(name: str, settings: dict[str, Any], start: Any, gradients: Any) -> Case:
    options = {"groups": False, "skip": False, **settings}
    case: Case = {"options": {"optimizer": name, **options}}
    groups, skip = options.pop("groups"), options.pop("skip")
    first, second = (leaf(part) for part in split(start))
    if groups:
        own = {"params": [second], "lr": 0.3 * options["lr"], "weight_decay": 0.05}
        optimizer = getattr(torch.optim, name)([{"params": [first]}, own], **options)
    else:
        optimizer = getattr(torch.optim, name)([first, second], **options)
    snapshots = []
    for step in range(1, 101):
        first.grad, second.grad = (torch.tensor(part) for part in split(gradients[step - 1]))
        if skip and step % 3 == 0:
            second.grad = None
        optimizer.step()
        if step % 10 == 0:
            snapshots.append(flat(first, second))
    case["parameters"] = np.stack(snapshots)
    for key, value in optimizer.state[first].items():
        if value is not None:
            case[f"state.{key}"] = flat(value, optimizer.state[second][key])
    return case


def split(values: Any) -> tuple[Any, Any]:
    """Cut 17 numbers into the two parameters."""
    return values[:12].reshape(SHAPES[0]), values[12:].reshape(SHAPES[1])


def flat(first: Any, second: Any) -> Any:
    return np.concatenate([plain(first).ravel(), plain(second).ravel()])


def clipping() -> Iterator[tuple[str, Case]]:
    random = np.random.default_rng(5)
    gradients = random.normal(size=17)
    with_nan, with_inf = gradients.copy(), gradients.copy()
    with_nan[3], with_inf[3] = np.nan, np.inf
    for label, values in (("", gradients), ("-nan", with_nan), ("-inf", with_inf), ("-zero", gradients * 0)):
        for norm_type in (2.0, 1.0, 3.0, math.inf, 0.0, -math.inf):
            yield f"norm-{norm_type}{label}", clip(values, max_norm=0.7, norm_type=norm_type)
        yield f"value{label}", clip(values, clip_value=0.5)
    yield "norm-large", clip(gradients, max_norm=100.0, norm_type=2.0)


def clip(values: Any, **options: Any) -> Case:
    parameters = [leaf(np.zeros(shape)) for shape in SHAPES]
    for parameter, gradient in zip(parameters, split(values), strict=True):
        parameter.grad = torch.tensor(gradient)
    case: Case = {"options": options, "gradients": values}
    if "clip_value" in options:
        nn.utils.clip_grad_value_(parameters, **options)
    else:
        case["total"] = nn.utils.clip_grad_norm_(parameters, **options)
    return case | {"clipped": flat(*(parameter.grad for parameter in parameters))}


# --- schedulers: learning rates of two groups over 30 steps

METRICS = [5.0, 4.0, 3.99, 4.1, 4.0, 3.9995, 3.5, 3.6, 3.6, 3.7, 3.6, 3.4, 3.3] + [3.3] * 17
SCHEDULERS: list[tuple[str, dict[str, Any]]] = [
    ("StepLR", {"step_size": 4}),
    ("StepLR", {"step_size": 3, "gamma": 0.5}),
    ("ExponentialLR", {"gamma": 0.9}),
    ("CosineAnnealingLR", {"T_max": 10}),
    ("CosineAnnealingLR", {"T_max": 7, "eta_min": 0.005}),
    ("LinearLR", {}),
    ("LinearLR", {"start_factor": 0.25, "end_factor": 0.75, "total_iters": 12}),
    ("LinearLR", {"start_factor": 1.0, "end_factor": 0.0, "total_iters": 20}),
    ("ReduceLROnPlateau", {"patience": 2}),
    ("ReduceLROnPlateau", {"factor": 0.5, "patience": 1, "threshold": 0.05, "cooldown": 3, "min_lr": [0.01, 0.004]}),
    ("ReduceLROnPlateau", {"mode": "max", "patience": 3, "threshold_mode": "abs", "threshold": 0.1}),
    ("ReduceLROnPlateau", {"patience": 0, "threshold_mode": "abs", "threshold": 0.2, "factor": 0.3, "eps": 1e-4}),
    ("ReduceLROnPlateau", {"mode": "max", "patience": 1, "factor": 0.7, "min_lr": 0.015}),
    ("SequentialLR", {"schedulers": [["LinearLR", {}], ["ExponentialLR", {"gamma": 0.8}]], "milestones": [5]}),
    (
        "SequentialLR",
        {
            "schedulers": [
                ["LinearLR", {"start_factor": 0.1, "total_iters": 6}],
                ["CosineAnnealingLR", {"T_max": 10, "eta_min": 0.001}],
                ["StepLR", {"step_size": 2, "gamma": 0.5}],
            ],
            "milestones": [6, 16],
        },
    ),
    ("SequentialLR", {"schedulers": [["StepLR", {"step_size": 2}]], "milestones": []}),
]


def schedulers() -> Iterator[tuple[str, Case]]:
    for number, (name, options) in enumerate(SCHEDULERS):
        for manual in (None, 9):
            case: Case = {"scheduler": name, "options": options, "manual": manual}
            yield f"{number}-{name}{'-manual' if manual else ''}", case | follow(name, options, manual)


def follow(name: str, options: dict[str, Any], manual: int | None) -> Case:
    first, second = leaf(np.zeros(1)), leaf(np.zeros(1))
    optimizer = torch.optim.SGD([{"params": [first]}, {"params": [second], "lr": 0.02}], lr=0.1)
    kinds = torch.optim.lr_scheduler
    chosen = dict(options)
    if name == "SequentialLR":
        chosen["schedulers"] = [getattr(kinds, part)(optimizer, **more) for part, more in options["schedulers"]]
    scheduler = getattr(kinds, name)(optimizer, **chosen)
    schedule = [[group["lr"] for group in optimizer.param_groups]]
    for step in range(1, 31):
        optimizer.step()
        if step == manual:
            for group in optimizer.param_groups:
                group["lr"] = 0.5
        scheduler.step(*([METRICS[step - 1]] if name == "ReduceLROnPlateau" else []))
        assert scheduler.get_last_lr() == [group["lr"] for group in optimizer.param_groups]
        schedule.append(scheduler.get_last_lr())
    return {"schedule": schedule} | ({"metrics": METRICS} if name == "ReduceLROnPlateau" else {})


# --- writing


def leaf(value: Any) -> torch.Tensor:
    return torch.tensor(value, requires_grad=True)


def plain(value: Any) -> Any:
    return value.detach().numpy().copy() if isinstance(value, torch.Tensor) else np.asarray(value)


def write_arrays(name: str, cases: Iterable[tuple[str, Case]]) -> None:
    """Write one long array and an index: an .npz entry for each small array would cost more than the array."""
    index: dict[str, Any] = {}
    values: list[Any] = []
    for case, fields in cases:
        index[case] = {"options": fields.pop("options", {})}
        for field, value in fields.items():
            array = plain(value)
            index[case][field] = [array.dtype.name, array.shape]
            values.append(array.ravel().astype(np.float64))
    path = HERE / f"{name}.npz"
    np.savez_compressed(path, index=np.array(json.dumps(index)), values=np.concatenate(values))
    print(f"{path.name}: {len(index)} cases, {path.stat().st_size / 1024:.0f} KiB")


def write_json(name: str, cases: Iterable[tuple[str, Case]]) -> None:
    path = HERE / f"{name}.json"
    lines = [f"{json.dumps(case)}: {json.dumps(fields)}" for case, fields in cases]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    print(f"{path.name}: {len(lines)} cases, {path.stat().st_size / 1024:.0f} KiB")


RECORDED = {
    "losses": losses,
    "trainings": trainings,
    "layers": layers,
    "extremes": extremes,
    "optimizers": optimizers,
    "clipping": clipping,
    "schedulers": schedulers,
}

if __name__ == "__main__":
    torch.set_num_threads(1)
    for chosen in sys.argv[1:] or RECORDED:
        write = write_json if chosen == "schedulers" else write_arrays
        write(chosen, RECORDED[chosen]())
