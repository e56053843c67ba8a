"""Names of PyTorch's that minigrad does not have, and what to write instead: the one table that hints come from.

A name that is not in it is answered by Python: with the name, and in a traceback with a similar one that exists.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from minigrad.errors import UnknownArgumentError, UnknownAttributeError, UnknownModuleError

_NUMPY = "minigrad follows NumPy: "
_CPU = "minigrad computes on the CPU alone: leave it out"
_LAYER = "a layer gets its dtype when it is made, as in nn.Linear(3, 2, dtype=np.float64)"
_DTYPES = "dtypes are NumPy's, such as np.float32"
_MLP = "minigrad trains multilayer perceptrons: write a Module that computes it"
_OPTIMIZER = "write it as an Optimizer with an update() of its own"
_SCHEDULER = "write it as an LRScheduler of its own, or set optimizer.param_groups[0]['lr']"
_COMPARED = "compare .numpy() with NumPy's function of that name"
_SORTED = "use np.argsort(x.numpy()), and index with it"
_DECOMPOSED = "compute it with np.linalg on .numpy(); no gradient flows through it"

# keyword argument -> the argument that has its place (where it needs one), and the advice; {value} is what was passed
ARGUMENTS: dict[str, tuple[str, str]] = {
    "dim": ("axis", _NUMPY + "use axis={value}"),
    "dims": ("axis", _NUMPY + "use axis={value}"),
    "keepdim": ("keepdims", _NUMPY + "use keepdims={value}"),
    "dim0": ("axis1", _NUMPY + "use axis1={value}"),
    "dim1": ("axis2", _NUMPY + "use axis2={value}"),
    "start_dim": ("start_axis", "use start_axis={value}"),
    "end_dim": ("end_axis", "use end_axis={value}"),
    "unbiased": ("ddof", "use ddof=1 for the unbiased estimate, ddof=0 for the other"),
    "correction": ("ddof", "use ddof={value}"),
    "input": ("x", "pass it as the first argument, x"),
    "other": ("y", "pass it as the second argument, y"),
    "exponent": ("y", "pass it as the second argument, y"),
    "generator": ("rng", "use rng=np.random.default_rng(seed)"),
    "size_average": ("reduction", "use reduction='mean' or reduction='sum'"),
    "reduce": ("reduction", "use reduction='none' for a loss of each sample"),
    "weight": ("reduction", "classes have no weights: multiply the losses of reduction='none' by them"),
    "pos_weight": ("reduction", "classes have no weights: multiply the losses of reduction='none' by them"),
    "ignore_index": ("reduction", "index the outputs and targets with the samples that count"),
    "inplace": ("", "no function of minigrad changes its argument: leave it out"),
    "out": ("", "no function of minigrad writes into an array: leave it out"),
    "device": ("", _CPU),
    "non_blocking": ("", _CPU),
    "requires_grad": ("", "assign it afterwards, as in x.requires_grad = True"),
    "padding_idx": ("num_embeddings", "every row is trained: leave it out"),
    "num_workers": ("batch_size", "batches are made in the process itself: leave it out"),
    "pin_memory": ("batch_size", _CPU),
    "persistent_workers": ("batch_size", "batches are made in the process itself: leave it out"),
    "prefetch_factor": ("batch_size", "batches are made in the process itself: leave it out"),
    "collate_fn": ("batch_size", "a batch is dataset[indices]: give the dataset a __getitem__ that makes it"),
    "sampler": ("batch_size", "use shuffle=True, or a data.Subset of the indices in their order"),
    "foreach": ("lr", "minigrad has one implementation: leave it out"),
    "fused": ("lr", "minigrad has one implementation: leave it out"),
    "capturable": ("lr", _CPU),
    "differentiable": ("lr", "a step is not differentiable: leave it out"),
    "maximize": ("lr", "minimize the negative of the loss"),
}

# functions that PyTorch's tensors have as methods, too
_FUNCTIONS = {
    "view": "use reshape",
    "view_as": "use reshape(other.shape)",
    "flatten": "use ravel, or nn.functional.flatten to keep the first axis",
    "unsqueeze": "use expand_dims",
    "permute": "use transpose",
    "t": "use .T",
    "expand": "use broadcast_to",
    "repeat": "use broadcast_to, or concatenate",
    "chunk": "use split",
    "unbind": "iterate over the tensor",
    "gather": "use take_along_axis",
    "index_select": "index the tensor, as in x[indices]",
    "masked_fill": "use where, as in mg.where(mask, value, x)",
    "masked_select": "index the tensor, as in x[mask]",
    "mul": "use multiply",
    "div": "use divide",
    "sub": "use subtract",
    "neg": "use negative",
    "pow": "use power",
    "mm": "use matmul",
    "bmm": "use matmul",
    "mv": "use matmul",
    "clamp": "use clip",
    "amax": "use max",
    "amin": "use min",
    "atan": "use arctan",
    "log2": "use log(x) / math.log(2)",
    "log10": "use log(x) / math.log(10)",
    "rsqrt": "use 1 / sqrt(x)",
    "reciprocal": "use 1 / x",
    "eq": "use x == y",
    "ne": "use x != y",
    "lt": "use x < y",
    "le": "use x <= y",
    "gt": "use x > y",
    "ge": "use x >= y",
    "numel": "use .size",
    "clone": "use identity, or mg.tensor(x) for a copy without a graph",
    "sort": _SORTED,
    "argsort": _SORTED,
    "topk": _SORTED,
    "tril": "use x * np.tri(n)",
    "triu": "use x * np.tri(n).T",
    "inverse": _DECOMPOSED,
    "det": _DECOMPOSED,
    "allclose": _COMPARED,
    "isclose": _COMPARED,
}
_TENSOR = _FUNCTIONS | {
    "float": "use astype(np.float32)",
    "double": "use astype(np.float64)",
    "half": "use astype(np.float16)",
    "int": "use astype(np.int32)",
    "long": "use astype(np.int64)",
    "bool": "use astype(bool)",
    "type": "use astype(dtype)",
    "to": f"use astype(dtype); {_CPU}",
    "cpu": f"{_CPU}; .numpy() gives the array",
    "cuda": _CPU,
    "device": _CPU,
    "is_cuda": _CPU,
    "dim": "use .ndim",
    "nelement": "use .size",
    "contiguous": "operations take any layout: leave it out",
    "is_contiguous": "operations take any layout: leave it out",
    "grad_fn": "use .node",
    "requires_grad_": "use x.requires_grad = True",
    "detach_": "use x = x.detach()",
    "zero_": "use x.grad = None to clear a gradient, x.data[...] = 0 for values",
    "add_": "use x += y in a `with mg.no_grad():` block",
    "sub_": "use x -= y in a `with mg.no_grad():` block",
    "mul_": "use x *= y in a `with mg.no_grad():` block",
    "copy_": "use x.data[...] = values",
    "fill_": "use x.data[...] = value",
    "clamp_": "use x.data = np.clip(x.data, low, high)",
    "register_hook": "use mg.backprop, which yields each step",
}
_MODULE = {
    **dict.fromkeys(("cuda", "cpu", "xpu", "device"), _CPU),
    **dict.fromkeys(("double", "float", "half", "type"), _LAYER),
    "to": f"{_CPU}; {_LAYER}",
    "requires_grad_": "set it for each parameter: p.requires_grad = False",
    **dict.fromkeys(("register_parameter", "register_module", "add_module"), "assign it as an attribute"),
    **dict.fromkeys(
        ("register_forward_hook", "register_forward_pre_hook", "register_full_backward_hook"),
        "call the function in forward(), or use mg.backprop, which yields each step",
    ),
}

# the place -> the name that it does not have -> what to write instead
NAMES: dict[str, dict[str, str]] = {
    "a tensor": _TENSOR,
    "a module": _MODULE,
    "minigrad": _FUNCTIONS
    | {
        **dict.fromkeys(("cat", "concat", "hstack"), "use concatenate"),
        "vstack": "use concatenate, or stack",
        "t": "use transpose",
        "numel": "use x.size",
        **dict.fromkeys(("acos", "arccos", "asin", "arcsin", "erf"), "write it with mg.primitive"),
        "manual_seed": "use seed",
        **dict.fromkeys(("from_numpy", "as_tensor", "FloatTensor", "LongTensor"), "use tensor"),
        "randn": "use tensor(np.random.default_rng(seed).standard_normal(shape))",
        "rand": "use tensor(np.random.default_rng(seed).random(shape))",
        "randint": "use tensor(np.random.default_rng(seed).integers(low, high, shape))",
        "randperm": "use tensor(np.random.default_rng(seed).permutation(n))",
        "empty": "use zeros",
        "linspace": "use tensor(np.linspace(start, stop, n))",
        "is_tensor": "use isinstance(x, mg.Tensor)",
        "inference_mode": "use no_grad",
        "set_grad_enabled": "use no_grad or enable_grad",
        "autograd": "use grad, vjp, jvp, jacobian or hessian; primitive for a Function; detect_anomaly",
        "func": "use grad, vjp, jvp, jacobian or hessian",
        "vmap": "use an axis of samples",
        "linalg": _DECOMPOSED,
        "utils": "use data.Dataset and data.DataLoader",
        **dict.fromkeys(("cuda", "backends", "mps", "device", "set_default_device"), _CPU),
        **dict.fromkeys(("dtype", "float16", "float32", "float64", "int32", "int64", "long"), _DTYPES),
        **dict.fromkeys(("float", "double", "half", "int", "bool"), _DTYPES),
    },
    "minigrad.nn": {
        **dict.fromkeys(("Conv1d", "Conv2d", "Conv3d", "ConvTranspose2d"), _MLP),
        **dict.fromkeys(("MaxPool1d", "MaxPool2d", "AvgPool1d", "AvgPool2d", "AdaptiveAvgPool2d"), _MLP),
        **dict.fromkeys(("RNN", "LSTM", "GRU", "MultiheadAttention", "Transformer", "GroupNorm", "PReLU"), _MLP),
        **dict.fromkeys(("KLDivLoss", "CTCLoss", "MarginRankingLoss"), "write the loss as a function"),
        "BatchNorm2d": "use BatchNorm1d",
        "Dropout2d": "use Dropout",
        "Hardtanh": "use clip in forward(), as in mg.clip(x, -1, 1)",
        "ReLU6": "use clip in forward(), as in mg.clip(x, 0, 6)",
        "SmoothL1Loss": "use HuberLoss",
        "ModuleDict": "assign the modules as attributes",
        "ParameterList": "assign the parameters as attributes",
        "ParameterDict": "assign the parameters as attributes",
        "DataParallel": _CPU,
        "utils": "use optim.clip_grad_norm and optim.clip_grad_value",
    },
    "minigrad.nn.functional": {
        "smooth_l1_loss": "use huber_loss",
        "mse": "use mse_loss",
        "bce": "use binary_cross_entropy",
        "kl_div": "write the loss as a function",
        "logsigmoid": "use -softplus(-x)",
        "hardtanh": "use mg.clip(x, -1, 1)",
        "relu6": "use mg.clip(x, 0, 6)",
        "one_hot": "use np.eye(classes)[labels]",
        "normalize": "use x / x.norm(axis=-1, keepdims=True)",
        "pad": "use mg.pad",
        **dict.fromkeys(("conv1d", "conv2d", "max_pool2d", "avg_pool2d", "scaled_dot_product_attention"), _MLP),
    },
    "minigrad.optim": {
        "LBFGS": "use Newton for few parameters, Adam for many",
        **dict.fromkeys(("Adadelta", "Adamax", "NAdam", "RAdam", "Rprop", "ASGD", "Muon"), _OPTIMIZER),
        "clip_grad_norm_": "use clip_grad_norm",
        "clip_grad_value_": "use clip_grad_value",
        "swa_utils": "average the arrays of state_dict()",
    },
    "minigrad.optim.lr_scheduler": dict.fromkeys(
        ("CosineAnnealingWarmRestarts", "LambdaLR", "MultiStepLR", "OneCycleLR", "PolynomialLR"), _SCHEDULER
    ),
    "minigrad.data": {
        "ConcatDataset": "use TensorDataset of the concatenated arrays",
        "IterableDataset": "give fit any iterable of batches",
        **dict.fromkeys(("RandomSampler", "SequentialSampler"), "use DataLoader with shuffle=True or shuffle=False"),
        "WeightedRandomSampler": "use Subset with the indices that were drawn",
    },
}


def unknown_name(place: str) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a module: an error for each name, with advice where PyTorch has it."""

    def missing(name: str) -> Any:
        check_name(place, place, name)
        # obj: of its attributes Python names a similar one in a traceback
        raise AttributeError(f"module {place!r} has no attribute {name!r}", name=name, obj=sys.modules[place])

    return missing


