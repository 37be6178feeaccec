// Two pictures on one canvas: divided, side by side, or their difference; zoom and pan are shared.

/** Decoded pictures by their address; the least recently used go first. */
const decoded = (() => {
  const most = 96;
  const known = new Map();
  return (address) => {
    let found = known.get(address);
    known.delete(address);
    if (!found) {
      const image = new Image();
      image.src = address;
      found = image.decode().then(
        () => image,
        () => null,
      );
    }
    known.set(address, found);
    if (known.size > most) known.delete(known.keys().next().value);
    return found;
  };
})();

/** The samples of a picture at a size. */
function samples(image, width, height) {
  const canvas = h("canvas", { width, height });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0, width, height);
  return context.getImageData(0, 0, width, height);
}

/** |a - b| times a gain, per channel, as a canvas. */
function difference(a, b, width, height, gain) {
  const [one, two] = [samples(a, width, height), samples(b, width, height)];
  for (let n = 0; n < one.data.length; n += 4) {
    for (let c = n; c < n + 3; c += 1) one.data[c] = Math.abs(one.data[c] - two.data[c]) * gain;
    one.data[n + 3] = 255;
  }
  const canvas = h("canvas", { width, height });
  canvas.getContext("2d").putImageData(one, 0, 0);
  return canvas;
}

class Stage {
  /** `changed` is called after whatever the reader does to zoom or divider. */
  constructor(changed) {
    Object.assign(this, { changed, mode: "split", divider: 0.5, zoom: null, gain: 8 });
    Object.assign(this, { width: 1, height: 1, left: null, right: null, centre: [0.5, 0.5] });
    this.canvas = h("canvas", { role: "img", "aria-label": "The pictures that are compared" });
    this.handle = h(
      "div",
      {
        class: "divider",
        role: "slider",
        tabindex: "0",
        "aria-label": "Divider between left and right",
        "aria-orientation": "horizontal",
        "aria-valuemin": "0",
        "aria-valuemax": "100",
      },
      h("span", { class: "knob", "aria-hidden": "true" }, "‹›"),
    );
    this.place = h(
      "div",
      { class: "stage", tabindex: "0", role: "group", "aria-label": "Picture viewer" },
      this.canvas,
      this.handle,
    );
    this.pointers = new Map();
    this.place.addEventListener("pointerdown", (event) => this.down(event));
    this.place.addEventListener("pointermove", (event) => this.move(event));
    for (const name of ["pointerup", "pointercancel"]) {
      this.place.addEventListener(name, (event) => this.up(event));
    }
    this.place.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    this.place.addEventListener("dblclick", (event) => this.setZoom(this.zoom ? null : 1, event));
    this.place.addEventListener("keydown", (event) => this.key(event));
    new ResizeObserver(() => this.draw()).observe(this.place);
    addEventListener("resize", () => this.draw());
  }

  /** Shows two decoded pictures; a new size begins with the whole picture. */
  show(left, right, width, height) {
    if (width !== this.width || height !== this.height) {
      Object.assign(this, { width, height, zoom: null, centre: [width / 2, height / 2] });
    }
    Object.assign(this, { left, right });
    this.apart = null;
    this.draw();
  }

  get panes() {
    return this.mode === "side" ? 2 : 1;
  }

  /** Screen pixels for a sample when the whole picture is to be seen. */
  get fit() {
    const { width, height } = this.canvas;
    return Math.min(width / this.panes / this.width, height / this.height);
  }

  get scale() {
    return this.zoom || this.fit;
  }

  draw() {
    const ratio = window.devicePixelRatio || 1;
    const wide = this.place.clientWidth;
    if (!wide) return;
    const tall = (wide / this.panes) * (this.height / this.width);
    const high = Math.round(Math.max(Math.min(tall, window.innerHeight * 0.72), 220));
    set(this.place, { style: { height: `${high}px` } });
    this.canvas.width = Math.round(wide * ratio);
    this.canvas.height = Math.round(high * ratio);
    const context = this.canvas.getContext("2d");
    this.place.classList.toggle("zoomed", this.scale > this.fit * 1.001);
    this.clamp();
    const { width, height } = this.canvas;
    const cut = Math.round(this.divider * width);
    if (this.mode === "difference") this.paint(context, this.apartNow(), 0, width, 0, width);
    else if (this.mode === "side") {
      const half = Math.floor(width / 2) - Math.round(ratio);
      this.paint(context, this.left, 0, half, 0, half);
      this.paint(context, this.right, width - half, half, width - half, half);
    } else {
      this.paint(context, this.left, 0, width, 0, cut);
      this.paint(context, this.right, 0, width, cut, width - cut);
    }
    this.handle.hidden = this.mode !== "split";
    const share = Math.round(this.divider * 100);
    set(this.handle, { style: { left: `${this.divider * 100}%` }, "aria-valuenow": share });
    this.handle.setAttribute("aria-valuetext", `${share} % left, ${100 - share} % right`);
    this.canvas.dataset.height = height;
    this.changed();
  }

