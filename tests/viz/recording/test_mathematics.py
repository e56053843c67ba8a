"""The mathematics as text: every primitive has it, and evaluated it gives what the rule computes."""

import math
import re

import numpy as np
import pytest

import minigrad as mg
from minigrad.engine.recompute import values_of
from minigrad.ops import primitives
from minigrad.ops.reduction import restore
from minigrad.ops.softmax import softmax
from minigrad.viz.recording import mathematics
from minigrad.viz.recording.mathematics import derivative, formula
from minigrad.viz.recording.rules import describe_rule
from tests.ops.cases import CASES

DIFFERENTIABLE = {key: primitive for key, primitive in primitives.items() if any(primitive.rules)}

# --- the table is complete


@pytest.mark.parametrize("key", DIFFERENTIABLE)
def test_every_function_has_its_formula_and_one_text_for_each_rule(key):
    primitive = primitives[key]
    assert re.match(r"outᵢ? = \S", formula(primitive.name))
    texts = mathematics._TABLE[primitive.name][1:]
    assert len(texts) == len(primitive.rules)
    for position, text in enumerate(texts):
        name = "xᵢ" if primitive.variadic else primitive.parameters[position].name
        if primitive.rules[position] is None:
            assert text == ""
        else:
            assert re.match(rf"∂L/∂{name}ᵢ? = \S", text)
            assert describe_rule(primitive, position).mathematics == derivative(primitive.name, position) == text


def test_no_entry_is_left_over():
    assert set(mathematics._TABLE) == {primitive.name for primitive in DIFFERENTIABLE.values()}
    assert {p.name for p in DIFFERENTIABLE.values() if p.variadic} == mathematics._OF_EACH_INPUT
    rooms = [value for name, value in vars(mathematics).items() if isinstance(value, dict) and name[1:].isupper()]
    assert sum(map(len, rooms)) == 2 * len(mathematics._TABLE)  # the rooms and the whole: none has another's name


def test_a_function_of_any_number_of_inputs_has_one_text_for_all():
    assert derivative("stack", 0) == derivative("stack", 7) != ""
    assert derivative("stack", -1) == ""


def test_unknown_names_have_no_mathematics():
    assert (formula("cube"), derivative("cube", 0), derivative("sin", 1), derivative("sin", -1)) == ("", "", "", "")


# --- the mathematics evaluated: a translator from the text to Python

SIGNS = {"·": "*", "⊙": "*", "−": "-", "≥": ">=", " = ": " == ", "ᵀ": ".T"}
RAISED = str.maketrans("ˣʸᵏ⁻¹²", "xyk-12")


def python(text):
    """Return the right side of a formula, up to the semicolon, as a Python expression."""
    expression = text.partition("; ")[0].partition(" = ")[2]
    if " where " not in expression:
        return term(expression)
    *branches, otherwise = expression.split(", ")
    result = term(otherwise.removeprefix("else "))
    for branch in reversed(branches):
        value, condition = branch.split(" where ")
        either = " | ".join(f"({term(part)})" for part in condition.split(" or "))
        result = f"where({either}, {term(value)}, {result})"
    return result


def term(text):
    for sign, meaning in SIGNS.items():
        text = text.replace(sign, meaning)
    text = re.sub("[ˣʸᵏ⁻¹²]+", lambda match: f"**({match[0].translate(RAISED)})", text)
    text = re.sub(r"√(\w+)", r"sqrt(\1)", text).replace("√", "sqrt")
    text = re.sub(r"\|(\w+)\|", r"abs(\1)", text)
    text = re.sub("⌊(.+?)⌋", r"floor(\1)", text)
    text = re.sub(r"\b(\d)([a-z])", r"\1 * \2", text)
    text = re.sub(r"(\w+) in the shape of x", r"\1.reshape(x.shape)", text)
    text = re.sub(r"([\w)]) (?=[\w(])", r"\1 @ ", re.sub("([ΣΠ]) ", r"\1", text))
    while match := re.search("[ΣΠ](?!of)", text):
        text = f"{text[: match.end()]}of({text[match.end() : (end := closing(text, match.end()))]}){text[end:]}"
    return text


