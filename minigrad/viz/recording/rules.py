"""The rule behind a step of a backward pass: its own source text, and its mathematics."""

from __future__ import annotations

import ast
import functools
import inspect
import linecache
import warnings
from dataclasses import dataclass
from types import CodeType, FunctionType
from typing import Any

from minigrad.engine.primitive import Primitive
from minigrad.ops import primitives
from minigrad.viz.recording.mathematics import derivative

Definition = ast.Lambda | ast.FunctionDef


@dataclass(frozen=True)
class RuleText:
    """How a derivative rule reads.

    Attributes:
        source: the rule's text as it stands in its file or notebook; where that cannot be had, its signature.
        mathematics: the same as a formula; empty for functions that are not the library's.
    """

    source: str
    mathematics: str


def describe_rule(primitive: Primitive[Any, Any], position: int) -> RuleText:
    """Return the text of the derivative rule of one input, from 0; both parts are empty where there is no rule.

    >>> import minigrad as mg
    >>> describe_rule(mg.multiply, 0)
    RuleText(source='lambda g, y: g * y', mathematics='∂L/∂x = g · y')
    >>> @mg.primitive
    ... def triple(x):
    ...     return 3 * x
    >>> triple.derivatives(lambda g: g * 3)
    >>> describe_rule(triple, 0)
    RuleText(source='lambda g: g * 3', mathematics='')
    """
    known = 0 <= position < len(primitive.rules) or (primitive.variadic and position >= 0)
    rule = primitive.rules[0 if primitive.variadic else position] if known else None
    if rule is None:
        return RuleText("", "")
    function = _unwrapped(rule.function)
    own = any(primitive is each for each in primitives.values())  # a user's function may have the same name
    return RuleText(_text(function), derivative(primitive.name, position) if own else "")


def _unwrapped(rule: Any) -> Any:
    """Return the function inside of partials, methods, decorators' wrappers and callable objects."""
    for _ in range(100):  # wrappers may go in circles
        if isinstance(rule, functools.partial):
            rule = rule.func
        elif inspect.ismethod(rule):
            rule = rule.__func__
        elif not isinstance(rule, type) and hasattr(rule, "__wrapped__"):
            rule = rule.__wrapped__
        elif isinstance(call := inspect.getattr_static(type(rule), "__call__", None), FunctionType):
            rule = call
        else:
            break
    return rule


def _text(function: Any) -> str:
    if not isinstance(function, FunctionType):
        return _signature(function)
    code = function.__code__
    linecache.lazycache(code.co_filename, function.__globals__)  # a module may be in a zip file
    return _source(code, code.co_filename) or _signature(function)


def _signature(function: Any) -> str:
    """Return what can be said of a function without its source."""
    try:
        signature = inspect.signature(function)
    except (ValueError, TypeError):
        parameters = ""
    else:
        bare = [p.replace(annotation=p.empty, default=p.empty) for p in signature.parameters.values()]
        parameters = str(signature.replace(parameters=bare, return_annotation=signature.empty))
    name = getattr(function, "__name__", type(function).__name__)
    if name == "<lambda>":
        return f"lambda {parameters[1:-1]}: …"
    if isinstance(function, FunctionType):
        return f"def {name}{parameters}: …"
    return f"{getattr(function, '__module__', None) or type(function).__module__}.{name}{parameters}"


# --- from a code object to its text


@functools.lru_cache(maxsize=4096)
def _source(code: CodeType, filename: str) -> str | None:
    """Return the text that a code object was compiled from, or None if it cannot be had."""
    for _ in range(2):
        text = "".join(linecache.getlines(filename))
        definition = _definition(code, text)
        if definition is not None:
            return _written(definition, text)
        linecache.checkcache(filename)  # the lines may be of an older state of the file
    return None


