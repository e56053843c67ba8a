"""The text of derivative rules: their source as it stands, and mathematics that says what they do."""

import ast
import functools
import importlib.util
import inspect
import linecache
import math
import os
import subprocess
import sys

import numpy as np
import pytest

import minigrad as mg
from minigrad.engine.rule import Rule
from minigrad.ops import primitives
from minigrad.viz.recording import rules
from minigrad.viz.recording.rules import describe_rule

DIFFERENTIABLE = {key: primitive for key, primitive in primitives.items() if any(primitive.rules)}
INPUTS = [
    (key, position)
    for key, primitive in DIFFERENTIABLE.items()
    for position in range(2 if primitive.variadic else len(primitive.rules))
    if primitive.variadic or primitive.rules[position] is not None
]


def identity_with(*given):
    """A user's primitive of one input for each rule."""

    def forward(x, y=None, z=None):
        return x

    made = mg.primitive(forward)
    made.rules = tuple([Rule(function, ()) for function in given])  # also what derivatives() would refuse
    return made


def sources(*given):
    made = identity_with(*given)
    return [describe_rule(made, position).source for position in range(len(given))]


# --- the source


def test_a_lambda_of_the_library():
    assert describe_rule(mg.multiply, 0).source == "lambda g, y: g * y"
    assert describe_rule(mg.multiply, 1).source == "lambda g, x: g * x"


def test_a_rule_of_several_lines_keeps_them_without_its_indentation():
    assert describe_rule(mg.var, 0).source == (
        "lambda g, x, axis, ddof, keepdims: (\n"
        "    restore(g, x.shape, axis, keepdims) * (2 / (_count(x.shape, axis) - ddof)) * _deviation(x, axis)\n"
        ")"
    )


def test_a_function_is_shown_whole_with_its_comments():
    assert describe_rule(mg.sqrt, 0).source == (
        "def _sqrt_rule(g: Any, out: Any) -> Any:\n"
        '    with np.errstate(divide="ignore"):  # at 0, infinite on purpose\n'
        "        return g * (0.5 / out)"
    )


def test_a_docstring_is_left_out():
    source = describe_rule(primitives["linalg.einsum"], 1).source
    assert source.startswith(
        "def _einsum_rule(g: Any, position: int, operands: Any, subscripts: str) -> Any:\n"
        '    inputs, result = subscripts.split("->")\n'
    )


def test_docstrings_that_share_a_line_or_are_all_there_is_stay():
    # fmt: off
    def one_line(g, x): "Doc."; return g  # noqa: E702

    def empty(g, x):
        """Doc."""
    # fmt: on
    assert sources(one_line, empty) == [
        'def one_line(g, x): "Doc."; return g  # noqa: E702',
        'def empty(g, x):\n    """Doc."""',
    ]


def test_each_of_several_lambdas_on_one_line():
    # fmt: off
    found = sources(lambda g, y: g * y, lambda g, x: g * x, lambda g, x: (g * x))
    # fmt: on
    assert found == ["lambda g, y: g * y", "lambda g, x: g * x", "lambda g, x: (g * x)"]


def test_lambdas_inside_of_lambdas():
    outer = lambda g, x: (lambda h: h * 2)(g)  # noqa: E731
    double = lambda factor: lambda g, x: factor * g  # noqa: E731
    chosen = lambda g, x, sign=lambda g: -g: sign(g) if x is None else g  # noqa: E731
    assert sources(outer, double(2.0), inspect.signature(chosen).parameters["sign"].default) == [
        "lambda g, x: (lambda h: h * 2)(g)",
        "lambda g, x: factor * g",
        "lambda g: -g",
    ]
    assert sources(chosen) == ["lambda g, x, sign=lambda g: -g: sign(g) if x is None else g"]


def test_characters_of_several_bytes_before_a_lambda():
    names, found = "∂ü€", sources(lambda g, x: g * "∂".count(""), lambda g, ä: -g)  # fmt: skip
    assert (names, found) == ("∂ü€", ['lambda g, x: g * "∂".count("")', "lambda g, ä: -g"])


def shared(power, g, x):
    return g * power * x ** (power - 1)


def wrapped(rule):
    @functools.wraps(rule)
    def checked(*args):
        return rule(*args)

    return checked


class Scaled:
    """A rule as a method, and as an object that is called."""

    def __init__(self, factor):
        self.factor = factor

    def rule(self, g, x):
        return g * self.factor

    def __call__(self, g, x):
        return self.rule(g, x)


@wrapped
def decorated(g, x):
    return -g


def test_partials_methods_decorated_functions_and_objects():
    partial = functools.partial(functools.partial(shared, 3))
    method = "def rule(self, g, x):\n    return g * self.factor"
    assert sources(partial, Scaled(2).rule, Scaled.rule) == [inspect.getsource(shared).rstrip(), method, method]
    assert sources(Scaled(2), decorated) == [
        "def __call__(self, g, x):\n    return self.rule(g, x)",
        "@wrapped\ndef decorated(g, x):\n    return -g",
    ]


def test_functions_made_by_a_factory():
    def factory(slope):
        def rule(g, x):
            # the slope is the factory's
            return g * slope

        return rule

    expected = "def rule(g, x):\n    # the slope is the factory's\n    return g * slope"
    assert sources(factory(1.0), factory(2.0)) == [expected, expected]


@pytest.mark.parametrize(("key", "position"), INPUTS)
def test_every_rule_of_the_library_has_a_source_with_its_parameters(key, position):
    primitive = primitives[key]
    rule = primitive.rules[0 if primitive.variadic else position].function
    source = describe_rule(primitive, position).source
    assert source.startswith(("lambda ", "def "))
    (statement,) = ast.parse(source).body
    arguments = (statement.value if isinstance(statement, ast.Expr) else statement).args
    names = [a.arg for a in [*arguments.args, arguments.vararg, *arguments.kwonlyargs] if a is not None]
    assert names == list(inspect.signature(rule).parameters)


