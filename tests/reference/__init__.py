"""What PyTorch computes, recorded once by ``record.py`` into small files; PyTorch is not needed to read them."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
Case = dict[str, Any]


def load(name: str) -> dict[str, Case]:
    """Return the cases of one file: ``{case: {field: array, "options": dict}}``; README.md has the fields."""
    if (path := HERE / f"{name}.json").exists():
        cases: dict[str, Case] = json.loads(path.read_text())
        return cases
    with np.load(HERE / f"{name}.npz", allow_pickle=False) as file:
        index, values = json.loads(file["index"].item()), file["values"]
    cases, start = {}, 0
    for case, fields in index.items():
        cases[case] = {"options": fields.pop("options")}
        for field, (dtype, shape) in fields.items():
            end = start + math.prod(shape)
            cases[case][field] = values[start:end].reshape(shape).astype(dtype)
            start = end
    return cases
