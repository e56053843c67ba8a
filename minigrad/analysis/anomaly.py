"""``detect_anomaly``: the first operation that makes nan or infinity out of finite numbers is named."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from minigrad.engine.backward import Contribution, Step
from minigrad.engine.mode import Observer, current_scope, observing
from minigrad.engine.node import Node
from minigrad.engine.primitive import Primitive
from minigrad.engine.recompute import values_of
from minigrad.engine.tensor import Tensor
from minigrad.errors import AnomalyError
from minigrad.source import SourceLine, calling_line, source_lines

# what usually lies behind it, and what helps: in the forward pass, and for an infinity in the backward pass
_OVERFLOW = "the result is too large for the dtype; scale the input, or subtract its maximum first"
_CAUSES: dict[str, tuple[str, str]] = {
    "log": (
        "the logarithm of 0 or of a negative number; keep the input above 0, as mg.clip(x, 1e-12) does, or use what "
        "needs no such logarithm: log_softmax, logsumexp, BCEWithLogitsLoss",
        "the derivative 1/x is infinite at 0; keep the input above 0, as mg.clip(x, 1e-12) does",
    ),
    "log1p": (
        "the logarithm of 0 or of a negative number, as x is -1 or below",
        "the derivative 1/(1 + x) is infinite at -1; keep the input above it",
    ),
    "sqrt": (
        "the square root of a negative number; where rounding makes it one, use mg.maximum(x, 0)",
        "the derivative of the square root is infinite at 0; add a small number first, as in sqrt(x + 1e-12), or use "
        "mg.norm or mg.std, whose derivatives are 0 there",
    ),
    "divide": (
        "a division by 0; add a small number to the divisor",
        "a division by 0, or by a number whose square is too small for the dtype; add a small number to the divisor",
    ),
    "power": (
        "0 to a negative power, a negative number to a power that is not whole, or an overflow",
        "the derivative of a power below 1 is infinite at 0; add a small number to the base",
    ),
    "exp": (f"{_OVERFLOW} (in float32 exp(89) is), or use log_softmax or softplus; so too in a branch of `where`", ""),
    "softmax": ("a row of nothing but -inf, or with two +inf; leave a finite number in each row", ""),
    "log_softmax": ("a row of nothing but -inf, or with two +inf; leave a finite number in each row", ""),
    "cross_entropy": ("a label whose logit is -inf, or a row of nothing but -inf", ""),
}
_NAN_BACKWARD = (
    "0 times infinity: where `where`, `max` or relu does not take a value its gradient is 0, and the derivative of "
    "what made the value is infinite; make the input of the branch safe too, as in "
    "where(x > 0, f(where(x > 0, x, 1)), 0)"
)
_NOTHING = "there is nothing to average: the input has no elements"
_INFINITY = (
    "inf - inf, 0 * inf or inf / inf: an operand holds infinity, which came with the data or a parameter, or was meant "
    "as a mask; keep it out of arithmetic, as in where(mask, x, 0)"
)
_ALREADY = (
    "No operation of this block made it: it came with the data or a parameter, or was computed before the block; look "
    "for it there with mg.isnan, or begin the block earlier"
)

# where the operations are that mix elements with others; in the rest a nan stays in its place, and may be masked
_MIXING = tuple(f"minigrad.ops.{name}" for name in ("reduction", "linalg", "softmax", "loss"))


@contextmanager
def detect_anomaly() -> Iterator[None]:
    """Raise at the first operation of a block that makes nan or infinity, forward or backward, and say which.

    It counts when a result has a nan and no input of the operation has one, or an infinity and every input is finite.
    An optimizer's update that leaves a parameter not finite counts too. NumPy's own warnings are silent meanwhile.
    A nan that was there before, in a parameter or in the data, is named at the first operation that mixes it with other
    numbers, such as a sum or a matrix product, or at the update; one in missing data that are masked is not.
    Every operation is checked, so training takes a few times as long: for finding the cause, not for every run.

    Raises:
        AnomalyError: names the operation, its operands with their statistics, the module, the line of the script,
            and the usual cause.

    >>> import minigrad as mg
    >>> x = mg.tensor([1.0, 0.0], requires_grad=True, name="x")
    >>> with mg.detect_anomaly():  # doctest: +ELLIPSIS
    ...     mg.log(x)
    Traceback (most recent call last):
        ...
    minigrad.errors.AnomalyError: log made 1 -inf ...
    """
    with source_lines(), observing(_Detector()), np.errstate(all="ignore"):
        yield


class _Detector(Observer):
    """Looks at what each operation and each rule returns."""

    def __init__(self) -> None:
        # by its id: a result with a nan that was there before, and what is to be said of that one
        self.handed_on: dict[int, tuple[weakref.ref[Any], str]] = {}

    def operation(self, primitive: Any, inputs: Any, options: dict[str, Any], result: Any) -> None:
        """Check a result."""
        arrays, out = [getattr(value, "_array", value) for value in inputs], result._array
        if _finite(out):
            return
        names = _names(primitive, len(arrays))
        given = [getattr(value, "name", None) for value in inputs]
        pairs = list(zip(names, given, arrays, strict=True))
        place = _place(current_scope(), calling_line())
        said = f"{_bad(out)} of {np.size(out)} elements{place}, from " + "; ".join(
            _statistics(*each) for each in pairs if each[2] is not None
        )
        if _is_anomaly(out, arrays):
            raise AnomalyError(f"{primitive.name} made {said}. The usual cause: {_cause(primitive.name, arrays)}")
        if _has_nan(out):
            before = next(self._before(primitive, *each) for each in pairs if _has_nan(each[2]))
            if _mixes(primitive, arrays):
                raise AnomalyError(f"{before}. Out of it {primitive.name} made {said}. {_ALREADY}")
            key, forget = id(out), self.handed_on.pop
            self.handed_on[key] = weakref.ref(out, lambda _: forget(key, None)), before

    def _before(self, primitive: Any, name: str, given: str | None, value: Any) -> str:
        """Return what is to be said of the nan that an operand has: where it was when it was first seen."""
        known = self.handed_on.get(id(value))
        if known is not None and known[0]() is value:
            return known[1]
        who = repr(given) if given else f"{name}, an operand of {primitive.name},"
        return f"{who} holds {_bad(value)} of {np.size(value)} elements already"

    def backward(self, output: Tensor, steps: Iterator[Step]) -> Iterator[Step]:
        """Check what each rule sends."""
        # values are looked at before the walk releases them: at the yield of a step they are still there
        first = True
        not_finite: set[Node] = set()  # to which something was sent that is not
        for step in steps:
            if first and not _finite(step.gradient):
                raise AnomalyError(
                    f"the gradient that the backward pass starts with holds {_bad(step.gradient)} of "
                    f"{np.size(step.gradient)} elements already{_place('', calling_line())}; pass backward() a finite "
                    "one: a smaller scale of the loss"
                )
            if not first and step.node not in not_finite:
                _check_sum(step)
            first = False
            for sent in step.contributions:
                _check_sent(step, sent)
                if not _finite(sent.raw):
                    not_finite.add(sent.parent)
            yield step

    def before_update(self, optimizer: object, parameters: Iterable[Tensor]) -> None:
        """Check the parameters and their gradients."""
        for place, parameter in enumerate(parameters):
            for what, array in (("", parameter._array), ("the gradient of ", parameter._grad)):
                if not _finite(array):
                    raise AnomalyError(
                        f"{what}{_which(parameter, place)} holds {_bad(array)} of {parameter.size} elements already "
                        f"before the update of {type(optimizer).__name__}{_place('', calling_line())}, which was not "
                        "made. It was assigned, or computed before this block; begin the block earlier"
                    )

    def after_update(self, optimizer: object, parameters: Iterable[Tensor]) -> None:
        """Check the parameters."""
        for place, parameter in enumerate(parameters):
            if not _finite(parameter._array):
                raise AnomalyError(
                    f"the update of {type(optimizer).__name__} made {_bad(parameter._array)} of {parameter.size} "
                    f"elements of {_which(parameter, place)}{_place('', calling_line())}. The usual cause: a learning "
                    "rate that is too large, or gradients that grow; clip them with optim.clip_grad_norm"
                    + (", or an eps below 6e-8, which is 0 in float16" if parameter.dtype == np.float16 else "")
                )


def _check_sent(step: Step, sent: Contribution) -> None:
    """Check what a rule has returned."""
    node, raw = step.node, sent.raw
    if _finite(raw) or not isinstance(node.primitive, Primitive):
        return
    values = values_of(node)
    out, used = values.get(node), [values.get(parent) for parent in node.parents]
    if not _is_anomaly(raw, [step.gradient, out, *used]):
        return
    names, given = _names(node.primitive, len(used)), [parent.name for parent in node.parents]
    operands = [("the gradient", None, step.gradient), ("out", None, out), *zip(names, given, used, strict=True)]
    cause = _NAN_BACKWARD if _has_nan(raw) else _CAUSES.get(node.primitive.name, ("", ""))[1] or _OVERFLOW
    raise AnomalyError(
        f"the backward pass of {node.primitive.name} sends {_bad(raw)} of {np.size(raw)} elements to "
        f"{names[sent.position]}{_named(given[sent.position])}{_place(node.scope, node.line)}, from "
        f"{'; '.join(_statistics(*each) for each in operands if each[2] is not None)}. The usual cause: {cause}"
    )


def _check_sum(step: Step) -> None:
    """Check the sum of gradients that are finite, and what ``.grad`` has become by it."""
    node = step.node
    tensor = node.tensor() if node.tensor is not None else None
    left = getattr(tensor, "_grad", None)
    who = repr(node.name) if node.name else f"the output of {node.operation}" if node.operation else "a leaf"
    if not _finite(step.gradient):
        what, array = f"the sum of the finite gradients that reach {who}", step.gradient
        cause = "gradients that are too large for the dtype; scale the loss down"
    elif not _finite(left):
        what, array = f"the .grad of {who}, to which this pass has added a finite gradient,", left
        cause = "gradients that add up over passes without zero_grad(), or one that was not finite before"
    else:
        return
    place = _place(node.scope, node.line or calling_line())
    raise AnomalyError(f"{what} holds {_bad(array)} of {np.size(array)} elements{place}. The usual cause: {cause}")


def _is_anomaly(result: Any, inputs: list[Any]) -> bool:
    """Whether a result that is not finite has a nan where no input has one, or an infinity where all are finite."""
    if all(_finite(value) for value in inputs):
        return True
    return bool(np.isnan(_plain(result)).any()) and not any(_has_nan(value) for value in inputs)


def _mixes(primitive: Any, arrays: list[Any]) -> bool:
    """Whether an operation mixes elements: a sum of one element does not."""
    elementwise = primitive.name in ("sigmoid_cross_entropy", "binary_cross_entropy")
    return primitive.__module__ in _MIXING and not elementwise and any(np.size(value) > 1 for value in arrays)


def _cause(name: str, arrays: list[Any]) -> str:
    """Return the usual cause of an anomaly in the forward pass."""
    if any(np.size(value) == 0 for value in arrays):
        return _NOTHING
    if (name not in _CAUSES or name in ("divide", "power")) and not all(map(_finite, arrays)):
        return _INFINITY
    return _CAUSES.get(name, (_OVERFLOW, ""))[0]


def _plain(value: Any) -> Any:
    """Return the array of a tensor, or a value as one."""
    return np.asarray(getattr(value, "_array", value))


def _finite(value: Any) -> bool:
    array = None if value is None else _plain(value)
    return array is None or array.dtype.kind != "f" or bool(np.isfinite(array).all())


def _has_nan(value: Any) -> bool:
    array = None if value is None else _plain(value)
    return array is not None and array.dtype.kind == "f" and bool(np.isnan(array).any())


def _bad(value: Any) -> str:
    """Return, for example, ``2 nan and 1 -inf``."""
    array = _plain(value)
    counts = {"nan": np.isnan(array), "inf": array == np.inf, "-inf": array == -np.inf}
    return " and ".join(f"{int(found.sum()):,} {name}" for name, found in counts.items() if found.any())


def _statistics(name: str, given: str | None, value: Any) -> str:
    """Return, for example, ``x 'p' (3,) float32 from 0 to 0.9, mean 0.3``."""
    array = _plain(value)
    said = f"{name}{_named(given)}"
    if not array.ndim:
        return f"{said} = {array.item():.4g}"
    if not array.size or array.dtype.kind not in "fiu":
        return f"{said} {array.shape} {array.dtype}"
    numbers = array[np.isfinite(array)].astype(np.float64)
    bad = "" if _finite(array) else f", with {_bad(array)}"
    if not numbers.size:
        return f"{said} {array.shape} {array.dtype}{bad}"
    span = f"from {numbers.min():.4g} to {numbers.max():.4g}, mean {numbers.mean():.4g}"
    return f"{said} {array.shape} {array.dtype} {span}{bad}"


def _names(primitive: Any, count: int) -> list[str]:
    if primitive.variadic:
        return [f"argument {place}" for place in range(count)]
    return [parameter.name for parameter in primitive.parameters[:count]]


def _which(parameter: Tensor, place: int) -> str:
    return repr(parameter.name) if parameter.name else f"parameter {place}"


def _named(name: str | None) -> str:
    return f" {name!r}" if name else ""


def _place(scope: str, line: SourceLine | None) -> str:
    module = f" in module {scope!r}" if scope else ""
    return module if line is None else f"{module} at {line.file}:{line.number} ({line.function})"
