// The data of the page, by name instead of by position; numbers and steps as text.

const byId = (id) => document.getElementById(id);
const data = JSON.parse(byId("data").textContent);
const formulas = new Map(Object.entries(data.formulas)); // operations may have any name
const KINDS = ["input", "parameter", "constant", "operation", "output", "module"];
const PHASES = ["forward", "seed", "backward", "update"];

// A row as an object: its values by these names.
function named(names, row) { return Object.fromEntries(names.split(" ").map((name, i) => [name, row[i]])); }

const nodes = data.nodes.map((row, id) => {
  const node = named("kind label operation options shape dtype scope line value hasGradient", row);
  return Object.assign(node, {id, kind: KINDS[node.kind], line: data.lines[node.line], args: [], users: [], values: [], gradients: [], touched: []});
});
data.edges.forEach(([source, target, position, argument]) => {
  nodes[target].args.push({source, target, position, argument});
  nodes[source].users.push(target);
});

// What the rows of the steps hold, by their first number.
const STEPS = [["forward", 0, "node"], ["seed", 1, "node gradient"],
  ["contribution", 2, "node parent position upstream raw before total rule"],
  ["sum", 2, "node parent position axes raw gradient before total rule"],
  ["update", 3, "node gradient change before after optimizer"]];

// Step 0 is the start, at which only leaves have a value; step n is the n-th of the trace.
const steps = [null, ...data.steps.map(([number, ...row]) => {
  const [kind, phase, names] = STEPS[number];
  return Object.assign(named(names, row), {kind, phase});
})];
const last = steps.length - 1;

// What each node holds from which step on.
nodes.forEach((node) => { if (!node.operation) node.values.push([0, node.value]); });
steps.forEach((step, at) => {
  if (!step) return;
  const node = nodes[step.node];
  node.touched.push(at);
  if (step.kind === "forward") node.values.push([at, node.value]);
  if (step.kind === "seed") node.gradients.push([at, step.gradient]);
  if (step.kind === "update") node.values.push([at, step.after]);
  if (step.parent === undefined) return;
  if (step.parent !== step.node) nodes[step.parent].touched.push(at);
  if (step.total >= 0) nodes[step.parent].gradients.push([at, step.total]);
});

// The array that a history has at a step, -1 if there is none yet.
function known(history, at) {
  let found = -1;
  for (let i = 0; i < history.length && history[i][0] <= at; i++) found = history[i][1];
  return found;
}

const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%.()*+-;,=/?@^_`{|}~";

// Five digits to the base 85 hold four bytes.
function bytes(text) {
  const found = [];
  for (let i = 0; i < text.length; i += 5) {
    let word = 0;
    for (let k = i; k < i + 5; k++) word = word * 85 + (text[k] ? DIGITS.indexOf(text[k]) : 84);
    found.push(word >>> 24, word >>> 16, word >>> 8, word);
  }
  return Uint8Array.from(found.slice(0, text.length * 4 / 5));
}

function half(bits) {
  const sign = bits >> 15 ? -1 : 1, exponent = (bits >> 10) & 31, fraction = bits & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024));
}

// A dtype's name in full: f4 is float32.
function dtypeName([kind, width]) { return kind === "b" ? "bool" : {f: "float", i: "int", u: "uint"}[kind] + width * 8; }

const unpacked = new Map();
function array(number) {
  if (number < 0) return null;
  if (!unpacked.has(number)) {
    const [shape, dtype, packed, statistics, odd, heat, histogram] = data.arrays[number];
    const made = {shape, dtype, size: shape.reduce((a, b) => a * b, 1)};
    if (statistics) Object.assign(made, {statistics, odd, heat, histogram});
    else {
      made.read = elements(dtype, packed, made.size);
      made.numbers = made.read.map(Number);
    }
    unpacked.set(number, made);
  }
  return unpacked.get(number);
}

// The elements as they were: integers of 64 bits are BigInts, as a Number would round them.
function elements(dtype, packed, size) {
  const [kind, width] = dtype, view = new DataView(bytes(packed).buffer);
  const getter = dtype === "f2" ? "getUint16" : `get${kind === "f" ? "Float" : (width === "8" ? "Big" : "") + (kind === "i" ? "Int" : "Uint")}${width * 8}`;
  const found = Array.from({length: size}, (_, i) => view[getter](i * width, true));
  return dtype === "f2" ? found.map(half) : found;
}

// A number in few characters, rounded as Python's format(x, ".4g") does.
function brief(x, digits = 4) {
  if (Number.isNaN(x)) return "nan";
  if (!Number.isFinite(x)) return x > 0 ? "inf" : "-inf";
  if (x === 0) return "0";
  const [mantissa, power] = Math.abs(x).toExponential(60).split("e");
  const all = mantissa.replace(".", "");
  const tail = all.slice(digits), odd = Number(all[digits - 1]) % 2 === 1;
  const up = tail[0] > "5" || (tail[0] === "5" && (odd || /[1-9]/.test(tail.slice(1))));
  let kept = String(Number(all.slice(0, digits)) + (up ? 1 : 0)), exponent = Number(power);
  if (kept.length > digits) { kept = kept.slice(0, digits); exponent += 1; }
  kept = kept.replace(/0+$/, "");
  const sign = x < 0 ? "-" : "";
  if (exponent < -4 || exponent >= digits) {
    const size = String(Math.abs(exponent)).padStart(2, "0");
    return `${sign}${kept[0]}${kept.length > 1 ? "." + kept.slice(1) : ""}e${exponent < 0 ? "-" : "+"}${size}`;
  }
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${kept}`;
  const whole = kept.padEnd(exponent + 1, "0");
  return sign + whole.slice(0, exponent + 1) + (whole.length > exponent + 1 ? "." + whole.slice(exponent + 1) : "");
}

