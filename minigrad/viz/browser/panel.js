// What is said of the step that is shown, of the chosen node, and of all steps.

const PHASE_NAMES = ["Forward", "Seed", "Backward", "Update"];

// The figure of a gradient.
function slopes(caption, number, node) { return figure(caption, number, {signed: true, node}); }
function quiet(...parts) { return make("p", {class: "quiet"}, ...parts); }
// Figures in a row; a sign stays with the figure that follows it.
function flow(...parts) {
  const kept = parts.filter(Boolean);
  return make("div", {class: "flow"}, ...kept.flatMap((part, i) => kept[i - 1]?.className === "sign" ? [] : part.className === "sign" ? make("div", {class: "pair"}, part, kept[i + 1]) : part));
}
function sign(text) { return make("span", {class: "sign"}, text); }

function link(node) {
  return make("button", {class: "link", "data-key": `node${node.id}`, onclick: () => choose(node.id, true)}, node.label);
}

function showStep() {
  const at = state.step, step = steps[at], hidden = isHidden();
  byId("sentence").textContent = hidden ? question(step) : sentence(at);
  const panel = byId("step"), tag = at ? `Step ${at} of ${last} · ${PHASE_NAMES[step.phase]}` : "Start";
  panel.replaceChildren(make("h2", {}, tag), ...(step ? explained(step, hidden) : start()));
  panel.scrollTop = 0;
  reach(panel);
}

// What has to be scrolled can be reached with Tab.
function reach(panel) {
  panel.querySelectorAll(".scroll, pre").forEach((part) => { if (part.scrollWidth > part.clientWidth || part.scrollHeight > part.clientHeight) part.tabIndex = 0; });
}

function question(step) { return `Predict: what does ${nodes[step.node].label} send to ${nodes[step.parent].label}?`; }

function start() {
  return [make("p", {}, `${nodes.length} nodes, ${last} steps. Only the leaves have values: inputs, parameters and constants.`),
    ...data.notes.map((note) => make("p", {}, note)),
    make("p", {}, "Next: the right arrow key, or ▶ below. ", make("kbd", {}, "?"), " lists every key.")];
}

function explained(step, hidden) {
  const node = nodes[step.node], parent = nodes[step.parent];
  if (step.kind === "forward") {
    const parts = node.args.slice(0, 4).map((edge) => figure(edge.argument ? `${nodes[edge.source].label} as ${edge.argument}` : nodes[edge.source].label, known(nodes[edge.source].values, state.step), {node: nodes[edge.source]}));
    return [rule("What it computes", "", formulas.get(node.operation) || node.operation + (node.options ? `(${node.options})` : "")),
      flow(...parts, node.args.length > 4 ? make("p", {}, `and ${node.args.length - 4} more`) : null, sign("→"), figure(node.label, node.value, {node}))];
  }
  if (step.kind === "seed") {
    return [rule("Why", "", `The gradient of ${node.label} with respect to itself: every backward pass starts so.`), flow(slopes(`gradient of ${node.label}`, step.gradient, node))];
  }
  if (step.kind === "update") {
    return [rule("Optimizer", data.optimizers[step.optimizer], ""), flow(slopes("gradient", step.gradient, node), sign("⇒"),
      figure(`${node.label} before`, step.before), sign("+"), slopes("change", step.change), sign("="), figure(`${node.label} after`, step.after))];
  }
  const [source, mathematics] = data.rules[step.rule] || ["", ""], several = node.args.length > 1;
  const argument = (node.args.find((edge) => edge.position === step.position) || {}).argument;
  const whose = several ? `Rule of ${node.operation} for ${argument || `argument ${step.position + 1}`}` : `Rule of ${node.operation}`;
  const answer = hidden && make("button", {class: "reveal", onclick: reveal}, "Reveal (Enter)");
  if (step.kind === "contribution") {
    const shown = [rule(whose, source, mathematics), flow(slopes(`upstream g: gradient of ${node.label}`, step.upstream, node), sign("→ rule →"),
      answer || slopes(step.total < 0 ? "what the rule gives" : "contribution", step.raw, parent))];
    if (hidden) return shown;
    if (step.total < 0) shown.push(make("p", {}, `${parent.label} was broadcast to ${shapeText(array(step.raw).shape)}: the next step sums that out.`));
    else shown.push(...gathered(step, step.raw, parent));
    return shown;
  }
  const from = shapeText(array(step.raw).shape), to = shapeText(array(step.gradient).shape);
  const how = step.axes.length ? `${from} → sum over ${axesText(step.axes)} → ${to}` : `${nodes[step.node].dtype} → ${parent.dtype}`;
  return [rule(step.axes.length ? "Summing out what was broadcast" : "In the input's own dtype", how, step.axes.length ? `${parent.label} was used ${array(step.raw).size / array(step.gradient).size} times for each of its elements, so its gradients are added up.` : ""),
    flow(slopes("what the rule gave", step.raw, parent), sign(step.axes.length ? "→ sum →" : "→"), answer || slopes("contribution", step.gradient, parent)), ...(hidden ? [] : gathered(step, step.gradient, parent))];
}

// Where the contribution goes: grad: [2] + [3] → [5].
function gathered(step, contribution, parent) {
  const few = array(step.total).numbers && array(step.total).size <= 4;
  const text = (number) => `[${array(number).numbers.map((x, i) => signText(x, exact(array(number), i), true)).join(", ")}]`;
  const first = step.before < 0;
  const head = make("h3", {}, `grad of ${parent.label}`);
  if (few) return [head, make("p", {class: "sum"}, first ? `grad: nothing + ${text(contribution)} → ${text(step.total)}` : `grad: ${text(step.before)} + ${text(contribution)} → ${text(step.total)}`)];
  if (first) return [head, make("p", {}, "Nothing had arrived: this is the gradient so far.")];
  return [head, flow(slopes("before", step.before), sign("+"), slopes("contribution", contribution), sign("="), slopes("gradient", step.total, parent))];
}

