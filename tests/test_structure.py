"""The house: which room may import which, and what `import minigrad` may load."""

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import minigrad

PACKAGE = Path(minigrad.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
MODULE_NAMES = [
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__") for path in MODULES
]

# room -> the rooms that it may import from
MAY_IMPORT = {
    "errors": set(),
    "checks": {"errors"},
    "pytorch_names": {"errors"},
    "utils": {"errors", "pytorch_names"},
    "calls": {"errors"},
    "memory": {"errors"},
    "engine": {"errors", "calls", "checks", "pytorch_names"},
    "testing": {"errors", "checks", "calls", "engine"},
    "ops": {"errors", "checks", "engine"},
    "nn": {"errors", "calls", "checks", "pytorch_names", "engine", "ops"},
    "source": {"errors", "checks", "engine"},
    "optim": {"errors", "checks", "pytorch_names", "engine", "ops", "memory"},
    "data": {"errors", "checks", "pytorch_names", "engine", "ops"},
    "compiling": {"errors"},
    "training": {"errors", "checks", "calls", "engine", "ops", "nn", "optim", "data"},
    "analysis": {"errors", "checks", "calls", "engine", "ops", "nn", "optim", "data", "training", "source"},
    "viz": {"errors", "checks", "calls", "engine", "ops", "nn", "optim", "data", "training", "analysis"},
    "demo": {"errors", "checks", "engine", "ops", "nn", "optim", "data", "training", "viz"},
    "capture": {"errors", "checks", "engine", "optim", "viz", "source"},
    "cli": {"errors", "demo", "capture"},
    "__main__": {"cli"},
}


def room_of(path):
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imported_modules(path, type_checking=False):
    """Every `minigrad...` module that a file imports, inside functions too, and for type checking if asked."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING" and not type_checking:
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert all(alias.name != "*" for alias in node.names), f"{path}: star import"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"  # `from minigrad.engine import numpy_protocol` imports a module
                yield inner if node.module == "minigrad" or inner in MODULE_NAMES else node.module


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_run_one_way(path):
    room = room_of(path)
    if room == "__init__":
        return
    allowed = MAY_IMPORT[room] | {room, "__version__"}
    used = {name.split(".")[1] for name in imported_modules(path) if name.startswith("minigrad.")}
    assert used <= allowed, f"{room} may not import {sorted(used - allowed)}"


def test_modules_do_not_import_in_circles():
    """Imports for type checking count, too."""
    graph = {
        name: {found for found in imported_modules(path, type_checking=True) if found.startswith("minigrad")}
        for path, name in zip(MODULES, MODULE_NAMES, strict=True)
        if path.name != "__init__.py"
    }
    done = set()

    def check(module, path):
        assert module not in path, f"circle: {' -> '.join([*path, module])}"
        if module not in done:
            for imported in graph.get(module, ()):
                check(imported, [*path, module])
            done.add(module)

    for module in graph:
        check(module, [])


# the files in which one reads the engine, and beside each the small ones that it may use from there on
READING_ORDER = {
    "node": [],
    "value": ["arrays"],
    "primitive": ["mode", "explain", "half", "protected", "rule"],
    "walk": [],
    "tensor": ["numpy_protocol", "operators"],
    "backward": [],
}


def test_the_engine_can_be_read_file_by_file():
    before = []
    for name, helpers in READING_ORDER.items():
        for file in [*helpers, name]:
            used = imported_modules(PACKAGE / "engine" / f"{file}.py", type_checking=True)
            inside = {
                module.removeprefix("minigrad.engine.") for module in used if module.startswith("minigrad.engine.")
            }
            assert inside <= {*before, *helpers}, (
                f"{file}.py uses {sorted(inside - {*before, *helpers})}, which come later"
            )
        before += [*helpers, name]


# what other implementations of Python lack, or other versions do otherwise
CLEVER = {"getrefcount", "dis", "setprofile", "settrace", "get_referrers", "__closure__", "cell_contents", "co_code"}


@pytest.mark.parametrize(
    "path",
    [path for path in MODULES if path.parent.name in ("engine", "ops")],
    ids=lambda path: str(path.relative_to(PACKAGE)),
)
def test_the_engine_does_nothing_clever(path):
    for node in ast.walk(ast.parse(path.read_text())):
        named = {
            getattr(node, "attr", None),
            getattr(node, "id", None),
            *(alias.name for alias in getattr(node, "names", []) if isinstance(alias, ast.alias)),
        }
        assert not named & CLEVER, f"{path.name}: {named & CLEVER}"
        if isinstance(node, ast.ClassDef):
            bases = [ast.unparse(base).split("[")[0] for base in node.bases]
            assert not [base for base in bases if base.split(".")[-1] in ("ndarray", "Array")], node.name


@pytest.mark.parametrize("module", ["minigrad", "minigrad.viz", "minigrad.analysis", "minigrad.cli"])
def test_importing_loads_nothing_heavy(module):
    heavy = ["graphviz", "rich", "matplotlib", "safetensors", "pygraphviz", "hypothesis", "scipy", "IPython"]
    script = f"import sys, {module}; print([name for name in {heavy} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def is_ufunc(value):
    return isinstance(getattr(value, "forward", None), np.ufunc)


def test_every_public_object_is_documented_and_has_an_example():
    """Functions and classes of the public face; comparisons, and what NumPy's ufuncs compute, share one description."""
    comparisons = {value.name for value in vars(minigrad.ops.comparison).values() if hasattr(value, "rules")}
    for face in (minigrad, minigrad.nn, minigrad.optim, minigrad.data, minigrad.analysis, minigrad.viz):
        for name, value in vars(face).items():
            if name.startswith("_") or not callable(value) or name in comparisons or is_ufunc(value):
                continue
            assert value.__doc__, f"{face.__name__}.{name}"
            if not isinstance(value, type) or face in (minigrad.nn, minigrad.optim, minigrad.analysis):
                assert ">>>" in value.__doc__ or name == "Optimizer", f"{face.__name__}.{name} has no example"


def test_every_public_method_of_analysis_has_an_example():
    for value in vars(minigrad.analysis).values():
        for name, member in vars(value).items() if isinstance(value, type) else ():
            if name.startswith("_") or not (inspect.isfunction(member) or isinstance(member, property)):
                continue
            lines = f"{value.__doc__}\n{member.__doc__}".splitlines()
            used = any(">>>" in line and f".{name}" in line for line in lines)
            assert used, f"{value.__name__}.{name} has no example"
