"use strict";
// Charts on canvas: curves over time that share a view, histograms, and a map. Each draws from plain data and knows
// nothing of the page around it but its figure element.

const color = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();

// number writes x with about `digits` digits that count, thousands apart.
function number(x, digits = 5) {
  if (x === null || x === undefined || Number.isNaN(x)) return "–";
  if (!Number.isFinite(x)) return x > 0 ? "∞" : "−∞";
  const abs = Math.abs(x);
  if (abs < 1e-12) return "0"; // what rounding leaves of a closed position
  if (abs >= 1e15 || abs < 1e-6) return x.toExponential(2).replace("-", "−");
  const whole = abs < 1 ? 0 : Math.floor(Math.log10(abs)) + 1;
  const lead = abs < 1 ? -Math.floor(Math.log10(abs)) - 1 : 0;
  const decimals = Math.min(Math.max(digits - whole, 0) + lead, 10);
  return x.toLocaleString("en-US", { maximumFractionDigits: decimals }).replace("-", "−");
}

// steps returns round numbers between low and high, about `count` of them, and the decimals they need.
function steps(low, high, count) {
  const raw = (high - low) / Math.max(count, 1), power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].find((m) => m * power >= raw * 0.999) * power;
  const list = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9 && list.length < 100; i++) list.push(i * step + 0); // never the negative zero
  const text = (step / power === 2.5 ? 1 : 0) - Math.floor(Math.log10(step) + 1e-9);
  return { list, decimals: Math.min(Math.max(text, 0), 10) };
}

const axisText = (x, decimals) => {
  const big = Math.abs(x) >= 1e7;
  return ((big ? x / 1e6 : x).toLocaleString("en-US", { minimumFractionDigits: big ? 0 : decimals, maximumFractionDigits: big ? 2 : decimals }) + (big ? "M" : "")).replace("-", "−");
};

// Times are microseconds since the epoch: whole numbers that a double holds exactly.
const second = 1e6, minute = 60 * second, hour = 60 * minute, day = 24 * hour;
const timeSteps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, second, 2 * second, 5 * second,
  10 * second, 15 * second, 30 * second, minute, 2 * minute, 5 * minute, 10 * minute, 15 * minute, 30 * minute, hour, 2 * hour,
  3 * hour, 6 * hour, 12 * hour, day, 2 * day, 7 * day, 14 * day, 28 * day, 91 * day, 182 * day, 364 * day];
function timeText(us, step) {
  const iso = new Date(Math.floor(us / 1000)).toISOString();
  if (step >= day) return iso.slice(0, 10);
  if (step >= minute) return iso.slice(11, 16) === "00:00" ? iso.slice(5, 10) : iso.slice(11, 16);
  if (step >= second) return iso.slice(11, 19);
  if (step >= 1000) return iso.slice(14, 23);
  return iso.slice(17, 23) + String(((us % 1000) + 1000) % 1000).padStart(3, "0");
}
const fullTime = (us) => new Date(Math.floor(us / 1000)).toISOString().replace("T", " ").slice(0, 23);

const sum = (deltas) => { let t = 0; return Float64Array.from(deltas, (d) => (t += d)); };

// indexAt returns the last index whose time is not after t, -1 if all are.
function indexAt(times, t) {
  let low = 0, high = times.length;
  while (low < high) { const mid = (low + high) >> 1; if (times[mid] <= t) low = mid + 1; else high = mid; }
  return low - 1;
}

