"""What the sizes of activations and gradients say of a network, and what helps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

# from one end of the network to the other; over twenty layers 1e-3 is a factor of 0.7 a layer
VANISHING, EXPLODING = 1e-3, 1e3
# shares of the units behind one layer that make it worth a word
MOSTLY_DEAD, MOSTLY_SATURATED = 0.8, 0.5

HE = "He initialisation (nn.init.kaiming_normal_ with nonlinearity='relu')"
XAVIER = "Xavier initialisation (nn.init.xavier_normal_)"
REVIVE = "Set the biases to 0, use a smaller learning rate, or nn.LeakyReLU: a unit that is 0 passes no gradient on."
NORMALISE = "nn.LayerNorm or nn.BatchNorm1d between the layers"


@dataclass(frozen=True)
class Diagnosis:
    """One word, one sentence, and one sentence of advice."""

    kind: str
    sentence: str
    remedy: str


@dataclass(frozen=True)
class Findings:
    """What a diagnosis looks at: one typical number a layer, and the share of idle units by activation function."""

    layers: Sequence[str]
    activations: Floats
    gradients: Floats
    dead: Mapping[str, float]
    saturated: Mapping[str, float]
    functions: frozenset[str]
    losses: Floats


def change(values: Floats) -> float:
    """Return the last value divided by the first, of those that are known (not nan); nan if both are 0 or none is."""
    known = values[~np.isnan(values)]
    if known.size == 0:
        return float("nan")
    with np.errstate(all="ignore"):
        return float(known[-1] / known[0])


def diagnose(found: Findings) -> Diagnosis:
    """Return what holds first: not finite, no gradient, exploding, vanishing, saturated, dying, healthy."""
    broken = np.flatnonzero(~np.isfinite(found.losses))
    if broken.size:
        return _not_finite(found, int(broken[0]))
    if not np.nan_to_num(found.gradients).any():
        return Diagnosis("vanishing", f"Vanishing: no gradient arrives at any layer{_idle(found)}.", _grow(found))
    backward, forward = change(found.gradients[::-1]), change(found.activations)
    ways = _ways(found, "grow", backward > EXPLODING, forward > EXPLODING)
    if ways:
        return Diagnosis("exploding", f"Exploding: {ways}{_idle(found)}.", _shrink(found))
    ways = _ways(found, "shrink", backward < VANISHING, forward < VANISHING)
    if ways:
        return Diagnosis("vanishing", f"Vanishing: {ways}{_idle(found)}.", _grow(found))
    return _of_units(found, backward)


def _not_finite(found: Findings, step: int) -> Diagnosis:
    when = f"at step {step + 1} of {len(found.losses)} the loss is {found.losses[step]}"
    return Diagnosis(
        "not finite",
        f"Not finite: {when}, so the measurement ends there.",
        "Look for nan and inf in the inputs, use a smaller learning rate, clip the gradients (optim.clip_grad_norm), "
        f"or use {_fitting(found)}.",
    )


def _of_units(found: Findings, backward: float) -> Diagnosis:
    """Return the diagnosis of a network whose sizes are in order."""
    if _above(found.saturated, MOSTLY_SATURATED):
        remedy = f"Scale the inputs to unit variance, use {XAVIER}, or put {NORMALISE}."
        return Diagnosis("saturated", f"Saturated: {_idle(found)[2:]}.", remedy)
    if _above(found.dead, MOSTLY_DEAD):
        return Diagnosis("dying", f"Dying: {_idle(found)[2:]}.", REVIVE)
    way = f"from {_ends(found.layers[::-1], found.gradients[::-1])}, a factor of {backward:.2g}"
    return Diagnosis("healthy", f"Healthy: gradients go {way}.", "Nothing has to change.")


def _ways(found: Findings, verb: str, backward: bool, forward: bool) -> str:
    ways = [f"gradients {verb} from {_ends(found.layers[::-1], found.gradients[::-1])}"] if backward else []
    ways += [f"activations {verb} from {_ends(found.layers, found.activations)}"] if forward else []
    return ", and ".join(ways)


def _ends(layers: Sequence[str], values: Floats) -> str:
    """Return where the values begin and end: a frozen layer has none."""
    known = np.flatnonzero(~np.isnan(values))
    return " to ".join(f"{values[place]:.1e} at layer {layers[place]!r}" for place in (known[0], known[-1]))


def _idle(found: Findings) -> str:
    """Return what is to be said of saturated and dead units, as the end of a sentence."""
    parts = [
        f"{max(above.values()):.0%} of the units of {max(above, key=lambda name: above[name])!r} are {state}"
        for above, state in (
            (_above(found.saturated, MOSTLY_SATURATED), "saturated"),
            (_above(found.dead, MOSTLY_DEAD), "0 on the whole batch"),
        )
        if above
    ]
    return "; " + ", and ".join(parts) if parts else ""


def _above(shares: Mapping[str, float], limit: float) -> dict[str, float]:
    return {name: share for name, share in shares.items() if share > limit}


def _fitting(found: Findings) -> str:
    """Return the initialisation for the activation functions that were seen."""
    if "relu" in found.functions:
        return HE
    return XAVIER if found.functions else "an initialisation that keeps the variance, such as " + XAVIER


def _grow(found: Findings) -> str:
    if _above(found.dead, MOSTLY_DEAD):
        return REVIVE
    if "sigmoid" in found.functions:  # its derivative is at most 1/4, so no weights of usual size make up for it
        return f"Replace sigmoid by relu with {HE}, or by tanh with {XAVIER}; nn.BatchNorm1d before each helps too."
    return f"Use {_fitting(found)}, or {NORMALISE}."


def _shrink(found: Findings) -> str:
    return f"Use {_fitting(found)}, {NORMALISE}, a smaller learning rate, or clipped gradients (optim.clip_grad_norm)."
