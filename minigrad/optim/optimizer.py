"""Optimizer: what all optimizers share: groups of parameters, state, and the step."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar

from minigrad.engine.arrays import Array
from minigrad.engine.mode import enable_grad, observers
from minigrad.engine.tensor import Tensor
from minigrad.errors import ArgumentError, DtypeError, GraphError, MissingMethodError, UnknownArgumentError
from minigrad.memory import keep_by_default
from minigrad.optim import checks
from minigrad.optim.flat import Flat, arranged, same, update_alone
from minigrad.optim.state import Group, State, does_not_fit, pack_state, read_state
from minigrad.pytorch_names import AdvisesOnArguments

Params = Iterable[Tensor] | Iterable[Group] | Iterable[tuple[str, Tensor]]


class Optimizer(AdvisesOnArguments):
    """Changes parameters so that a loss falls. A new algorithm gives its defaults and its equation, ``update``.

    A step gives each parameter a new array: one that ``.data`` gave before keeps the old values, and so does a graph
    that is still to be differentiated.

    Attributes:
        param_groups: dicts of ``"params"`` and the options that hold for them, such as ``"lr"``; may be changed.
        state: for each parameter that has been updated, its arrays and numbers by name, such as ``"exp_avg"``; may be
            changed. Once it has been read, parameters are updated one by one, which is slower if there are many small
            ones; ``state_dict()`` is a copy.
        elementwise: whether ``update`` changes each element by that element's own gradient and state alone. A class
            says so for itself, with ``elementwise = True``. Then a step updates small parameters together, in one
            array without further axes, and large ones in blocks; the state is arrays of the shape that ``update`` is
            given, and numbers. Otherwise ``update`` gets each parameter as it is, and may keep what it likes.
        allowed: by the name of an option, the function of ``optim.checks`` that refuses what is not allowed.

    >>> import minigrad as mg
    >>> import numpy as np
    >>> from minigrad import optim
    >>> class SignDescent(optim.Optimizer):
    ...     elementwise = True
    ...
    ...     def __init__(self, params, lr=0.1):
    ...         super().__init__(params, {"lr": lr})
    ...
    ...     def update(self, p, g, state, lr):
    ...         return p - lr * np.sign(g)
    >>> w = mg.tensor([1.0, -3.0], requires_grad=True)
    >>> optimizer = SignDescent([w])
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([ 0.9, -2.9], requires_grad=True)
    """

    elementwise = False
    allowed: ClassVar[checks.Checks] = {}

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.elementwise = bool(vars(cls).get("elementwise", False))  # what overrides update() may need more

    def __init__(self, params: Params, defaults: dict[str, Any]) -> None:
        keep_by_default()  # training makes the same arrays over and over
        self.defaults = defaults
        self.param_groups: list[Group] = []
        self.has_stepped = False
        self._states: defaultdict[Tensor, State] = defaultdict(dict)
        self._arranged: dict[int, tuple[list[Tensor], list[Flat], list[Tensor]]] = {}  # by the group's place
        self._state_was_read = False
        values = checks.listed(self.title, params)
        if not isinstance(defaults, dict) or "lr" not in defaults:
            raise DtypeError(f"{self.title}: defaults must be a dict of options with an 'lr', got {defaults!r}")
        groups = values if isinstance(values[0], dict) else [{"params": values}]
        for group in groups:
            self.add_param_group(group)

    # --- what an algorithm gives

    def update(self, p: Array, g: Array, state: State, *_: Any, **options: Any) -> Array:
        """Return the new values of a parameter.

        Args:
            p: the values, read-only.
            g: the gradient, in the same shape and dtype, read-only.
            state: what was kept at earlier steps, at first empty; arrays in it may be changed in place.
            options: those of the group, by name.
        """
        raise MissingMethodError(f"{type(self).__name__} must define update()")

    def check(self, group: Group) -> None:
        """Raise unless the options of a group are allowed; replace NumPy's numbers by Python's."""
        for name, check in {"lr": checks.at_least_zero, **self.allowed}.items():
            group[name] = check(self.title, name, group[name])

    def state_names(self, group: Group) -> tuple[str, ...]:
        """Return the names that a state must have to be loaded: of arrays like the parameter, and ``"step"``."""
        return ()

    # --- the step

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient; those without one stay as they are.

        Args:
            closure: computes the loss anew, ``backward()`` included; called once, before the update.

        Returns:
            What the closure returns; None without one.

        Raises:
            GraphError: when not one parameter has a gradient.
            ArgumentError: when a learning rate has become negative or not finite.
            ShapeError: when ``update`` returns anything else than new values.
        """
        loss = None
        if closure is not None:
            if not callable(closure):
                raise DtypeError(f"{self.title}: step() takes a function that computes the loss, got {closure!r}")
            with enable_grad():
                loss = closure()
        for group in self.param_groups:
            if type(group["lr"]) is not float or not 0 <= group["lr"] < math.inf:
                group["lr"] = checks.at_least_zero(self.title, "lr", group["lr"])
        for observer in observers():
            observer.before_update(self, self.parameters())
        stepped = [self._step_group(place, group) for place, group in enumerate(self.param_groups)]
        if not any(stepped):
            raise GraphError(
                f"{self.title}: no parameter has a gradient; call loss.backward() before step(), and zero_grad() "
                "before backward() or after step()"
            )
        self.has_stepped = True
        for observer in observers():
            observer.after_update(self, self.parameters())
        return loss

    def _step_group(self, place: int, group: Group) -> bool:
        """Update the parameters of a group that have a gradient; return whether one has."""
        tensors = [tensor for tensor in group["params"] if tensor._grad is not None]
        options = {name: group[name] for name in self.defaults}
        flats, alone = self._arrangement(place, tensors)
        for flat in flats:
            flat.step(self.update, options)
            if self._state_was_read:  # by this update
                flat.spread()
        for tensor in alone:
            update_alone(self.update, tensor, self._states[tensor], options, self.elementwise)
        return bool(tensors)

    def _arrangement(self, place: int, tensors: list[Tensor]) -> tuple[list[Flat], list[Tensor]]:
        """Return parameters side by side, and those that are updated by themselves; arranged anew after a change."""
        if self._state_was_read or not self.elementwise:
            return [], tensors
        known, flats, alone = self._arranged.get(place, ([], [], []))
        if not same(tensors, known):
            self._separate()
            flats, alone = arranged(tensors, self._states)
            self._arranged[place] = tensors, flats, alone
        return flats, alone

    def _separate(self) -> None:
        """Give each parameter its own state back."""
        for _, flats, _ in self._arranged.values():
            for flat in flats:
                flat.spread()
        self._arranged = {}

    def __getstate__(self) -> dict[str, Any]:
        self._separate()
        return vars(self)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Clear the gradients: each ``.grad`` becomes None. The argument is there for PyTorch's scripts."""
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter._grad = None

    # --- groups

    def add_param_group(self, param_group: Group) -> None:
        """Add parameters with options of their own; what they leave out is the optimizer's.

        Raises:
            DtypeError: when something is no tensor, or of the wrong kind.
            ArgumentError: when a value is not allowed, or a parameter is a result or there already.
            UnknownArgumentError: when the optimizer has no such option.

        >>> import minigrad as mg
        >>> from minigrad import optim
        >>> optimizer = optim.SGD([mg.zeros(2, requires_grad=True)], lr=0.1)
        >>> optimizer.add_param_group({"params": [mg.zeros(3, requires_grad=True)], "lr": 0.01})
        >>> [group["lr"] for group in optimizer.param_groups]
        [0.1, 0.01]
        """
        if not isinstance(param_group, dict):
            raise DtypeError(
                f"{self.title}: a parameter group is a dict such as {{'params': [...], 'lr': 0.1}}, "
                f"got {type(param_group).__name__}; pass only tensors, or only dicts"
            )
        for option in param_group:
            if option not in ("params", "param_names", "initial_lr", *self.defaults):
                raise UnknownArgumentError(
                    f"{self.title}: a parameter group has no option {option!r}; it has params, "
                    f"{', '.join(self.defaults)}"
                )
        if "params" not in param_group:
            raise ArgumentError(f"{self.title}: a parameter group needs its tensors under 'params'")
        params = param_group["params"]
        group = {**self.defaults, **param_group}
        group |= self._named(checks.listed(self.title, [params] if isinstance(params, Tensor) else params))
        self._check_new(group)
        self.check(group)
        self.param_groups.append(group)

    def _named(self, params: list[Any]) -> Group:
        """Return a group of tensors, or of (name, tensor) pairs."""
        pairs = [value for value in params if isinstance(value, tuple)]
        if not pairs:
            return {"params": params}
        if len(pairs) < len(params) or any(len(pair) != 2 or not isinstance(pair[0], str) for pair in pairs):
            raise ArgumentError(
                f"{self.title}: pass tensors, or (name, tensor) pairs for all of them, as named_parameters() gives"
            )
        return {"params": [tensor for _, tensor in pairs], "param_names": [name for name, _ in pairs]}

    def _check_new(self, group: Group) -> None:
        """Raise unless all tensors of a group can be optimized, and are here for the first time."""
        params, names = group["params"], group.get("param_names")
        if any(("param_names" in other) != (names is not None) for other in self.param_groups):
            raise ArgumentError(f"{self.title}: either all groups have (name, tensor) pairs, or none")
        seen = {id(parameter) for parameter in self.parameters()}
        for index, parameter in enumerate(params):
            if not isinstance(parameter, Tensor):
                raise DtypeError(
                    f"{self.title}: expected tensors to optimize, got {type(parameter).__name__} at index {index}"
                )
            what = repr(names[index]) if names else f"parameter {index}, {parameter.describe()}"
            if not parameter.is_leaf:
                raise ArgumentError(
                    f"{self.title}: {what} is the result of an operation, so a step would not last: pass the leaf "
                    "tensors that it was computed from, or its .detach() with requires_grad set"
                )
            if not parameter.requires_grad:
                raise ArgumentError(
                    f"{self.title}: {what} requires no gradient, so it would never change: set requires_grad=True, "
                    "or leave it out: [p for p in model.parameters() if p.requires_grad]"
                )
            if id(parameter) in seen:
                raise ArgumentError(f"{self.title}: {what} appears twice and would be updated twice; pass it once")
            seen.add(id(parameter))

    def parameters(self) -> Iterator[Tensor]:
        """Iterate over the parameters of all groups, in the order in which ``state_dict`` counts them."""
        return (parameter for group in self.param_groups for parameter in group["params"])

    # --- state

    @property
    def state(self) -> defaultdict[Tensor, State]:
        """The arrays and numbers of each parameter by name; after this, parameters are updated one by one."""
        self._separate()
        self._state_was_read = True
        return self._states

    @state.setter
    def state(self, state: dict[Tensor, State]) -> None:
        self._arranged, self._state_was_read = {}, True
        self._states = defaultdict(dict, state)

    def state_dict(self) -> dict[str, Any]:
        """Return ``{"state": {index: {name: value}}, "param_groups": [...]}``, parameters as their indices.

        Values are copies.

        >>> import minigrad as mg
        >>> from minigrad import optim
        >>> w = mg.tensor([1.0], requires_grad=True)
        >>> optimizer = optim.SGD([w], lr=0.1, momentum=0.9)
        >>> (w * w).sum().backward()
        >>> optimizer.step()
        >>> optimizer.state_dict()["state"]
        {0: {'momentum_buffer': array([2.], dtype=float32)}}
        """
        self._separate()
        return pack_state(self.param_groups, self._states)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what ``state_dict`` returned, options and learning rates included.

        Parameters are paired by name where the groups here and there have names, otherwise by their order. Arrays are
        copied, those like their parameter into its dtype. Nothing changes when anything does not fit.

        Raises:
            StateDictError: when groups, sizes, shapes or names do not fit; lists every problem.
        """
        groups, state, problems = read_state(self, state_dict)
        if problems:
            raise does_not_fit(self.title, problems)
        for group, options in zip(self.param_groups, groups, strict=True):
            params = group["params"]
            group.clear()
            group |= {"params": params, **options}
        self._arranged = {}
        self._states.clear()
        self._states.update(state)
        self.has_stepped = self.has_stepped or bool(state)

    @property
    def title(self) -> str:
        """What errors call this optimizer."""
        return type(self).__name__

    def __repr__(self) -> str:
        lines = []
        for group in self.param_groups:
            options = [f"{name}={value!r}" for name, value in group.items() if name in self.defaults]
            count = len(group["params"])
            lines.append(f"{count} parameter{'s' * (count > 1)}: {', '.join(options)}")
        return f"{self.title}({lines[0]})" if len(lines) == 1 else f"{self.title}(\n  " + "\n  ".join(lines) + "\n)"