class Chart {
  constructor(figure, spec) {
    this.figure = figure; this.spec = spec;
    this.canvas = figure.querySelector("canvas"); this.readout = figure.querySelector(".readout");
    this.margin = { left: 76, right: 14, top: 10, bottom: 24 };
  }
  // begin sizes the canvas to the screen's pixels and clears it; false while it is not shown.
  begin() {
    const width = this.canvas.clientWidth, height = this.canvas.clientHeight, scale = window.devicePixelRatio || 1;
    if (!width || !height) return false;
    if (this.canvas.width !== Math.round(width * scale) || this.canvas.height !== Math.round(height * scale)) {
      this.canvas.width = Math.round(width * scale); this.canvas.height = Math.round(height * scale);
    }
    const c = this.c = this.canvas.getContext("2d");
    c.setTransform(scale, 0, 0, scale, 0, 0); c.clearRect(0, 0, width, height);
    c.font = "11.5px system-ui, sans-serif"; c.textBaseline = "middle"; c.lineWidth = 1;
    this.width = width; this.height = height;
    this.box = { x: this.margin.left, y: this.margin.top, w: width - this.margin.left - this.margin.right, h: height - this.margin.top - this.margin.bottom };
    return this.box.w > 20 && this.box.h > 20;
  }
  line(x1, y1, x2, y2, stroke, dash = []) {
    const c = this.c; c.beginPath(); c.strokeStyle = stroke; c.setLineDash(dash); c.moveTo(x1, y1); c.lineTo(x2, y2); c.stroke(); c.setLineDash([]);
  }
  text(value, x, y, align, fill = color("muted")) { this.c.fillStyle = fill; this.c.textAlign = align; this.c.fillText(value, x, y); }
  // yAxis draws the grid and sets this.y, which maps a value to a pixel.
  yAxis(low, high) {
    const { x, y, w, h } = this.box, ticks = steps(low, high, Math.max(h / 38, 3));
    this.y = (v) => y + h - ((v - low) / (high - low)) * h;
    for (const v of ticks.list) {
      const at = Math.round(this.y(v)) + 0.5;
      this.line(x, at, x + w, at, v === 0 ? color("line") : color("grid"));
      this.text(axisText(v, ticks.decimals), x - 8, at, "right");
    }
  }
  items(list) {
    this.readout.replaceChildren(...list.map(({ name, value, swatch, ink }) => {
      const item = document.createElement("span"); item.className = "item";
      if (swatch) { const s = document.createElement("span"); s.className = "swatch"; s.style.background = color(swatch); item.append(s); }
      if (ink) item.style.color = color(ink);
      item.append(name + " ");
      if (value !== undefined) { const b = document.createElement("b"); b.textContent = value; item.append(b); }
      return item;
    }));
  }
  tip(text, x, y) {
    this.bubble?.remove(); this.bubble = null;
    if (!text) return;
    const t = this.bubble = document.createElement("div"); t.className = "tip"; t.textContent = text; this.figure.append(t);
    const left = Math.min(Math.max(this.canvas.offsetLeft + x - t.offsetWidth / 2, 4), this.figure.clientWidth - t.offsetWidth - 4);
    t.style.left = left + "px"; t.style.top = this.canvas.offsetTop + y - t.offsetHeight - 10 + "px";
  }
}

// View is what the time charts of a run have in common: the stretch shown and the time under the pointer.
class View {
  constructor() { this.charts = []; this.cursor = null; this.drag = null; this.pending = false; }
  fit() {
    let from = Infinity, to = -Infinity;
    for (const chart of this.charts) for (const t of chart.ends()) { from = Math.min(from, t); to = Math.max(to, t); }
    if (!(from <= to)) { from = 0; to = second; }
    if (from === to) { from -= second; to += second; }
    this.full = [from, to]; this.shown = [from, to];
  }
  zoom(from, to) {
    from = Math.max(from, this.full[0]); to = Math.min(to, this.full[1]);
    if (to - from >= 10) this.shown = [from, to];
    this.redraw();
  }
  reset() { this.shown = [...this.full]; this.redraw(); }
  redraw() {
    if (this.pending) return;
    this.pending = true;
    requestAnimationFrame(() => { this.pending = false; for (const chart of this.charts) chart.draw(); });
  }
}

