"""The laboratory's experiments, imported from where they lie: a folder of scripts, no package."""

import importlib.util
from pathlib import Path

LABORATORY = Path(__file__).parents[2] / "examples" / "laboratory"


def experiment(name):
    """Return the module of `examples/laboratory/NAME.py`; its `main()` is not run."""
    spec = importlib.util.spec_from_file_location(f"laboratory_{name}", LABORATORY / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
