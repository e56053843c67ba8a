"""minigrad: reverse-mode automatic differentiation in NumPy that you can read, see and use."""

from typing import TYPE_CHECKING as _TYPE_CHECKING

from minigrad import nn as nn
from minigrad import ops as ops
from minigrad import optim as optim
from minigrad.engine.backward import Contribution as Contribution
from minigrad.engine.backward import Step as Step
from minigrad.engine.backward import backprop as backprop
from minigrad.engine.backward import grad as grad
from minigrad.engine.creation import arange as arange
from minigrad.engine.creation import eye as eye
from minigrad.engine.creation import full as full
from minigrad.engine.creation import ones as ones
from minigrad.engine.creation import ones_like as ones_like
from minigrad.engine.creation import tensor as tensor
from minigrad.engine.creation import zeros as zeros
from minigrad.engine.creation import zeros_like as zeros_like
from minigrad.engine.differentiable import primitive as primitive
from minigrad.engine.mode import enable_grad as enable_grad
from minigrad.engine.mode import no_grad as no_grad
from minigrad.engine.node import Node as Node
from minigrad.engine.primitive import Primitive as Primitive
from minigrad.engine.random import seed as seed
from minigrad.engine.tensor import Tensor as Tensor
from minigrad.memory import keep_freed_memory as keep_freed_memory
from minigrad.ops.activation import elu as elu
from minigrad.ops.activation import gelu as gelu
from minigrad.ops.activation import leaky_relu as leaky_relu
from minigrad.ops.activation import relu as relu
from minigrad.ops.activation import sigmoid as sigmoid
from minigrad.ops.activation import silu as silu
from minigrad.ops.activation import softplus as softplus
from minigrad.ops.comparison import ceil as ceil
from minigrad.ops.comparison import equal as equal
from minigrad.ops.comparison import floor as floor
from minigrad.ops.comparison import floor_divide as floor_divide
from minigrad.ops.comparison import greater as greater
from minigrad.ops.comparison import greater_equal as greater_equal
from minigrad.ops.comparison import isfinite as isfinite
from minigrad.ops.comparison import isinf as isinf
from minigrad.ops.comparison import isnan as isnan
from minigrad.ops.comparison import less as less
from minigrad.ops.comparison import less_equal as less_equal
from minigrad.ops.comparison import logical_and as logical_and
from minigrad.ops.comparison import logical_not as logical_not
from minigrad.ops.comparison import logical_or as logical_or
from minigrad.ops.comparison import logical_xor as logical_xor
from minigrad.ops.comparison import not_equal as not_equal
from minigrad.ops.comparison import round as round
from minigrad.ops.elementwise import add as add
from minigrad.ops.elementwise import arctan as arctan
from minigrad.ops.elementwise import astype as astype
from minigrad.ops.elementwise import cos as cos
from minigrad.ops.elementwise import cosh as cosh
from minigrad.ops.elementwise import divide as divide
from minigrad.ops.elementwise import exp as exp
from minigrad.ops.elementwise import expm1 as expm1
from minigrad.ops.elementwise import identity as identity
from minigrad.ops.elementwise import log as log
from minigrad.ops.elementwise import log1p as log1p
from minigrad.ops.elementwise import multiply as multiply
from minigrad.ops.elementwise import negative as negative
from minigrad.ops.elementwise import power as power
from minigrad.ops.elementwise import remainder as remainder
from minigrad.ops.elementwise import sin as sin
from minigrad.ops.elementwise import sinh as sinh
from minigrad.ops.elementwise import sqrt as sqrt
from minigrad.ops.elementwise import square as square
from minigrad.ops.elementwise import subtract as subtract
from minigrad.ops.elementwise import tan as tan
from minigrad.ops.elementwise import tanh as tanh
from minigrad.ops.indexing import take_along_axis as take_along_axis
from minigrad.ops.linalg import dot as dot
from minigrad.ops.linalg import einsum as einsum
from minigrad.ops.linalg import linear as linear
from minigrad.ops.linalg import matmul as matmul
from minigrad.ops.linalg import outer as outer
from minigrad.ops.piecewise import abs as abs
from minigrad.ops.piecewise import clip as clip
from minigrad.ops.piecewise import maximum as maximum
from minigrad.ops.piecewise import minimum as minimum
from minigrad.ops.piecewise import sign as sign
from minigrad.ops.piecewise import where as where
from minigrad.ops.reduction import all as all
from minigrad.ops.reduction import any as any
from minigrad.ops.reduction import argmax as argmax
from minigrad.ops.reduction import argmin as argmin
from minigrad.ops.reduction import cumsum as cumsum
from minigrad.ops.reduction import max as max
from minigrad.ops.reduction import mean as mean
from minigrad.ops.reduction import min as min
from minigrad.ops.reduction import norm as norm
from minigrad.ops.reduction import prod as prod
from minigrad.ops.reduction import std as std
from minigrad.ops.reduction import sum as sum
from minigrad.ops.reduction import var as var
from minigrad.ops.shape import broadcast_to as broadcast_to
from minigrad.ops.shape import concatenate as concatenate
from minigrad.ops.shape import expand_dims as expand_dims
from minigrad.ops.shape import flip as flip
from minigrad.ops.shape import moveaxis as moveaxis
from minigrad.ops.shape import pad as pad
from minigrad.ops.shape import ravel as ravel
from minigrad.ops.shape import reshape as reshape
from minigrad.ops.shape import split as split
from minigrad.ops.shape import squeeze as squeeze
from minigrad.ops.shape import stack as stack
from minigrad.ops.shape import swapaxes as swapaxes
from minigrad.ops.shape import transpose as transpose
from minigrad.ops.softmax import log_softmax as log_softmax
from minigrad.ops.softmax import logsumexp as logsumexp
from minigrad.ops.softmax import softmax as softmax