class TimeChart extends Chart {
  constructor(figure, spec, view) {
    super(figure, spec); this.view = view; view.charts.push(this);
    this.series = (spec.series || []).map((s) => ({ ...s, t: sum(s.t) }));
    if (spec.fills) this.fills = { ...spec.fills, t: sum(spec.fills.t) };
    const canvas = this.canvas;
    canvas.addEventListener("pointerdown", (e) => { if (e.button === 0) { view.drag = { from: this.timeAt(e), to: this.timeAt(e) }; canvas.setPointerCapture(e.pointerId); } });
    canvas.addEventListener("pointermove", (e) => {
      view.cursor = this.timeAt(e); this.pointer = { x: e.offsetX, y: e.offsetY };
      if (view.drag) view.drag.to = view.cursor;
      view.redraw();
    });
    canvas.addEventListener("pointerup", () => {
      const drag = view.drag; view.drag = null;
      if (drag && Math.abs(this.x(drag.to) - this.x(drag.from)) > 4) view.zoom(Math.min(drag.from, drag.to), Math.max(drag.from, drag.to));
      else view.redraw();
    });
    canvas.addEventListener("pointercancel", () => { view.drag = null; view.redraw(); });
    canvas.addEventListener("pointerleave", () => { view.cursor = this.pointer = null; this.tip(); view.redraw(); });
    canvas.addEventListener("dblclick", () => view.reset());
    canvas.addEventListener("keydown", (e) => this.key(e));
  }
  key(e) {
    const v = this.view, [from, to] = v.shown, span = to - from, at = v.cursor ?? from + span / 2;
    const move = (by) => { v.cursor = Math.min(Math.max(at + by * span, from), to); v.redraw(); };
    const actions = {
      ArrowLeft: () => move(-0.01), ArrowRight: () => move(0.01), Escape: () => v.reset(), 0: () => v.reset(),
      "+": () => v.zoom(at - span / 4, at + span / 4), "-": () => v.zoom(at - span, at + span),
    };
    if (actions[e.key]) { actions[e.key](); e.preventDefault(); }
  }
  ends() { return [...this.series, ...(this.fills ? [this.fills] : [])].flatMap(({ t }) => (t.length ? [t[0], t[t.length - 1]] : [])); }
  x(t) { const [from, to] = this.view.shown; return this.box.x + ((t - from) / (to - from)) * this.box.w; }
  timeAt(e) {
    const [from, to] = this.view.shown, share = (e.offsetX - this.box.x) / this.box.w;
    return from + Math.min(Math.max(share, 0), 1) * (to - from);
  }
  // range looks at the points shown and their neighbours, which lines lead to.
  range() {
    let low = Infinity, high = -Infinity;
    const [from, to] = this.view.shown;
    const take = (v) => { if (v !== null) { low = Math.min(low, v); high = Math.max(high, v); } };
    for (const s of this.series) {
      const last = Math.min(indexAt(s.t, to) + 1, s.t.length - 1);
      for (let i = Math.max(indexAt(s.t, from), 0); i <= last; i++) take(s.v[i]);
      if (s.kind.includes("area")) take(0);
    }
    if (this.fills) for (let i = indexAt(this.fills.t, from - 1) + 1; i <= indexAt(this.fills.t, to); i++) take(this.fills.p[i]);
    if (!(low <= high)) return [0, 1];
    const pad = (high - low) * 0.06 || Math.abs(high) * 0.001 || 1;
    const area = this.series.some((s) => s.kind.includes("area"));
    return [area && low === 0 ? 0 : low - pad, area && high === 0 ? 0 : high + pad];
  }
  draw() {
    if (!this.begin()) return;
    const { x, y, w, h } = this.box, c = this.c;
    this.yAxis(...this.range());
    this.timeAxis();
    c.save(); c.beginPath(); c.rect(x, y - 4, w, h + 8); c.clip();
    for (const s of this.series) this.drawSeries(s);
    if (this.fills) this.drawFills();
    if (this.view.drag) {
      const a = this.x(this.view.drag.from), b = this.x(this.view.drag.to);
      c.fillStyle = color("accent"); c.globalAlpha = 0.15; c.fillRect(Math.min(a, b), y, Math.abs(b - a), h); c.globalAlpha = 1;
    }
    c.restore();
    this.drawCursor();
  }
  timeAxis() {
    const { x, y, w, h } = this.box, [from, to] = this.view.shown, wanted = ((to - from) / w) * 85;
    const step = timeSteps.find((s) => s >= wanted) || timeSteps[timeSteps.length - 1];
    for (let t = Math.ceil(from / step) * step; t <= to; t += step) {
      const at = Math.round(this.x(t)) + 0.5;
      this.line(at, y, at, y + h, color("grid"));
      if (at > x + 20 && at < x + w - 20) this.text(timeText(t, step), at, y + h + 13, "center");
    }
    this.line(x, y + h + 0.5, x + w, y + h + 0.5, color("line"));
  }
  drawSeries(s) {
    const c = this.c, step = s.kind.startsWith("step"), area = s.kind.endsWith("area"), zero = this.y(0);
    const first = Math.max(indexAt(s.t, this.view.shown[0]), 0), last = Math.min(indexAt(s.t, this.view.shown[1]) + 1, s.t.length - 1);
    c.strokeStyle = c.fillStyle = color(s.color); c.lineWidth = 1.5; c.lineJoin = "round";
    for (let i = first; i <= last; i++) {
      if (s.v[i] === null) continue;
      c.beginPath();
      const start = this.x(s.t[i]);
      let at = start;
      c.moveTo(at, this.y(s.v[i]));
      let n = 1;
      for (; i + 1 <= last && s.v[i + 1] !== null; i++, n++) {
        at = this.x(s.t[i + 1]);
        if (step) c.lineTo(at, this.y(s.v[i]));
        c.lineTo(at, this.y(s.v[i + 1]));
      }
      if (n === 1) { c.fillRect(start - 1.5, this.y(s.v[i]) - 1.5, 3, 3); continue; }
      c.stroke();
      if (area) { c.lineTo(at, zero); c.lineTo(start, zero); c.globalAlpha = 0.16; c.fill(); c.globalAlpha = 1; }
    }
    c.lineWidth = 1;
  }
  // drawFills marks buys by triangles that point up and sells by such that point down; takers are hollow.
  drawFills() {
    const f = this.fills, c = this.c, first = indexAt(f.t, this.view.shown[0] - 1) + 1, last = indexAt(f.t, this.view.shown[1]);
    const size = last - first > 1000 ? 3.5 : last - first > 200 ? 4.5 : 6;
    for (let i = first; i <= last; i++) {
      const up = f.s[i] > 0 ? 1 : -1, at = this.x(f.t[i]), y = this.y(f.p[i]);
      c.beginPath(); c.moveTo(at, y - up * size); c.lineTo(at - size, y + up * size * 0.8); c.lineTo(at + size, y + up * size * 0.8); c.closePath();
      c.fillStyle = c.strokeStyle = color(up > 0 ? "buy" : "sell");
      if (f.m[i]) { c.globalAlpha = 0.85; c.fill(); c.globalAlpha = 1; } else { c.lineWidth = 1.5; c.stroke(); c.lineWidth = 1; }
    }
  }
  // nearFill returns the index of the fill under the pointer, -1 if none.
  nearFill() {
    if (!this.fills || !this.pointer || this.view.drag) return -1;
    const f = this.fills, slack = (9 / this.box.w) * (this.view.shown[1] - this.view.shown[0]);
    let best = -1, least = 81;
    for (let i = indexAt(f.t, this.view.cursor - slack) + 1; i <= indexAt(f.t, this.view.cursor + slack); i++) {
      const d = (this.x(f.t[i]) - this.pointer.x) ** 2 + (this.y(f.p[i]) - this.pointer.y) ** 2;
      if (d < least) { least = d; best = i; }
    }
    return best;
  }
  drawCursor() {
    const t = this.view.cursor, { x, y, w, h } = this.box, c = this.c;
    const list = this.series.map((s) => {
      const i = t === null ? s.t.length - 1 : indexAt(s.t, t), value = i < 0 ? null : s.v[i];
      return { name: s.name, value: number(value, 7), swatch: s.color, raw: value };
    });
    if (this.fills && t === null) list.push({ name: "▲ buy", ink: "buy" }, { name: "▼ sell", ink: "sell" }, { name: "△▽ taker" });
    if (t !== null) {
      const at = Math.round(this.x(t)) + 0.5;
      this.line(at, y, at, y + h, color("muted"), [3, 3]);
      for (const s of list) {
        if (s.raw === null) continue;
        c.beginPath(); c.arc(at, this.y(s.raw), 3.2, 0, 7); c.fillStyle = color(s.swatch); c.fill();
      }
      list.unshift({ name: fullTime(t) });
    }
    this.items(list);
    const i = this.nearFill(), f = this.fills;
    if (i < 0) return this.tip();
    this.tip(`${f.s[i] > 0 ? "▲ Buy" : "▼ Sell"} ${number(f.q[i], 6)} at ${number(f.p[i], 9)} · ${f.m[i] ? "maker" : "taker"}${f.c[i] ? " · " + f.c[i] : ""} · ${fullTime(f.t[i]).slice(11)}`,
      this.x(f.t[i]), this.y(f.p[i]));
  }
}

