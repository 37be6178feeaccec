// What time and memory the codecs take: against their efficiency, and over the size of the source.

const WAYS = [
  ["encode", "Encoding"],
  ["decode", "Decoding"],
];
/** Seconds on an axis, where hours and minutes would hide the decades. */
const secondsTick = (value) => (value < 1 ? seconds(value) : `${number(value, 4)} s`);

const WORK = [
  ["own", "Codec alone"],
  ["process", "Whole process"],
];

/** What is shown first: the codecs' own time only where it is known of all of them. */
function usualWork() {
  const costs = REPORT.points.flatMap((point) => WAYS.map(([way]) => point[way]).filter(Boolean));
  return costs.every((cost) => finite(cost.seconds)) ? "own" : "process";
}

/** Megapixels a second over all points of a codec, or null; `whole` if any time is a process's. */
function speedOf(codec, way, own) {
  let pixels = 0;
  let time = 0;
  let whole = false;
  for (const point of pointsOf(codec)) {
    const one = took(point[way], own);
    const size = megapixels(point.source);
    if (one === null || size === null) continue;
    pixels += size;
    time += one;
    whole = whole || !own || !finite(point[way].seconds);
  }
  return time > 0 ? { speed: pixels / time, whole } : null;
}

function speedSection(body) {
  const finiteOnes = REPORT.differences.filter((difference) => finite(difference.mean));
  const metrics = [...METRICS.keys()].filter((name) => finiteOnes.some((d) => d.metric === name));
  const timed = [...CODECS.keys()].filter((name) => WAYS.some(([way]) => speedOf(name, way, true)));
  if (!metrics.length || !timed.length) return false;
  const referencesOf = (metric) =>
    [...CODECS.keys()].filter((name) =>
      finiteOnes.some((d) => d.metric === metric && d.reference === name),
    );
  const state = { metric: metrics[0], way: "encode", work: usualWork() };
  const anchors = referencesOf(state.metric);
  state.reference = anchors.find((name) => CODECS.get(name).kind === "anchor") || anchors[0];
  const controls = h("div", { class: "controls" });
  const figure = h("figure", { class: "plot" });
  const note = h("p", { class: "note", "aria-live": "polite" });
  body.append(controls, figure, note);

  const found = () => {
    const points = [];
    for (const codec of CODECS.values()) {
      const speed = speedOf(codec.name, state.way, state.work === "own");
      const difference = finiteOnes.find(
        (d) =>
          d.metric === state.metric && d.test === codec.name && d.reference === state.reference,
      );
      const value = codec.name === state.reference ? 0 : difference ? difference.mean : null;
      if (speed && finite(value)) points.push({ codec, ...speed, value, difference });
    }
    return points.sort((a, b) => a.speed - b.speed);
  };

  const draw = (svg, width, height) => {
    const points = found();
    const span = interval(
      points.map((point) => point.value),
      { margin: 0.12 },
    );
    const count = Math.max(3, Math.round(height / 62));
    const text = (tick) => (tick === 0 ? "0" : fixed(tick, Number.isInteger(tick) ? 0 : 1, true));
    const left = gutter(scale(span, [0, 1], { count }).ticks, text) + 4;
    const speeds = interval(
      points.map((point) => point.speed),
      { log: true, margin: 0.08 },
    );
    const x = scale(speeds, [left, width - 14], {
      log: true,
      count: Math.max(3, Math.round(width / 90)),
    });
    const y = scale(span, [34, height - 50], { count });
    // less is better, so it is drawn further up: the axes want the bottom first
    const upright = Object.assign((value) => y(value), y, { range: [height - 50, 34] });
    axes(svg, x, upright, {
      xTitle: `megapixels a second, ${state.way === "encode" ? "encoding" : "decoding"}`,
      yTitle: `BD-rate in % against ${brief(codecTitle(state.reference), width < 500 ? 18 : 40)}`,
      yText: text,
    });
    const corner = s(
      "text",
      { class: "hint", x: width - 22, y: 50, "text-anchor": "end" },
      "better ↗",
    );
    svg.append(corner);
    const at = points.map((point) => ({ ...point, x: x(point.speed), y: y(point.value) }));
    const best = pareto(at);
    if (best.length > 1) {
      // a staircase: between two codecs one has the faster one's efficiency
      const steps = best.map((point, n) =>
        n ? `V${point.y}H${point.x}` : `M${point.x} ${point.y}`,
      );
      svg.append(s("path", { class: "pareto", d: steps.join("") }));
    }
    for (const point of at) {
      svg.append(
        curve(point.codec, [
          { x: point.x, y: point.y, hollow: point.whole && state.work === "own" },
        ]),
      );
    }
    const names = at.map((point) => ({
      x: point.x,
      y: point.y,
      text: point.codec.title,
      colour: point.codec.colour,
    }));
    labels(svg, names, width, 24, height - 52, [[width - 90, 34, width, 56]]);
    note.textContent = at.some((point) => point.whole && state.work === "own")
      ? "Hollow marks: the codec's own time is not known, so the start of its process is in it."
      : "";
    return at.map((point) => {
      const lines = [
        [
          state.way === "encode" ? "Encoding" : "Decoding",
          `${number(point.speed, 3)} megapixels/s`,
        ],
        ["BD-rate", point.codec.name === state.reference ? "the reference" : percent(point.value)],
        ["Time", point.whole ? "whole process" : "codec alone"],
      ];
      const low = point.difference && point.difference.low;
      const high = point.difference && point.difference.high;
      if (finite(low) && finite(high))
        lines.push(["95 % interval", `${percent(low)} to ${percent(high)}`]);
      const label = lines.map((line) => line.join(" ")).join(", ");
      return {
        key: point.codec.name,
        title: point.codec.title,
        points: [{ x: point.x, y: point.y, lines, label }],
      };
    });
  };
  const drawing = new Chart(
    figure,
    "Speed against BD-rate",
    (w) => Math.min(Math.max(w * 0.56, 320), 480),
    draw,
  );

  const change = (key) => (value) => {
    state[key] = value;
    if (key === "metric") {
      const possible = referencesOf(value);
      if (!possible.includes(state.reference)) [state.reference] = possible;
      build("speed-metric");
    }
    drawing.redraw();
  };
  function build(focus) {
    const references = referencesOf(state.metric).map((name) => [name, codecTitle(name)]);
    controls.replaceChildren(
      segmented("Time of", "speed-way", WAYS, state.way, change("way")),
      segmented("Measured", "speed-work", WORK, state.work, change("work")),
      choice(
        "Quality",
        "speed-metric",
        metrics.map((m) => [m, metricTitle(m)]),
        state.metric,
        change("metric"),
      ),
      choice("Reference", "speed-reference", references, state.reference, change("reference")),
    );
    if (focus) controls.querySelector(`[name="${focus}"]`).focus();
  }
  build();
  return true;
}

