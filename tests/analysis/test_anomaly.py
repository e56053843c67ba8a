"""``detect_anomaly`` names the first operation that makes nan or infinity out of finite numbers."""

import threading
import warnings

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.engine.mode import Observer, observers, observing
from minigrad.errors import AnomalyError


def leaf(values, name=None, dtype=np.float32):
    return mg.tensor(np.array(values, dtype), requires_grad=True, name=name)


FORWARD = {
    "any number of inputs": (
        lambda: mg.einsum("i,i->i", leaf([3e38], "p"), leaf([3e38])),
        r"^einsum made 1 inf of 1 elements .*from argument 0 'p' \(1,\) float32 .*; argument 1 \(1,\) .*too large",
    ),
    "log of 0": (lambda: mg.log(leaf([1, 0], "p")), r"^log made 1 -inf of 2 elements .* x 'p' \(2,\) .*logarithm of 0"),
    "log below 0": (lambda: mg.log(leaf([-1.0])), r"^log made 1 nan of 1 .*from -1 to -1, mean -1.*negative number"),
    "division": (lambda: leaf([1, 2]) / leaf([2, 0]), r"^divide made 1 inf of 2 .*a division by 0"),
    "square root": (lambda: mg.sqrt(leaf([-4.0])), r"^sqrt made 1 nan .*square root of a negative number"),
    "power": (lambda: leaf([0.0]) ** -1.0, r"^power made 1 inf .* y = -1\. .*0 to a negative power"),
    "overflow": (lambda: mg.exp(leaf([100.0, 1.0])), r"^exp made 1 inf of 2 .*too large for the dtype"),
    "branch": (lambda: mg.where(leaf([1.0]) > 2, mg.exp(leaf([99.0])), 0.0), r"^exp made 1 inf .*branch of `where`"),
    "row of -inf": (lambda: mg.softmax(mg.tensor([[-np.inf, -np.inf]])), r"^softmax made 2 nan .*with 2 -inf.*finite"),
    "without a gradient": (lambda: mg.log(mg.tensor([0.0])), r"^log made 1 -inf of 1 elements"),
    "product": (lambda: leaf([[3e38]]) @ leaf([[3e38]]), r"^matmul made 1 inf .*too large"),
    "absent bias": (
        lambda: mg.linear(leaf([[3e38]]), leaf([[9]]), None),
        r"^linear .* mean 3e\+38; weight .* mean 9\. ",
    ),
    "booleans": (lambda: mg.tensor([True, False]) / leaf([0, 1], "y"), r"from x \(2,\) bool; y 'y' .* mean 0\.5\. "),
}


@pytest.mark.parametrize(("compute", "message"), FORWARD.values(), ids=FORWARD)
def test_the_operation_of_a_forward_pass_is_named_with_its_operands_and_the_usual_cause(compute, message):
    with pytest.raises(AnomalyError, match=message), mg.detect_anomaly():
        compute()


BACKWARD = {
    "square root at 0": (
        lambda x: mg.sqrt(x).sum(),
        r"^the backward pass of sqrt sends 1 inf of 2 elements to x 'x' .*the gradient \(2,\).*infinite at 0",
    ),
    "where": (
        lambda x: mg.where(x > 0, mg.sqrt(x), 0.0).sum(),
        r"^the backward pass of sqrt sends 1 nan .*0 times infinity: where `where`.*where\(x > 0, x, 1\)",
    ),
    "power": (lambda x: (x**0.5).sum(), r"^the backward pass of power sends 1 inf .*below 1 is infinite at 0"),
    "values of the forward pass": (
        lambda x: mg.sqrt(+x).sum(),
        r"sends 1 inf of 2 elements to x at .*, from the gradient \(2,\) float32 from 1 to 1, mean 1; "
        r"out \(2,\) float32 from 0 to 2, mean 1; x \(2,\) float32 from 0 to 4, mean 2\. ",
    ),
    "the second argument": (
        lambda x: (mg.ones(2) / (x + leaf([1e-30, 1.0])).reshape(2)).sum(),
        r"^the backward pass of divide sends 1 -inf of 2 elements to y at .*a number whose square is too small",
    ),
    "the second argument, named": (
        lambda x: (x / leaf([1.0, 1e-30], "divisor")).sum(),
        r"^the backward pass of divide sends 1 -inf of 2 elements to y 'divisor' at ",
    ),
}


