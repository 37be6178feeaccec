// The report's data, and what follows from them.

const REPORT = JSON.parse(byId("data").textContent);

const SHAPES = ["circle", "square", "triangle", "diamond", "down"];
const COLOURS = 10;

/** Codecs by name with their place in the colours; points may name one that has no line. */
const CODECS = new Map();
for (const codec of REPORT.codecs) CODECS.set(codec.name, { ...codec });
const mentioned = [
  ...REPORT.points.map((point) => point.codec),
  ...REPORT.differences.flatMap((difference) => [difference.test, difference.reference]),
  ...REPORT.pictures.flatMap((picture) => picture.versions.map((version) => version.codec)),
];
for (const name of mentioned) {
  if (CODECS.has(name)) continue;
  CODECS.set(name, { name, title: name, kind: "anchor", version: "", command: "", source: "" });
}
[...CODECS.values()].forEach((codec, index) => {
  codec.colour = `c${index % COLOURS}`;
  codec.shape = SHAPES[(index + Math.floor(index / COLOURS)) % SHAPES.length];
});

const codecTitle = (name) => {
  const codec = CODECS.get(name);
  return (codec && codec.title) || name || "(no name)";
};

const SOURCES = new Map(REPORT.sources.map((source) => [source.name, source]));
for (const point of REPORT.points) {
  if (point.source !== "" && !SOURCES.has(point.source)) {
    SOURCES.set(point.source, { name: point.source, width: 0, height: 0, frames: 1, seconds: 0 });
  }
}

const METRICS = new Map(REPORT.metrics.map((metric) => [metric.name, metric]));
for (const name of [
  ...REPORT.points.flatMap((point) => Object.keys(point.metrics)),
  ...REPORT.differences.map((difference) => difference.metric),
]) {
  if (!METRICS.has(name)) METRICS.set(name, { name, title: name, unit: "" });
}
const metricTitle = (name) => (METRICS.get(name) || { title: name }).title || name;

const RATES = {
  bpp: { title: "bits per pixel", short: "bpp", digits: 3 },
  kbps: { title: "kbit/s", short: "kbit/s", digits: 4 },
};

/** Whether a metric is a similarity that gets clearer in dB, as -10 log10(1 - x). */
const inDecibels = (name) => /ssim/i.test(name) && !(METRICS.get(name) || {}).unit;

const decibels = (value) => (value < 1 ? -10 * Math.log10(1 - value) : null);

/** A metric's value as text with its unit. */
function metricText(name, value) {
  if (!finite(value)) return MISSING;
  const metric = METRICS.get(name) || { unit: "" };
  if (metric.unit) return `${fixed(value, 2)} ${metric.unit}`;
  return Math.abs(value) <= 1 ? fixed(value, 4) : fixed(value, 2);
}

/** Megapixels of all frames of a source, or null. */
function megapixels(name) {
  const source = SOURCES.get(name);
  if (!source || !source.width || !source.height) return null;
  return (source.width * source.height * (source.frames || 1)) / 1e6;
}

const KINDS = [
  ["ivc", "ivc"],
  ["anchor", "Anchors"],
  ["published", "Published"],
];

/** The points of a codec, in the order of the report. */
const pointsOf = (() => {
  const all = new Map();
  for (const point of REPORT.points) {
    if (!all.has(point.codec)) all.set(point.codec, []);
    all.get(point.codec).push(point);
  }
  return (codec) => all.get(codec) || [];
})();

/** The seconds that count: the codec's own work or else the whole process. */
function took(cost, own) {
  if (!cost) return null;
  const values = own ? [cost.seconds, cost.process_seconds] : [cost.process_seconds];
  const found = values.find(finite);
  return found === undefined || found <= 0 ? null : found;
}

/**
 * A codec's curve: on one source, or (source "") the mean over all that have this rate.
 *
 * Gives {points: [{x, y, point, setting, count}], problem}: problem says why there is no curve.
 */
function curveOf(codec, source, metric, rate) {
  const own = pointsOf(codec).filter((point) => finite(point.rates[rate]));
  const usable = (point) => finite(point.metrics[metric]);
  const one = (point) => ({
    x: point.rates[rate],
    y: point.metrics[metric],
    setting: point.setting,
    point,
    count: 1,
  });
  const finish = (points) => ({ points: points.sort((a, b) => a.x - b.x), problem: null });
  const none = (problem) => ({ points: [], problem });
  if (source !== "") {
    const found = own.filter((point) => point.source === source && usable(point));
    if (found.length) return finish(found.map(one));
    return none(
      own.every((point) => point.source === "") && own.length ? "mean only" : "no points",
    );
  }
  const given = own.filter((point) => point.source === "" && usable(point));
  const measured = own.filter((point) => point.source !== "");
  if (given.length) return finish(given.map(one));
  if (!measured.some(usable)) return none("no points");
  const settings = new Map();
  for (const point of measured) {
    if (!settings.has(point.setting)) settings.set(point.setting, new Map());
    settings.get(point.setting).set(point.source, point);
  }
  const wanted = sourcesWith(rate);
  const points = [];
  const missing = new Set();
  for (const [setting, found] of settings) {
    const lacking = wanted.filter((name) => !found.has(name));
    lacking.forEach((name) => missing.add(name));
    const all = [...found.values()];
    if (lacking.length || !all.every(usable)) continue;
    const size = all.every((point) => finite(point.size)) ? mean(all.map((p) => p.size)) : null;
    points.push({
      x: mean(all.map((point) => point.rates[rate])),
      y: mean(all.map((point) => point.metrics[metric])),
      setting,
      point: { ...all[0], size, metrics: {}, encode: null, decode: null },
      count: all.length,
    });
  }
  if (missing.size) return none(`incomplete on ${plural(missing.size, "source")}`);
  return points.length ? finish(points) : none("no points");
}

/** Sources that have a point with this rate: stills have no kbit/s. */
const sourcesWith = (() => {
  const known = new Map();
  return (rate) => {
    if (!known.has(rate)) {
      const found = REPORT.points.filter((point) => point.source && finite(point.rates[rate]));
      known.set(rate, [...new Set(found.map((point) => point.source))]);
    }
    return known.get(rate);
  };
})();
