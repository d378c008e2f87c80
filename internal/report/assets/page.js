// The page: which run is shown, tables that sort, redrawing.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const sections = [...document.querySelectorAll("section.run")], made = new Map();
  let shown = null, map = null;

  // open shows one run; its charts are made the first time, as a canvas that is not shown has no size.
  function open(section, focus) {
    if (!section) return;
    shown = section;
    for (const s of sections) s.classList.toggle("hidden", s !== section);
    for (const row of document.querySelectorAll("tr[data-run]")) row.classList.toggle("chosen", row.dataset.run === section.id);
    const select = document.getElementById("run-select");
    if (select) select.value = section.id;
    if (!made.has(section)) made.set(section, make(section));
    drawAll();
    if (focus) { section.querySelector("h2").focus({ preventScroll: true }); section.scrollIntoView({ block: "start" }); }
  }
  function make(section) {
    const view = new View(), charts = [];
    for (const figure of section.querySelectorAll("figure[data-chart]")) {
      const spec = data.runs[figure.dataset.run].charts[figure.dataset.chart];
      charts.push(spec.kind === "time" ? new TimeChart(figure, spec, view) : new BarChart(figure, spec));
    }
    view.fit();
    return charts;
  }
  function drawAll() {
    for (const chart of made.get(shown) || []) chart.draw();
    if (map) map.draw();
  }

  for (const table of document.querySelectorAll("table.sortable")) {
    const heads = [...table.querySelectorAll("thead th")];
    heads.forEach((head, column) => head.querySelector("button")?.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") ? head.getAttribute("aria-sort") === "ascending" : head.classList.contains("num");
      for (const h of heads) h.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const key = (row) => row.cells[column].dataset.sort ?? row.cells[column].textContent;
      const value = (text) => (text === "+Inf" ? Infinity : text === "-Inf" ? -Infinity : text === "" ? NaN : Number(text));
      const order = (a, b) => {
        const s = key(a), t = key(b), x = value(s), y = value(t);
        if (s === "" || t === "") return (s === "") - (t === "");
        return (Number.isNaN(x) || Number.isNaN(y) ? s.localeCompare(t) : x === y ? 0 : x - y) * (down ? -1 : 1);
      };
      table.tBodies[0].append(...[...table.tBodies[0].rows].sort(order));
    }));
  }

  const byHash = () => sections.find((s) => "#" + s.id === location.hash);
  const step = (by) => { location.hash = sections[(sections.indexOf(shown) + by + sections.length) % sections.length].id; };
  document.getElementById("run-select")?.addEventListener("change", (e) => { location.hash = e.target.value; });
  document.getElementById("run-before")?.addEventListener("click", () => step(-1));
  document.getElementById("run-after")?.addEventListener("click", () => step(1));
  document.getElementById("sweep-controls")?.addEventListener("submit", (e) => e.preventDefault());
  addEventListener("hashchange", () => open(byHash(), true));
  addEventListener("resize", drawAll);
  matchMedia("print").addEventListener("change", drawAll); // ink on white paper
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);

  const figure = document.getElementById("sweep-map");
  if (figure && data.sweep.params.length && data.sweep.metrics.length) map = new MapChart(figure, data.sweep, document.getElementById("sweep-controls"));
  else figure?.remove();
  open(byHash() || sections[0], false);
  drawAll();
})();