/** The points that no other beats in both, from slow to fast; in pixels, up and right is better. */
function pareto(points) {
  const best = [];
  for (const point of [...points].sort((a, b) => b.x - a.x || a.y - b.y)) {
    if (!best.length || point.y < best[best.length - 1].y) best.push(point);
  }
  return best.reverse();
}

function costSection(body) {
  const timed = [...CODECS.values()].filter((codec) =>
    pointsOf(codec.name).some((point) => point.encode || point.decode),
  );
  if (!timed.length) return false;
  const state = { way: "encode", work: usualWork() };
  const controls = h("div", { class: "controls" });
  const pair = h("div", { class: "pair" });
  const place = h("div", {});
  const legend = h(
    "ul",
    { class: "legend" },
    timed.map((codec) => h("li", {}, swatch(codec), brief(codec.title, 40))),
  );
  body.append(controls, pair, legend, place);

  /** The medians of a codec's values by megapixels. */
  const over = (codec, valueOf) => {
    const groups = new Map();
    for (const point of pointsOf(codec.name)) {
      const pixels = megapixels(point.source);
      const value = valueOf(point);
      if (pixels === null || !finite(value) || value <= 0) continue;
      if (!groups.has(pixels)) groups.set(pixels, []);
      groups.get(pixels).push(value);
    }
    return [...groups]
      .map(([pixels, values]) => ({ pixels, value: median(values), count: values.length }))
      .sort((a, b) => a.pixels - b.pixels);
  };

  const plot = (title, valueOf, write, tick = write) => {
    const figure = h("figure", { class: "plot" });
    pair.append(figure);
    return new Chart(
      figure,
      `${title} over megapixels`,
      () => 340,
      (svg, width, height) => {
        const all = timed.map((codec) => ({ codec, points: over(codec, valueOf) }));
        const points = all.flatMap((entry) => entry.points);
        const log = { log: true, margin: 0.06 };
        const span = interval(
          points.map((point) => point.value),
          log,
        );
        const left = gutter(scale(span, [0, 1], { log: true, count: 6 }).ticks, tick);
        const x = scale(
          interval(
            points.map((p) => p.pixels),
            log,
          ),
          [left, width - 14],
          { log: true, count: Math.max(3, Math.round(width / 80)) },
        );
        const y = scale(span, [height - 50, 34], { log: true, count: 6 });
        axes(svg, x, y, {
          xTitle: "megapixels in the source, all frames",
          yTitle: title,
          yText: tick,
        });
        if (!points.length) {
          svg.append(
            s(
              "text",
              { class: "hint", x: width / 2, y: height / 2, "text-anchor": "middle" },
              "Not measured",
            ),
          );
        }
        return all.map(({ codec, points: own }) => {
          const at = own.map((point) => ({ ...point, x: x(point.pixels), y: y(point.value) }));
          svg.append(curve(codec, at));
          return {
            key: codec.name,
            title: codec.title,
            points: at.map((point) => {
              const lines = [
                ["Megapixels", number(point.pixels, 3)],
                [title, write(point.value)],
                ["Median of", plural(point.count, "run")],
              ];
              return {
                x: point.x,
                y: point.y,
                lines,
                label: lines.map((line) => line.join(" ")).join(", "),
              };
            }),
          };
        });
      },
    );
  };
  const charts = [
    plot("Time", (point) => took(point[state.way], state.work === "own"), seconds, secondsTick),
    plot("Peak memory", (point) => (point[state.way] || {}).peak_bytes, size),
  ];

  const rows = () =>
    timed.flatMap((codec) =>
      WAYS.map(([way, title]) => {
        const costs = pointsOf(codec.name).filter((point) => point[way]);
        if (!costs.length) return null;
        const all = (key) => costs.map((point) => point[way][key]).filter(finite);
        const speed = (own) => {
          const one = speedOf(codec.name, way, own);
          return one && (!own || !one.whole) ? number(one.speed, 3) : MISSING;
        };
        const middle = (key, write) => (all(key).length ? write(median(all(key))) : MISSING);
        const threads = [...new Set(all("threads"))].sort((a, b) => a - b).join(", ");
        return [
          codecHead(codec.name),
          title,
          middle("seconds", seconds),
          middle("process_seconds", seconds),
          middle("cpu_seconds", seconds),
          speed(true),
          speed(false),
          all("peak_bytes").length ? size(Math.max(...all("peak_bytes"))) : MISSING,
          threads || MISSING,
          String(costs.length),
        ];
      }).filter(Boolean),
    );
  const head = [
    "Codec",
    "Run",
    ">Codec alone",
    ">Process",
    ">CPU time",
    ">MP/s alone",
    ">MP/s process",
    ">Peak memory",
    ">Threads",
    ">Runs",
  ];
  place.append(
    table(
      "Times are medians, peak memory is the largest, MP/s are megapixels a second over all runs",
      head,
      rows(),
    ),
  );
  const change = (key) => (value) => {
    state[key] = value;
    charts.forEach((chart) => chart.redraw());
  };
  controls.append(
    segmented("Run", "cost-way", WAYS, state.way, change("way")),
    segmented("Time measured", "cost-work", WORK, state.work, change("work")),
  );
  return true;
}
