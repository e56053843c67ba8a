"""Every exception that minigrad raises on purpose.

Each is a ``MinigradError`` and also the built-in kind that people would catch.
Each message says what was expected, what came, and what to do.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


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


# --- for minigrad.optim alone: hints are in minigrad/pytorch_names.py

# what people who come from PyTorch write, and what NumPy, and so minigrad, calls it
PYTORCH_TO_NUMPY = {
    "dim": "axis",
    "keepdim": "keepdims",
    "unsqueeze": "expand_dims",
    "cat": "concatenate",
    "permute": "transpose",
    "view": "reshape",
    "flatten": "ravel",
    "expand": "broadcast_to",
    "mul": "multiply",
    "div": "divide",
    "sub": "subtract",
    "neg": "negative",
    "pow": "power",
    "clamp": "clip",
    "atan": "arctan",
    "gather": "take_along_axis",
    "numel": "size",
    "float": "astype(np.float32)",
    "double": "astype(np.float64)",
    "half": "astype(np.float16)",
    "long": "astype(np.int64)",
    "to": "astype(dtype); minigrad runs on the CPU alone",
    "cpu": "numpy()",
}


def suggest(word: str, candidates: Iterable[str], cutoff: float = 0.5) -> str:
    """Return a sentence end that names what was probably meant: ``"; use axis=1"``, or nothing."""
    import difflib

    known = list(candidates)
    translated = PYTORCH_TO_NUMPY.get(word)
    if translated is not None and translated.split("(")[0].split(";")[0] in known:
        return f"; minigrad follows NumPy: use {translated}"
    same = [name for name in known if name.lower() == word.lower()]
    close = same or difflib.get_close_matches(word, known, n=1, cutoff=cutoff)
    return f"; did you mean {close[0]!r}?" if close else ""


def unknown_name(
    module: str,
    names: Mapping[str, Any],
    *others: str,
    rooms: tuple[str, ...] = (),
    hints: Mapping[str, str] | None = None,
) -> Callable[[str], Any]:
    """Return a module's ``__getattr__``: an error that names which function, class or other thing was meant.

    Args:
        module: its name.
        names: its globals, of which those count that can be called and come from the module or what is below it.
        others: names that count too.
        rooms: further modules from which names count.
        hints: by the name that was asked for, how the sentence ends.
    """

    def missing(name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        own = [
            known
            for known, value in names.items()
            if not known.startswith("_") and callable(value) and value.__module__.startswith((module, *rooms))
        ]
        hint = (hints or {}).get(name) or suggest(name, [*own, *others], cutoff=0.6)
        raise UnknownAttributeError(f"{module} has no attribute {name!r}{hint}")

    return missing


def explain_call(function: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]) -> str | None:
    """Say in one sentence why ``function(*args, **options)`` does not fit its signature, or None if it does.

    Args:
        function: what was called; for a method, ``args`` begins with ``self``.
        args: the positional arguments.
        options: the keyword arguments.
    """
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # it does not say what it takes
        return None
    try:
        signature.bind(*args, **options)
    except TypeError as problem:
        name = getattr(function, "__qualname__", type(function).__name__)
        if name.endswith(".__init__"):
            name = type(args[0]).__name__
        names = [parameter for parameter in signature.parameters if parameter != "self"]
        unknown = [option for option in options if option not in names]
        if not unknown:
            return f"{name}(): {problem}; " + (f"its arguments are {', '.join(names)}" if names else "it has none")
        word, value = unknown[0], options[unknown[0]]
        hint = suggest(word, names)
        if "minigrad follows NumPy" in hint:
            hint += f"={value!r}"
        return f"{name}() has no argument {word!r}{hint or '; it has ' + (', '.join(names) or 'none')}"
    return None


def checked_arguments(function: Callable[P, R]) -> Callable[P, R]:
    """Turn a call with wrong argument names into an error that names the right ones.

    Costs nothing while calls are right: the signature is looked at only after a ``TypeError``.

    Raises:
        UnknownArgumentError: from the wrapped function, when the call does not fit its signature.
    """

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except TypeError as problem:
            # one frame deep: the call itself failed, nothing inside it has run
            if problem.__traceback__ is not None and problem.__traceback__.tb_next is None:
                sentence = explain_call(function, args, kwargs)
                if sentence is not None:
                    raise UnknownArgumentError(sentence) from None
            raise

    return wrapper
