"""Random programs that write: statements of Python, each with what it means to an oracle that copies everything always.

The oracle holds for each tensor an array of its own (``store``), and derivatives as the dual numbers of ``oracle.py``:
a write changes the store and no derivative. An array that ``.data`` gives is the store itself, or a view of it;
whatever is computed from a tensor takes a copy.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.engine.recompute import values_of
from tests.engine import oracle
from tests.engine.oracle import Dual, UnsafeError

STEP = 1e-20
LEAVES = {"x": (3, 3), "y": (3, 3), "z": (3,)}
COUNT = sum(int(np.prod(shape)) for shape in LEAVES.values())
PREAMBLE = """\
import copy
import numpy as np
import minigrad as mg
from minigrad import optim

def second(gradients, directions):  # a Hessian-vector product
    slope = sum((g * d).sum() for g, d in zip(gradients, directions) if g is not None)
    return mg.grad(slope, [x, y, z], allow_unused=True, retain_graph=True)
"""


class Box:
    """What the oracle holds of a tensor: its values, its derivatives, and the values that it was made with."""

    def __init__(self, dual: Dual, recorded: bool, leaf: bool = False) -> None:
        self.store = np.array(dual.value.real)
        self.imaginary = np.array(dual.value.imag) if recorded else np.zeros(dual.shape)
        self.tangents = dual.tangents if recorded else np.zeros((COUNT, *dual.shape))
        self.recorded, self.leaf = recorded, leaf
        self.made = self.store.copy()

    def dual(self) -> Dual:
        return Dual(self.store + 1j * self.imaginary, self.tangents)


def constant(array: Any) -> Dual:
    array = np.array(array, float)
    return Dual(array + 0j, np.zeros((COUNT, *array.shape)))


def moved(function: Callable[[Any], Any]) -> Callable[[Dual], Dual]:
    return oracle.linear(function)


ONE: dict[str, tuple[Callable[[Dual], Dual], Callable[[Any], bool]]] = {
    "mg.sin({0})": (oracle.sin, lambda shape: True),
    "mg.tanh({0})": (oracle.tanh, lambda shape: True),
    "mg.exp({0} * 0.5)": (lambda x: oracle.exp(oracle.affine(x, 0.5)), lambda shape: True),
    "mg.relu({0})": (oracle.relu, lambda shape: True),
    "mg.softmax({0})": (oracle.softmax, lambda shape: True),
    "{0} * {0}": (lambda x: oracle.multiply(x, x), lambda shape: True),
    "+{0}": (lambda x: x, lambda shape: True),
    "-{0}": (lambda x: oracle.affine(x, -1.0), lambda shape: True),
    "1 - 0.5 * {0}": (lambda x: oracle.affine(x, -0.5, 1.0), lambda shape: True),
    "{0}.astype(np.float64)": (lambda x: x, lambda shape: True),
    "mg.squeeze({0})": (lambda x: x, lambda shape: True),
    "{0}[::-1]": (moved(lambda a: a[::-1]), lambda shape: True),
    "{0}[np.array([2, 0, 2])]": (moved(lambda a: a[[2, 0, 2]]), lambda shape: True),
    "{0}.T": (moved(lambda a: a.T), lambda shape: True),
    "{0}.reshape(-1)[:3]": (moved(lambda a: a.reshape(-1)[:3]), lambda shape: True),
    "{0}.reshape(9).reshape(3, 3).T": (moved(lambda a: a.reshape(9).reshape(3, 3).T), lambda shape: shape == (3, 3)),
    "{0}[1]": (moved(lambda a: a[1]), lambda shape: shape == (3, 3)),
    "{0}.sum(axis=0)": (lambda x: oracle.total(x, 0), lambda shape: shape == (3, 3)),
    "mg.norm({0} + 2, axis=1)": (lambda x: oracle.norm(oracle.affine(x, 1.0, 2.0), 1), lambda shape: shape == (3, 3)),
    "mg.broadcast_to({0}, (3, 3))": (moved(lambda a: np.broadcast_to(a, (3, 3))), lambda shape: True),
}
TWO: dict[str, Callable[[Dual, Dual], Dual]] = {
    "{0} + {1}": oracle.add,
    "{0} - {1}": oracle.subtract,
    "{0} * {1}": oracle.multiply,
    "{0} @ {1}": oracle.matmul,
    "mg.maximum({0}, {1})": oracle.maximum,
    "mg.where(np.array([True, False, True]), {0}, {1})": lambda x, y: oracle.where(x, y, [True, False, True]),
    "mg.concatenate([{0}, {1}])[1:4]": lambda x, y: oracle.joined(lambda parts: np.concatenate(parts)[1:4], x, y),
    "mg.stack([{0}, {1}])[1]": lambda x, y: oracle.joined(lambda parts: np.stack(parts)[1], x, y),
    "mg.einsum('i...,i...->i...', {0}, {1})": oracle.bilinear(lambda a, b: np.einsum("i...,i...->i...", a, b)),
}
VIEWS: dict[str, Callable[[Any], Any]] = {
    "": lambda a: a,
    "[1:]": lambda a: a[1:],
    ".T": lambda a: a.T,
    "[::-1]": lambda a: a[::-1],
    ".reshape(-1)": lambda a: a.reshape(-1),
    "[..., :2]": lambda a: a[..., :2],
}
WRITES: dict[str, Callable[[Any], Any]] = {
    "{0}[...] = 0.75": lambda a: a.fill(0.75),
    "{0} *= -0.5": lambda a: operator.imul(a, -0.5),
    "np.add({0}, 0.25, out={0})": lambda a: np.add(a, 0.25, out=a),
    "np.copyto({0}, -0.5)": lambda a: np.copyto(a, -0.5),
    "{0}.sort()": lambda a: a.sort(),
    "{0}.flat[0] = 0.3": lambda a: a.put(0, 0.3),
    "{0}[{0} > 0.5] = 0.1": lambda a: operator.setitem(a, a > 0.5, 0.1),
}


class Run:
    """A program that is drawn, run and checked a statement at a time."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.seed, self.count = seed, 0
        self.lines: list[str] = []
        self.boxes: dict[str, Box] = {}
        self.arrays: dict[str, np.ndarray] = {}
        self.gradients: dict[str, Box] = {}  # of leaves
        self.outputs: list[str] = []
        self.seconds: dict[str, Any] = {}
        self.env: dict[str, Any] = {}
        exec(PREAMBLE, self.env)  # the statements are the test's own
        self.directions = {name: self.numbers(*shape) for name, shape in LEAVES.items()}
        first = 0
        for name, shape in LEAVES.items():
            size = int(np.prod(shape))
            tangents = np.eye(COUNT)[:, first : first + size].reshape(COUNT, *shape)
            first += size
            values = self.numbers(*shape)
            self.execute(f"{name} = mg.tensor({values.tolist()}, dtype=np.float64, requires_grad=True)")
            self.boxes[name] = Box(Dual(values + 1j * STEP * self.directions[name], tangents), True, leaf=True)
        for name, shape in {"c": (3, 3), "u": (3, 3), "r": (3,)}.items():
            values = self.numbers(*shape)
            self.execute(f"{name} = np.array({values.tolist()})")
            self.arrays[name] = values
        self.execute("k = mg.tensor(c)")
        self.boxes["k"] = Box(constant(self.arrays["c"]), False)
        self.execute("optimizer = optim.SGD([x, y, z], lr=0.05)")
        self.execute(f"directions = [np.array({(d := list(self.directions.values()))[0].tolist()}), "
                     f"np.array({d[1].tolist()}), np.array({d[2].tolist()})]")  # fmt: skip

    def numbers(self, *shape: int) -> np.ndarray:
        return self.rng.uniform(-1, 1, shape).round(3)

    def pick(self, choices: Any) -> Any:
        choices = list(choices)
        return choices[self.rng.integers(len(choices))]

    def name(self, kind: str) -> str:
        self.count += 1
        return f"{kind}{self.count}"

    def execute(self, line: str) -> None:
        self.lines.append(line)
        exec(line, self.env)

    def __str__(self) -> str:
        return "\n".join([f"# python -m tests.engine.test_random_writes {self.seed}", PREAMBLE, *self.lines])

    # --- statements: each changes the oracle, and then runs its line

    def result(self, expression: str, dual: Dual, recorded: bool) -> None:
        mode = self.rng.random() < 0.15
        oracle.bounded(Dual(dual.value, dual.tangents.real))
        oracle.require(dual.value.ndim > 0)
        name = self.name("t")
        self.boxes[name] = Box(dual, recorded and not mode)
        self.execute(f"with mg.no_grad(): {name} = {expression}" if mode else f"{name} = {expression}")

    def operation_of_one(self) -> None:
        operand = self.pick(self.boxes)
        box = self.boxes[operand]
        expression, (rule, fits) = self.pick(ONE.items())
        oracle.require(fits(box.store.shape))
        self.result(expression.format(operand), rule(box.dual()), box.recorded)

    def operation_of_two(self) -> None:
        names = [self.pick(self.boxes), self.pick(self.boxes)]
        first, second = (self.boxes[name] for name in names)
        expression, rule = self.pick(TWO.items())
        same = first.store.shape == second.store.shape
        oracle.require(same or expression in ("{0} + {1}", "{0} - {1}", "{0} * {1}"))
        self.result(expression.format(*names), rule(first.dual(), second.dual()), first.recorded or second.recorded)

    def operation_with_array(self) -> None:
        operand, name = self.pick(self.boxes), self.pick(self.arrays)
        box, array = self.boxes[operand], self.arrays[name]
        oracle.require(array.shape in ((3, 3), (3,)) and (box.store.shape == array.shape or array.ndim == 2))
        rule: Any = self.pick([("{1} * {0}", oracle.multiply), ("{0} + {1}", oracle.add), ("{1} @ {0}", None)])
        dual = oracle.matmul(constant(array), box.dual()) if rule[1] is None else rule[1](box.dual(), constant(array))
        self.result(rule[0].format(operand, name), dual, box.recorded)

    def tensor_of_array(self) -> None:
        name = self.pick(self.arrays)
        oracle.require(self.arrays[name].shape in ((3, 3), (3,)))
        made = self.name("t")
        make = self.pick(["mg.tensor({0})", "mg.Tensor({0})", "+mg.Tensor({0})", "mg.flip(mg.flip({0}))"])
        self.boxes[made] = Box(constant(self.arrays[name]), False)
        self.execute(f"{made} = {make.format(name)}")

    def copied(self) -> None:
        name, made = self.pick(self.boxes), self.name("t")
        box = self.boxes[name]
        of_leaf = "copy.copy({0}).detach()", "copy.deepcopy({0}).detach()"
        way = self.pick(["{0}.detach()", "mg.tensor({0})", *(of_leaf if box.leaf or not box.recorded else ())])
        self.boxes[made] = Box(constant(box.store), False)
        self.execute(f"{made} = {way.format(name)}")

    def take(self) -> None:
        view, function = self.pick(VIEWS.items())
        made = self.name("a")
        owner: Any = None
        if self.rng.random() < 0.25:
            name = self.pick(self.arrays)
            array, code = self.arrays[name], name
        elif self.gradients and self.rng.random() < 0.3:
            name = self.pick(self.gradients)
            array, code, owner = self.gradients[name].store, f"{name}.grad.data", self.env[name].grad
        else:
            name = self.pick(self.boxes)
            array, owner = self.boxes[name].store, self.env[name]
            code = self.pick(["{0}.data", "{0}.numpy()"]).format(name)
        taken = function(array)
        oracle.require(np.shares_memory(taken, array))
        self.arrays[made] = taken
        self.execute(f"{made} = {code}{view}")
        memory = self.env[name] if owner is None else owner._array
        if view == ".reshape(-1)" and not np.shares_memory(self.env[made], memory):  # a copy, in another layout
            self.arrays[made] = taken.copy()

    def write(self) -> None:
        name = self.pick(self.arrays)
        code, function = self.pick(WRITES.items())
        function(self.arrays[name])
        self.execute(code.format(name))

    def change(self) -> None:
        name = self.pick(self.boxes)
        box = self.boxes[name]
        way = self.rng.integers(6)
        if way == 0:
            values = self.numbers(*box.store.shape)
            box.store = values
            self.execute(f"{name}.data = np.array({values.tolist()})")
        elif way == 1:
            box.store -= 0.125
            self.execute(f"{name}.data -= 0.125")
        elif way == 2:
            box.store[0] = 0.5
            self.execute(f"with mg.no_grad(): {name}[0] = 0.5")
        elif way == 3:
            box.store *= 0.5
            self.execute(f"with mg.no_grad(): {name} *= 0.5")
        elif way == 4:
            box.store[...] = box.store[::-1].copy()
            self.execute(f"with mg.no_grad(): {name}[...] = {name}[::-1]")
        else:
            other = self.pick(self.arrays)
            oracle.require(self.arrays[other].shape == box.store.shape)
            if self.arrays[other] is not box.store:  # its own array stays its array
                box.store = self.arrays[other].copy()
            self.execute(f"{name}.data = {other}")

    def add_in_place(self) -> None:
        name, other = self.pick(self.boxes), self.pick(self.boxes)
        box, added = self.boxes[name], self.boxes[other]
        oracle.require(box.store.shape == added.store.shape and not box.leaf)
        if box.recorded or added.recorded:  # the name is bound to the recorded sum
            self.boxes[name] = Box(oracle.bounded(oracle.add(box.dual(), added.dual())), True)
        else:
            box.store += added.store.copy()
        self.execute(f"{name} += {other}")

    # --- gradients

    def output(self) -> None:
        names = [name for name, box in self.boxes.items() if box.recorded and not box.leaf]
        oracle.require(bool(names))
        operand = self.pick(names)
        box, made = self.boxes[operand], self.name("s")
        dual = oracle.total(oracle.multiply(box.dual(), box.dual()))
        oracle.bounded(Dual(dual.value, dual.tangents.real))
        self.seconds[made] = dual
        self.outputs.append(made)
        self.execute(f"{made} = ({operand} * {operand}).sum()")

    def parts(self, tangents: np.ndarray) -> dict[str, np.ndarray]:
        found, first = {}, 0
        for name, shape in LEAVES.items():
            size = int(np.prod(shape))
            found[name] = tangents[first : first + size].reshape(shape)
            first += size
        return found

    def backward(self, options: str = "retain_graph=True") -> None:
        oracle.require(bool(self.outputs))
        name = self.pick(self.outputs)
        old = {leaf: self.env[leaf].grad for leaf in LEAVES}
        self.execute(f"{name}.backward({options})")
        for leaf, part in self.parts(self.seconds[name].tangents.real).items():
            if self.env[leaf].grad is old[leaf]:  # the output does not depend on this leaf
                np.testing.assert_allclose(part, 0, atol=1e-12)
                continue
            before = self.gradients[leaf].store if leaf in self.gradients else 0
            self.gradients[leaf] = Box(constant(before + part), False)

    def change_gradient(self) -> None:
        oracle.require(bool(self.gradients))
        leaf = self.pick(self.gradients)
        way = self.rng.integers(3)
        if way == 0:
            self.gradients[leaf].store *= 0.5
            self.execute(f"{leaf}.grad *= 0.5")
        elif way == 1:
            self.gradients[leaf].store[0] = 0
            self.execute(f"{leaf}.grad[0] = 0")
        else:
            self.gradients.clear()
            self.execute("optimizer.zero_grad()")

    def step(self) -> None:
        oracle.require(bool(self.gradients))
        for gradient in self.gradients.values():
            oracle.require(abs(gradient.store) < 20)
        for leaf, gradient in self.gradients.items():
            self.boxes[leaf].store = self.boxes[leaf].store - 0.05 * gradient.store
        self.execute("optimizer.step()")

    def differentiate(self) -> None:
        """Take recorded gradients, change things, and differentiate the gradients."""
        oracle.require(bool(self.outputs))
        name, made = self.pick(self.outputs), self.name("g")
        dual = self.seconds[name]
        self.execute(f"{made} = mg.grad({name}, [x, y, z], create_graph=True, allow_unused=True)")
        for _ in range(3):
            self.statement(["take", "write", "change", "step", "change_gradient"])
        for found, expected in zip(self.env[made], self.parts(dual.tangents.real).values(), strict=True):
            agree(0 * expected if found is None else found.tolist(), expected, "gradient")
        if not any(gradient is not None and gradient.requires_grad for gradient in self.env[made]):
            return
        for gradient in range(3):
            self.execute(f"if {made}[{gradient}] is not None: {made}[{gradient}].data[...] = 7")  # the slope is linear
        self.execute(f"h = second({made}, directions)")
        for found, expected in zip(self.env["h"], self.parts(dual.tangents.imag / STEP).values(), strict=True):
            agree(0 * expected if found is None else found.tolist(), expected, "second derivative")

    def show(self) -> None:
        names = [name for name, box in self.boxes.items() if box.recorded and not box.leaf]
        oracle.require(bool(names))
        shown = values_of(self.env[self.pick(names)].node)
        for name in names:
            node = self.env[name].node
            if node in shown:
                agree(shown[node], self.boxes[name].made, f"values_of, {name}")

    # --- running

    def statement(self, kinds: list[str]) -> None:
        kind = self.pick(kinds)
        try:
            getattr(self, kind)()
        except UnsafeError:  # drawn where it does not fit: nothing has been done yet
            return
        self.check()

    def check(self) -> None:
        for name, box in self.boxes.items():
            agree(self.env[name].tolist(), box.store, name)
        for name, array in self.arrays.items():
            agree(self.env[name], array, name)
        for leaf in LEAVES:
            gradient = self.env[leaf].grad
            assert (gradient is None) == (leaf not in self.gradients), f"{leaf}.grad"
            if gradient is not None:
                agree(gradient.tolist(), self.gradients[leaf].store, f"{leaf}.grad")


KINDS = [
    *["operation_of_one", "operation_of_two"] * 4, *["operation_with_array"] * 2, "tensor_of_array", *["copied"] * 2,
    *["take", "write"] * 3, *["change"] * 3, "add_in_place", "output", "output", "backward", "backward",
    "change_gradient", "step", "differentiate", "show",
]  # fmt: skip


def agree(found: Any, expected: Any, what: str) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-8 * max(1.0, np.max(abs(expected))), err_msg=what)


def check(seed: int) -> Run:
    """Draw, run and check a program; an error has its code as a note."""
    run = Run(seed)
    try:
        for _ in range(run.rng.integers(20, 45)):
            run.statement(KINDS)
        run.statement(["output"])
        run.statement(["differentiate"])
        if run.outputs:
            run.backward("")
            run.check()
    except Exception as problem:
        problem.add_note(str(run))
        raise
    return run
