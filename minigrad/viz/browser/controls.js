// The state of the player, and every button and key that changes it.

const LEAST = 0.7; // the page does not open with smaller text than this
const state = {step: 0, shown: 0, chosen: -1, breaks: new Set(), predict: false, revealed: true, table: false, speed: 1, timer: 0};
const firstOf = PHASES.map((_, phase) => steps.findIndex((step) => step && step.phase === phase));

function isHidden() { return state.predict && !state.revealed; }

function predictable(step) { return Boolean(step) && step.parent !== undefined; }

// Go to a step: everything that the page shows follows from it.
function go(to, {revealed = false} = {}) {
  const from = state.shown;
  state.step = Math.min(last, Math.max(0, Math.round(to)));
  state.revealed = revealed || !state.predict || !predictable(steps[state.step]);
  state.shown = isHidden() ? state.step - 1 : state.step;
  const changed = new Set();
  for (let n = Math.min(from, state.shown) + 1; n <= Math.max(from, state.shown); n++) {
    changed.add(picture.home.get(steps[n].node));
    if (steps[n].parent !== undefined) changed.add(picture.home.get(steps[n].parent));
  }
  changed.forEach(showBox);
  const step = steps[state.step];
  lightUp(step, isHidden());
  if (step && !state.table) follow([picture.home.get(step.node), step.parent === undefined ? null : picture.home.get(step.parent)]);
  showStep();
  showNode();
  showTable();
  controls.scrubber.value = state.step;
  controls.scrubber.setAttribute("aria-valuetext", byId("sentence").textContent);
  controls.count.textContent = `${state.step} / ${last}`;
  controls.phases.forEach((button, phase) => button.setAttribute("aria-pressed", Boolean(step) && step.phase === phase));
  clearTimeout(state.writing);
  state.writing = setTimeout(writeAddress, 100); // browsers refuse an address that changes many times a second
}

function writeAddress() {
  try { history.replaceState(null, "", `#step=${state.step}`); } catch { /* a sandboxed frame has no address */ }
}

function reveal() { if (isHidden()) { go(state.step, {revealed: true}); byId("step").focus({preventScroll: true}); } }
function next() { if (isHidden()) reveal(); else if (state.step < last) go(state.step + 1); }
function previous() { go(state.step - 1, {revealed: true}); }

function phase(by) {
  const starts = [0, ...firstOf.filter((n) => n > 0)];
  const to = by > 0 ? starts.find((n) => n > state.step) ?? last : starts.filter((n) => n < state.step).pop() ?? 0;
  go(to);
}

function touches(step) { return step && (state.breaks.has(step.node) || state.breaks.has(step.parent)); }

function play() {
  const playing = state.timer !== 0;
  clearTimeout(state.timer);
  state.timer = 0;
  if (!playing) {
    if (state.step === last) go(0);
    tick();
  }
  showPlaying();
}

function tick() {
  state.timer = setTimeout(() => {
    next();
    const stop = state.step === last || touches(steps[state.step]) || isHidden();
    state.timer = 0;
    if (!stop) tick();
    else showPlaying();
  }, 1000 / state.speed);
}

function showPlaying() {
  const playing = state.timer !== 0;
  controls.play.textContent = playing ? "❚❚" : "▶ Play";
  controls.play.setAttribute("aria-label", playing ? "Pause (space)" : "Play (space)");
}

function choose(id, move = false) {
  const old = picture.home.get(state.chosen), box = picture.home.get(id);
  state.chosen = id;
  old?.element.setAttribute("aria-selected", "false");
  box?.element.setAttribute("aria-selected", "true");
  svg.setAttribute("aria-activedescendant", box ? `box${box.id}` : "");
  [old, box].forEach((found) => found && showBox(found));
  if (move && !state.table) follow([box]);
  showNode();
}

function chooseBox(box) {
  // a folded module: each click goes on to the next node inside
  const inside = box.members.indexOf(state.chosen);
  choose(box.members.length === 1 ? box.members[0] : inside >= 0 ? box.members[(inside + 1) % box.members.length] : box.face >= 0 ? box.face : box.members[0]);
}