def closing(text, start):
    """Return where the parentheses end in which the place stands; else the end."""
    depth = 0
    for place, character in enumerate(text[start:], start):
        depth += (character == "(") - (character == ")")
        if depth < 0:
            return place
    return len(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("out = xʸ⁻¹ · e⁻ˣ; a note", "x**(y-1) * e**(-x)"),
        ("out = g / (2 · √x)", "g / (2 * sqrt(x))"),
        ("out = √((Σ x²) / N)", "sqrt((Σof(x**(2))) / N)"),
        ("out = g where x > y, 2x where x = y, else −g", "where((x > y), g, where((x == y), 2 * x, -g))"),
        ("out = x weightᵀ + bias", "x @ weight.T + bias"),
        ("out = out ⊙ (g − Σ g ⊙ out)", "out * (g - Σof(g * out))"),
    ],
)
def test_the_translator(text, expected):
    assert python(text) == expected


# --- what the letters mean


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def normal(approximate):
    """Return Φ and its derivative φ, here by finite differences."""
    inner = np.sqrt(2 / np.pi)
    erf = np.vectorize(math.erf, otypes=[float])

    def phi(x):
        if approximate == "tanh":
            return (1 + np.tanh(inner * (x + 0.044715 * x**3))) / 2
        return (1 + erf(x / np.sqrt(2))) / 2

    return {"Φ": phi, "φ": lambda x: (phi(x + 1e-5) - phi(x - 1e-5)) / 2e-5, "erf": erf}


def along(x, axis, name):
    """Return what depends on the axis: sums, products, means, counts, and the extremes of one argument."""
    kept = {"axis": axis, "keepdims": True}
    extreme = {"max": np.max, "min": np.min}.get(name)
    weights = np.exp(x)
    names = {
        "Σof": lambda value: np.sum(value, **kept),
        "Πof": lambda value: np.prod(value, **kept),
        "x̄": np.mean(x, **kept),
        "N": x.size // np.sum(x, **kept).size,
        "softmax": lambda _: weights / np.sum(weights, **kept),
    }
    if extreme:
        names |= {name: lambda value: extreme(value, **kept), "k": np.sum(x == extreme(x, **kept), **kept)}
    return names


def rows(log_probabilities, targets, label_smoothing=0.0, reduction="none"):
    """Return what the formula of the cross-entropy calls t and n."""
    classes = log_probabilities.shape[-1]
    t = np.eye(classes)[targets] if targets.ndim == 1 else targets
    t = t * (1 - label_smoothing) + label_smoothing / classes
    kept = {"axis": -1, "keepdims": True} if reduction == "none" else {}
    return {
        "t": t,
        "s": t.sum(axis=-1, keepdims=True),
        "n": len(t) if reduction == "mean" else 1,
        "Σof": lambda value: np.sum(value, **kept),
    }


NUMPY = ["sqrt", "exp", "log", "sin", "cos", "tan", "arctan", "sinh", "cosh", "tanh", "floor", "sign", "abs", "where"]
CONSTANT = {name: getattr(np, name) for name in NUMPY} | {"max": np.maximum, "min": np.minimum, "σ": sigmoid}
CONSTANT |= {"softmax": softmax.forward, "e": math.e, "π": math.pi}


def values(node):
    """Return the output of a node and its inputs."""
    known = values_of(node)
    return known[node], *[known[parent] for parent in node.parents]


