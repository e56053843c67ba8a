"""Saddles: what walks into one, and what leaves it.

Claim: plain Newton's method walks into a saddle, since it seeks a zero of the gradient of whatever kind. Gradient
descent leaves it from a start that is ever so slightly off its ridge, after a long stay; saddle-free Newton (Dauphin
et al., 2014) leaves it sooner; a step along the direction of negative curvature leaves it from the saddle itself.

Run: python examples/laboratory/saddle.py        (needs matplotlib: pip install minigrad[plot])
"""

from pathlib import Path

import numpy as np

from minigrad import analysis, optim, viz

SURFACE = analysis.surfaces.saddle()  # a saddle at (0, 0), minima at (0, 1) and (0, -1), a ridge along y = 0
RIDGE, BESIDE = (1.4, 0.0), (1.4, 0.001)
STARTS, STEPS = 50, {"gradient descent": 100, "Newton": 30, "saddle-free Newton": 30}
METHODS = {
    "gradient descent": lambda p: optim.SGD(p, lr=0.1),
    "Newton": lambda p: optim.Newton(p),
    "saddle-free Newton": lambda p: optim.Newton(
        p, damping=1, saddle_free=True
    ),  # no leap where the curvature is near zero
}


def kind(path: analysis.Path) -> str:
    """Return what kind of point a path came to."""
    return analysis.classify_critical_point(SURFACE, path.points[-1]).kind


def stay(path: analysis.Path) -> int:
    """Return how many steps a path was next to the saddle."""
    return int((np.linalg.norm(path.points, axis=1) < 0.1).sum())


def ways() -> dict[str, analysis.Path]:
    """Return the path of each method, from the ridge or beside it."""
    descend = METHODS["gradient descent"]
    paths = {"gradient descent, on the ridge": analysis.descend(descend, SURFACE, 100, RIDGE)}
    for name, method in METHODS.items():
        paths[f"{name}, beside it"] = analysis.descend(method, SURFACE, STEPS[name], BESIDE)
    saddle = paths["Newton, beside it"].points[-1]
    off = analysis.escape(SURFACE, saddle, step=0.1)
    paths["escape, then gradient descent"] = analysis.descend(descend, SURFACE, 100, off)
    return paths


def at_random() -> dict[str, int]:
    """Return of how many random starts each method ends in the saddle."""
    starts = np.random.default_rng(0).uniform(*np.array(SURFACE.bounds).T, (STARTS, 2))
    return {
        name: sum(kind(analysis.descend(method, SURFACE, STEPS[name], start)) == "saddle" for start in starts)
        for name, method in METHODS.items()
    }


def measure() -> tuple[dict[str, analysis.Path], dict[str, int]]:
    """Return the paths, and the count over random starts."""
    return ways(), at_random()


def holds(paths: dict[str, analysis.Path], counts: dict[str, int]) -> bool:
    """Return whether the claim holds."""
    kinds = {name: kind(path) for name, path in paths.items()}
    stuck = {name for name in kinds if kinds[name] != "minimum"}
    shorter = stay(paths["saddle-free Newton, beside it"]) < stay(paths["gradient descent, beside it"])
    only_newton = counts["Newton"] > 0 == counts["gradient descent"] == counts["saddle-free Newton"]
    return stuck == {"gradient descent, on the ridge", "Newton, beside it"} and shorter and only_newton


def main() -> None:
    print(
        "Claim: Newton's method walks into a saddle; gradient descent from slightly off the ridge, saddle-free Newton"
    )
    print(f"and a step along negative curvature leave it. The saddle is at (0, 0); the start is {RIDGE} or {BESIDE}.\n")
    paths, counts = measure()
    print("method                          steps next to it  end               loss    kind of point")
    for name, path in paths.items():
        x, y = path.points[-1] + 0.0
        print(f"{name:30}  {stay(path):16}  ({x:6.3f}, {y:6.3f})  {path.losses[-1]:6.3f}  {kind(path)}")
    print(f"\nOf {STARTS} random starts, these end in the saddle:")
    for name, count in counts.items():
        print(f"{name:30}  {count:16}")
    print(f"\nThe claim holds: {holds(paths, counts)}")

    output = Path("runs/laboratory/saddle.png")
    output.parent.mkdir(parents=True, exist_ok=True)
    viz.trajectory(METHODS, SURFACE, steps=40, start=BESIDE).savefig(output, dpi=150)
    print(f"the picture is in {output}")


if __name__ == "__main__":
    main()