@pytest.mark.parametrize(("compute", "message"), BACKWARD.values(), ids=BACKWARD)
def test_the_rule_of_a_backward_pass_is_named_and_no_gradient_is_delivered(compute, message):
    x = leaf([0, 4], "x")
    with mg.detect_anomaly():
        output = compute(x)
        with pytest.raises(AnomalyError, match=message):
            output.backward()
    assert x.grad is None


@pytest.mark.parametrize("name", [name for name in BACKWARD if name != "the second argument, named"])
def test_a_pass_of_grad_is_checked_too(name):
    compute, message = BACKWARD[name]
    x = leaf([0, 4], "x")
    with mg.detect_anomaly():
        output = compute(x)
        with pytest.raises(AnomalyError, match=message):
            mg.grad(output, x)


def test_a_transform_is_checked_too():
    with mg.detect_anomaly(), pytest.raises(AnomalyError, match=r"^the backward pass of sqrt sends 1 inf"):
        mg.jacobian(mg.sqrt, mg.tensor([0.0]))


def test_a_gradient_of_a_gradient_is_checked_too():
    x = leaf([0.0], "x")
    with mg.detect_anomaly():
        (slope,) = mg.grad(x**1.5, x, create_graph=True)
        with pytest.raises(AnomalyError, match=r"^the backward pass of power sends 1 inf"):
            mg.grad(slope, x)


def test_an_infinity_that_was_there_is_recognised_when_what_made_it_is_released():
    x = leaf([np.inf], "x")
    with mg.detect_anomaly():
        y = x * 1.0
        y.sum().backward()
        mg.grad((y * y).sum(), y)


def test_module_and_line_are_told():
    class Model(nn.Module):
        def __init__(self):
            self.layer = nn.Linear(2, 2)

        def forward(self, x):
            return mg.log(self.layer(x) - 1000.0)

    line = Model.forward.__code__.co_firstlineno + 1
    message = rf"in module 'Model' at .*test_anomaly.py:{line} \(forward\)"
    with pytest.raises(AnomalyError, match=message), mg.detect_anomaly():
        Model()(mg.ones((3, 2)))


def test_the_backward_pass_tells_the_line_of_the_forward_one():
    x = leaf([0.0])
    with mg.detect_anomaly():
        y = mg.sqrt(x)
        with pytest.raises(AnomalyError) as caught:
            y.sum().backward()
    assert f"test_anomaly.py:{y.node.line.number} (" in str(caught.value)


def added_twice(w):
    y = mg.identity(w)  # not w itself: its output
    (y * 3e38 + y * 3e38).sum().backward()


OVERFLOWS = {
    "of a leaf": (
        lambda w: (w * 3e38 + w * 3e38).sum().backward(),
        r"the sum of the finite gradients that reach 'w' holds 2 inf of 2 elements .*: gradients that are too large",
    ),
    "of a result": (added_twice, "the sum of the finite gradients that reach the output of identity holds 2 inf"),
    "over passes": (
        lambda w: [(w * 3e38).sum().backward() for _ in range(2)],
        r"the \.grad of 'w', to which this pass has added a finite gradient, holds 2 inf .*: .* without zero_grad\(\)",
    ),
}


@pytest.mark.parametrize(("compute", "message"), OVERFLOWS.values(), ids=OVERFLOWS)
def test_a_sum_of_gradients_that_overflows_is_named(compute, message):
    w = mg.tensor(np.array([1e-30, 1e-30], np.float32), requires_grad=True, name="w")
    with pytest.raises(AnomalyError, match=message), mg.detect_anomaly():
        compute(w)


def test_infinite_gradients_that_were_sent_are_not_taken_for_a_sum():
    w = mg.tensor([1.0], requires_grad=True)
    with mg.detect_anomaly():
        (mg.tensor([np.inf]) * w).sum().backward()  # the infinity was there before
    assert w.grad.tolist() == [np.inf]


