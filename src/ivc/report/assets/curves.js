// Rate and quality: curves with their choices, list of codecs, and table.

function curvesSection(body) {
  const metrics = [...METRICS.keys()].filter((name) =>
    REPORT.points.some((point) => finite(point.metrics[name])),
  );
  const rates = Object.keys(RATES).filter((rate) =>
    REPORT.points.some((point) => finite(point.rates[rate])),
  );
  if (!metrics.length || !rates.length) {
    body.append(h("p", { class: "empty" }, "There are no points to draw."));
    return;
  }
  const named = [...new Set(REPORT.points.map((point) => point.source))].filter(
    (name) => name !== "",
  );
  const first = {
    metric: metrics[0],
    rate: rates[0],
    log: "linear",
    source:
      named.length === 1 && !REPORT.points.some((point) => point.source === "") ? named[0] : "",
    decibels: "plain",
  };
  const state = { ...first, zoom: null, off: new Set() };
  const codecs = [...CODECS.values()].filter((codec) => pointsOf(codec.name).length);
  const controls = h("div", { class: "controls" });
  const figure = h("figure", { class: "plot" });
  const list = h("div", { class: "codecs", role: "group", "aria-label": "Codecs in the drawing" });
  const note = h("p", { class: "note", "aria-live": "polite" });
  const details = h("details", { class: "data" }, h("summary", {}, "The points as a table"));
  body.append(controls, h("div", { class: "split" }, figure, list), note, details);

  const shown = () => {
    const asDecibels = state.decibels === "db" && inDecibels(state.metric);
    return codecs.map((codec) => {
      const found = curveOf(codec.name, state.source, state.metric, state.rate);
      const points = found.points
        .map((point) => ({ ...point, value: point.y, y: asDecibels ? decibels(point.y) : point.y }))
        .filter((point) => finite(point.y) && (state.log === "linear" || point.x > 0));
      return { codec, points, problem: found.problem };
    });
  };
  const visible = (entry) => !state.off.has(entry.codec.name) && entry.points.length;

  const describe = (codec, point) => {
    const lines = [["Setting", point.setting || MISSING]];
    const meaned = point.count > 1;
    if (finite(point.point.size))
      lines.push([meaned ? "Mean size" : "Size", bytes(Math.round(point.point.size))]);
    lines.push([RATES[state.rate].title, number(point.x, RATES[state.rate].digits + 1)]);
    lines.push([metricTitle(state.metric), metricText(state.metric, point.value)]);
    if (point.y !== point.value) lines.push(["as dB", `${fixed(point.y, 2)} dB`]);
    if (meaned) lines.push(["Mean over", plural(point.count, "source")]);
    for (const key of ["encode", "decode"]) {
      const time = took(point.point[key], true);
      if (time !== null) lines.push([key === "encode" ? "Encoding" : "Decoding", seconds(time)]);
    }
    if (codec.kind === "published") lines.push(["Published", codec.source || "without a source"]);
    return lines;
  };

  const draw = (svg, width, height) => {
    const entries = shown().filter(visible);
    const log = state.log === "log";
    const all = entries.flatMap((entry) => entry.points);
    const xs = all.map((point) => point.x);
    const domain = state.zoom || interval(xs, { log, zero: !log, margin: 0.04 });
    const inside = all.filter((point) => point.x >= domain[0] && point.x <= domain[1]);
    const span = interval((inside.length ? inside : all).map((point) => point.y));
    const count = Math.max(3, Math.round(height / 62));
    const left = gutter(scale(span, [0, 1], { count }).ticks);
    const x = scale(domain, [left, width - 14], {
      log,
      count: Math.max(3, Math.round(width / 90)),
    });
    const y = scale(span, [height - 50, 34], { count });
    const asDecibels = state.decibels === "db" && inDecibels(state.metric);
    const unit = asDecibels ? "dB" : (METRICS.get(state.metric) || {}).unit;
    axes(svg, x, y, {
      xTitle: RATES[state.rate].title + (log ? ", logarithmic" : ""),
      yTitle: metricTitle(state.metric) + (unit ? ` in ${unit}` : ""),
    });
    const clip = unique("clip");
    const plot = s("g", { "clip-path": `url(#${clip})`, class: "curves" });
    svg.append(
      s(
        "clipPath",
        { id: clip },
        s("rect", { x: left - 6, y: 26, width: width - left, height: height - 70 }),
      ),
      plot,
    );
    if (!entries.length) {
      svg.append(
        s(
          "text",
          { class: "hint", x: width / 2, y: height / 2, "text-anchor": "middle" },
          "No curve is chosen",
        ),
      );
    }
    chart.x = x;
    return entries.map(({ codec, points }) => {
      const at = points.map((point) => ({ x: x(point.x), y: y(point.y), point }));
      plot.append(curve(codec, at));
      return {
        key: codec.name,
        title: codec.title + (codec.kind === "published" ? " (published)" : ""),
        points: at
          .filter((entry) => entry.x >= left - 1 && entry.x <= width - 13)
          .map((entry) => {
            const lines = describe(codec, entry.point);
            const label = lines.map((line) => line.join(" ")).join(", ");
            return { x: entry.x, y: entry.y, rate: entry.point.x, lines, label };
          }),
      };
    });
  };

  const zoomAbout = (rate, factor) => {
    const { domain, log } = chart.x;
    const at = log ? Math.log : (value) => value;
    const back = log ? Math.exp : (value) => value;
    state.zoom = domain.map((end) => back(at(rate) + (at(end) - at(rate)) * factor));
    update();
  };
  const chart = {};
  const keys = (event, point) => {
    if (event.key === "+" || event.key === "=") zoomAbout(point.rate, 0.7);
    else if (event.key === "-" || event.key === "_") zoomAbout(point.rate, 1 / 0.7);
    else if (event.key === "0") {
      state.zoom = null;
      update();
    } else return;
    event.preventDefault();
  };
  const drawing = new Chart(
    figure,
    "Curves of rate and quality",
    (w) => Math.min(Math.max(w * 0.62, 320), 520),
    draw,
    keys,
  );
  brush(drawing, chart, (low, high) => {
    state.zoom = [low, high];
    update();
  });

  function rows() {
    return shown()
      .filter(visible)
      .flatMap(({ codec, points }) =>
        points.map((point) => [
          codec.title,
          point.setting,
          number(point.x, 5),
          metricText(state.metric, point.value),
          finite(point.point.size) ? grouped.format(Math.round(point.point.size)) : MISSING,
        ]),
      );
  }

  function fillTable() {
    if (!details.open) return;
    const head = [
      "Codec",
      "Setting",
      `>${RATES[state.rate].title}`,
      `>${metricTitle(state.metric)}`,
      ">Bytes",
    ];
    const found = rows();
    const where = state.source === "" ? "mean over all sources" : state.source;
    details.replaceChildren(
      details.querySelector("summary"),
      table(`${metricTitle(state.metric)} by ${RATES[state.rate].title}, ${where}`, head, found),
    );
  }
  details.addEventListener("toggle", fillTable);

  function update() {
    drawing.redraw();
    const entries = shown();
    const held = list.contains(document.activeElement)
      ? document.activeElement.dataset.codec
      : null;
    list.replaceChildren(...codecList(entries, state, update));
    const again = [...list.querySelectorAll("[data-codec]")].find((n) => n.dataset.codec === held);
    if (again) again.focus();
    const incomplete = entries.filter((e) => e.problem && e.problem.startsWith("incomplete"));
    note.replaceChildren();
    if (incomplete.length) {
      const names = incomplete.map((e) => `${brief(e.codec.title)} (${e.problem})`).join(", ");
      note.append(`Not in the mean, since points are missing: ${names}.`);
    }
    reset.disabled =
      !state.zoom && !state.off.size && Object.keys(first).every((k) => state[k] === first[k]);
    fillTable();
  }

  const change = (key) => (value) => {
    state[key] = value;
    if (key === "rate" || key === "log" || key === "source") state.zoom = null;
    if (key === "metric") build();
    update();
  };
  const reset = h("button", { type: "button", class: "quiet", "data-control": "reset" }, "Reset");
  reset.addEventListener("click", () => {
    Object.assign(state, first, { zoom: null, off: new Set() });
    build();
    update();
    controls.querySelector("select").focus();
  });

  function build() {
    const held = document.activeElement && document.activeElement.name;
    controls.replaceChildren(
      choice(
        "Quality",
        "metric",
        metrics.map((m) => [m, metricTitle(m)]),
        state.metric,
        change("metric"),
      ),
    );
    if (inDecibels(state.metric)) {
      const scales = [
        ["plain", "As it is"],
        ["db", "In dB"],
      ];
      controls.append(
        segmented("Similarity", "decibels", scales, state.decibels, change("decibels")),
      );
    }
    if (rates.length > 1) {
      controls.append(
        segmented(
          "Rate",
          "rate",
          rates.map((r) => [r, RATES[r].short]),
          state.rate,
          change("rate"),
        ),
      );
    }
    controls.append(
      segmented(
        "Scale",
        "log",
        [
          ["linear", "Linear"],
          ["log", "Log"],
        ],
        state.log,
        change("log"),
      ),
    );
    const sources = [["", "Mean over all sources"], ...named.map((name) => [name, name])];
    if (named.length)
      controls.append(choice("Source", "source", sources, state.source, change("source")));
    controls.append(reset);
    if (held === "metric") controls.querySelector("select").focus();
  }
  build();
  update();
}