function rule(title, source, mathematics) {
  const [said, ...notes] = mathematics.split("; ");
  return make("div", {class: "rule"}, make("h3", {}, title), said ? make("p", {class: "mathematics"}, said, notes.length ? make("span", {class: "quiet"}, `  ${notes.join("; ")}`) : null) : null, source ? make("pre", {}, source) : null);
}

function showNode() {
  const panel = byId("node"), node = nodes[state.chosen] || (steps[state.step] && nodes[steps[state.step].node]), focused = panel.contains(document.activeElement) && (document.activeElement.dataset.key || "break");
  if (!node) {
    panel.replaceChildren(make("h2", {}, "Nodes"), quiet("Click a node, or find one with ", make("kbd", {}, "f"), ", to see all about it."));
    return;
  }
  const at = state.shown, value = known(node.values, at), slope = known(node.gradients, at);
  const facts1 = [["kind", node.kind + (node.operation ? `: ${node.operation}${node.options ? `(${node.options})` : ""}` : "")],
    ["shape", `${shapeText(node.shape)} ${node.dtype}`], ["module", node.scope],
    ["made at", node.line ? `${node.line[0]}:${node.line[1]}${node.line[2] === "<module>" ? "" : ` in ${node.line[2]}`}` : ""]].filter(([, text]) => text);
  const on = state.breaks.has(node.id), box = picture.home.get(node.id);
  panel.replaceChildren(...[make("h2", {}, node.label),
    box.members.length > 1 ? quiet(`Inside ${box.title}: click the box again for the next of its ${box.members.length} nodes.`) : null,
    make("dl", {}, ...facts1.flatMap(([name, text]) => [make("dt", {}, name), make("dd", {}, text)])),
    node.line && node.line[3] ? make("pre", {class: "line"}, node.line[3]) : null,
    make("button", {"data-key": "break", "aria-pressed": on, onclick: () => toggleBreak(node.id)}, on ? "Remove breakpoint" : "Break here (b)"),
    figure("value", value, {node, open: true}),
    node.hasGradient ? figure("gradient so far", slope, {signed: true, node, open: true}) : quiet("No gradient flows to it."),
    ...some("made of: ", node.args.map((edge) => edge.source), 30, (id) => link(nodes[id])),
    ...some("used by: ", [...new Set(node.users)], 30, (id) => link(nodes[id])),
    ...some("steps: ", node.touched, 60, (n) => make("button", {class: "link", "data-key": `step${n}`, "aria-label": `Step ${n}`, onclick: () => go(n)}, n))].filter(Boolean));
  if (focused) (panel.querySelector(`[data-key="${focused}"]`) || panel.querySelector("button"))?.focus();
  reach(panel);
}

// A list in a line, no longer than that.
function some(head, items, most, show) {
  const more = items.length > most ? ` and ${items.length - most} more` : "";
  return items.length ? [make("p", {}, head, ...separated(items.slice(0, most).map(show)), more)] : [];
}

function separated(items) { return items.flatMap((item, i) => (i ? [" ", item] : [item])); }

const PAGE = 200; // rows of the table at a time
let veiled = false; // whether the table asks what it could tell

function showTable() {
  const section = byId("table"), held = section.contains(document.activeElement);
  section.hidden = !state.table;
  byId("stage").hidden = state.table;
  if (!state.table) return;
  const from = Math.floor(Math.max(state.step - 1, 0) / PAGE) * PAGE + 1, fresh = section.dataset.from !== String(from);
  if (fresh) writeTable(section, from);
  if (fresh || veiled || state.predict) {
    section.querySelectorAll("tbody tr").forEach((row, i) => {
      const n = from + i, text = state.predict && n > state.shown && predictable(steps[n]) ? question(steps[n]) : sentence(n);
      if (row.lastChild.textContent !== text) row.lastChild.textContent = text;
    });
  }
  veiled = state.predict;
  section.querySelector("tr[aria-current]")?.removeAttribute("aria-current");
  const row = byId(`row${state.step}`), frame = section.firstChild;
  if (!row) return;
  row.setAttribute("aria-current", "step");
  if (row.offsetTop < frame.scrollTop + 30 || row.offsetTop + row.offsetHeight > frame.scrollTop + frame.clientHeight) frame.scrollTop = row.offsetTop - frame.clientHeight / 2;
  if (fresh && held) row.querySelector("button").focus();
}

function writeTable(section, from) {
  section.dataset.from = from;
  const rows = [], to = Math.min(from + PAGE - 1, last);
  for (let n = from; n <= to; n++) {
    rows.push(make("tr", {id: `row${n}`}, make("td", {}, make("button", {class: "link", onclick: () => go(n), "aria-label": `Go to step ${n}`}, n)),
      make("td", {}, PHASE_NAMES[steps[n].phase]), make("td")));
  }
  const turn = (label, step) => make("button", {onclick: () => go(step)}, label);
  section.replaceChildren(make("div", {class: "scroll", tabindex: "0", role: "region", "aria-label": "Steps"}, make("table", {}, make("thead", {}, make("tr", {}, ...["step", "phase", "what happens"].map((head) => make("th", {scope: "col"}, head)))), make("tbody", {}, ...rows))),
    make("p", {}, `Steps ${from} to ${to} of ${last} `, from > 1 ? turn("Earlier", from - PAGE) : null, to < last ? turn("Later", to + 1) : null));
}
