"""Tables for tests of writes: ways to reach an array, ways to write into it or to change a tensor, and graphs."""

from __future__ import annotations

import copy
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

import minigrad as mg
from minigrad import nn, optim

Array = np.ndarray[Any, Any]
LEAVES = ("x", "w")


def numbers(seed: int, *shape: int) -> Array:
    return np.random.default_rng(seed).uniform(0.5, 1.5, shape)


class Inputs:
    """What a graph is computed from: leaves, a constant, arrays of the user's, and the results on the way.

    Attributes:
        x: a parameter, whose values ``load_state_dict`` has put there.
        w: a leaf that an optimizer has updated.
        c: a constant, the batch of a ``DataLoader``.
        a: an array of the user's, as an operand.
        rows: an array of the user's, as an index and as class labels.
        results: intermediate results that the user holds.
    """

    def __init__(self, x: Any, w: Any, c: Any, a: Array, rows: Array) -> None:
        self.x, self.w, self.c, self.a, self.rows = x, w, c, a, rows
        self.results: list[mg.Tensor] = []

    def keep(self, result: mg.Tensor) -> mg.Tensor:
        self.results.append(result)
        return result


def fresh(values: dict[str, Array]) -> Inputs:
    """Return inputs of these values, that share nothing with anything."""
    x, w = (mg.tensor(values[name], requires_grad=True) for name in LEAVES)
    return Inputs(x, w, mg.tensor(values["c"]), values["a"].copy(), values["rows"].copy())


class Scene(Inputs):
    """Inputs as a program makes them, and what each array that it holds has to contain.

    Attributes:
        owners: tensors and arrays by name.
        expected: for each a copy, into which every write is repeated.
    """

    def __init__(self) -> None:
        self.owners: dict[str, Any] = {}
        self.expected: dict[str, Array] = {}
        x = nn.Parameter(self.own("given to nn.Parameter", numbers(0, 3, 3)))
        self.own("taken before load_state_dict", x.data)
        module = nn.Module()
        module.x = x
        module.load_state_dict({"x": self.own("given to load_state_dict", numbers(1, 3, 3))})
        self.own("from state_dict", module.state_dict()["x"])
        w = mg.tensor(self.own("given to mg.tensor", numbers(2, 3, 3)), requires_grad=True)
        self.own("taken before a step", w.data)
        w.grad = self.own("given to .grad", np.ones((3, 3)))
        optim.SGD([w], lr=0.1, momentum=0.9).step()
        w.grad = None
        data = self.own("given to TensorDataset", numbers(3, 6, 3))
        dataset = mg.data.TensorDataset(data)
        self.own("a tensor of the data set", dataset.tensors[0])
        self.expected["a tensor of the data set"] = self.expected["given to TensorDataset"]  # it is not copied
        (c,) = next(iter(mg.data.DataLoader(dataset, batch_size=3)))
        super().__init__(x, w, c, numbers(4, 3, 3), np.array([0, 2, 1]))
        for name in ("x", "w", "c", "a", "rows"):
            self.own(name, getattr(self, name))

    def own(self, name: str, owner: Any) -> Any:
        self.owners[name], self.expected[name] = owner, contents(owner)
        return owner

    def values(self) -> dict[str, Array]:
        """Return copies of the values that a graph is computed from now."""
        return {name: self.expected[name].copy() for name in ("x", "w", "c", "a", "rows")}

    def check(self) -> None:
        for name, owner in self.owners.items():
            found, expected = contents(owner), self.expected[name]
            assert found.tobytes() == expected.tobytes(), f"{name!r} is {found.tolist()}, expected {expected.tolist()}"


def contents(owner: Any) -> Array:
    """Return a copy of the values, without telling a tensor that anybody reads its array."""
    return np.array(owner.tolist()).reshape(owner.shape)


# --- ways to reach an array: each returns the array, and its counterpart among the expected values

Reached = tuple[Array, Array]


def of(name: str, take: Callable[[Any], Array] = lambda owner: owner, view: Any = lambda array: array) -> Any:
    """Return the way that takes the array of an owner, and a view of it."""
    return lambda scene: (view(take(scene.owners[name])), view(scene.expected[name]))


def of_new(make: Callable[[Scene], mg.Tensor]) -> Any:
    """Return the way to the array of a tensor that is made from others, and is none of them."""

    def way(scene: Scene) -> Reached:
        name = f"new {len(scene.owners)}"
        return scene.own(name, make(scene)).data, scene.expected[name]

    return way


def data(tensor: mg.Tensor) -> Array:
    return tensor.data


def bytes_of(array: Array) -> Array:
    return np.frombuffer(memoryview(array).cast("B"), array.dtype)


