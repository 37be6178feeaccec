// What the bytes of layered files are for: a bar for each setting.

function layersSection(body) {
  const layered = [...CODECS.values()].filter((codec) =>
    pointsOf(codec.name).some((point) => Object.keys(point.layers).length),
  );
  if (!layered.length) return false;
  const names = [...new Set(REPORT.points.flatMap((point) => Object.keys(point.layers)))];
  const OTHER = "container";
  const state = { codec: layered[0].name, source: "" };
  const controls = h("div", { class: "controls" });
  const place = h("div", {});
  body.append(controls, place);

  /** Means over the sources by setting. */
  const groups = () => {
    const found = new Map();
    for (const point of pointsOf(state.codec)) {
      if (!Object.keys(point.layers).length) continue;
      if (state.source !== "" && point.source !== state.source) continue;
      if (!found.has(point.setting)) found.set(point.setting, []);
      found.get(point.setting).push(point);
    }
    return [...found]
      .map(([setting, points]) => {
        const parts = new Map(
          names.map((name) => [name, mean(points.map((point) => point.layers[name] || 0))]),
        );
        const sum = [...parts.values()].reduce((a, b) => a + b, 0);
        const sizes = points.map((point) => point.size).filter(finite);
        const total = Math.max(sizes.length === points.length ? mean(sizes) : sum, sum);
        if (total > sum) parts.set(OTHER, (parts.get(OTHER) || 0) + total - sum);
        return { setting, parts, total, count: points.length };
      })
      .sort((a, b) => a.total - b.total);
  };

  function show() {
    const bars = groups();
    const used = [...names, OTHER].filter(
      (name, n, all) =>
        all.indexOf(name) === n && bars.some((bar) => (bar.parts.get(name) || 0) > 0),
    );
    const colour = (name) => `c${(name === OTHER ? 8 : names.indexOf(name)) % COLOURS}`;
    const most = Math.max(...bars.map((bar) => bar.total), 1);
    const legend = h(
      "ul",
      { class: "legend" },
      used.map((name) =>
        h("li", {}, h("span", { class: `chip ${colour(name)}` }), brief(name, 40)),
      ),
    );
    const rows = bars.map((bar) => {
      const pieces = used.map((name) => {
        const value = bar.parts.get(name) || 0;
        const share = value / bar.total || 0;
        return h("span", {
          class: `piece ${colour(name)}`,
          title: `${brief(name)}: ${bytes(Math.round(value))}, ${number(share * 100, 2)} %`,
          style: { "--part": `${(value / most) * 100}%` },
        });
      });
      const text = used
        .map((name) => `${name} ${bytes(Math.round(bar.parts.get(name) || 0))}`)
        .join(", ");
      return h(
        "div",
        { class: "stack", role: "img", "aria-label": `${bar.setting}: ${text}` },
        h("span", { class: "stack-name" }, brief(bar.setting || MISSING, 34)),
        h("span", { class: "stack-bar" }, pieces),
        h("span", { class: "stack-size" }, size(bar.total)),
      );
    });
    const many = state.source === "" && bars.some((bar) => bar.count > 1);
    const data = h("details", { class: "data" }, h("summary", {}, "The bytes as a table"));
    const head = ["Setting", ...used.map((name) => `>${brief(name, 40)}`), ">File"];
    const exact = (value) => grouped.format(Math.round(value));
    data.append(
      table(
        `Bytes by layer${many ? ", means over the sources" : ""}`,
        head,
        bars.map((bar) => [
          bar.setting,
          ...used.map((name) => exact(bar.parts.get(name) || 0)),
          exact(bar.total),
        ]),
      ),
    );
    place.replaceChildren(
      legend,
      rows.length
        ? h("div", { class: "stacks" }, rows)
        : h("p", { class: "empty" }, "No layers for this source."),
      data,
    );
  }

  const sources = [
    ...new Set(
      REPORT.points.filter((p) => p.source && Object.keys(p.layers).length).map((p) => p.source),
    ),
  ];
  if (layered.length > 1) {
    controls.append(
      choice(
        "Codec",
        "layers-codec",
        layered.map((c) => [c.name, c.title]),
        state.codec,
        (value) => {
          state.codec = value;
          show();
        },
      ),
    );
  }
  if (sources.length > 1) {
    const all = [["", "Mean over all sources"], ...sources.map((name) => [name, name])];
    controls.append(
      choice("Source", "layers-source", all, "", (value) => {
        state.source = value;
        show();
      }),
    );
  }
  if (layered.length === 1) body.prepend(h("p", { class: "note" }, layered[0].title));
  show();
  return true;
}
