// The graph: boxes and edges where Python has put them, and what they show at a step.

const svg = byId("graph");
const picture = {x: 0, y: 0, scale: 1};
const FEW = 400; // in a larger view boxes get their text when they come into sight

function drawView(number) {
  const view = data.views[number];
  Object.assign(picture, {number, view, boxes: [], home: new Map(), edges: new Map(), lit: []});
  const world = draw("g", {role: "presentation"});
  const layers = ["groups", "wires", "boxes", "chips"].map((name) => draw("g", {class: name, role: "presentation"}));
  const [groups, wires, boxes, chips] = layers;
  view.groups.forEach(([path, x, y, width, height, depth]) => groups.append(
    draw("g", {class: depth % 2 ? "group inner" : "group", "aria-hidden": "true"},
      draw("rect", {x, y, width, height, rx: 8}), draw("text", {x: x + 9, y: y + 14}, fitted(path, width - 16, 6.3)))));
  view.edges.forEach(([source, target, position, path]) => {
    const element = draw("path", {d: path, class: "wire", "marker-end": "url(#end)", "aria-hidden": "true"});
    wires.append(element);
    [`${source} ${target} ${position}`, `${source} ${target}`].forEach((key) => { if (!picture.edges.has(key)) picture.edges.set(key, element); });
  });
  view.boxes.forEach(([x, y, width, height, kind, title, sub, face, members], id) => {
    const box = {id, x, y, width, height, kind: KINDS[kind], title, sub, face, members: []};
    for (let i = 0; i < members.length; i += 2) for (let m = members[i]; m <= members[i + 1]; m++) box.members.push(m);
    box.members.forEach((member) => picture.home.set(member, box));
    const radius = {input: 2, parameter: 2, constant: height / 2, module: 4}[box.kind] ?? 9;
    box.element = draw("g", {id: `box${id}`, class: `box ${box.kind}`, role: "option", "aria-selected": "false",
      "aria-label": title, transform: `translate(${x} ${y})`},
    draw("rect", {class: "card", width, height, rx: radius}));
    if (box.kind === "parameter") box.element.append(draw("rect", {class: "stripe", width: 5, height}));
    if (box.kind === "output" || box.kind === "module") box.element.append(draw("rect", {class: "second", x: 3, y: 3, width: width - 6, height: height - 6, rx: Math.max(radius - 3, 1)}));
    box.element.addEventListener("click", () => chooseBox(box));
    picture.boxes.push(box);
    boxes.append(box.element);
  });
  picture.chips = chips;
  picture.world = world;
  world.append(...layers);
  svg.replaceChildren(draw("defs", {}, ...["end", "forward", "backward"].map((id) =>
    draw("marker", {id, class: id, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: id === "end" ? 7 : 4.2, markerHeight: id === "end" ? 7 : 4.2, orient: "auto-start-reverse"},
      draw("path", {d: "M0 0 8 4 0 8z"})))), world);
  if (picture.boxes.length <= FEW) picture.boxes.forEach(writeBox);
  const kinds = KINDS.filter((kind) => picture.boxes.some((box) => box.kind === kind));
  byId("legend").replaceChildren(...kinds.map((kind) => make("li", {class: kind}, kind)));
}

function fitted(text, width, each) {
  const room = Math.max(3, Math.floor(width / each));
  return text.length > room ? text.slice(0, room - 1) + "…" : text;
}

const ruler = document.createElement("canvas").getContext("2d");

// Write a text, narrower if it would be wider than its box.
function put(element, text, width, font) {
  element.textContent = text;
  ruler.font = font;
  if (ruler.measureText(text).width > width - 12) {
    element.setAttribute("textLength", width - 12);
    element.setAttribute("lengthAdjust", "spacingAndGlyphs");
  } else element.removeAttribute("textLength");
}

function writeBox(box) {
  if (box.written) return;
  const [title, sub, value, slope] = [["title", 15], ["sub", 29], ["value", 46], ["slope", 62]].map(([name, y]) => draw("text", {class: name, x: box.width / 2, y}));
  put(title, box.title, box.width, "bold 13px system-ui");
  put(sub, box.sub, box.width, "11px system-ui");
  box.valueText = value;
  box.gradientText = slope;
  box.mark = draw("circle", {class: "break", cx: box.width, cy: 0, r: 6});
  box.tip = draw("title");
  box.warning = draw("text", {class: "warning", x: box.width - 6, y: 13});
  box.element.append(title, sub, value, slope, box.mark, box.warning, box.tip);
  box.written = true;
  showBox(box);
}