WAYS: dict[str, Callable[[Scene], Reached]] = {
    "x.data": of("x", data),
    "w.data": of("w", data),
    "c.data": of("c", data),
    "x.numpy()": of("x", lambda x: x.numpy()),
    "np.asarray(c)": of("c", np.asarray),
    "np.array(c, copy=False)": of("c", lambda c: np.array(c, copy=False)),
    "x.data[1:]": of("x", data, lambda array: array[1:]),
    "x.data[0:2].T[::-1]": of("x", data, lambda array: array[0:2].T[::-1]),
    "w.data.T": of("w", data, lambda array: array.T),
    "c.data.reshape(-1)": of("c", data, lambda array: array.reshape(-1)),
    "w.data.base": of("w", data, lambda array: array if array.base is None else array.base),
    "memoryview(x.data)": of("x", data, bytes_of),
    "x.detach().data": of_new(lambda s: s.x.detach()),
    "c.detach().numpy()": of_new(lambda s: s.c.detach()),
    "copy.copy(x).data": of_new(lambda s: copy.copy(s.x)),
    "copy.deepcopy(w).data": of_new(lambda s: copy.deepcopy(s.w)),
    "x.reshape(9).data": of_new(lambda s: s.x.reshape(9)),
    "w.T.data": of_new(lambda s: s.w.T),
    "x[1:].data": of_new(lambda s: s.x[1:]),
    "(+w).data": of_new(lambda s: +s.w),
    "mg.broadcast_to(c, (2, 3, 3)).data": of_new(lambda s: mg.broadcast_to(s.c, (2, 3, 3))),
    "mg.relu(x).data": of_new(lambda s: mg.relu(s.x)),
    "x.astype(np.float64).data": of_new(lambda s: s.x.astype(np.float64)),
    "mg.Tensor(a).data": of_new(lambda s: mg.Tensor(s.a)),
    "mg.reshape(a, 9).data": of_new(lambda s: mg.reshape(s.a, 9)),
    "mg.einsum('ij->ji', w).data": of_new(lambda s: mg.einsum("ij->ji", s.w)),
    "an operand": of("a"),
    "a view of an operand": of("a", view=lambda array: array[1:, ::2]),
    "given to nn.Parameter": of("given to nn.Parameter"),
    "given to mg.tensor": of("given to mg.tensor"),
    "given to .grad": of("given to .grad"),
    "given to TensorDataset": of("given to TensorDataset"),
    "a tensor of the data set": of("a tensor of the data set", data),
    "given to load_state_dict": of("given to load_state_dict"),
    "taken before load_state_dict": of("taken before load_state_dict"),
    "from state_dict": of("from state_dict"),
    "taken before a step": of("taken before a step"),
}

INDICES: dict[str, Callable[[Scene], Reached]] = {
    "an index, and labels": of("rows"),
    "a view of them": of("rows", view=lambda array: array[::-1]),
}


def of_result(place: int) -> Any:
    """Return the way to the array of one of the results that the user holds."""

    def way(scene: Scene) -> Reached:
        name = f"result {place % len(scene.results)}"
        return scene.owners[name].data, scene.expected[name]

    return way


RESULTS = {"the first result's .data": of_result(0), "the last result's .data": of_result(-1)}
GRADIENTS = {"x's gradient": of("gradient of x", data), "w's gradient": of("gradient of w", data)}


# --- ways to write into an array


def assign(array: Array) -> None:
    array[...] = 2


def assign_some(array: Array) -> None:
    array[array > 1] = 2


def assign_one(array: Array) -> None:
    array.flat[0] = 2


WRITES: dict[str, Callable[[Array], Any]] = {
    "array[...] = 2": assign,
    "array += 1": lambda array: operator.iadd(array, 1),
    "np.add(array, 1, out=array)": lambda array: np.add(array, 1, out=array),
    "array.fill(2)": lambda array: array.fill(2),
    "array.sort()": lambda array: array[::-1].sort(axis=0),
    "np.copyto(array, 2)": lambda array: np.copyto(array, 2),
    "array.flat[0] = 2": assign_one,
    "array[array > 1] = 2": assign_some,
    "array.put(0, 2)": lambda array: array.put(0, 2),
    "np.add.at(array, 0, 1)": lambda array: np.add.at(array, 0, 1),
}


# --- ways to change a tensor, each with what becomes of an array that was taken before: does it show the change?


def subtract_from_data(tensor: Any) -> None:
    tensor.data -= 0.5


def assign_data(tensor: Any) -> None:
    tensor.data = numbers(9, 3, 3)


def assign_data_of_another(tensor: Any) -> None:
    other = mg.tensor(numbers(9, 3, 3))
    tensor.data = other.data
    other.data[...] = 0


def assign_all(tensor: Any) -> None:
    with mg.no_grad():
        tensor[...] = numbers(9, 3, 3)


def assign_row(tensor: Any) -> None:
    with mg.no_grad():
        tensor[0] = tensor[1]


def add_in_place(tensor: Any) -> None:
    with mg.no_grad():
        tensor += tensor.detach() * 0.5


def multiply_in_place(tensor: Any) -> None:
    with mg.no_grad():
        tensor *= 0.5


def step(tensor: Any, make: Any = lambda p: optim.SGD(p, lr=0.1)) -> None:
    required, before, tensor.requires_grad = tensor.requires_grad, tensor.grad, True
    tensor.grad = numbers(8, 3, 3)
    make([tensor]).step()
    tensor.grad = before
    tensor.requires_grad = required


def load(tensor: Any) -> None:
    module = nn.Module()
    module.register_buffer("value", tensor)
    module.load_state_dict({"value": numbers(9, 3, 3)})