def test_an_input_without_a_rule_has_no_text():
    nothing = rules.RuleText("", "")
    assert [describe_rule(mg.where, 0), describe_rule(mg.less, 0)] == [nothing, nothing]
    assert [describe_rule(mg.multiply, 2), describe_rule(mg.multiply, -1)] == [nothing, nothing]
    assert describe_rule(primitives["shape.stack"], -1) == nothing


SCRIPT = """\
from __future__ import annotations
import minigrad as mg

@mg.primitive
def cube(x):
    return x * x * x

cube.derivatives(lambda g, x: 3 * g * x * x)
"""


def load(path, name="a_users_script"):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_users_own_script(tmp_path):
    path = tmp_path / "script.py"
    path.write_text(SCRIPT)
    cube = load(path).cube
    assert describe_rule(cube, 0) == rules.RuleText("lambda g, x: 3 * g * x * x", "")


def test_a_file_that_was_changed_since_does_not_lend_its_text(tmp_path):
    path = tmp_path / "script.py"
    path.write_text(SCRIPT)
    cube = load(path).cube
    path.write_text(SCRIPT.replace("3 * g", "2 * g"))
    assert describe_rule(cube, 0).source == "lambda g, x: …"
    path.write_text("# " + SCRIPT)
    assert describe_rule(load(path).cube, 0).source == "lambda g, x: 3 * g * x * x"


def test_a_file_that_is_being_edited_and_is_no_python_now_does_not_lend_its_text(tmp_path):
    path = tmp_path / "script.py"
    path.write_text(SCRIPT)
    cube = load(path).cube
    path.write_text(SCRIPT + "def (\n")
    assert describe_rule(cube, 0).source == "lambda g, x: …"


def test_empty_lines_below_a_docstring_are_left_out_with_it():
    def rule(g, x):
        """Doc."""

        # why
        return g

    assert sources(rule) == ["def rule(g, x):\n    # why\n    return g"]


WITHOUT_COLUMNS = """
import sys
import minigrad as mg
from minigrad.viz.recording.rules import describe_rule

@mg.primitive
def f(x, y):
    return x * y

f.derivatives(lambda g, y: g * y, lambda g, x: g * x)

@mg.primitive
def h(x):
    return 2 * x

h.derivatives(lambda g, x: 2 * g)
print(describe_rule(f, 1).source, describe_rule(h, 0).source, sep="; ")
"""


def test_where_python_keeps_no_columns_a_lambda_is_known_if_it_is_alone_in_its_line(tmp_path):
    (tmp_path / "script.py").write_text(WITHOUT_COLUMNS)
    command = [sys.executable, "-X", "no_debug_ranges", tmp_path / "script.py"]
    environment = {**os.environ, "PYTHONPATH": os.getcwd(), "PYTHONUTF8": "1"}
    run = subprocess.run(command, capture_output=True, encoding="utf-8", check=True, env=environment)
    assert run.stdout == "lambda g, x: …; lambda g, x: 2 * g\n"


def test_a_cell_of_a_notebook():
    name, namespace = "<ipython-input-1-0a1b2c>", {}
    linecache.cache[name] = (len(SCRIPT), None, SCRIPT.splitlines(keepends=True), name)
    exec(compile(SCRIPT, name, "exec"), namespace)
    assert describe_rule(namespace["cube"], 0).source == "lambda g, x: 3 * g * x * x"


@pytest.mark.parametrize(
    "filename",
    ["<string>", "/no/such/file.py", __file__, "<ipython-input-1-0a1b2c>"],
    ids=["string", "absent file", "this file", "cell"],
)
def test_text_that_was_executed_has_the_signature(filename):
    namespace = {}
    code = compile("a = lambda g, x, k=1: g\ndef b(g: int, *, out=[0]):\n    return g", filename, "exec")
    exec(code, namespace)
    assert sources(namespace["a"], namespace["b"]) == ["lambda g, x, k: …", "def b(g, *, out): …"]


def test_builtins_and_ufuncs_have_their_names():
    assert [text.partition("(")[0] for text in sources(np.exp, math.sin, np.float64)] == [
        "numpy.exp",
        "math.sin",
        "numpy.float64",
    ]


def test_wrappers_that_go_in_circles_end():
    circle = Scaled(1.0)
    circle.__wrapped__ = circle
    assert sources(circle) == [f"{__name__}.Scaled"]


def test_a_file_is_parsed_once_however_many_steps_there_are(monkeypatch):
    parsed = []
    parse = ast.parse
    monkeypatch.setattr(rules.ast, "parse", lambda *args, **options: parsed.append(1) or parse(*args, **options))
    rules._source.cache_clear()
    rules._parsed.cache_clear()
    for _ in range(5000):
        for primitive in (mg.multiply, mg.exp, mg.square):
            describe_rule(primitive, 0)
    assert len(parsed) == 1


# --- whose mathematics


def test_a_users_function_of_the_same_name_does_not_get_the_librarys_mathematics():
    @mg.primitive
    def multiply(x, y):
        return x * y + 1

    multiply.derivatives(lambda g, y: g * y)
    assert describe_rule(multiply, 0) == rules.RuleText("lambda g, y: g * y", "")


def test_the_librarys_functions_have_their_mathematics():
    assert describe_rule(mg.multiply, 1).mathematics == "∂L/∂y = g · x"
    assert describe_rule(primitives["shape.stack"], 7).mathematics == "∂L/∂xᵢ = g at index i of the new axis"