if _TYPE_CHECKING:
    from minigrad import analysis as analysis
    from minigrad import data as data
    from minigrad import testing as testing
    from minigrad import viz as viz
    from minigrad.analysis.anomaly import detect_anomaly as detect_anomaly
    from minigrad.compiling import compile as compile
    from minigrad.engine.transforms import hessian as hessian
    from minigrad.engine.transforms import hvp as hvp
    from minigrad.engine.transforms import jacobian as jacobian
    from minigrad.engine.transforms import jvp as jvp
    from minigrad.engine.transforms import value_and_grad as value_and_grad
    from minigrad.engine.transforms import vjp as vjp
    from minigrad.source import source_lines as source_lines
    from minigrad.training import Checkpoint as Checkpoint
    from minigrad.training import History as History
    from minigrad.training import evaluate as evaluate
    from minigrad.training import fit as fit
    from minigrad.training import load as load
    from minigrad.training import save as save

__version__ = "0.1.0"

# what a training step does not need is imported when it is first asked for: name -> the module that has it
_LATER = dict.fromkeys(("analysis", "data", "testing", "viz"), "")
_LATER |= dict.fromkeys(("hessian", "hvp", "jacobian", "jvp", "value_and_grad", "vjp"), "minigrad.engine.transforms")
_LATER |= {"detect_anomaly": "minigrad.analysis.anomaly", "source_lines": "minigrad.source"}
_LATER |= dict.fromkeys(("Checkpoint", "History", "evaluate", "fit", "load", "save"), "minigrad.training")
_LATER |= {"compile": "minigrad.compiling"}

if not _TYPE_CHECKING:  # a type checker shall see only what there is

    def __getattr__(name: str) -> object:
        import importlib

        if name in _LATER:
            home = _LATER[name]
            found = (
                getattr(importlib.import_module(home), name) if home else importlib.import_module(f"minigrad.{name}")
            )
            globals()[name] = found
            return found
        from minigrad.pytorch_names import unknown_name

        return unknown_name(__name__)(name)

    def __dir__() -> list[str]:
        return sorted({*_LATER, *(name for name in globals() if not name.startswith("_"))})
