// A drawing as wide as its place, with points that mouse, finger and keyboard can reach.

const NEAR = 26;

/**
 * A drawing that is made again whenever its width changes.
 *
 * `draw(svg, width, height)` gives the reachable series:
 * [{key, title, points: [{x, y, label, lines: [[name, value], …]}]}] in pixels.
 */
class Chart {
  constructor(parent, label, heightOf, draw, keys = null) {
    Object.assign(this, { heightOf, draw, keys, series: [], active: null, focused: false });
    this.svg = s("svg", { class: "chart", role: "group", "aria-label": label });
    this.tip = h("div", { class: "tip", hidden: true, "aria-hidden": "true" });
    this.place = h("div", { class: "chart-place" }, this.svg, this.tip);
    parent.append(this.place);
    this.svg.addEventListener("pointermove", (event) => this.hover(event));
    this.svg.addEventListener("pointerdown", (event) => this.hover(event));
    this.svg.addEventListener("pointerleave", () => this.leave());
    // on the place around it: a drawing that listens for focus would get one of its own
    this.place.addEventListener("keydown", (event) => this.key(event));
    this.place.addEventListener("focusin", (event) => this.focusin(event));
    this.place.addEventListener("focusout", () => {
      this.focused = false;
      this.hide();
    });
    this.width = 0;
    new ResizeObserver(() => {
      const width = Math.floor(this.place.clientWidth);
      if (width && width !== this.width) this.redraw();
    }).observe(this.place);
    this.redraw();
  }

  redraw() {
    const held = this.focused && this.active;
    this.width = Math.floor(this.place.clientWidth) || 640;
    const height = this.heightOf(this.width);
    set(this.svg, { width: this.width, height, viewBox: `0 0 ${this.width} ${height}` });
    this.svg.replaceChildren();
    this.hide();
    this.series = this.draw(this.svg, this.width, height).filter((one) => one.points.length);
    this.nodes = this.series.map((one, row) =>
      one.points.map((point, column) =>
        s("circle", {
          class: "reach",
          cx: point.x,
          cy: point.y,
          r: 9,
          tabindex: "-1",
          role: "img",
          "aria-label": `${one.title}: ${point.label}`,
          "data-series": one.key,
          "data-row": row,
          "data-column": column,
        }),
      ),
    );
    this.svg.append(s("g", {}, this.nodes));
    this.entry(held || this.active);
    if (held && this.node(this.active)) this.node(this.active).focus({ preventScroll: true });
  }

  /** The one point that Tab reaches: the last that was used, or the first. */
  entry(wanted) {
    const row = wanted ? this.series.findIndex((one) => one.key === wanted.key) : -1;
    const column = row >= 0 ? Math.min(wanted.column, this.series[row].points.length - 1) : 0;
    this.active = this.series.length
      ? { key: this.series[Math.max(row, 0)].key, row: Math.max(row, 0), column }
      : null;
    const node = this.node(this.active);
    if (node) node.setAttribute("tabindex", "0");
  }

  node(at) {
    return at && this.nodes[at.row] ? this.nodes[at.row][at.column] : null;
  }

  focusin(event) {
    const { row, column } = event.target.dataset;
    if (row === undefined) return;
    const before = this.node(this.active);
    if (before) before.setAttribute("tabindex", "-1");
    this.focused = true;
    this.active = { key: this.series[row].key, row: Number(row), column: Number(column) };
    event.target.setAttribute("tabindex", "0");
    this.show(this.active);
  }

  key(event) {
    if (!this.active || event.ctrlKey || event.metaKey || event.altKey) return;
    const { row, column } = this.active;
    const count = this.series[row].points.length;
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const other = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    let next = null;
    if (step) next = [row, Math.min(Math.max(column + step, 0), count - 1)];
    else if (other) {
      const to = (row + other + this.series.length) % this.series.length;
      next = [to, Math.min(column, this.series[to].points.length - 1)];
    } else if (event.key === "Home") next = [row, 0];
    else if (event.key === "End") next = [row, count - 1];
    else if (event.key === "Escape") this.hide();
    if (next) {
      event.preventDefault();
      this.nodes[next[0]][next[1]].focus();
    } else if (this.keys) this.keys(event, this.series[row].points[column]);
  }

  hover(event) {
    const box = this.svg.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    let best = null;
    this.series.forEach((one, row) =>
      one.points.forEach((point, column) => {
        const distance = Math.hypot(point.x - x, point.y - y);
        if (distance < (best ? best.distance : NEAR)) best = { row, column, distance };
      }),
    );
    if (best) this.show(best);
    else this.leave();
  }