// What a box shows at the step that is shown.
function showBox(box) {
  const node = box.face >= 0 ? nodes[box.face] : null, at = state.shown;
  const value = node ? known(node.values, at) : -1, slope = node ? known(node.gradients, at) : -1;
  box.element.classList.toggle("pending", node !== null && value < 0);
  box.element.classList.toggle("chosen", box.members.includes(state.chosen));
  if (!box.written) return;
  const constant = box.kind === "constant";
  put(box.valueText, value < 0 || constant ? "" : line(value), box.width, "12px monospace");
  put(box.gradientText, slope < 0 ? "" : `∂ ${line(slope, true)}`, box.width, "600 12px monospace");
  box.mark.classList.toggle("set", box.members.some((member) => state.breaks.has(member)));
  const odd = node && box.kind !== "constant" ? [...badges(node, value, true), ...badges(node, slope, false)] : [];
  box.warning.textContent = odd.length ? "!" : "";
  const words = [box.title, box.sub, value < 0 ? "" : `value ${line(value)}`, slope < 0 ? "" : `gradient ${line(slope, true)}`, ...odd];
  box.tip.textContent = words.filter(Boolean).join(", ");
  box.element.setAttribute("aria-label", box.tip.textContent);
}

function edgeOf(source, target, position) {
  const from = picture.home.get(source), to = picture.home.get(target);
  if (from === to) return null;
  return picture.edges.get(`${from.id} ${to.id} ${position}`) || picture.edges.get(`${from.id} ${to.id}`);
}

// Light up what the step is about: who acts, who receives, and the edge between them.
function lightUp(step, hidden) {
  picture.lit.forEach((element) => {
    element.classList.remove("acts", "receives", "forward", "backward");
    if (element.tagName !== "path") return;
    element.setAttribute("marker-end", "url(#end)");
    element.removeAttribute("marker-start");
  });
  picture.lit = [];
  picture.chips.replaceChildren();
  if (!step) return;
  const light = (element, ...names) => { element.classList.add(...names); picture.lit.push(element); };
  const wire = (edge, direction) => {
    if (!edge) return;
    light(edge, direction);
    edge.parentNode.append(edge); // above the others
    if (direction === "backward") edge.removeAttribute("marker-end");
    edge.setAttribute(direction === "forward" ? "marker-end" : "marker-start", `url(#${direction})`);
  };
  const direction = step.phase === 0 ? "forward" : "backward";
  light(picture.home.get(step.node).element, "acts", direction);
  if (step.kind === "forward") nodes[step.node].args.forEach((edge) => wire(edgeOf(edge.source, edge.target, edge.position), "forward"));
  if (step.parent === undefined) return;
  const box = picture.home.get(step.parent);
  if (box !== picture.home.get(step.node)) light(box.element, "receives", "backward");
  const edge = edgeOf(step.parent, step.node, step.position);
  wire(edge, "backward");
  if (edge) chip(edge, hidden ? "?" : line(step.kind === "sum" ? step.gradient : step.raw, true), [box, picture.home.get(step.node)]);
}

// What is sent, written beside the middle of its edge: over it, above or below the boxes, where it covers the least.
function chip(path, text, ends) {
  const {x, y} = path.getPointAtLength(path.getTotalLength() / 2), width = text.length * 7.3 + 14;
  const covered = (level) => {
    const meets = (left, top, wide, high) => x + width / 2 > left && x - width / 2 < left + wide && level + 11 > top && level - 11 < top + high;
    return picture.boxes.filter((box) => meets(box.x, box.y, box.width, box.height)).length * 3
      + picture.view.groups.filter(([path, left, top]) => meets(left + 9, top + 4, path.length * 6.3, 12)).length;
  };
  const top = Math.min(...ends.map((box) => box.y));
  const levels = [y - 18, y, top - 14, top - 34, Math.max(...ends.map((box) => box.y + box.height)) + 14];
  const level = levels.reduce((best, other) => (covered(other) < covered(best) ? other : best));
  picture.chips.append(draw("g", {class: "chip", transform: `translate(${x} ${level})`, "aria-hidden": "true"},
    draw("rect", {x: -width / 2, y: -11, width, height: 22, rx: 11}), draw("text", {y: 4}, text)));
}

// --- moving about