/** The check boxes of the codecs, by kind. */
function codecList(entries, state, update) {
  const boxes = KINDS.map(([kind, heading]) => {
    const own = entries.filter((entry) => entry.codec.kind === kind);
    if (!own.length) return null;
    return h(
      "fieldset",
      {},
      h("legend", {}, heading),
      own.map(({ codec, points, problem }) => {
        const box = h("input", {
          type: "checkbox",
          checked: !state.off.has(codec.name),
          "data-codec": codec.name,
          change: () => {
            if (box.checked) state.off.delete(codec.name);
            else state.off.add(codec.name);
            update();
          },
        });
        const text = points.length ? null : h("small", {}, problem || "no points");
        const name = h("span", { class: "name", title: codec.title }, brief(codec.title, 64));
        const mark = kind === "published" ? h("small", { class: "tag" }, "published") : null;
        return h(
          "label",
          { class: points.length ? "" : "absent" },
          box,
          swatch(codec),
          h("span", {}, name, mark, text),
        );
      }),
    );
  });
  const all = (label, off) =>
    h(
      "button",
      {
        type: "button",
        class: "link",
        "data-codec": `\0${label}`,
        click: () => {
          state.off = new Set(off ? entries.map((entry) => entry.codec.name) : []);
          update();
        },
      },
      label,
    );
  return [h("p", { class: "all" }, all("All", false), all("None", true)), ...boxes.filter(Boolean)];
}