  leave() {
    if (this.focused && this.active) this.show(this.active);
    else this.hide();
  }

  show({ row, column }) {
    const one = this.series[row];
    const point = one.points[column];
    this.hide();
    this.nodes[row][column].classList.add("lit");
    this.svg.dataset.lit = one.key;
    this.tip.replaceChildren(
      h("strong", {}, brief(one.title, 60)),
      h(
        "dl",
        {},
        point.lines.map(([name, value]) => [h("dt", {}, name), h("dd", {}, brief(value, 80))]),
      ),
    );
    this.tip.hidden = false;
    const { offsetWidth: width, offsetHeight: height } = this.tip;
    const left = point.x + 16 + width < this.width ? point.x + 16 : point.x - 16 - width;
    const top = Math.min(
      Math.max(point.y - height / 2, 0),
      Math.max(this.svg.clientHeight - height, 0),
    );
    const within = Math.min(Math.max(left, 0), Math.max(this.width - width, 0));
    set(this.tip, { style: { left: `${within}px`, top: `${top}px` } });
  }

  hide() {
    this.tip.hidden = true;
    delete this.svg.dataset.lit;
    for (const node of this.svg.querySelectorAll(".lit")) node.classList.remove("lit");
  }
}

/** A line through points with a marker at each. */
function curve(codec, points, { line = true } = {}) {
  const path = points.map(
    (point, n) => `${n ? "L" : "M"}${point.x.toFixed(1)} ${point.y.toFixed(1)}`,
  );
  return s(
    "g",
    { class: `curve ${codec.kind} ${codec.colour}`, "data-codec": codec.name },
    line &&
      points.length > 1 &&
      s("path", {
        class: "line",
        d: path.join(""),
        "stroke-dasharray": codec.kind === "published" ? "6 4" : null,
      }),
    points.map((point) =>
      s("path", {
        class: `mark${point.hollow ? " hollow" : ""}`,
        d: outline(codec.shape, codec.kind === "ivc" ? 4.5 : 4),
        transform: `translate(${point.x.toFixed(1)} ${point.y.toFixed(1)})`,
      }),
    ),
  );
}

/** Names beside points, each where it covers no other name and no point. */
function labels(svg, points, width, top, bottom, kept = []) {
  const marks = points.map((point) => [point.x - 7, point.y - 7, point.x + 7, point.y + 7]);
  const taken = [...kept, ...marks];
  const free = (box) => {
    if (box[0] < 2 || box[2] > width - 2 || box[1] < top || box[3] > bottom) return false;
    return taken.every((t) => box[2] < t[0] || box[0] > t[2] || box[3] < t[1] || box[1] > t[3]);
  };
  const layer = s("g", { class: "names", "aria-hidden": "true" });
  svg.append(layer);
  for (const point of points) {
    const text = s("text", { class: point.colour }, brief(point.text, 28));
    layer.append(text);
    const wide = text.getComputedTextLength() || point.text.length * 7;
    const places = [];
    for (const far of [10, 20, 34]) {
      places.push([far, 4], [-wide / 2, -far - 2], [-wide / 2, far + 11], [-far - wide, 4]);
      places.push([far * 0.7, -far * 0.8], [far * 0.7, far + 6], [-far * 0.7 - wide, -far * 0.8]);
    }
    const box = ([dx, dy]) => [
      point.x + dx - 2,
      point.y + dy - 12,
      point.x + dx + wide + 2,
      point.y + dy + 4,
    ];
    const place = places.find((entry) => free(box(entry)));
    if (!place) {
      text.remove();
      continue;
    }
    taken.push(box(place));
    set(text, { x: point.x + place[0], y: point.y + place[1] });
  }
}

/** A table that scrolls sideways in its own place rather than widening the page. */
function table(caption, head, rows, { className = "" } = {}) {
  const heading = (text) => {
    const right = text.startsWith(">");
    return h("th", { scope: "col", class: right ? "n" : null }, right ? text.slice(1) : text);
  };
  const right = head.map((text) => text.startsWith(">"));
  return h(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    h(
      "table",
      { class: className },
      h("caption", {}, caption),
      h("thead", {}, h("tr", {}, head.map(heading))),
      h(
        "tbody",
        {},
        rows.map((row) =>
          h(
            "tr",
            {},
            row.map((cell, n) =>
              n === 0
                ? h("th", { scope: "row", class: right[n] ? "n" : null }, cell)
                : h("td", { class: right[n] ? "n" : null }, cell),
            ),
          ),
        ),
      ),
    ),
  );
}