function place(smoothly = false) {
  svg.classList.toggle("smooth", smoothly);
  picture.world.style.transform = `translate(${picture.x}px, ${picture.y}px) scale(${picture.scale})`;
  if (picture.boxes.length > FEW && picture.scale > 0.3) {
    const [left, top, right, bottom] = sight();
    picture.boxes.forEach((box) => {
      if (!box.written && box.x < right && box.x + box.width > left && box.y < bottom && box.y + box.height > top) writeBox(box);
    });
  }
  svg.classList.toggle("far", picture.scale <= 0.3);
}

function sight() {
  const {x, y, scale} = picture;
  return [-x / scale, -y / scale, (svg.clientWidth - x) / scale, (svg.clientHeight - y) / scale];
}

function fit(least = 0.01) {
  const [width, height] = picture.view.size;
  picture.blind = !svg.clientWidth; // not shown yet
  picture.scale = picture.wanted = Math.max(Math.min((svg.clientWidth - 4) / width, (svg.clientHeight - 4) / height, 1.5), least);
  picture.x = within(0, width, svg.clientWidth);
  picture.y = (svg.clientHeight - height * picture.scale) / 2;
  place();
}

// Where the picture starts along an axis so that no room is left empty while a part is out of sight.
function within(start, length, room) {
  const spare = room - length * picture.scale;
  return spare >= 0 ? spare / 2 : Math.min(0, Math.max(spare, start));
}

function zoom(factor, x = svg.clientWidth / 2, y = svg.clientHeight / 2) {
  const scale = Math.min(3, Math.max(0.01, picture.scale * factor)), part = scale / picture.scale;
  picture.x = x - (x - picture.x) * part;
  picture.y = y - (y - picture.y) * part;
  picture.scale = picture.wanted = scale;
  place();
}

// Move only if one of the boxes is out of sight; boxes far apart are seen together while their names can be read.
function follow(boxes) {
  const found = boxes.filter(Boolean);
  if (!found.length) return;
  const x0 = Math.min(...found.map((b) => b.x)), x1 = Math.max(...found.map((b) => b.x + b.width));
  const y0 = Math.min(...found.map((b) => b.y)), y1 = Math.max(...found.map((b) => b.y + b.height));
  const needed = Math.min(svg.clientWidth / (x1 - x0 + 40), svg.clientHeight / (y1 - y0 + 40));
  const scale = needed < 0.5 ? picture.wanted : Math.min(picture.wanted, needed), same = scale === picture.scale;
  picture.scale = scale;
  const [left, top, right, bottom] = sight(), room = 12 / scale;
  if (same && x0 >= left + room / 2 && x1 <= right - room / 2 && y0 >= top + room / 2 && y1 <= bottom - room / 2) return;
  const wide = x1 - x0 > right - left - room, high = y1 - y0 > bottom - top - room, main = found[0];
  const middle = wide ? main.x + main.width / 2 : (x0 + x1) / 2, level = high ? main.y + main.height / 2 : (y0 + y1) / 2;
  const [width, height] = picture.view.size;
  picture.x = within(svg.clientWidth / 2 - middle * picture.scale, width, svg.clientWidth);
  picture.y = within(svg.clientHeight / 2 - level * picture.scale, height, svg.clientHeight);
  place(true);
}

let drag = null;
svg.addEventListener("pointerdown", (event) => { drag = {x: event.clientX - picture.x, y: event.clientY - picture.y, id: event.pointerId, moved: false}; });
svg.addEventListener("pointermove", (event) => {
  if (!drag || event.pointerId !== drag.id) return;
  const x = event.clientX - drag.x, y = event.clientY - drag.y;
  if (!drag.moved && Math.hypot(x - picture.x, y - picture.y) < 4) return;
  if (!drag.moved) { drag.moved = true; svg.setPointerCapture(event.pointerId); svg.classList.add("dragged"); }
  Object.assign(picture, {x, y});
  place();
});
["pointerup", "pointercancel"].forEach((name) => svg.addEventListener(name, () => { drag = null; svg.classList.remove("dragged"); }));
svg.addEventListener("wheel", (event) => {
  if (window !== window.parent && !event.ctrlKey) return; // in a notebook the wheel scrolls the notebook
  event.preventDefault();
  const frame = svg.getBoundingClientRect();
  zoom(Math.exp(-event.deltaY * 0.0015), event.clientX - frame.left, event.clientY - frame.top);
}, {passive: false});
