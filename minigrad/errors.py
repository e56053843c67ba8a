"""Every exception that minigrad raises on purpose.

Each is a ``MinigradError`` and also the built-in kind that people would catch.
Each message says what was expected, what came, and what to do.
"""

from __future__ import annotations


class MinigradError(Exception):
    """What all of the library's own exceptions have in common."""


class ShapeError(MinigradError, ValueError):
    """Shapes that do not fit together, or not what a function asks for."""


class DtypeError(MinigradError, TypeError):
    """A dtype, or a kind of object, that a function cannot use."""


class ArgumentError(MinigradError, ValueError):
    """An argument whose value is outside of what is allowed."""


class UnknownArgumentError(MinigradError, TypeError):
    """An argument of PyTorch's, or an option, that minigrad does not have; or a function that takes other arguments."""


class UnknownAttributeError(MinigradError, AttributeError):
    """An attribute of PyTorch's that minigrad does not have; says what to write instead."""


class UnknownModuleError(MinigradError, ImportError):
    """A module of PyTorch's that minigrad does not have; says what to use instead."""


class OutOfRangeError(MinigradError, IndexError):
    """An index, a label or an axis that does not exist."""


class UnsupportedError(MinigradError, TypeError):
    """A NumPy function, or a way of calling one, that cannot record a graph."""


class GraphError(MinigradError, RuntimeError):
    """A backward pass that cannot run: nothing recorded, released, or not a scalar."""


class InPlaceError(MinigradError, RuntimeError):
    """A change in place of a tensor that a graph depends on."""


class RuleError(MinigradError, RuntimeError):
    """A derivative rule that is missing, or that returned something unusable."""


class AnomalyError(MinigradError, FloatingPointError):
    """An operation that made nan or infinity out of finite numbers, within ``detect_anomaly``."""


class MissingMethodError(MinigradError, NotImplementedError):
    """A method that a class of the user's own must define, such as ``forward``."""


class UnavailableError(MinigradError, NotImplementedError):
    """A function that is not available in this release; says what to do instead."""


class GradientCheckError(MinigradError, AssertionError):
    """A gradient that finite differences do not confirm."""


class StateDictError(MinigradError, RuntimeError):
    """A state dict that does not fit the module or the optimizer."""


class DataError(MinigradError, ValueError):
    """A data file whose content is not what its format says."""


class MissingFileError(MinigradError, FileNotFoundError):
    """A file that should be there and is not; says how to get it."""


class CheckpointError(MinigradError, ValueError):
    """A file that is no checkpoint, or a damaged one; or a folder that another run is writing to."""


class CheckpointFileError(MinigradError, OSError):
    """A checkpoint that could not be written or read: no space, no permission, no such folder."""


class MissingExtraError(MinigradError, ImportError):
    """An optional part that is not installed; names the command that installs it."""


class RenderError(MinigradError, RuntimeError):
    """A picture that the installed Graphviz could not make."""


class CheckpointWarning(UserWarning):
    """A checkpoint that was passed over for an older one, or that comes from other surroundings."""
