// The theme: as the system has it until the reader chooses; remembered where that is possible.
(() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const root = document.documentElement;
  let chosen = null;
  try {
    chosen = localStorage.getItem("ivc-report-theme");
  } catch {
    // a page without storage keeps no choice
  }
  const apply = () => {
    root.dataset.theme = chosen || (dark.matches ? "dark" : "light");
    root.dispatchEvent(new Event("themechange"));
  };
  root.addEventListener("choosetheme", (event) => {
    chosen = event.detail;
    try {
      localStorage.setItem("ivc-report-theme", chosen);
    } catch {
      // as above
    }
    apply();
  });
  dark.addEventListener("change", apply);
  apply();
})();
