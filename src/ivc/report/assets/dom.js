// Elements and texts. Whatever comes from the data becomes a text node or an attribute's value,
// never markup.

const SVG = "http://www.w3.org/2000/svg";
const MISSING = "—";
const MINUS = "−";

/** Sets attributes: functions become listeners, `style` an object of properties. */
function set(node, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") node.addEventListener(name, value);
    else if (name === "style") {
      for (const [key, entry] of Object.entries(value)) node.style.setProperty(key, entry);
    } else node.setAttribute(name, value === true ? "" : String(value));
  }
  return node;
}

function fill(node, children) {
  node.append(
    ...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false),
  );
  return node;
}

/** An HTML element; children are nodes or text. */
const h = (tag, attributes = {}, ...children) =>
  fill(set(document.createElement(tag), attributes), children);

/** An SVG element. */
const s = (tag, attributes = {}, ...children) =>
  fill(set(document.createElementNS(SVG, tag), attributes), children);

const byId = (id) => document.getElementById(id);

const finite = (value) => typeof value === "number" && Number.isFinite(value);

const grouped = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 0 });

/** A number with about `digits` significant digits, and an exponent only where it must be. */
function number(value, digits = 4) {
  if (!finite(value)) return MISSING;
  if (value === 0) return "0";
  const size = Math.floor(Math.log10(Math.abs(value)));
  if (size < -5 || size > 11) return value.toExponential(2).replace("-", MINUS);
  const places = Math.min(Math.max(digits - 1 - size, 0), 8);
  const text = new Intl.NumberFormat("en-GB", { maximumFractionDigits: places }).format(value);
  return text.replace("-", MINUS);
}

/** A number with fixed decimals and, if asked for, always its sign. */
function fixed(value, places, signed = false) {
  if (!finite(value)) return MISSING;
  const text = Math.abs(value).toFixed(places);
  const zero = Number(text) === 0;
  return (value < 0 && !zero ? MINUS : signed && !zero ? "+" : "") + text;
}

const percent = (value) => (finite(value) ? `${fixed(value, 1, true)} %` : MISSING);

function bytes(value) {
  if (!finite(value)) return MISSING;
  return `${grouped.format(value)} byte${value === 1 ? "" : "s"}`;
}

/** Bytes in short: 12.3 kB. */
function size(value) {
  if (!finite(value)) return MISSING;
  const units = ["B", "kB", "MB", "GB", "TB"];
  let step = 0;
  while (value >= 999.5 && step < units.length - 1) {
    value /= 1000;
    step += 1;
  }
  return `${number(value, 3)} ${units[step]}`;
}

function seconds(value) {
  if (!finite(value)) return MISSING;
  if (value === 0) return "0 s";
  if (value < 1e-3) return `${number(value * 1e6, 3)} µs`;
  if (value < 1) return `${number(value * 1e3, 3)} ms`;
  if (value < 120) return `${number(value, 3)} s`;
  if (value < 7200) return `${number(value / 60, 3)} min`;
  return `${number(value / 3600, 3)} h`;
}

/** A text of at most `most` characters; the middle goes first, since names differ at their ends. */
function brief(text, most = 40) {
  const letters = Array.from(text);
  if (letters.length <= most) return text;
  const tail = Math.floor((most - 1) / 3);
  return `${letters.slice(0, most - 1 - tail).join("")}…${letters.slice(-tail).join("")}`;
}

/** A text that may break after the signs that names are joined with. */
const soft = (text) => text.split(/(?<=[/_-])/).flatMap((part) => [part, h("wbr")]);

const plural = (count, one, many = `${one}s`) =>
  `${grouped.format(count)} ${count === 1 ? one : many}`;

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  if (!sorted.length) return null;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

let serial = 0;
const unique = (stem) => `${stem}-${(serial += 1)}`;

/** A labelled choice; options are [value, text] pairs or {group, options}. */
function choice(label, name, options, value, change) {
  const option = ([key, text]) => h("option", { value: key }, brief(text, 60));
  const select = h(
    "select",
    { id: unique("choice"), name, change: () => change(select.value) },
    options.map((entry) =>
      Array.isArray(entry)
        ? option(entry)
        : h("optgroup", { label: brief(entry.group, 60) }, entry.options.map(option)),
    ),
  );
  select.value = value;
  return h("div", { class: "field" }, h("label", { for: select.id }, label), select);
}

/** One of a few, side by side: radio buttons that look like a switch. */
function segmented(label, name, options, value, change) {
  const group = unique(name);
  return h(
    "fieldset",
    { class: "field segments" },
    h("legend", {}, label),
    h(
      "div",
      { class: "segments-row" },
      options.map(([key, text]) =>
        h(
          "label",
          {},
          h("input", {
            type: "radio",
            name: group,
            value: key,
            checked: key === value,
            "data-control": name,
            change: () => change(key),
          }),
          h("span", {}, text),
        ),
      ),
    ),
  );
}

/** Puts a text on the clipboard, also where the clipboard's own interface is not allowed. */
async function copy(text, button) {
  const before = button.textContent;
  let done = false;
  try {
    await navigator.clipboard.writeText(text);
    done = true;
  } catch {
    const area = h("textarea", { class: "offscreen", "aria-hidden": "true" });
    area.value = text;
    document.body.append(area);
    area.select();
    done = document.execCommand("copy");
    area.remove();
    button.focus();
  }
  button.textContent = done ? "Copied" : "Could not copy";
  setTimeout(() => (button.textContent = before), 1600);
}