def check_name(owner: str, place: str, name: str) -> None:
    """Raise if a name is one of PyTorch's that a place does not have.

    Raises:
        UnknownAttributeError: with what to write instead.
    """
    advice = NAMES[place].get(name)
    if advice is not None:
        # obj: Python adds similar names of that object in a traceback, and here they would only distract
        raise UnknownAttributeError(f"{owner} has no attribute {name!r}: {advice}", name=name, obj=None)


def check_arguments(name: str, parameters: Iterable[str], options: Mapping[str, Any]) -> None:
    """Raise if a keyword argument is one of PyTorch's that a function does not have.

    Args:
        name: what the function is called.
        parameters: the names of its own arguments.
        options: the keyword arguments that it was called with.

    Raises:
        UnknownArgumentError: with what to write instead.
    """
    known = set(parameters)
    for word, value in options.items():
        replaced, advice = ARGUMENTS.get(word, ("", ""))
        if advice and word not in known and (not replaced or replaced in known):
            sentence = advice.format(value=repr(value))
            raise UnknownArgumentError(f"{name}() got an unexpected keyword argument {word!r}: {sentence}")


class AdvisesOnArguments:
    """A base of classes that PyTorch has too: a keyword argument that only PyTorch's takes is answered with advice."""

    __slots__ = ()

    if not TYPE_CHECKING:  # a type checker shall see __init__

        def __new__(cls, *args: Any, **options: Any) -> Any:
            """Check the names of keyword arguments before ``__init__`` is called with them.

            Raises:
                UnknownArgumentError: with what to write instead.
            """
            if not ARGUMENTS.keys().isdisjoint(options):
                parameters = inspect.signature(cls.__init__).parameters
                if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
                    check_arguments(cls.__name__, parameters, options)
            return super().__new__(cls)


def unknown_module(name: str, advice: str) -> UnknownModuleError:
    """Return the error for importing a module that PyTorch has and minigrad does not."""
    return UnknownModuleError(f"there is no module {name}: {advice}", name=name)