// BarChart draws counts: of bins between edges, or of labels. Bins are drawn equally wide whatever they span.
class BarChart extends Chart {
  constructor(figure, spec) {
    super(figure, spec); this.margin.left = 62; this.hover = -1;
    this.total = spec.counts.reduce((a, b) => a + b, 0);
    const point = (i) => { if (i !== this.hover) { this.hover = i; this.draw(); } };
    this.canvas.addEventListener("pointermove", (e) => point(Math.floor(((e.offsetX - this.box.x) / this.box.w) * spec.counts.length)));
    this.canvas.addEventListener("pointerleave", () => point(-1));
    this.canvas.addEventListener("keydown", (e) => {
      const by = { ArrowLeft: -1, ArrowRight: 1 }[e.key];
      if (by) { point(Math.min(Math.max(this.hover + by, 0), spec.counts.length - 1)); e.preventDefault(); }
    });
  }
  // position returns where a value lies, counted in bars.
  position(v) {
    const e = this.spec.edges, i = Math.min(Math.max(indexAt(e, v), 0), this.spec.counts.length - 1);
    return i + (e[i + 1] > e[i] ? Math.min((v - e[i]) / (e[i + 1] - e[i]), 1) : 0.5);
  }
  draw() {
    if (!this.begin()) return;
    const { counts, edges, labels, marks, unit } = this.spec, { x, y, w, h } = this.box, c = this.c, width = w / counts.length;
    this.yAxis(0, Math.max(...counts, 1) * 1.12);
    counts.forEach((n, i) => {
      const bar = Math.min(Math.max(width - (width > 6 ? 2 : 0.5), 1), 90), left = x + (i + 0.5) * width - bar / 2;
      c.fillStyle = color("bar"); c.globalAlpha = this.hover < 0 || this.hover === i ? 1 : 0.55;
      const top = n > 0 ? Math.min(this.y(n), y + h - 1) : y + h;
      c.fillRect(left, top, bar, y + h - top); c.globalAlpha = 1;
      if (labels) this.text(labels[i], left + bar / 2, y + h + 13, "center");
      if (labels) this.text(number(n), left + bar / 2, top - 8, "center", color("text"));
    });
    this.line(x, y + h + 0.5, x + w, y + h + 0.5, color("line"));
    if (edges) this.edgeTexts();
    const rising = [...(marks || [])].map((m) => ({ name: m.name, at: m.at[0], px: x + this.position(m.at[0]) * width }));
    if (counts.length > 1) for (const m of rising) this.line(m.px, y, m.px, y + h, color("mark"), [4, 3]);
    const within = this.hover >= 0 && this.hover < counts.length;
    if (within) {
      const share = this.total ? (counts[this.hover] / this.total) * 100 : 0;
      const name = labels ? labels[this.hover] : edges[this.hover] === edges[this.hover + 1] ? `${number(edges[this.hover])} ${unit}` : `${number(edges[this.hover])} – ${number(edges[this.hover + 1])} ${unit}`;
      this.items([{ name, value: `${number(counts[this.hover], 15)} (${number(share, 3)} %)` }]);
    } else this.items(rising.map((m) => ({ name: m.name, value: number(m.at, 4), swatch: "mark" })));
  }
  edgeTexts() {
    const { edges, counts } = this.spec, { x, y, w, h } = this.box;
    if (counts.length === 1) {
      const same = edges[0] === edges[1];
      return this.text(same ? number(edges[0]) : `${number(edges[0])} – ${number(edges[1])}`, x + w / 2, y + h + 13, "center");
    }
    const every = Math.ceil(counts.length / Math.max(Math.floor(w / 62), 1));
    for (let i = 0; i <= counts.length; i += every) this.text(number(edges[i], 3), x + (i / counts.length) * w, y + h + 13, i === 0 ? "left" : i === counts.length ? "right" : "center");
  }
}