  /** Draws a picture centred in a pane, of which only the window from `cut` on is shown. */
  paint(context, image, from, paneWidth, cut, windowWidth) {
    if (!image || windowWidth <= 0) return;
    const { scale } = this;
    context.save();
    context.beginPath();
    context.rect(cut, 0, windowWidth, this.canvas.height);
    context.clip();
    context.imageSmoothingEnabled = scale < 1;
    context.imageSmoothingQuality = "high";
    const x = from + paneWidth / 2 - this.centre[0] * scale;
    const y = this.canvas.height / 2 - this.centre[1] * scale;
    context.drawImage(image, Math.round(x), Math.round(y), this.width * scale, this.height * scale);
    context.restore();
  }

  apartNow() {
    if (!this.left || !this.right) return null;
    const key = `${this.gain}`;
    if (!this.apart || this.apart.key !== key) {
      this.apart = {
        key,
        image: difference(this.left, this.right, this.width, this.height, this.gain),
      };
    }
    return this.apart.image;
  }

  /** Keeps the picture in its pane: centred where it is smaller, without a gap where larger. */
  clamp() {
    const sizes = [this.canvas.width / this.panes, this.canvas.height];
    [this.width, this.height].forEach((length, n) => {
      const half = sizes[n] / 2 / this.scale;
      if (half * 2 >= length) this.centre[n] = length / 2;
      else this.centre[n] = Math.min(Math.max(this.centre[n], half), length - half);
    });
  }

  setMode(mode) {
    this.mode = mode;
    this.draw();
  }

  setDivider(value) {
    this.divider = Math.min(Math.max(value, 0), 1);
    this.draw();
  }

  /** Sets the screen pixels of a sample (null: all is seen); what the pointer is on stays. */
  setZoom(zoom, event = null) {
    const before = this.scale;
    this.zoom = zoom === null ? null : Math.min(Math.max(zoom, Math.min(this.fit, 1) / 2), 32);
    const after = this.scale;
    if (event) {
      const box = this.canvas.getBoundingClientRect();
      const ratio = this.canvas.width / box.width;
      const pane = this.canvas.width / this.panes;
      const at = [((event.clientX - box.left) * ratio) % pane, (event.clientY - box.top) * ratio];
      const middle = [pane / 2, this.canvas.height / 2];
      at.forEach((pixel, n) => {
        this.centre[n] += (pixel - middle[n]) * (1 / before - 1 / after);
      });
    }
    this.draw();
  }

  pan(x, y) {
    const ratio = this.canvas.width / this.canvas.getBoundingClientRect().width;
    this.centre[0] -= (x * ratio) / this.scale;
    this.centre[1] -= (y * ratio) / this.scale;
    this.draw();
  }

  down(event) {
    if (event.button > 0) return;
    const divides = this.handle.contains(event.target);
    this.pointers.set(event.pointerId, { x: event.clientX, y: event.clientY, divides });
    this.place.setPointerCapture(event.pointerId);
    (divides ? this.handle : this.place).focus({ preventScroll: true });
    event.preventDefault();
  }

  move(event) {
    const pointer = this.pointers.get(event.pointerId);
    if (!pointer) return;
    const before = { ...pointer };
    Object.assign(pointer, { x: event.clientX, y: event.clientY });
    if (pointer.divides) {
      const box = this.canvas.getBoundingClientRect();
      this.setDivider((event.clientX - box.left) / box.width);
      return;
    }
    if (this.pointers.size === 2) {
      const other = [...this.pointers.entries()].find(([id]) => id !== event.pointerId)[1];
      const distance = (p) => Math.max(Math.hypot(p.x - other.x, p.y - other.y), 1);
      const middle = { clientX: (pointer.x + other.x) / 2, clientY: (pointer.y + other.y) / 2 };
      this.setZoom(this.scale * (distance(pointer) / distance(before)), middle);
    }
    this.pan(
      (pointer.x - before.x) / this.pointers.size,
      (pointer.y - before.y) / this.pointers.size,
    );
  }

  up(event) {
    this.pointers.delete(event.pointerId);
  }

  /** The wheel zooms once the picture has the focus, so that the page scrolls past it. */
  wheel(event) {
    if (!event.ctrlKey && !this.place.contains(document.activeElement)) return;
    event.preventDefault();
    const unit = event.deltaMode === 1 ? 30 : 1;
    this.setZoom(this.scale * 2 ** (-event.deltaY * unit * 0.0025), event);
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const arrow = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[
      event.key
    ];
    if (arrow && event.shiftKey) this.pan(-arrow[0] * 48, -arrow[1] * 48);
    else if (arrow && this.mode === "split" && (arrow[0] || event.target === this.handle)) {
      this.setDivider(this.divider + (arrow[0] - arrow[1]) * 0.02);
    } else if (event.key === "Home" && this.mode === "split") this.setDivider(0);
    else if (event.key === "End" && this.mode === "split") this.setDivider(1);
    else if (event.key === "PageUp" && event.target === this.handle)
      this.setDivider(this.divider + 0.1);
    else if (event.key === "PageDown" && event.target === this.handle)
      this.setDivider(this.divider - 0.1);
    else if (event.key === "+" || event.key === "=") this.setZoom(this.scale * 1.25);
    else if (event.key === "-" || event.key === "_") this.setZoom(this.scale / 1.25);
    else if (event.key === "1") this.setZoom(1);
    else if (event.key === "0") this.setZoom(null);
    else return;
    event.preventDefault();
  }
}