/** Dragging across a drawing chooses an interval of its horizontal axis. */
function brush(drawing, chart, chosen) {
  let from = null;
  let area = null;
  const at = (event) => {
    const [left, right] = chart.x.range;
    const x = event.clientX - drawing.svg.getBoundingClientRect().left;
    return Math.min(Math.max(x, left), right);
  };
  drawing.svg.addEventListener("pointerdown", (event) => {
    if (event.pointerType !== "mouse" || event.button !== 0) return;
    from = at(event);
  });
  drawing.svg.addEventListener("pointermove", (event) => {
    if (from === null) return;
    const to = at(event);
    if (!area && Math.abs(to - from) > 6) {
      area = s("rect", { class: "brush", y: 34, height: drawing.svg.clientHeight - 84 });
      drawing.svg.append(area);
      drawing.svg.setPointerCapture(event.pointerId);
    }
    if (area) set(area, { x: Math.min(from, to), width: Math.abs(to - from) });
  });
  const end = (event) => {
    if (area) {
      area.remove();
      const to = at(event);
      const ends = [from, to].sort((a, b) => a - b).map(chart.x.invert);
      area = null;
      from = null;
      if (event.type === "pointerup") chosen(...ends);
    }
    from = null;
  };
  drawing.svg.addEventListener("pointerup", end);
  drawing.svg.addEventListener("pointercancel", end);
}
