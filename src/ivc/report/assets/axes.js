// Scales, round numbers, and the frame of a drawing.

/** About `count` round numbers in an interval. */
function linearTicks(low, high, count) {
  const rough = (high - low) / Math.max(count, 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((m) => m * power >= rough * 0.999) || 10);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, n) =>
    Number(((first + n) * step).toPrecision(12)),
  );
}

/** Round numbers for a logarithmic axis: decades, with 2 and 5 where there is room. */
function logTicks(low, high, count) {
  const found = (parts) => {
    const ticks = [];
    for (let d = Math.floor(Math.log10(low)); d <= Math.log10(high); d += 1) {
      for (const part of parts) {
        const tick = Number((part * 10 ** d).toPrecision(6));
        if (tick >= low * 0.9999 && tick <= high * 1.0001) ticks.push(tick);
      }
    }
    return ticks;
  };
  for (const parts of [
    [1, 2, 3, 4, 5, 6, 7, 8, 9],
    [1, 2, 5],
    [1, 3],
  ]) {
    const ticks = found(parts);
    if (ticks.length <= count && ticks.length >= 3) return ticks;
  }
  const decades = found([1]);
  if (decades.length < 2) return linearTicks(low, high, count).filter((tick) => tick > 0);
  const every = Math.ceil(decades.length / count);
  return decades.filter((_, n) => n % every === 0);
}

/** The interval of some values with a margin; one value, or none, gets an interval too. */
function interval(values, { log = false, margin = 0.06, zero = false } = {}) {
  const usable = values.filter((value) => finite(value) && (!log || value > 0));
  if (!usable.length) return log ? [0.1, 10] : [0, 1];
  let low = usable.reduce((a, b) => Math.min(a, b));
  let high = usable.reduce((a, b) => Math.max(a, b));
  if (log) {
    const wide = Math.max((high / low) ** margin, 1.12);
    return [low / wide, high * wide];
  }
  if (zero) low = Math.min(low, 0);
  const span = high - low || Math.abs(high) * 0.2 || 1;
  if (high === low) [low, high] = [low - span / 2, high + span / 2];
  return [zero && low === 0 ? 0 : low - span * margin, high + span * margin];
}

/** A function from values to pixels, with its ticks. */
function scale([low, high], [from, to], { log = false, count = 6 } = {}) {
  const at = log ? Math.log10 : (value) => value;
  const [a, b] = [at(low), at(high)];
  const map = (value) => from + ((at(value) - a) / (b - a)) * (to - from);
  map.invert = (pixel) => {
    const value = a + ((pixel - from) / (to - from)) * (b - a);
    return log ? 10 ** value : value;
  };
  map.domain = [low, high];
  map.range = [from, to];
  map.log = log;
  map.ticks = (log ? logTicks : linearTicks)(low, high, count);
  return map;
}

/** How ticks are written: with as many decimals as tell them apart. */
function tickText(ticks) {
  if (ticks.some((tick) => tick !== 0 && (Math.abs(tick) >= 1e7 || Math.abs(tick) < 1e-4))) {
    return (tick) => number(tick, 2);
  }
  return (tick) => number(Number(tick.toPrecision(6)), 6);
}

/** Grid, ticks and titles of a drawing. */
function axes(svg, x, y, { xTitle, yTitle, xText, yText }) {
  const [left, right] = x.range;
  const [bottom, top] = y.range;
  const grid = s("g", { class: "grid", "aria-hidden": "true" });
  const writeX = xText || tickText(x.ticks);
  const writeY = yText || tickText(y.ticks);
  let free = -Infinity;
  for (const tick of x.ticks) {
    const at = x(tick);
    grid.append(s("path", { d: `M${at} ${bottom}V${top}` }));
    const text = writeX(tick);
    const half = text.length * 3.6 + 4;
    if (at - half < free) continue;
    free = at + half;
    grid.append(s("text", { x: at, y: bottom + 18, "text-anchor": "middle" }, text));
  }
  for (const tick of y.ticks) {
    const at = y(tick);
    grid.append(s("path", { d: `M${left} ${at}H${right}` }));
    grid.append(s("text", { x: left - 8, y: at + 4, "text-anchor": "end" }, writeY(tick)));
  }
  const most = Math.floor((right - 12) / 7.5);
  grid.append(
    s("path", { class: "axis", d: `M${left} ${top}V${bottom}H${right}` }),
    s(
      "text",
      { class: "axis-title", x: (left + right) / 2, y: bottom + 40, "text-anchor": "middle" },
      brief(xTitle, most),
    ),
    s("text", { class: "axis-title", x: 12, y: top - 14 }, brief(yTitle, most)),
  );
  svg.append(grid);
}

/** The width that the ticks of a vertical axis need. */
const gutter = (ticks, text) =>
  Math.max(34, ...ticks.map((tick) => (text || tickText(ticks))(tick).length * 7 + 16));

/** A marker's outline around the origin. */
function outline(shape, r) {
  if (shape === "square") return `M${-r} ${-r}H${r}V${r}H${-r}Z`;
  if (shape === "diamond") return `M0 ${-r * 1.3}L${r * 1.3} 0 0 ${r * 1.3}${-r * 1.3} 0Z`;
  if (shape === "triangle") return `M0 ${-r * 1.25}L${r * 1.2} ${r * 0.9}H${-r * 1.2}Z`;
  if (shape === "down") return `M0 ${r * 1.25}L${r * 1.2} ${-r * 0.9}H${-r * 1.2}Z`;
  return `M${-r} 0a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0Z`;
}

/** The sample of a codec's line for lists and legends. */
function swatch(codec, line = true) {
  const dash = codec.kind === "published" ? "4 3" : null;
  return s(
    "svg",
    { class: `swatch ${codec.colour}`, width: line ? 30 : 14, height: 14, "aria-hidden": "true" },
    line && s("path", { class: "line", d: "M1 7H29", "stroke-dasharray": dash }),
    s("path", {
      class: "mark",
      d: outline(codec.shape, 4),
      transform: `translate(${line ? 15 : 7} 7)`,
    }),
  );
}
