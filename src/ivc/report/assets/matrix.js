// The BD-rates of all codecs against all others, and one cell at a time in detail.

function matrixSection(body) {
  const metrics = [...METRICS.keys()].filter((name) =>
    REPORT.differences.some((difference) => difference.metric === name),
  );
  if (!metrics.length) return false;
  const controls = h("div", { class: "controls" });
  const place = h("div", {});
  const detail = h("div", { class: "detail", "aria-live": "polite" });
  body.append(controls, place, detail);
  let chosen = null;

  function show(metric) {
    const cells = new Map();
    for (const difference of REPORT.differences) {
      if (difference.metric === metric)
        cells.set(`${difference.test}\0${difference.reference}`, difference);
    }
    const found = [...cells.values()];
    const order = [...CODECS.keys()];
    const tests = order.filter((name) => found.some((difference) => difference.test === name));
    const references = order.filter((name) =>
      found.some((difference) => difference.reference === name),
    );
    const caption = `BD-rate by ${metricTitle(metric)}: row against column, with 95 % intervals`;
    const grid = h(
      "table",
      { class: "matrix" },
      h("caption", {}, caption),
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          h("td", {}),
          references.map((name) => h("th", { scope: "col" }, codecHead(name))),
        ),
      ),
      h(
        "tbody",
        {},
        tests.map((test) =>
          h(
            "tr",
            {},
            h("th", { scope: "row" }, codecHead(test)),
            references.map((reference) => {
              const difference = cells.get(`${test}\0${reference}`);
              if (difference) return h("td", {}, cell(difference));
              return h(
                "td",
                { class: test === reference ? "same" : "none" },
                test === reference ? "" : "·",
              );
            }),
          ),
        ),
      ),
    );
    place.replaceChildren(
      h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption }, grid),
    );
    detail.replaceChildren();
    chosen = null;
  }

  function cell(difference) {
    const { mean: value, low, high, refused } = difference;
    const known = finite(value);
    const reasons = Object.values(refused);
    const sign = known ? (value < 0 ? "fewer" : value > 0 ? "more" : "equal") : "refused";
    const strength = known ? Math.min(0.08 + Math.abs(value) / 110, 0.55) : 0;
    const names = [difference.test, difference.reference].map(codecTitle);
    const hint = known
      ? `${names.join(" against ")}: ${percent(value)}`
      : reasons[0] || "no value";
    const button = h(
      "button",
      {
        type: "button",
        class: `cell ${sign}`,
        style: { "--strength": strength.toFixed(3) },
        title: brief(hint, 200),
        "aria-pressed": "false",
        "data-test": difference.test,
        "data-reference": difference.reference,
        click: () => {
          if (chosen) chosen.setAttribute("aria-pressed", "false");
          const again = chosen === button;
          chosen = again ? null : button;
          if (chosen) chosen.setAttribute("aria-pressed", "true");
          detail.replaceChildren(...(again ? [] : describe(difference)));
        },
      },
      h("b", {}, percent(value)),
      known &&
        finite(low) &&
        finite(high) &&
        h("small", {}, `${fixed(low, 1, true)} … ${fixed(high, 1, true)}`),
    );
    return button;
  }

  function describe(difference) {
    const {
      test,
      reference,
      metric,
      mean: value,
      low,
      high,
      overlap,
      pictures,
      refused,
    } = difference;
    const [a, b] = [brief(codecTitle(test), 60), brief(codecTitle(reference), 60)];
    const values = Object.entries(pictures).filter(([, entry]) => finite(entry));
    const reasons = Object.entries(refused);
    let text;
    if (finite(value)) {
      const way = value < 0 ? "fewer" : "more";
      text = `${a} takes ${fixed(Math.abs(value), 1)} % ${way} bits than ${b}`;
      text += ` for the same ${metricTitle(metric)}`;
      if (finite(low) && finite(high))
        text += ` (95 % interval ${percent(low)} to ${percent(high)})`;
      if (values.length) text += `, the mean of ${plural(values.length, "picture")}`;
      text += ".";
    } else text = `${a} cannot be compared with ${b} by ${metricTitle(metric)}.`;
    const parts = [h("h3", {}, `${a} against ${b}`), h("p", {}, text)];
    if (overlap && overlap.every(finite)) {
      const range = overlap.map((end) => metricText(metric, end)).join(" to ");
      parts.push(h("p", {}, `Compared where both reach the same quality: ${range}.`));
    }
    if (values.length) {
      const most = Math.max(...values.map(([, entry]) => Math.abs(entry)), 1e-9);
      values.sort((one, two) => one[1] - two[1]);
      const bar = (entry) =>
        h(
          "span",
          { class: "bar-row" },
          h("span", {
            class: `bar-piece ${entry < 0 ? "fewer" : "more"}`,
            style: { "--part": `${(Math.abs(entry) / most) * 50}%` },
          }),
        );
      const rows = values.map(([name, entry]) => [brief(name, 60), percent(entry), bar(entry)]);
      parts.push(table("By picture", ["Picture", ">BD-rate", ""], rows, { className: "bars" }));
    }
    if (reasons.length) {
      const rows = reasons.map(([name, why]) => [name ? brief(name, 60) : "All", why]);
      parts.push(table("Without a value", ["Picture", "Why"], rows));
    }
    return parts;
  }

  if (metrics.length > 1) {
    controls.append(
      choice(
        "Quality",
        "matrix-metric",
        metrics.map((m) => [m, metricTitle(m)]),
        metrics[0],
        show,
      ),
    );
  }
  show(metrics[0]);
  return true;
}

/** A codec's name with its sign. */
const codecHead = (name) =>
  h(
    "span",
    { class: "codec-head", title: codecTitle(name) },
    swatch(CODECS.get(name), false),
    h("span", {}, soft(brief(codecTitle(name), 36))),
  );
