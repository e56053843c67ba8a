"""Names that would do harm if they were ever taken for anything but text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import hypothesis.strategies as st

import minigrad as mg
from minigrad import nn, optim, viz
from minigrad.viz.folding.groups import group
from minigrad.viz.graph import Graph, GraphNode, ScriptLine
from minigrad.viz.recording.rules import RuleText
from minigrad.viz.recording.trace import Trace
from tests.viz.browser.traces import optimizers_called

WORST = [
    "</script><script>canary()</script>",
    "</script ><script >canary()</script >",
    "</SCRIPT/x><img src=x onerror=canary()>",
    "<!-- <script ",
    "<script>canary()</script>",
    "<img src=x onerror=canary()>",
    "'\"><svg/onload=canary()>",
    "</title><img src=x onerror=canary()>",
    "</style><style>*{display:none}</style>",
    "</text></svg><script>canary()</script>",
    '"onmouseover="canary()',
    "javascript:canary()",
    "{{SCRIPT}}",
    "{{DATA}} {{POLICY}}",
    "${canary()} `canary()`",
    "<!--",
    "--!><script>canary()</script>",
    "]]>",
    "<![CDATA[",
    "&lt;b&gt; &amp; &#60;",
    "\\u003cscript\\u003ecanary()\\u003c/script\\u003e",
    "\\",
    '\\"',
    "\\N\\L\\G \\l\\r",
    "\u2028canary()\u2029",
    "\u202egnp.exe\u2066",
    "\x00\x01\x1b[31m\x7f\x85",
    "\r\n\t",
    "\ud800",
    "\udfff\ud800",
    "\ufeff\ufffe\uffff",
    "a" * 500,
    "名前🎉\u200d",
    "",
    " ",
    "__proto__",
    "constructor",
    "toString",
    "]; digraph { a -> b }",
    'x" [label="y',
    "<TABLE><TR><TD>",
    "%s %n {0} {x}",
]
characters = st.characters(exclude_categories=())  # surrogates and control characters too
NAMES = (
    st.sampled_from(WORST)
    | st.text(characters, max_size=30)
    | st.lists(st.sampled_from([*WORST, "a", ".", "/", " "]), max_size=4).map("".join)
)


def hostile(names: Sequence[str]) -> Trace:
    """Return a trace that has these names wherever a user's text can come in.

    The tensors, modules, lines and options are called so by replacing what the trace of a harmless network says.
    """
    model = nn.MLP([2, 3, 2])
    with mg.source_lines():
        logits = model(mg.tensor([[1.0, 2.0], [3.0, 4.0]]))
    loss = nn.CrossEntropyLoss()(logits * 1.0, mg.tensor([0, 1]))
    trace = viz.trace(loss, optimizer=optim.SGD(model.parameters(), lr=0.1))
    texts = [names[n % len(names)] for n in range(200)]
    given = iter(texts)

    def renamed(node: GraphNode) -> GraphNode:
        return replace(
            node,
            name=next(given),
            scope=next(given),
            options={next(given): next(given)},
            operation=node.operation and next(given),
            line=ScriptLine(next(given), 3, next(given), next(given)),
        )

    nodes = tuple(map(renamed, trace.graph.nodes))
    graph = Graph(nodes, trace.graph.edges, group((node.id, node.scope) for node in nodes), trace.graph.output)
    rules = {where: RuleText(next(given), next(given)) for where in trace.rules}
    return optimizers_called(replace(trace, graph=graph, rules=rules), next(given))
