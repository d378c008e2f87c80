// MapChart shows one metric of a sweep: over two parameters as coloured cells, over one as bars. Points that differ in
// other parameters are averaged unless the reader fixes those.
class MapChart extends Chart {
  constructor(figure, data, controls) {
    super(figure, data); this.hover = -1;
    const two = data.params.length > 1;
    this.chosen = { metric: 0, x: 0, y: two ? 1 : -1, fixed: data.params.map(() => -1) };
    this.controls = controls;
    this.canvas.addEventListener("pointermove", (e) => this.point(this.cellAt(e.offsetX, e.offsetY)));
    this.canvas.addEventListener("pointerleave", () => this.point(-1));
    this.canvas.addEventListener("click", () => { const run = this.cells[this.hover]?.run; if (run) location.hash = run; });
    this.canvas.addEventListener("keydown", (e) => this.key(e));
    this.fillControls();
  }
  key(e) {
    const columns = this.columns.length, by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: columns, ArrowDown: -columns }[e.key];
    if (by) { this.point(Math.min(Math.max(this.hover + by, 0), this.cells.length - 1)); e.preventDefault(); }
    if (e.key === "Enter") this.canvas.click();
  }
  point(i) { if (i !== this.hover) { this.hover = i; this.draw(); } }
  select(text, options, value, change) {
    const label = document.createElement("label"), select = document.createElement("select");
    label.append(text, select);
    options.forEach(([name, v]) => select.append(new Option(name, v, false, v === value)));
    select.addEventListener("change", () => { change(Number(select.value)); this.hover = -1; this.fillControls(); this.draw(); });
    return label;
  }
  fillControls() {
    const { params, metrics, values } = this.spec, c = this.chosen, named = params.map((p, i) => [p, i]);
    const list = [this.select("Metric", metrics.map((m, i) => [m, i]), c.metric, (v) => { c.metric = v; })];
    if (params.length > 2) {
      list.push(this.select("Across", named, c.x, (v) => { if (v === c.y) c.y = c.x; c.x = v; }));
      list.push(this.select("Up", named, c.y, (v) => { if (v === c.x) c.x = c.y; c.y = v; }));
      params.forEach((p, i) => {
        if (i === c.x || i === c.y) return;
        list.push(this.select(p, [["mean of all", -1], ...values[i].map((v, j) => [v, j])], c.fixed[i], (v) => { c.fixed[i] = v; }));
      });
    }
    this.controls.replaceChildren(...list);
  }
  // gather averages the points of each cell.
  gather() {
    const { params, values, points } = this.spec, c = this.chosen;
    this.columns = values[c.x]; this.rows = c.y < 0 ? [""] : values[c.y];
    this.cells = Array.from({ length: this.columns.length * this.rows.length }, () => ({ sum: 0, n: 0, points: 0, run: null }));
    for (const p of points) {
      if (params.some((_, i) => i !== c.x && i !== c.y && c.fixed[i] >= 0 && p.p[i] !== c.fixed[i])) continue;
      const cell = this.cells[(c.y < 0 ? 0 : p.p[c.y]) * this.columns.length + p.p[c.x]], v = p.m[c.metric];
      cell.points++; cell.run = cell.points === 1 ? p.run : null;
      if (v !== null) { cell.sum += v; cell.n++; }
    }
    for (const cell of this.cells) cell.value = cell.n ? cell.sum / cell.n : null;
  }
  cellAt(px, py) {
    const { x, y, w, h } = this.box, i = Math.floor(((px - x) / w) * this.columns.length);
    const j = this.chosen.y < 0 ? 0 : this.rows.length - 1 - Math.floor(((py - y) / h) * this.rows.length);
    return i < 0 || j < 0 || i >= this.columns.length || j >= this.rows.length ? -1 : j * this.columns.length + i;
  }
  draw() {
    if (!this.spec.params.length) return;
    this.gather();
    const { params, metrics } = this.spec, c = this.chosen, known = this.cells.map((k) => k.value).filter((v) => v !== null);
    this.figure.querySelector(".title").textContent = metrics[c.metric] + " by " + params[c.x] + (c.y < 0 ? "" : " and " + params[c.y]);
    this.canvas.style.height = (c.y < 0 ? 240 : Math.min(Math.max(this.rows.length * 40, 120), 520) + 62) + "px";
    this.margin = { left: c.y < 0 ? 76 : 120, right: 14, top: 14, bottom: 44 };
    if (!this.begin()) return;
    const low = Math.min(...known, 0), high = Math.max(...known, 0), least = Math.min(...known), most = Math.max(...known);
    if (c.y < 0) this.drawBars(low, high); else this.drawCells(least, most);
    const { x, y, w, h } = this.box, width = w / this.columns.length, every = Math.ceil(44 / width);
    this.columns.forEach((v, i) => { if (i % every === 0) this.text(v, x + (i + 0.5) * width, y + h + 13, "center"); });
    this.text(params[c.x], x + w / 2, y + h + 33, "center", color("text"));
    this.tell();
  }
  drawBars(low, high) {
    const { x, y, w, h } = this.box, width = w / this.columns.length, pad = (high - low) * 0.1 || 1;
    this.yAxis(low < 0 ? low - pad : 0, high > 0 ? high + pad : 0);
    this.cells.forEach((cell, i) => {
      if (cell.value === null) return this.text("–", x + (i + 0.5) * width, y + h / 2, "center");
      const bar = Math.min(width - 4, 90), left = x + (i + 0.5) * width - bar / 2, a = this.y(0), b = this.y(cell.value);
      this.c.fillStyle = color(cell.value < 0 ? "loss" : "bar"); this.c.globalAlpha = this.hover < 0 || this.hover === i ? 1 : 0.6;
      this.c.fillRect(left, Math.min(a, b), bar, Math.max(Math.abs(b - a), 1)); this.c.globalAlpha = 1;
      if (width > 50) this.text(number(cell.value, 4), left + bar / 2, b + (cell.value < 0 ? 9 : -9), "center", color("text"));
    });
  }
  // drawCells uses two hues when the metric has both signs, otherwise one that grows with it. The number stands in the cell.
  drawCells(least, most) {
    const { x, y, w, h } = this.box, width = w / this.columns.length, height = h / this.rows.length, c = this.c;
    this.rows.forEach((v, j) => this.text(v, x - 8, y + h - (j + 0.5) * height, "right"));
    c.save(); c.translate(14, y + h / 2); c.rotate(-Math.PI / 2); this.text(this.spec.params[this.chosen.y], 0, 0, "center", color("text")); c.restore();
    const signed = least < 0 && most > 0, far = Math.max(-least, most);
    this.cells.forEach(({ value }, i) => {
      const left = x + (i % this.columns.length) * width, top = y + h - (Math.floor(i / this.columns.length) + 1) * height;
      if (value === null) c.fillStyle = color("empty");
      else if (signed) c.fillStyle = `rgba(${color(value < 0 ? "low" : "high")}, ${0.08 + 0.6 * (Math.abs(value) / far)})`;
      else c.fillStyle = `rgba(${color("deep")}, ${0.1 + 0.55 * (most > least ? (value - least) / (most - least) : 0.5)})`;
      c.fillRect(left + 1, top + 1, width - 2, height - 2);
      if (width > 46) this.text(number(value, 4), left + width / 2, top + height / 2, "center", color("text"));
      if (i === this.hover) { c.strokeStyle = color("text"); c.lineWidth = 2; c.strokeRect(left + 2, top + 2, width - 4, height - 4); c.lineWidth = 1; }
    });
  }
  tell() {
    const cell = this.cells[this.hover], { params, metrics } = this.spec, c = this.chosen;
    if (!cell) return this.items([]);
    const at = params[c.x] + " " + this.columns[this.hover % this.columns.length] + (c.y < 0 ? "" : ", " + params[c.y] + " " + this.rows[Math.floor(this.hover / this.columns.length)]);
    this.items([{ name: at }, { name: metrics[c.metric], value: number(cell.value) + (cell.points > 1 ? ` (mean of ${cell.points})` : cell.points ? "" : " (not run)") }]);
  }
}
