"""Every notebook runs from a clean kernel, and is committed with small outputs."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.scripts import unmeasured

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def test_there_are_notebooks():
    assert NOTEBOOKS


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook(path, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("PYTHONWARNINGS", "ignore")  # the kernel's own; the package's are tested elsewhere
    notebook = nbformat.read(path, as_version=4)
    committed = [cell.outputs for cell in notebook.cells if cell.cell_type == "code"]
    assert any(committed), "commit it with its outputs"
    assert path.stat().st_size < 400_000
    resources = {"metadata": {"path": str(tmp_path)}}
    client = NotebookClient(notebook, timeout=120, kernel_name="python3", resources=resources)
    client.execute(env=unmeasured())  # raises where a cell does
    pictures = [output for outputs in committed for output in outputs if "image/svg+xml" in output.get("data", {})]
    assert all("text/plain" in output["data"] for output in pictures)
