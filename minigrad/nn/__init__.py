"""Neural networks: modules, layers, losses and their initialisation. Read ``module`` first, then ``linear``."""

from typing import TYPE_CHECKING as _TYPE_CHECKING

from minigrad.nn import functional as functional
from minigrad.nn import init as init
from minigrad.nn.activation import ELU as ELU
from minigrad.nn.activation import GELU as GELU
from minigrad.nn.activation import LeakyReLU as LeakyReLU
from minigrad.nn.activation import LogSoftmax as LogSoftmax
from minigrad.nn.activation import ReLU as ReLU
from minigrad.nn.activation import Sigmoid as Sigmoid
from minigrad.nn.activation import SiLU as SiLU
from minigrad.nn.activation import Softmax as Softmax
from minigrad.nn.activation import Softplus as Softplus
from minigrad.nn.activation import Tanh as Tanh
from minigrad.nn.container import ModuleList as ModuleList
from minigrad.nn.container import Sequential as Sequential
from minigrad.nn.dropout import Dropout as Dropout
from minigrad.nn.embedding import Embedding as Embedding
from minigrad.nn.linear import Linear as Linear
from minigrad.nn.loss import BCELoss as BCELoss
from minigrad.nn.loss import BCEWithLogitsLoss as BCEWithLogitsLoss
from minigrad.nn.loss import CrossEntropyLoss as CrossEntropyLoss
from minigrad.nn.loss import HuberLoss as HuberLoss
from minigrad.nn.loss import L1Loss as L1Loss
from minigrad.nn.loss import MSELoss as MSELoss
from minigrad.nn.loss import NLLLoss as NLLLoss
from minigrad.nn.mlp import MLP as MLP
from minigrad.nn.module import Module as Module
from minigrad.nn.normalization import BatchNorm1d as BatchNorm1d
from minigrad.nn.normalization import LayerNorm as LayerNorm
from minigrad.nn.parameter import Parameter as Parameter
from minigrad.nn.shape import Flatten as Flatten
from minigrad.nn.shape import Identity as Identity
from minigrad.pytorch_names import unknown_name as _unknown_name

if not _TYPE_CHECKING:  # a type checker shall see only what there is
    __getattr__ = _unknown_name(__name__)
