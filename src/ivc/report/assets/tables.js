// The head of the page, the failures, and how everything was measured.

function masthead() {
  byId("title").textContent = REPORT.title || "Benchmark";
  const date = new Date(REPORT.created);
  const known = !Number.isNaN(date.getTime());
  const text = known
    ? date.toLocaleString("en-GB", { dateStyle: "long", timeStyle: "short" })
    : REPORT.created;
  byId("created").append("Written by ivc, ", h("time", { datetime: REPORT.created }, text));
  const count = (kind) => [...CODECS.values()].filter((codec) => codec.kind === kind).length;
  const kinds = KINDS.map(
    ([kind, title]) => count(kind) && `${count(kind)} ${title.toLowerCase()}`,
  ).filter(Boolean);
  const stills = [...SOURCES.values()].filter((source) => source.frames <= 1).length;
  const clips = SOURCES.size - stills;
  const parts = [stills && plural(stills, "still"), clips && plural(clips, "clip")].filter(Boolean);
  const facts = [
    ["Codecs", grouped.format(CODECS.size), kinds.join(", ")],
    ["Sources", grouped.format(SOURCES.size), parts.join(", ")],
    ["Points", grouped.format(REPORT.points.length), plural(METRICS.size, "metric")],
    [
      "Failures",
      grouped.format(REPORT.failures.length),
      REPORT.failures.length ? "listed below" : "nothing failed",
    ],
  ];
  byId("facts").append(
    ...facts.map(([name, value, more]) =>
      h(
        "div",
        { class: name === "Failures" && REPORT.failures.length ? "bad" : null },
        h("dt", {}, name),
        h("dd", {}, h("b", {}, value), h("small", {}, more)),
      ),
    ),
  );
  if (REPORT.notes.length) {
    byId("notes").append(
      h(
        "div",
        { class: "warning" },
        h("h2", {}, "Worth knowing"),
        h(
          "ul",
          {},
          REPORT.notes.map((note) => h("li", {}, note)),
        ),
      ),
    );
  }
}

function failuresSection(body) {
  if (!REPORT.failures.length) return false;
  const rows = REPORT.failures.map((failure) => [
    h("span", { title: failure.codec }, soft(brief(codecTitle(failure.codec), 60))),
    failure.source || MISSING,
    failure.setting || MISSING,
    h("code", { class: "error" }, failure.error || MISSING),
  ]);
  body.append(
    table(
      `${plural(REPORT.failures.length, "run")} gave no point`,
      ["Codec", "Source", "Setting", "Error"],
      rows,
      { className: "failures" },
    ),
  );
  return true;
}

function methodSection(body) {
  const about = Object.entries(REPORT.about);
  if (about.length) {
    body.append(
      h(
        "dl",
        { class: "about" },
        about.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))),
      ),
    );
  }
  const codecs = [...CODECS.values()];
  if (codecs.length) {
    body.append(
      h("h3", {}, "Codecs"),
      table(
        "Versions of the codecs and sources of published figures",
        ["Codec", "Kind", "Version", "Source"],
        codecs.map((codec) => [
          codecHead(codec.name),
          codec.kind,
          codec.version || MISSING,
          codec.source || MISSING,
        ]),
        { className: "wrapping" },
      ),
    );
  }
  const commands = codecs.filter((codec) => codec.command);
  if (commands.length) {
    body.append(
      h("h3", {}, "Commands"),
      h(
        "div",
        { class: "commands" },
        commands.map((codec) => {
          const button = h(
            "button",
            {
              type: "button",
              class: "quiet copy",
              "aria-label": `Copy the command of ${codec.title}`,
            },
            "Copy",
          );
          button.addEventListener("click", () => copy(codec.command, button));
          return h(
            "div",
            { class: "command" },
            codecHead(codec.name),
            button,
            h("pre", { tabindex: "0" }, h("code", {}, codec.command)),
          );
        }),
      ),
    );
  }
  if (SOURCES.size) {
    const rows = [...SOURCES.values()].map((source) => [
      source.name,
      source.width ? `${source.width} × ${source.height}` : MISSING,
      grouped.format(source.frames),
      source.seconds ? seconds(source.seconds) : MISSING,
      megapixels(source.name) === null ? MISSING : number(megapixels(source.name), 3),
    ]);
    body.append(
      h("h3", {}, "Sources"),
      table("What was coded", ["Source", ">Samples", ">Frames", ">Duration", ">Megapixels"], rows, {
        className: "wrapping",
      }),
    );
  }
  return Boolean(about.length || codecs.length || SOURCES.size);
}
