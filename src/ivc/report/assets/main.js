// Puts the page together: a section that has nothing to show is left out.

function themeButton() {
  const root = document.documentElement;
  const button = byId("theme");
  const dark = () => root.dataset.theme === "dark";
  const show = () => button.setAttribute("aria-pressed", String(dark()));
  button.addEventListener("click", () => {
    root.dispatchEvent(new CustomEvent("choosetheme", { detail: dark() ? "light" : "dark" }));
  });
  root.addEventListener("themechange", show);
  show();
}

masthead();
themeButton();
const sections = {
  failures: failuresSection,
  curves: curvesSection,
  matrix: matrixSection,
  speed: speedSection,
  cost: costSection,
  layers: layersSection,
  look: lookSection,
  method: methodSection,
};
for (const [id, make] of Object.entries(sections)) {
  const section = byId(id);
  if (make(byId(`${id}-body`)) === false) section.remove();
  else byId("nav").append(h("a", { href: `#${id}` }, section.dataset.nav));
}
document.documentElement.dataset.ready = "true";