def test_an_update_that_overflows_is_named():
    w = leaf([3e38], "w")
    w.grad = np.array([-3e38], np.float32)
    message = r"update of SGD made 1 inf of 1 elements of 'w' .*learning rate"
    with pytest.raises(AnomalyError, match=message), mg.detect_anomaly():
        optim.SGD([w], lr=1.0).step()


@pytest.mark.parametrize(("dtype", "eps"), [(np.float16, True), (np.float32, False)])
def test_the_update_of_a_half_may_have_lost_its_eps(dtype, eps):
    w = mg.tensor(np.array([1.0], dtype), requires_grad=True)
    w.grad = np.zeros(1, dtype)
    with pytest.raises(AnomalyError) as caught, mg.detect_anomaly():
        optim.Adam([w], lr=0.1, eps=1e-8 if dtype == np.float16 else 0).step()
    assert ("an eps below 6e-8, which is 0 in float16" in str(caught.value)) is eps


def step(w, gradient=1.0):
    w.grad = np.full(w.shape, gradient, w.dtype)
    optim.SGD([w], lr=0.1).step()


ALREADY = {
    "a sum": (
        lambda: (leaf([np.nan, 1], "x") * 2).sum(),
        r"^'x' holds 1 nan of 2 elements already\. Out of it sum made 1 ",
    ),
    "weights": (
        lambda: mg.linear(mg.ones((3, 2)), leaf([[np.nan, 1]], "weight"), None),
        r"^'weight' holds 1 nan of 2 .*linear made 3 nan of 3 elements at .*, from x \(3, 2\).*it came with the data",
    ),
    "a batch": (
        lambda: leaf(np.ones((2, 2)), "w") @ np.array([np.nan, 1], np.float32),
        r"^y, an operand of matmul, holds 1 nan of 2 .*matmul made 2 nan of 2",
    ),
    "on the way": (
        lambda: nn.functional.cross_entropy(mg.exp(leaf([[np.nan, 1]])[:, ::-1] + leaf([1, 1], "b")), [0]),
        r"^x, an operand of getitem, holds 1 nan of 2 elements already\. Out of it cross_entropy made 1 nan",
    ),
    "a parameter that is updated": (
        lambda: step(leaf([np.nan, 1], "w")),
        r"^'w' holds 1 nan of 2 elements already before the update of SGD at .*test_anomaly.py:.* begin the block earl",
    ),
    "a gradient that is used": (
        lambda: step(leaf([1, 2]), np.inf),
        r"^the gradient of parameter 0 holds 2 inf of 2 elements already before the update of SGD",
    ),
    "a gradient to start with": (
        lambda: (leaf([1, 2]) * 2).sum().backward(mg.tensor(np.inf)),
        r"^the gradient that the backward pass starts with holds 1 inf of 1 elements already at .*test_anomaly",
    ),
    "the mean of nothing": (lambda: mg.mean(mg.zeros(0)), r"^mean made 1 nan .*cause: there is nothing to average"),
    "infinity in arithmetic": (
        lambda: leaf([np.inf]) - leaf([np.inf]),
        r"^subtract made 1 nan .*cause: inf - inf, .*an operand holds infinity",
    ),
}


@pytest.mark.parametrize(("compute", "message"), ALREADY.values(), ids=ALREADY)
def test_what_was_not_finite_before_is_told_from_what_is_made(compute, message):
    with pytest.raises(AnomalyError, match=message), mg.detect_anomaly():
        compute()


def test_an_update_from_what_was_not_finite_is_not_made():
    w = leaf([1, 2], "w")
    with pytest.raises(AnomalyError), mg.detect_anomaly():
        step(w, np.nan)
    assert w.data.tolist() == [1, 2]


def masked_targets():
    """Return a loss of targets of which some are missing."""
    targets, prediction = np.array([[1, np.nan], [np.nan, 2]], np.float32), leaf(np.ones((2, 2)))
    return mg.where(np.isnan(targets), 0.0, (prediction - targets) ** 2).sum()