CHANGES: dict[str, tuple[Callable[[Any], None], bool]] = {
    "t.data -= 0.5": (subtract_from_data, True),
    "t.data = array": (assign_data, False),
    "t.data = other.data": (assign_data_of_another, False),
    "t[...] = array": (assign_all, True),
    "t[0] = t[1]": (assign_row, True),
    "t += x": (add_in_place, True),
    "t *= 0.5": (multiply_in_place, True),
    "SGD's step": (step, False),
    "Adam's step": (lambda tensor: step(tensor, optim.Adam), False),
    "load_state_dict": (load, False),
    "nn.init.zeros_": (lambda tensor: nn.init.zeros_(tensor), False),
}


# --- graphs: each returns the scalars to differentiate


@mg.primitive(keeps=True)
def scaled_square(x: Any, y: Any) -> Any:
    return x * x * y, {"x": x, "parts": (x, y)}


scaled_square.derivatives(
    lambda g, x, y, kept: 2 * g * (x * y if kept is None else kept["x"] * kept["parts"][1]),
    lambda g, x: g * x * x,
)


def layers(i: Inputs) -> list[mg.Tensor]:
    hidden = i.keep(mg.tanh(mg.linear(i.c, i.x)))
    return [(i.keep(mg.linear(hidden, i.w)) * i.a).sum()]


def relu_mlp(i: Inputs) -> list[mg.Tensor]:
    hidden = i.keep(mg.relu(mg.linear(i.a - 1, i.x, i.w[0])))
    return [(mg.relu(i.keep(hidden @ i.w)) * i.c).mean()]


def squares(i: Inputs) -> list[mg.Tensor]:
    return [(i.keep(i.x * i.x) * i.c + i.keep(i.w * i.a) * i.w).sum()]


def matmul(i: Inputs) -> list[mg.Tensor]:
    return [(i.keep(i.x @ i.w @ i.c) * i.a).sum() + (i.keep(i.a @ i.x) ** 2).mean()]


def exponentials(i: Inputs) -> list[mg.Tensor]:
    return [(i.keep(mg.exp(i.x * i.a)) * mg.softmax(i.w)).sum() + i.keep(mg.sqrt(i.w * i.c + 1)).sum()]


def reductions(i: Inputs) -> list[mg.Tensor]:
    total = i.keep(i.x.sum(axis=0))
    return [(total * i.w.mean(axis=1) * i.c[0] * i.a[1]).sum() + i.keep(i.w.max(axis=1)).prod() + mg.norm(i.x)]


def shapes(i: Inputs) -> list[mg.Tensor]:
    turned = i.keep(i.x.reshape(9).reshape(3, 3).T)
    return [(turned * i.w.ravel().reshape((3, 3)) * i.c.T * mg.reshape(i.a, (3, 3)).T * turned).sum()]


def views(i: Inputs) -> list[mg.Tensor]:
    part = i.keep(i.x[1:])
    return [(part * i.x[:-1] * i.w[::2] * i.c[1:] * mg.flip(i.a, 0)[:2]).sum()]


def identities(i: Inputs) -> list[mg.Tensor]:
    same = i.keep(+i.x)
    wide = i.keep(mg.broadcast_to(mg.squeeze(i.w), (2, 3, 3)))
    return [(same * wide * same.astype(np.float64) * i.c * i.a).sum()]


def joined(i: Inputs) -> list[mg.Tensor]:
    return [(i.keep(mg.concatenate([i.x, i.w, i.c, i.a])) ** 2).sum() + (mg.stack([i.x, i.w]) ** 3).mean()]


def einsums(i: Inputs) -> list[mg.Tensor]:
    return [mg.einsum("ij,jk,ik,ki->", i.x, i.w, i.keep(mg.einsum("ij->ji", i.c) * i.w), i.a)]


def losses(i: Inputs) -> list[mg.Tensor]:
    scores = i.keep(i.x @ i.w + i.c * i.a)
    return [nn.functional.cross_entropy(scores, i.rows) + mg.take_along_axis(scores, i.rows[:, None], axis=1).sum()]


def picked(i: Inputs) -> list[mg.Tensor]:
    rows = i.keep(i.x[i.rows])
    return [(rows * rows * mg.where(i.c > 1, i.w, i.a)).sum() + (i.w[i.rows, i.rows] ** 2).sum()]


def kept(i: Inputs) -> list[mg.Tensor]:
    return [(i.keep(scaled_square(i.x, i.a)) + scaled_square(i.c, i.w) + scaled_square(i.w, i.c)).sum()]


def several(i: Inputs) -> list[mg.Tensor]:
    first, second = (i.keep(i.x * i.w) * i.c).sum(), (i.keep(mg.sin(i.x)) * i.a * i.w).sum()
    return [first * 2, second]


GRAPHS: dict[str, Callable[[Inputs], list[mg.Tensor]]] = {
    function.__name__: function
    for function in (
        layers, relu_mlp, squares, matmul, exponentials, reductions, shapes, views, identities, joined, einsums, losses,
        picked, kept, several,
    )
}  # fmt: skip
