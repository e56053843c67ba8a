"""The state of the random generators: the default one, and those that modules own."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from minigrad.engine.random import generator
from minigrad.errors import ArgumentError, StateDictError
from minigrad.nn import Module


def capture(model: Any) -> dict[str, Any]:
    """Return the state of every generator; a module's are under the path of the attribute.

    Raises:
        ArgumentError: when a module has a generator of a kind whose state cannot be saved.
    """
    owned = _owned(model)
    distinct = list({id(rng): rng for rng in owned.values()}.values())
    return {
        "default": generator().bit_generator.state,
        "owned": [rng.bit_generator.state for rng in distinct],
        # two layers may share one generator
        "places": {path: next(i for i, rng in enumerate(distinct) if rng is own) for path, own in owned.items()},
    }


def _owned(model: Any) -> dict[str, np.random.Generator]:
    owned = {}
    for path, module in model.named_modules() if isinstance(model, Module) else ():
        for name, value in vars(module).items():
            place = f"{path}.{name}" if path else name
            if isinstance(value, np.random.Generator):
                owned[place] = value
            elif isinstance(value, (np.random.RandomState, random.Random)):
                raise ArgumentError(
                    f"save: {place} is a {type(value).__name__}, whose state a checkpoint cannot hold; "
                    "use a numpy.random.Generator, such as np.random.default_rng(0)"
                )
    return owned


def restore(saved: dict[str, Any], model: Any) -> None:
    """Give every generator the state that it had.

    Args:
        saved: what ``capture`` returned.
        model: None to restore the default generator alone.

    Raises:
        StateDictError: when the model's generators are others, or a state does not fit; nothing has changed then.
    """
    pairs: list[tuple[str, Any, Any]] = [("the default generator", generator(), saved.get("default"))]
    if model is not None:
        owned, places, states = _owned(model), saved.get("places"), saved.get("owned")
        if (
            not isinstance(places, dict)
            or not isinstance(states, list)
            or not set(places.values()) <= {*range(len(states))}
        ):
            raise StateDictError("the saved states of generators are not what mg.save writes")
        if set(owned) != set(places):
            raise StateDictError(
                f"the model has its own generators at {sorted(owned) or 'no place'}, and the saved one at "
                f"{sorted(places) or 'no place'}; make it as it was made before: rng=..."
            )
        if any((owned[a] is owned[b]) != (places[a] == places[b]) for a in owned for b in owned):
            raise StateDictError("other layers share a generator than in the saved model; make it as before: rng=...")
        pairs += [(path, rng, states[places[path]]) for path, rng in owned.items()]
    for path, rng, state in pairs:
        _check(path, rng, state)
    for _, rng, state in pairs:
        rng.bit_generator.state = state


def _check(path: str, rng: np.random.Generator, state: Any) -> None:
    kind: Any = type(rng.bit_generator)
    try:
        kind().state = state
    except (TypeError, ValueError, KeyError, OverflowError, IndexError) as problem:
        raise StateDictError(f"{path}: its state does not fit {kind.__name__}: {problem}") from None
