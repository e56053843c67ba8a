"""The state of the random generators: the default one, those of the process, and those that modules own."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from minigrad.engine.random import generator
from minigrad.errors import ArgumentError, StateDictError
from minigrad.nn import Module

Restoring = Callable[[], object]

# what may be wrong with a state that somebody else wrote
_MISFITS = (TypeError, ValueError, KeyError, OverflowError, IndexError, AttributeError)


def capture(model: Any) -> dict[str, Any]:
    """Return the state of every generator; a module's are under the path of the attribute.

    Raises:
        ArgumentError: when a module has a generator of a kind whose state cannot be saved.
    """
    owned = _owned(model)
    distinct = list({id(rng): rng for rng in owned.values()}.values())
    return {
        "default": generator().bit_generator.state,
        "numpy": _listed(np.random.get_state(legacy=False)),
        "python": [*_listed(random.getstate())],
        "owned": [rng.bit_generator.state for rng in distinct],
        # two layers may share one generator
        "places": {path: next(i for i, rng in enumerate(distinct) if rng is own) for path, own in owned.items()},
    }


def _listed(state: Any) -> Any:
    """Return a state with lists for its arrays and tuples: another program finds no tensors but the model's."""
    if isinstance(state, dict):
        return {name: _listed(value) for name, value in state.items()}
    if isinstance(state, np.ndarray):
        return state.tolist()
    return [_listed(value) for value in state] if isinstance(state, tuple) else state


# --- those of modules


def _owned(model: Any) -> dict[str, np.random.Generator]:
    owned = {}
    for path, module in model.named_modules() if isinstance(model, Module) else ():
        for name, value in vars(module).items():
            for place, found in _within(f"{path}.{name}" if path else name, value, ()):
                if not isinstance(found, np.random.Generator):
                    raise ArgumentError(
                        f"save: {place} is a {type(found).__name__}, whose state a checkpoint cannot hold; "
                        "use a numpy.random.Generator, such as np.random.default_rng(0)"
                    )
                owned[place] = found
    return owned


def _within(place: str, value: Any, around: tuple[Any, ...]) -> Iterator[tuple[str, Any]]:
    """Yield the generators that an attribute is or has in lists, tuples and dicts, with their places."""
    if isinstance(value, (np.random.Generator, np.random.RandomState, random.Random)):
        yield place, value
    elif isinstance(value, (list, tuple, dict)) and not any(value is outer for outer in around):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            yield from _within(f"{place}[{key!r}]", item, (*around, value))


# --- restoring


def restore(saved: dict[str, Any], model: Any) -> None:
    """Give every generator the state that it had.

    Args:
        saved: what ``capture`` returned; in older files the process's own generators are missing, and left as they are.
        model: None to restore those alone that no module owns.

    Raises:
        StateDictError: when the model's generators are others, or a state does not fit; nothing has changed then.
    """
    restoring = [_checked("the default generator", generator().bit_generator, saved.get("default"))]
    if saved.get("numpy") is not None:
        restoring.append(_numpy(saved["numpy"]))
    if saved.get("python") is not None:
        restoring.append(_python(saved["python"]))
    if model is not None:
        restoring += _restoring_owned(saved, model)
    for put_back in restoring:
        put_back()


def _restoring_owned(saved: dict[str, Any], model: Any) -> list[Restoring]:
    owned, places, states = _owned(model), saved.get("places"), saved.get("owned")
    if (
        not isinstance(places, dict)
        or not isinstance(states, list)
        or not set(places.values()) <= {*range(len(states))}
    ):
        raise StateDictError("the saved states of generators are not what mg.save writes")
    if saved.get("python") is None:  # an older file, which has none of those in lists, tuples and dicts
        owned = {path: rng for path, rng in owned.items() if "[" not in path}
    if set(owned) != set(places):
        raise StateDictError(
            f"the model has its own generators at {sorted(owned) or 'no place'}, and the saved one at "
            f"{sorted(places) or 'no place'}; make it as it was made before: rng=..."
        )
    if any((owned[a] is owned[b]) != (places[a] == places[b]) for a in owned for b in owned):
        raise StateDictError("other layers share a generator than in the saved model; make it as before: rng=...")
    return [_checked(path, rng.bit_generator, states[places[path]]) for path, rng in owned.items()]


def _checked(path: str, bits: Any, state: Any) -> Restoring:
    """Return what gives a bit generator its state, once it has been tried on another."""
    kind: Any = type(bits)
    try:
        _check_position(state)
        kind().state = state
    except _MISFITS as problem:
        raise StateDictError(f"{path}: its state does not fit {kind.__name__}: {problem}") from None
    return lambda: setattr(bits, "state", state)


def _check_position(state: Any) -> None:
    """Raise when a place is none: NumPy reads its words there without a look."""
    kind = state["bit_generator"]
    if kind == "MT19937" and not 0 <= state["state"]["pos"] <= 624:
        raise ValueError(f"a position of {state['state']['pos']!r} in 624 words")
    if kind == "Philox" and not 0 <= state["buffer_pos"] <= 4:
        raise ValueError(f"a position of {state['buffer_pos']!r} in 4 words")


def _numpy(state: Any) -> Restoring:
    try:
        _check_position(state)
        process: Any = np.random  # whose stubs leave get_bit_generator out
        np.random.RandomState(type(process.get_bit_generator())()).set_state(state)
    except _MISFITS as problem:
        raise StateDictError(f"the generator of np.random: its state does not fit: {problem}") from None
    return lambda: np.random.set_state(state)


def _python(state: Any) -> Restoring:
    try:
        version, words, gauss = state
        whole = version, tuple(words), gauss
        if not isinstance(gauss, (float, type(None))):
            raise TypeError(f"a next number of {gauss!r}")
        random.Random().setstate(whole)
    except _MISFITS as problem:
        raise StateDictError(f"the generator of random: its state does not fit: {problem}") from None
    return lambda: random.setstate(whole)
