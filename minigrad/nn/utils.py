"""PyTorch has this module; here, importing it says what to use instead."""

from minigrad.pytorch_names import NAMES, unknown_module

raise unknown_module(__name__, NAMES["minigrad.nn"]["utils"])