@functools.lru_cache(maxsize=32)
def _parsed(text: str, flags: int) -> tuple[dict[int, list[Definition]], frozenset[CodeType]]:
    """Return the functions of a source text by their first lines, and the code objects that it compiles to."""
    # the text's own compilation gave its warnings already; catch_warnings() would forget which the user has seen
    silence: Any = ("ignore", None, Warning, None, 0)
    filters: list[Any] = warnings.filters  # type: ignore[assignment]
    filters.insert(0, silence)
    try:
        tree = ast.parse(text)
        flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT  # a notebook's cell may
        codes = [compile(tree, "", "exec", flags, dont_inherit=True)]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}, frozenset()
    finally:
        filters.remove(silence)
    starts: dict[int, list[Definition]] = {}
    for node in ast.walk(tree):
        if isinstance(node, Definition):
            starts.setdefault(_first_line(node), []).append(node)
    for code in codes:  # the list grows by what is nested
        codes.extend(constant for constant in code.co_consts if isinstance(constant, CodeType))
    return starts, frozenset(codes)


def _definition(code: CodeType, text: str) -> Definition | None:
    """Return the function that a code object was compiled from; None if it is not, or no longer, in the text."""
    # a notebook hands `from __future__ import annotations` on to later cells, whose own text does not say it
    starts, codes = _parsed(text, code.co_flags & annotations.compiler_flag)
    if code not in codes:
        return None
    here = starts.get(code.co_firstlineno, [])
    if code.co_name == "<lambda>":
        return _enclosing(code, [node for node in here if isinstance(node, ast.Lambda)])
    return next((node for node in here if isinstance(node, ast.FunctionDef) and node.name == code.co_name), None)


def _enclosing(code: CodeType, lambdas: list[ast.Lambda]) -> ast.Lambda | None:
    """Return the lambda, of several that begin in one line, in whose body the code stands."""
    begins, ends = [], []
    for line, end_line, column, end_column in code.co_positions():
        if line is None or end_line is None or column is None or end_column is None:
            continue  # Python may have been told to keep no columns
        if (line, column) != (end_line, end_column):
            begins.append((line, column))
            ends.append((end_line, end_column))
    if not begins:
        return lambdas[0] if len(lambdas) == 1 else None
    around = [node for node in lambdas if _begin(node.body) <= min(begins) and max(ends) <= _end(node.body)]
    return max(around, key=lambda node: _begin(node.body), default=None)  # the innermost


def _first_line(node: Definition) -> int:
    decorators = node.decorator_list if isinstance(node, ast.FunctionDef) else []
    return min([node.lineno, *[decorator.lineno for decorator in decorators]])


def _begin(node: ast.expr) -> tuple[int, int]:
    return node.lineno, node.col_offset


def _end(node: ast.expr | ast.stmt) -> tuple[int, int]:
    return node.end_lineno or node.lineno, node.end_col_offset or 0


# --- from a definition to its text


def _written(node: Definition, text: str) -> str:
    """Return a definition's text without the indentation of its first line, a function's without its docstring."""
    lines = text.split("\n")
    first = _first_line(node)
    if isinstance(node, ast.Lambda):
        written = (ast.get_source_segment(text, node) or "").split("\n")
    else:
        left_out = _docstring_lines(node, lines)
        written = [lines[n - 1] for n in range(first, _end(node)[0] + 1) if n not in left_out]
    indentation = lines[first - 1][: -len(lines[first - 1].lstrip())]
    return "\n".join(line.removeprefix(indentation) for line in written)


def _docstring_lines(node: ast.FunctionDef, lines: list[str]) -> range:
    """Return the numbers of the lines of a docstring that stands in lines of its own, and the empty lines below it."""
    docstring, *body = node.body
    stop = _end(docstring)[0] + 1
    if ast.get_docstring(node, clean=False) is None or not body or body[0].lineno < stop:
        return range(0)
    while not lines[stop - 1].strip():
        stop += 1
    return range(docstring.lineno, stop)
