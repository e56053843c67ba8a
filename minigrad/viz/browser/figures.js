// Arrays as tables of numbers, heat maps and histograms. Text reaches the page only as text.

// An HTML element: properties, then children (elements or strings).
function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  if (tag === "button") element.type = tag;
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.className = value;
    else if (value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

function draw(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

// An array with its caption; gradients are signed: a plus is written, and heat is centred on zero.
function figure(caption, number, {signed = false, node = null, open = false} = {}) {
  const found = array(number);
  const box = make("figure", {class: signed ? "array gradient" : "array"});
  const head = make("figcaption", {}, make("b", {}, caption));
  box.append(head);
  if (!found) { head.append(" nothing yet"); return box; }
  head.append(" ", make("span", {class: "quiet"}, `${shapeText(found.shape)} ${dtypeName(found.dtype)}`));
  (node ? badges(node, number, !signed) : []).forEach((word) => head.append(" ", make("span", {class: "badge"}, word)));
  if (!found.size) return box;
  if (found.numbers) box.append(table(found, signed, open));
  else {
    box.append(facts(found));
    if (found.heat) box.append(heatMap(found, signed));
  }
  if (open && found.size > 8) {
    const bars = histogram(found);
    if (bars) box.append(bars);
  }
  return box;
}

// Its numbers, of more than four no more than four digits each unless the node is opened.
function table(found, signed, open) {
  const columns = found.shape.length < 2 ? Math.min(8, found.size) : found.shape[found.shape.length - 1];
  const rows = make("tbody"), small = found.size > 4;
  for (let start = 0; start < found.size; start += columns) {
    rows.append(make("tr", {}, ...found.numbers.slice(start, start + columns).map((x, i) => {
      const whole = exact(found, start + i), kind = x < 0 ? "minus" : x > 0 ? "plus" : "zero";
      return make("td", {class: kind, title: whole}, signText(x, small && !open && whole.length > 6 ? brief(x) : whole, signed));
    })));
  }
  return make("div", {class: "scroll"}, make("table", {class: small ? "numbers small" : "numbers"}, rows));
}

function facts(found) {
  const names = ["min", "mean", "max", "norm"];
  return make("dl", {class: "facts"}, ...names.flatMap((name, i) =>
    [make("dt", {}, name), make("dd", {}, found.statistics[i] === null ? "–" : signText(0, brief(found.statistics[i])))]));
}

// A colour of the style's, as red, green, blue.
function colour(name) {
  const hex = getComputedStyle(document.documentElement).getPropertyValue(name);
  return [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
}

const darkness = matchMedia("(prefers-color-scheme: dark)");

function blend(from, to, part) {
  return `rgb(${from.map((c, i) => Math.round(c + (to[i] - c) * part)).join(" ")})`;
}

function heatMap(found, signed) {
  const [rows, columns, low, high, packed] = found.heat, levels = bytes(packed);
  const size = Math.max(5, Math.min(14, Math.floor(216 / columns), Math.floor(144 / rows)));
  const [least, most, minus, zero, plus] = ["--low", "--high", "--minus", "--zero", "--plus"].map(colour);
  const canvas = make("canvas", {width: columns * size * 2, height: rows * size * 2, role: "img",
    "aria-label": `Heat map of ${rows} by ${columns} cells, from ${brief(low)} to ${brief(high)}`});
  canvas.style.width = `${columns * size}px`;
  const pen = canvas.getContext("2d"), side = size * 2;
  pen.font = `bold ${side * 0.8}px sans-serif`;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  levels.forEach((level, i) => {
    const x = (i % columns) * side, y = Math.floor(i / columns) * side;
    const part = level === 255 ? 0 : signed ? (level - 127) / 127 : level / 254;
    pen.fillStyle = level === 255 ? "#d4a017" : !signed ? blend(least, most, part)
      : blend(zero, part < 0 ? minus : plus, Math.abs(part));
    pen.fillRect(x, y, side, side);
    const glyph = level === 255 ? "!" : signed && size > 7 && Math.abs(part) > 0.04 ? (part < 0 ? "−" : "+") : "";
    if (glyph) {
      pen.fillStyle = darkness.matches === Math.abs(part) < 0.5 ? "#fff" : Math.abs(part) < 0.5 || darkness.matches ? "#000" : "#fff";
      pen.fillText(glyph, x + side / 2, y + side / 2 + 1);
    }
  });
  const ends = [low, ...(signed ? [0] : []), high].map((x) => make("span", {}, signText(x, brief(x, 3), signed)));
  const bar = make("div", {class: signed ? "scale diverging" : "scale"}, ...ends);
  bar.style.width = `${Math.max(columns * size, 130)}px`;
  const block = found.size > rows * columns ? make("p", {class: "quiet"}, `${rows} × ${columns} cells, each the mean of a block`) : null;
  return make("div", {class: "heat"}, canvas, bar, ...(block ? [block] : []));
}

function histogram(found) {
  let low, high, levels;
  if (found.histogram) {
    let packed;
    [low, high, packed] = found.histogram;
    levels = [...bytes(packed)];
  } else if (found.numbers) {
    const finite = found.numbers.filter(Number.isFinite);
    [low, , high] = statistics(found);
    if (low === null || low === high) return null;
    levels = new Array(8).fill(0);
    finite.forEach((x) => { levels[Math.min(7, Math.floor(((x - low) / (high - low)) * 8))] += 1; });
    const most = Math.max(...levels);
    levels = levels.map((count) => (count / most) * 255);
  }
  if (!levels || levels.length < 2) return null;
  const width = 208 / levels.length;
  const bars = levels.map((level, i) => draw("rect", {x: i * width, y: 60 - level * 60 / 255, width: width - 1, height: level * 60 / 255}));
  const picture = draw("svg", {viewBox: "0 0 208 61", width: 208, height: 61, role: "img", class: "bars",
    "aria-label": `Histogram from ${brief(low)} to ${brief(high)}`}, ...bars);
  const ends = make("div", {class: "ends"}, ...[brief(low, 3), "histogram", brief(high, 3)].map((text) => make("span", {}, signText(0, text))));
  return make("div", {class: "heat"}, picture, ends);
}