def letters(key, node, g):
    """Return the values of every name of the formulas of a node, and its gradient and output as the text means them."""
    primitive, (out, *inputs) = node.primitive, values(node)
    options = {p.name: p.default for p in primitive.parameters if p.default is not p.empty} | node.options
    names = options | {p.name: value for p, value in zip(primitive.parameters, inputs, strict=False)}
    if primitive.name == "clip":
        names |= {"min": -np.inf if names["min"] is None else names["min"]}
        names |= {"max": np.inf if names["max"] is None else names["max"]}
    elif primitive.name == "linear":
        names["bias"] = 0 if names["bias"] is None else names["bias"]
    elif primitive.name in ("cross_entropy", "nll_loss"):
        names |= rows(*inputs, **node.options)
        out, g = (value[:, None] if value.ndim else value for value in (out, g))
    elif key.startswith(("reduction.", "softmax.")):
        axis, keepdims = options["axis"], options.get("keepdims", True)
        names |= along(inputs[0], axis, primitive.name)
        out, g = (restore(value, np.shape(inputs[0]), axis, keepdims) for value in (out, g))
    elif primitive.name == "outer":
        names |= {name: np.reshape(names[name], (-1, 1)) for name in "xy"}
    return CONSTANT | normal(options.get("approximate")) | names | {"out": out, "g": g}


# --- the comparison


def kinks(count):
    """Whole numbers, with every pair of equal ones, of 0, and of either sign."""
    grid = np.meshgrid(*[np.arange(-2.0, 3.0)] * count)
    return [np.ravel(axis) for axis in grid]


# Said in words or with indices, so not evaluated; of the next ones the rule is, the function is said in words.
REARRANGING = ["transpose", "swapaxes", "moveaxis", "broadcast_to", "flip", "pad", "concatenate", "stack"]
WORDS = {"reduction.cumsum", "indexing.getitem", "linalg.einsum", *[f"shape.{name}" for name in REARRANGING]}
RULE_ALONE = {"shape.reshape", "shape.ravel", "shape.expand_dims", "shape.squeeze", "indexing.scatter"}
MATRICES = {"linalg.matmul", "linalg.linear", "linalg.dot"}  # evaluated for matrices, not for vectors and stacks
MORE = {name: kinks(1) for name in ["abs", "sign", "relu", "leaky_relu", "elu"]}
MORE |= {"maximum": kinks(2), "minimum": kinks(2), "clip": kinks(3), "max": kinks(2)[:1], "min": kinks(2)[1:]}
MORE |= {"remainder": [np.array([7.3, -7.3, 7.3]), np.array([2.0, 2.0, -2.0])]}


def nodes_of(key):
    """Yield a recorded call of the primitive for each of its cases, and one more of kinks and ties."""
    primitive = primitives[key]
    calls = [(case.call, case.inputs, case.options) for case in CASES[key]]
    if primitive.name in MORE:
        calls.append((primitive, MORE[primitive.name], {}))
    for call, inputs, options in calls:
        node = call(*[operand(value) for value in inputs], **options).node
        if node is None or node.primitive is not primitive or not all(np.size(value) for value in values(node)):
            continue
        if key in MATRICES and any(np.ndim(value) != 2 for value in values(node)[:3]):
            continue
        if key != "reduction.prod" or np.all(values(node)[1]):  # where a factor is 0, words say what is done
            yield node


def operand(value):
    return mg.tensor(value, requires_grad=True) if np.asarray(value).dtype.kind == "f" else value


def agree(actual, expected):
    np.testing.assert_allclose(np.broadcast_to(actual, np.shape(expected)), expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("key", [key for key in DIFFERENTIABLE if key not in WORDS])
@np.errstate(divide="ignore", invalid="ignore")
def test_evaluated_the_text_gives_what_function_and_rule_compute(key):
    primitive, compared = primitives[key], set()
    for node in nodes_of(key):
        out = values(node)[0]
        g = np.asarray(np.random.default_rng(0).uniform(0.5, 2.0, out.shape))
        names = letters(key, node, g)
        if key not in RULE_ALONE:
            agree(eval(python(formula(primitive.name)), names), names["out"])
        for position, rule in node.rules:
            expected = rule.function(g, *[node.saved[name] for name in rule.names])
            value = np.asarray(eval(python(derivative(primitive.name, position)), names))
            agree(value.reshape(expected.shape) if key == "linalg.outer" else value, expected)
            compared.add(position)
    assert compared == {position for position, rule in enumerate(primitive.rules) if rule is not None}