function toggleBreak(id = state.chosen >= 0 ? state.chosen : steps[state.step]?.node) {
  if (id === undefined) { say("Choose a node first: f finds one."); return; }
  if (!state.breaks.delete(id)) state.breaks.add(id);
  showBox(picture.home.get(id));
  if (state.chosen !== id) choose(id);
  else showNode();
  say(`${state.breaks.has(id) ? "Play stops at" : "Play no longer stops at"} ${nodes[id].label}.`);
}

function say(text) { byId("sentence").textContent = text; }

function collapse() {
  if (data.views.length < 2) { say("There are no modules to fold."); return; }
  state.table = false;
  showTable();
  drawView(1 - picture.number);
  picture.boxes.forEach(showBox);
  fit(LEAST);
  svg.removeAttribute("aria-activedescendant");
  if (state.chosen >= 0) choose(state.chosen);
  go(state.step, {revealed: state.revealed});
  showTools();
}

function showTools() {
  controls.fold?.setAttribute("aria-pressed", picture.number === 1);
  controls.predict.setAttribute("aria-pressed", state.predict);
  controls.table.setAttribute("aria-pressed", state.table);
}

function predict() {
  state.predict = !state.predict;
  go(state.step, {revealed: true});
  showTools();
  say(state.predict ? "Predict mode: each contribution is hidden until Enter." : sentence(state.step));
}

function tabular() { state.table = !state.table; go(state.step, {revealed: state.revealed}); showTools(); if (!state.table) place(); }

// --- dialogs

const dialog = byId("dialog");
const closing = () => make("button", {onclick: () => dialog.close()}, "Close");

function ask(title, ...children) {
  dialog.replaceChildren(make("h2", {id: "asked"}, title), ...children, closing());
  dialog.showModal();
  dialog.scrollTop = 0;
}

function askStep() {
  const field = make("input", {type: "number", min: 0, max: last, value: state.step, "aria-label": `Step, 0 to ${last}`});
  const done = () => { if (field.value !== "") { dialog.close(); go(Number(field.value)); } };
  field.addEventListener("keydown", (event) => { if (event.key === "Enter") { event.preventDefault(); done(); } });
  ask(`Go to step, 0 to ${last}`, field, make("button", {onclick: done}, "Go"));
  field.select();
}

function askNode() {
  const field = make("input", {"aria-label": "Name of a node"}), found = make("ul", {class: "found"});
  const pick = (node) => { dialog.close(); choose(node.id, true); };
  const search = () => {
    const text = field.value.toLowerCase();
    const all = nodes.filter((node) => [node.label, node.operation, node.scope].some((name) => name.toLowerCase().includes(text)));
    found.replaceChildren(...all.slice(0, 12).map((node) => make("li", {}, make("button", {class: "link", onclick: () => pick(node)}, node.label), make("span", {class: "quiet"}, ` ${node.kind} ${node.scope}`))));
    if (!all.length) found.append(make("li", {}, "No node has this in its name."));
    return all;
  };
  field.addEventListener("input", search);
  field.addEventListener("keydown", (event) => { if (event.key === "Enter") { event.preventDefault(); const [first] = search(); if (first) pick(first); } });
  ask("Find a node", field, found);
  search();
}

const HELP = [["← →", "one step back, one step on"], ["space", "play, pause"], ["Home End", "the start, the last step"], ["[ ]", "previous, next phase"],
  ["g", "go to a step"], ["f", "find a node"], ["b", "break: play stops at the chosen node"], ["p", "predict: hide contributions until Enter"],
  ["Enter", "reveal; in the graph: open the node"], ["c", "fold modules, or unfold"], ["t", "all steps as a table"],
  ["↑ ↓", "in the graph: choose a node"], ["Esc", "let the node go"], ["+ − 0", "zoom in, out, show all"], ["?", "this list"]];

function help() {
  ask("Keys", make("dl", {class: "keys"}, ...HELP.flatMap(([keys, what]) => [make("dt", {}, ...separated(keys.split(" ").map((key) => make("kbd", {}, key)))), make("dd", {}, what)])));
}

function walkNodes(by) {
  const now = picture.home.get(state.chosen), at = now ? now.id + by : by > 0 ? 0 : picture.boxes.length - 1;
  const box = picture.boxes[Math.min(picture.boxes.length - 1, Math.max(0, at))];
  choose(box.face >= 0 ? box.face : box.members[0], true);
}