FINE = {
    "missing targets that are masked": masked_targets,
    "missing labels that are masked": lambda: mg.where(
        np.array([True, False]),
        nn.functional.binary_cross_entropy_with_logits(leaf([1, np.nan]), np.array([1, 0]), reduction="none"),
        0.0,
    ),
    "missing data that are left out": lambda: (leaf([np.nan, 1])[np.array([False, True])] * 2).sum(),
    "masked logits in a product": lambda: mg.softmax(leaf([[1, 2]]) + np.array([0, -np.inf])) @ mg.ones((2, 1)),
    "masked logits": lambda: mg.softmax(mg.tensor([[-np.inf, 1.0]])),
    "nan from nan": lambda: mg.exp(leaf([np.nan])) + 1,
    "the sum of one that is missing": lambda: mg.where(np.array(True), 0.0, leaf([np.nan]).sum()),
    "infinity from infinity": lambda: leaf([np.inf]) * 2,
    "integers": lambda: mg.tensor([1, 2]) + 1,
    "an absent bias": lambda: mg.linear(mg.ones((1, 2)), leaf(np.ones((1, 2))), None).sum().backward(),
    "nan from nan, in a backward pass": lambda: mg.sqrt(leaf([np.nan])).backward([1.0]),
    "dropout": lambda: nn.Dropout(0.5)(leaf([1, 2])).sum().backward(),
    "the second order": lambda: mg.hessian(lambda x: (x**3).sum(), mg.tensor([1.0, 2.0])),
}


@pytest.mark.parametrize("compute", FINE.values(), ids=FINE)
def test_what_is_no_anomaly_passes(compute):
    with mg.detect_anomaly():
        compute()


def test_numpy_does_not_warn_inside_and_does_again_afterwards():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(AnomalyError), mg.detect_anomaly():
            mg.log(mg.tensor([0.0]))
        with pytest.raises(RuntimeWarning):
            mg.log(mg.tensor([0.0]))
    assert observers() == ()


def test_results_are_the_same_inside():
    def train():
        model = nn.MLP([2, 4, 2], rng=np.random.default_rng(0))
        optimizer = optim.Adam(model.parameters(), lr=0.1)
        X, y = mg.data.xor()[:]
        for _ in range(5):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(X), y).backward()
            optimizer.step()
        return [parameter.data.tobytes() for parameter in model.parameters()]

    with mg.detect_anomaly():
        inside = train()
    assert inside == train()


def test_another_observer_goes_on():
    class Other(Observer):
        def __init__(self):
            self.seen = []

        def backward(self, output, steps):
            for step in steps:
                self.seen.append(step.node.operation or step.node.name)
                yield step

        def after_update(self, optimizer, parameters):
            self.seen.append(type(optimizer).__name__)

    other, x = Other(), leaf([2.0], "x")
    with observing(other), mg.detect_anomaly():
        (x * x).sum().backward()
        optim.SGD([x], lr=0.1).step()
    assert other.seen == ["sum", "multiply", "x", "SGD"]


def test_another_observer_sees_operations_and_updates():
    class Other(Observer):
        def __init__(self):
            self.seen = []

        def operation(self, primitive, inputs, options, out):
            self.seen.append(primitive.name)

        def before_update(self, optimizer, parameters):
            self.seen.append("before")

    other, x = Other(), leaf([2.0], "x")
    with observing(other), mg.detect_anomaly(), mg.detect_anomaly():
        x.grad = x.detach() * 3
        optim.SGD([x], lr=0.1).step()
    assert other.seen == ["multiply", "before"]


def test_a_rule_that_works_with_what_the_function_kept_is_looked_at():
    @mg.primitive(keeps=True)
    def root(x):
        value = np.sqrt(x)
        return value, 2 * value

    root.derivatives(lambda g, kept: g / kept)
    x = leaf([0, 4], "x")
    with mg.detect_anomaly(), pytest.raises(AnomalyError, match=r"^the backward pass of root sends 1 inf .* to x 'x'"):
        root(x).sum().backward()


def test_it_can_decorate_a_function():
    @mg.detect_anomaly()
    def loss(x):
        return mg.log(x)

    for _ in range(2):
        with pytest.raises(AnomalyError):
            loss(mg.tensor([0.0]))


def test_it_does_not_leak_into_another_thread():
    found = []
    with mg.detect_anomaly(), np.errstate(all="ignore"):

        def compute():
            with np.errstate(all="ignore"):
                found.append(mg.log(mg.tensor([0.0])).item())

        thread = threading.Thread(target=compute)
        thread.start()
        thread.join()
    assert found == [-np.inf]
