// The section that shows pictures: what is compared, how, and which frame.

const ORIGINAL = "-1";

function lookSection(body) {
  const pictures = REPORT.pictures.filter((picture) => picture.original.length);
  if (!pictures.length) return false;
  const state = { picture: pictures[0], left: ORIGINAL, right: ORIGINAL, frame: 0, playing: null };
  const controls = h("div", { class: "controls" });
  const sides = h("div", { class: "sides" });
  const crop = h("p", { class: "note" });
  const film = h("div", { class: "film" });
  const stage = new Stage(readout);
  const hint = h(
    "p",
    { class: "hint-text" },
    "Drag the divider or use the arrow keys. Drag the picture, or press Shift and an arrow key, ",
    "to move it. ",
    "Once it has the focus the wheel zooms, as do + and −; 1 is one sample to a screen pixel, ",
    "0 all of it.",
  );
  const percentage = h("output", { class: "zoom", "aria-live": "off" });
  const gain = h("input", {
    type: "range",
    min: "1",
    max: "64",
    step: "1",
    value: "8",
    id: unique("gain"),
  });
  const gainText = h("output", {}, "×8");
  body.append(controls, sides, stage.place, film, crop, hint);

  function readout() {
    const { scale, canvas } = stage;
    percentage.textContent = `${Math.round(scale * 100)} %`;
    canvas.dataset.scale = scale.toFixed(4);
  }

  const versionOf = (key) => (key === ORIGINAL ? null : state.picture.versions[Number(key)]);
  const nameOf = (key) => {
    const version = versionOf(key);
    return version ? `${codecTitle(version.codec)}, ${version.setting}` : "Original";
  };
  const framesOf = (key) => (versionOf(key) || { frames: state.picture.original }).frames;

  let latest = 0;
  async function load() {
    const turn = (latest += 1);
    const addresses = [state.left, state.right].map((key) => framesOf(key)[state.frame]);
    const images = await Promise.all(
      addresses.map((address) => (address ? decoded(address) : null)),
    );
    if (turn !== latest) return;
    const { width, height } = state.picture;
    stage.show(
      images[0],
      images[1],
      width || images[0].naturalWidth,
      height || images[0].naturalHeight,
    );
    const number = state.picture.numbers[state.frame];
    const where = state.picture.original.length > 1 ? `, frame ${number}` : "";
    stage.canvas.setAttribute(
      "aria-label",
      `${state.picture.source}${where}: left ${nameOf(state.left)}, right ${nameOf(state.right)}`,
    );
    stage.canvas.dataset.frame = state.frame;
    const missing = images.includes(null) ? "A side has no picture of this frame. " : "";
    crop.textContent = missing + (state.picture.crop ? `Shown: ${state.picture.crop}` : "");
    for (const key of [state.left, state.right]) {
      const next = framesOf(key)[(state.frame + 1) % state.picture.original.length];
      if (next) decoded(next);
    }
  }

  /** The choice of one side with what is known of it. */
  function side(which, title) {
    const groups = new Map();
    state.picture.versions.forEach((version, index) => {
      if (!groups.has(version.codec)) groups.set(version.codec, []);
      groups
        .get(version.codec)
        .push([
          String(index),
          [codecTitle(version.codec), version.setting, size(version.size)].join(" · "),
        ]);
    });
    const options = [[ORIGINAL, "Original"]];
    for (const [codec, entries] of groups)
      options.push({ group: codecTitle(codec), options: entries });
    const facts = h("dl", { class: "side-facts" });
    const describe = () => {
      const version = versionOf(state[which]);
      const lines = version
        ? [
            ["Codec", codecTitle(version.codec)],
            ["Setting", version.setting || MISSING],
            ["Size", bytes(version.size)],
            ...Object.entries(version.metrics).map(([name, value]) => [
              metricTitle(name),
              metricText(name, value),
            ]),
          ]
        : [["Original", "as it went into the codecs"]];
      facts.replaceChildren(
        ...lines.map(([name, value]) =>
          h("div", {}, h("dt", {}, name), h("dd", {}, brief(value, 120))),
        ),
      );
    };
    const field = choice(title, which, options, state[which], (value) => {
      state[which] = value;
      describe();
      load();
    });
    describe();
    return h("div", { class: `side ${which}` }, field, facts);
  }

  function match() {
    const [left, right] = [versionOf(state.left), versionOf(state.right)];
    if (!left || !right || !finite(left.size)) return;
    const far = (version) =>
      finite(version.size) ? Math.abs(Math.log(version.size / left.size)) : Infinity;
    const own = state.picture.versions.filter((version) => version.codec === right.codec);
    const best = own.reduce((a, b) => (far(b) < far(a) ? b : a));
    state.right = String(state.picture.versions.indexOf(best));
  }

  function buildSides(focus) {
    const action = (text, title, act) =>
      h(
        "button",
        {
          type: "button",
          class: "quiet",
          title,
          "data-action": text,
          click: () => {
            act();
            buildSides(text);
            load();
          },
        },
        text,
      );
    sides.replaceChildren(
      side("left", "Left"),
      h(
        "div",
        { class: "between" },
        action(
          "Swap",
          "Exchange left and right",
          () => ([state.left, state.right] = [state.right, state.left]),
        ),
        action(
          "Match bytes",
          "Take the right codec's version that is nearest in size to the left one",
          match,
        ),
      ),
      side("right", "Right"),
    );
    const node =
      focus &&
      [...sides.querySelectorAll("button")].find((button) => button.dataset.action === focus);
    if (node) node.focus();
  }

  function stop() {
    if (state.playing) clearTimeout(state.playing);
    state.playing = null;
  }

  function buildFilm() {
    stop();
    film.replaceChildren();
    const { original, numbers, source } = state.picture;
    film.hidden = original.length < 2;
    if (film.hidden) return;
    const slider = h("input", {
      type: "range",
      min: "0",
      max: String(original.length - 1),
      step: "1",
      value: "0",
      id: unique("frame"),
      "data-control": "frame",
    });
    const output = h("output", {});
    const play = h("button", { type: "button", class: "quiet", "data-control": "play" });
    const go = (frame) => {
      state.frame = frame;
      slider.value = String(frame);
      output.textContent = `${numbers[frame]} (${frame + 1} of ${original.length})`;
      slider.setAttribute(
        "aria-valuetext",
        `frame ${numbers[frame]}, ${frame + 1} of ${original.length}`,
      );
      return load();
    };
    const known = SOURCES.get(source);
    const steps = numbers.slice(1).map((value, n) => value - numbers[n]);
    const even = steps.every((step) => step === 1);
    const rate = even && known && known.seconds > 0 ? known.frames / known.seconds : 4;
    const label = () => {
      play.textContent = state.playing ? "Pause" : "Play";
      play.setAttribute("aria-pressed", String(Boolean(state.playing)));
    };
    const next = async () => {
      const before = performance.now();
      await go((state.frame + 1) % original.length);
      if (!state.playing) return;
      state.playing = setTimeout(
        next,
        Math.max(1000 / Math.min(rate, 60) - (performance.now() - before), 4),
      );
    };
    play.addEventListener("click", () => {
      if (state.playing) stop();
      else state.playing = setTimeout(next, 0);
      label();
    });
    slider.addEventListener("input", () => {
      stop();
      label();
      go(Number(slider.value));
    });
    film.append(play, h("label", { for: slider.id }, "Frame"), slider, output);
    label();
    go(0);
  }

  function choose(picture) {
    Object.assign(state, { picture, frame: 0, left: ORIGINAL });
    const first = picture.versions.findIndex(
      (version) => (CODECS.get(version.codec) || {}).kind === "ivc",
    );
    state.right = picture.versions.length ? String(Math.max(first, 0)) : ORIGINAL;
    buildSides();
    buildFilm();
    if (film.hidden) load();
  }

  const zoomer = (text, label, act) =>
    h(
      "button",
      { type: "button", class: "quiet", "aria-label": label, title: label, click: act },
      text,
    );
  const gainField = h(
    "div",
    { class: "field", hidden: true },
    h("label", { for: gain.id }, "Gain"),
    h("div", { class: "row" }, gain, gainText),
  );
  gain.addEventListener("input", () => {
    stage.gain = Number(gain.value);
    gainText.textContent = `×${gain.value}`;
    stage.draw();
  });
  if (pictures.length > 1) {
    const options = pictures.map((picture, n) => [String(n), picture.source || MISSING]);
    controls.append(
      choice("Source", "picture", options, "0", (value) => choose(pictures[Number(value)])),
    );
  }
  const modes = [
    ["split", "Divider"],
    ["side", "Side by side"],
    ["difference", "Difference"],
  ];
  controls.append(
    segmented("View", "mode", modes, "split", (mode) => {
      gainField.hidden = mode !== "difference";
      stage.setMode(mode);
    }),
    gainField,
    h(
      "div",
      { class: "field zoomers", role: "group", "aria-label": "Zoom" },
      h("span", { class: "label" }, "Zoom ", percentage),
      h(
        "div",
        { class: "row" },
        zoomer("−", "Zoom out", () => stage.setZoom(stage.scale / 1.25)),
        zoomer("+", "Zoom in", () => stage.setZoom(stage.scale * 1.25)),
        zoomer("1:1", "One sample to a screen pixel", () => stage.setZoom(1)),
        zoomer("Fit", "The whole picture", () => stage.setZoom(null)),
      ),
    ),
  );
  choose(pictures[0]);
  return true;
}
