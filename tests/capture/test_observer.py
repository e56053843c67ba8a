"""What is captured of a script: the trace of one of its backward passes."""

import contextvars
import sys
import textwrap
import threading

import minigrad as mg
from minigrad import capture, optim
from minigrad.capture import observer
from minigrad.engine.mode import observing
from minigrad.viz.recording.steps import ContributionStep, SeedStep, SumStep, UpdateStep
from tests.capture.helpers import captured, written


def test_the_captured_gradients_are_those_that_the_script_sees_bit_for_bit(here, traces):
    source = """
    import numpy as np, minigrad as mg
    mg.seed(0)
    x = mg.tensor(np.random.default_rng(0).standard_normal((16, 4)), dtype="float32", name="x")
    model = mg.nn.MLP([4, 8, 3])
    first = [parameter.data.copy() for parameter in model.parameters()]
    optimizer = mg.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    loss = (model(x) ** 2).mean() + sum((parameter * parameter).sum() for parameter in model.parameters())
    loss.backward()
    gradients = [parameter.grad.data.copy() for parameter in model.parameters()]
    optimizer.step()
    second = [parameter.data.copy() for parameter in model.parameters()]
    """
    code, names = captured(here, source)
    assert code == 0
    ((trace, path, title),) = traces
    assert (path, title) == (here / "page.html", "train.py, backward() 1")
    sums = {}
    for step in trace.steps:
        if isinstance(step, ContributionStep | SumStep):
            fits = step.raw if isinstance(step, ContributionStep) else step.gradient
            if isinstance(step, ContributionStep) and step.total is None:
                continue
            sums[step.parent] = fits.array if step.parent not in sums else sums[step.parent] + fits.array
    updates = [step for step in trace.steps if isinstance(step, UpdateStep)]
    assert len(updates) == len(names["gradients"]) == 4
    for step, gradient, before, after in zip(updates, names["gradients"], names["first"], names["second"], strict=True):
        assert sums[step.node].tobytes() == gradient.tobytes() == step.gradient.array.tobytes()
        assert step.before.array.tobytes() == before.tobytes()
        assert step.after.array.tobytes() == after.tobytes()
        assert step.optimizer.startswith("SGD(4 parameters: lr=0.1, momentum=0.9")


def test_each_rule_runs_once(here, traces):
    source = """
    import minigrad as mg
    @mg.primitive
    def double(x):
        return x + x
    runs = []
    double.derivatives(lambda g, out, x: runs.append(g) or g + g)
    x = mg.tensor(1.0, requires_grad=True)
    double(x).backward()
    """
    code, names = captured(here, source)
    assert (code, len(names["runs"]), len(traces)) == (0, 1, 1)


def test_every_operation_has_the_line_of_the_users_own_code(here, traces):
    model = """
    import minigrad as mg
    class Net(mg.nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = mg.nn.Linear(2, 1)
        def forward(self, x):
            return mg.tanh(self.linear(x))
    """
    source = """
    import minigrad as mg
    from net_of_lines import Net
    batches = [(mg.tensor([[1.0, 2.0]]), mg.tensor([[1.0]]))]
    def distance(output, target):
        return ((output - target) ** 2).sum()
    net = Net()
    mg.fit(net, batches, loss=distance, optimizer=mg.optim.SGD(net.parameters(), lr=0.1), epochs=2, progress=False)
    """
    written(here, model, "net_of_lines.py")
    try:
        code, _ = captured(here, source)
    finally:
        sys.modules.pop("net_of_lines", None)
    assert code == 0
    lines = {node.operation: node.line for node in traces[0][0].graph.nodes if node.operation}
    inside, outside = "return mg.tanh(self.linear(x))", "return ((output - target) ** 2).sum()"
    assert (lines["tanh"].file, lines["tanh"].number, lines["tanh"].text) == ("net_of_lines.py", 7, inside)
    assert (lines["linear"].text, lines["linear"].function) == (inside, "forward")
    for operation in ("subtract", "power", "sum"):
        assert (lines[operation].file, lines[operation].number, lines[operation].text) == ("train.py", 5, outside)
    assert any(isinstance(step, UpdateStep) for step in traces[0][0].steps)


def test_stop_ends_the_script_after_the_pass(here, traces, capsys):
    source = """
    import minigrad as mg
    x = mg.tensor(3.0, requires_grad=True, name="x")
    optimizer = mg.optim.SGD([x], lr=0.1)
    seen = []
    try:
        try:
            (x * x).backward()
        except Exception:
            seen.append("an exception")
        optimizer.step()
        seen.append("went on")
    finally:
        seen.append(x.grad.item())
        print("finally")
    """
    code, names = captured(here, source, "--stop")
    assert (code, names["seen"]) == (0, [6.0])
    assert capsys.readouterr().out == "finally\n"
    assert [step.kind for step in traces[0][0].steps] == ["forward", "seed", "contribution", "contribution"]