// The i-th element with every digit that its own precision has.
function exact({read, numbers, dtype}, i = 0) {
  const x = numbers[i];
  if (dtype === "b1") return x ? "True" : "False";
  if (dtype[0] !== "f") return String(read[i]);
  if (!Number.isFinite(x)) return brief(x);
  if (dtype !== "f4" && dtype !== "f2") return String(x);
  const same = dtype === "f4" ? (s) => Math.fround(Number(s)) === x : (s) => Math.abs(Number(s) / x - 1) < 2 ** -12;
  for (let p = 1; p < 10; p++) { const s = x.toPrecision(p); if (x === 0 || same(s)) return String(Number(s)); }
  return String(x);
}

// A text of a number with a true minus; `signed` writes the plus too.
function signText(x, text, signed) { return (signed && x > 0 ? "+" : "") + text.replace(/^-/, "−"); }

function shapeText(shape) {
  return shape.length === 0 ? "scalar" : shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
}

// An array in a few words, for sentences.
function amount(number) {
  const found = array(number);
  if (found.size === 1 && found.numbers) return found.dtype[0] === "f" ? brief(found.numbers[0]) : exact(found);
  return `an array ${shapeText(found.shape)}`;
}

// An array in one short line, for a box; `signed` writes the plus too.
function line(number, signed = false) {
  const found = array(number);
  const text = (x) => signText(x, brief(x, found.size === 1 ? 6 : 3), signed);
  if (found.size === 0) return "empty";
  if (found.size === 1 && found.numbers) {
    const whole = exact(found);
    if (whole.length <= 10) return signText(found.numbers[0], whole, signed);
  }
  if (found.numbers && found.size <= 3) {
    const listed = found.numbers.map(text).join(", ");
    const whole = found.shape.length ? `[${listed}]` : listed;
    if (whole.length <= 16) return whole;
  }
  const [least, , greatest] = statistics(found), [nan, infinite] = oddities(found);
  const range = least === null ? [] : least !== greatest ? [`${text(least)} … ${text(greatest)}`] : [nan || infinite ? text(least) : `all ${text(least)}`];
  return [...range, ...(nan ? ["nan"] : []), ...(infinite ? ["inf"] : [])].join(", ");
}

// [min, mean, max, norm] of the finite elements.
function statistics(found) {
  if (found.statistics) return found.statistics;
  const finite = found.numbers.filter(Number.isFinite);
  if (!finite.length) return [null, null, null, null];
  const sum = finite.reduce((a, b) => a + b, 0);
  return [Math.min(...finite), sum / finite.length, Math.max(...finite), Math.hypot(...finite)];
}

// How many elements are NaN, how many infinite.
function oddities(found) {
  return found.odd || [Number.isNaN, (x) => Math.abs(x) === Infinity].map((is) => found.numbers.filter(is).length);
}

// What is wrong, or worth a look, with an array: short words.
function badges(node, number, isValue) {
  const found = array(number), words = [];
  if (!found || !found.size) return words;
  const [nan, infinite] = oddities(found), [least, , greatest] = statistics(found);
  if (nan) words.push(`${nan} NaN`);
  if (infinite) words.push(`${infinite} Inf`);
  if (!nan && !infinite && least === 0 && greatest === 0 && (found.size > 1 || node.operation === "relu" || !isValue)) {
    words.push(isValue && node.operation === "relu" ? "dead: relu is never active" : "all zero");
  }
  return words;
}

function listed(words) {
  return words.length < 2 ? words[0] || "nothing" : `${words.slice(0, -1).join(", ")} and ${words[words.length - 1]}`;
}

function axesText(axes) { return axes.length === 1 ? `axis ${axes[0]}` : `axes ${listed(axes)}`; }

// The sentence of a step, word for word as Python's `Trace.sentence`.
function sentence(at) {
  const step = steps[at];
  if (!step) return "The start: nothing has been computed yet.";
  const node = nodes[step.node].label, parent = step.parent === undefined ? "" : nodes[step.parent].label;
  const added = (gradient) => step.before < 0 || step.total < 0 ? "" : array(step.total).size !== 1
    ? ", added to what had arrived" : `: ${amount(step.before)} + ${amount(gradient)} = ${amount(step.total)}`;
  switch (step.kind) {
    case "forward": return `${node} of ${listed(nodes[step.node].args.map((e) => nodes[e.source].label))} gives ${amount(nodes[step.node].value)}.`;
    case "seed": return `The backward pass starts at ${node} with ${amount(step.gradient)}.`;
    case "contribution": return step.total < 0 ? `${node} computes ${amount(step.raw)} for ${parent}.`
      : `${node} sends ${amount(step.raw)} to ${parent}${added(step.raw)}.`;
    case "sum": {
      const how = step.axes.length ? `summed over ${axesText(step.axes)}` : `as ${dtypeName(array(step.gradient).dtype)}`;
      return `${node} sends ${amount(step.gradient)} to ${parent}, ${how}${added(step.gradient)}.`;
    }
    default: return `${node} changes by ${amount(step.change)}${array(step.change).size === 1 ? `: ${amount(step.before)} becomes ${amount(step.after)}` : ""}.`;
  }
}