const KEYS = {ArrowLeft: previous, ArrowRight: next, " ": play, Home: () => go(0), End: () => go(last, {revealed: true}), "[": () => phase(-1), "]": () => phase(1),
  Escape: () => choose(-1), g: askStep, f: askNode, b: () => toggleBreak(), p: predict, c: collapse, t: tabular, "?": help, "+": () => zoom(1.25), "=": () => zoom(1.25), "-": () => zoom(0.8), 0: () => fit()};

// Whether a key moves what is inside of an element that is smaller than its content.
function scrolls(target, key) {
  return target.scrollWidth > target.clientWidth && ["ArrowLeft", "ArrowRight"].includes(key);
}

document.addEventListener("keydown", (event) => {
  const target = event.target, name = target.tagName;
  if (dialog.open || event.metaKey || ((event.ctrlKey || event.altKey) && !event.getModifierState("AltGraph"))) return;
  if (name === "SELECT") return;
  if (target === controls.scrubber && ["ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key)) return; // its own
  if (name === "BUTTON" && (event.key === " " || event.key === "Enter")) return;
  if (target !== document.body && target !== svg && scrolls(target, event.key)) return;
  let act = KEYS[event.key] || KEYS[event.key.toLowerCase()];
  if (target === svg && event.key === "ArrowDown") act = () => walkNodes(1);
  if (target === svg && event.key === "ArrowUp") act = () => walkNodes(-1);
  if (event.key === "Enter") act = isHidden() ? reveal : target === svg ? () => byId("node").querySelector("button")?.focus() : null;
  if (!act) return;
  event.preventDefault();
  act();
});

// --- buttons

const button = (text, label, act, extra = {}) => make("button", {"aria-label": label, title: label, onclick: act, ...extra}, text);
const controls = {
  phases: PHASE_NAMES.map((name, number) => button(name, `Go to the phase ${name.toLowerCase()}`, () => go(firstOf[number]), firstOf[number] < 0 ? {disabled: "", "aria-pressed": "false"} : {})),
  scrubber: make("input", {type: "range", min: 0, max: last, step: 1, value: 0, "aria-label": "Step", oninput: (event) => go(Number(event.target.value))}),
  count: make("output", {}, ""),
  play: button("▶ Play", "Play (space)", play, {class: "play"}),
  speed: make("select", {"aria-label": "Steps a second", title: "Steps a second", onchange: (event) => { state.speed = Number(event.target.value); }}, ...[0.5, 1, 2, 4, 10].map((s) => make("option", {value: s, ...(s === 1 ? {selected: ""} : {})}, `${s}/s`))),
  fold: data.views.length > 1 ? button("Fold", "Fold modules into boxes (c)", collapse) : undefined,
  predict: button("Predict", "Hide each contribution until asked (p)", predict),
  table: button("Table", "All steps as a table (t)", tabular),
};

byId("title").textContent = data.title;
byId("phases").append(...controls.phases.filter((_, phase) => firstOf[phase] > 0));
byId("tools").append(...[controls.fold, controls.predict, controls.table, button("Find", "Find a node (f)", askNode), button("Go to", "Go to a step (g)", askStep), button("?", "Keys (?)", help)].filter(Boolean));
byId("controls").append(button("|◀", "Start (Home)", () => go(0)), button("◀", "One step back (left)", previous), controls.play, button("▶", "One step on (right)", next), button("▶|", "Last step (End)", () => go(last, {revealed: true})),
  controls.speed, controls.scrubber, controls.count);
byId("zoom").append(button("+", "Zoom in (+)", () => zoom(1.25)), button("−", "Zoom out (-)", () => zoom(0.8)), button("All", "Show all (0)", () => fit()));

const fromAddress = (address) => Number((/#step=(\d+)$/.exec(address) || [0, state.step])[1]);
// the new address as the event has it: the page may be about to write the one of the step before
window.addEventListener("hashchange", (event) => go(fromAddress(event.newURL)));
window.addEventListener("resize", () => {
  if (picture.blind) fit(LEAST);
  go(state.step, {revealed: state.revealed});
});
darkness.addEventListener("change", () => go(state.step, {revealed: state.revealed}));

drawView(data.start);
fit(LEAST);
showTools();
go(fromAddress(location.hash));