def test_a_pass_that_raises_leaves_the_scripts_own_exception(here, traces, capsys):
    source = """
    import minigrad as mg
    x = mg.tensor(3.0, requires_grad=True)
    y = x * x
    mg.grad(y, x)
    y.backward()
    """
    code, _ = captured(here, source)
    assert code == 1
    err = capsys.readouterr().err
    assert err.startswith("Traceback (most recent call last):\n")
    assert "minigrad.errors.GraphError: the saved values of 'multiply' were released" in err
    assert err.endswith("minigrad: train.py, backward() 1 did not run to its end, so there is nothing to show\n")
    assert not traces


def test_seeds_of_ones_own_are_captured(here, traces):
    source = """
    import minigrad as mg
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    (x * x).backward(gradient=[10.0, 100.0])
    """
    assert captured(here, source)[0] == 0
    (seed,) = [step for step in traces[0][0].steps if isinstance(step, SeedStep)]
    assert seed.gradient.array.tolist() == [10.0, 100.0]


def test_recording_draws_no_random_numbers(here, traces):
    source = """
    import random, numpy as np, minigrad as mg
    random.seed(0); np.random.seed(0); mg.seed(0)
    w = mg.tensor([1.0, 2.0], requires_grad=True)
    optimizer = mg.optim.SGD([w], lr=0.5)
    (w * w).sum().backward()
    optimizer.step()
    drawn = [random.random(), np.random.random(), mg.nn.init.normal_(mg.zeros(1)).item()]
    """
    _, names = captured(here, source)
    plain = {}
    exec(textwrap.dedent(source), plain)
    assert names["drawn"] == plain["drawn"]
    assert len(traces) == 1


def heard(script, number=1, **options):
    traces = []
    hearer = capture.Capture(number, traces.append, **options)
    with observing(hearer):
        script()
    hearer.complete()
    return hearer, traces


def test_a_trace_is_complete_when_all_its_parameters_are_updated_or_the_next_pass_begins():
    v, w = (mg.tensor(2.0, requires_grad=True, name=name) for name in "vw")
    other = mg.tensor(1.0, requires_grad=True)
    steps = []

    def script():
        (v * w).backward()
        other.grad = mg.tensor(1.0)
        for tensors in ([other], [v], [w], [w]):
            optim.SGD(tensors, lr=0.5).step()
            steps.append(len(hearer_traces))

    hearer_traces = []
    hearer = capture.Capture(1, hearer_traces.append)
    with observing(hearer):
        script()
    assert steps == [0, 0, 1, 1]
    assert [step.node for step in hearer_traces[0].steps if isinstance(step, UpdateStep)] == ["n0", "n1"]

    def without_update():
        (v * w).backward()
        (v * w).backward()
        optim.SGD([v, w], lr=0.5).step()

    _, traces = heard(without_update)
    assert not any(isinstance(step, UpdateStep) for step in traces[0].steps)


def test_a_loop_over_backprop_that_is_left_shows_what_ran():
    x = mg.tensor(2.0, requires_grad=True, name="x")

    def script():
        for _ in mg.backprop((x * x) * x):
            break

    hearer, traces = heard(script)
    assert hearer.captured
    assert [step.kind for step in traces[0].steps] == ["forward", "forward", "seed", "contribution", "contribution"]


def test_a_backward_inside_a_rule_does_not_cut_the_outer_one_off():
    inner = mg.tensor(1.0, requires_grad=True)

    @mg.primitive
    def checkpoint(x):
        return x * 2

    def rule(g, out, x):
        (inner * inner).backward()
        return g * 2

    checkpoint.derivatives(rule)
    x = mg.tensor(2.0, requires_grad=True, name="x")
    hearer, traces = heard(lambda: (checkpoint(x) * x).backward())
    assert hearer.passes == 2
    assert sum(isinstance(step, ContributionStep) for step in traces[0].steps) == 3


def test_a_recorded_backward_is_captured_too():
    x = mg.tensor(2.0, requires_grad=True, name="x")
    _, traces = heard(lambda: (x**3).backward(create_graph=True))
    assert traces[0].gradients["n0"].array == 12.0
    assert x.grad.requires_grad


def test_a_thread_with_a_copy_of_the_context_is_not_heard():
    def work():
        x = mg.tensor(2.0, requires_grad=True)
        (x * x).backward()

    capture = observer.Capture(1, print)
    with observing(capture):
        thread = threading.Thread(target=contextvars.copy_context().run, args=(work,))
        thread.start()
        thread.join()
    assert capture.passes == 0
