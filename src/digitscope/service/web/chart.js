// A line chart on a canvas: few lines, thousands of points, redrawn ten times a second.

import { css, h, onTheme } from "./dom.js";

const [LEFT, RIGHT, TOP, BOTTOM] = [56, 22, 8, 24]; // margins around the lines, in CSS pixels
const TICKS = 4;

export class Chart {
  #lines = [];
  #range = [0, 1];
  #last = 1;
  #pointed = null;

  /**
   * `format` writes a value, `tick` one at the axis; `log` makes the upward axis logarithmic; `x` names the axis along.
   * Each line also has its name at its end, so that it can be identified without its colour.
   */
  constructor(title, { log = false, format, tick = format, x = "epochs" }) {
    Object.assign(this, { log, format, tick, x });
    this.canvas = h("canvas", { role: "img", tabIndex: 0 });
    this.readout = h("figcaption", {}, " ");
    this.title = title;
    this.element = h("figure.chart", {}, h("p.title", {}, title), this.canvas, this.readout);
    new ResizeObserver(() => this.draw()).observe(this.canvas);
    onTheme(() => this.draw());
    this.canvas.addEventListener("pointermove", (event) => this.#point(event.offsetX));
    this.canvas.addEventListener("pointerleave", () => this.#point(null));
    this.canvas.addEventListener("keydown", ({ key }) => {
      const step = { ArrowLeft: -12, ArrowRight: 12 }[key];
      if (step) this.#point((this.#pointed ?? this.canvas.clientWidth / 2) + step);
    });
  }

  /** Show lines of {name, colour, dash, xs, ys}; gaps are null. `range` is of the upward axis. */
  show(lines, range = spanned(lines, this.log)) {
    this.#lines = lines;
    this.#range = range;
    this.#last = Math.max(...lines.map(({ xs }) => xs.at(-1) ?? 0)) || 1;
    const ends = lines.filter(({ ys }) => ys.length).map(({ name, ys }) => `${name} ${this.format(ys.at(-1))}`);
    this.canvas.ariaLabel = `${this.title}. ${ends.length ? `Now: ${ends.join(", ")}.` : "Nothing yet."}`;
    this.draw();
  }

  #point(at) {
    this.#pointed = at;
    this.draw();
  }

  draw() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (!width) return;
    const dense = devicePixelRatio || 1;
    this.canvas.width = width * dense;
    this.canvas.height = height * dense;
    const context = this.canvas.getContext("2d");
    context.scale(dense, dense);
    context.font = "12px system-ui, sans-serif";
    const [low, high] = this.#range.map((v) => this.#up(v));
    const along = (value) => LEFT + (value / this.#last) * (width - LEFT - RIGHT);
    const up = (value) => TOP + (1 - (this.#up(value) - low) / (high - low || 1)) * (height - TOP - BOTTOM);
    this.#grid(context, along, up, width, height);
    for (const line of this.#lines) this.#trace(context, line, along, up, width);
    this.#read(context, along, height);
  }

  #up(value) {
    return this.log ? Math.log10(value) : value;
  }

  #grid(context, along, up, width, height) {
    context.strokeStyle = css("line");
    context.fillStyle = css("soft");
    context.lineWidth = 1;
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const value of this.log ? decades(this.#range) : ticks(...this.#range)) {
      const y = Math.round(up(value)) + 0.5;
      context.beginPath();
      context.moveTo(LEFT, y);
      context.lineTo(width - RIGHT, y);
      context.stroke();
      context.fillText(this.log ? `10${superscript(Math.round(Math.log10(value)))}` : this.tick(value), LEFT - 6, y);
    }
    context.textAlign = "center";
    context.textBaseline = "bottom";
    for (const value of ticks(0, this.#last)) context.fillText(String(Number(value.toPrecision(3))), along(value), height - 4);
    context.textAlign = "right";
    context.fillText(this.x, LEFT - 10, height - 4);
  }

  #trace(context, { name, colour, dash = [], xs, ys }, along, up, width) {
    context.strokeStyle = context.fillStyle = colour;
    context.lineWidth = 2;
    context.setLineDash(dash);
    context.beginPath();
    let open = false;
    let end = null;
    // No more points than pixels.
    const stride = Math.max(1, Math.floor(xs.length / (2 * width)));
    for (let i = 0; i < xs.length; i = i + stride < xs.length || i === xs.length - 1 ? i + stride : xs.length - 1) {
      const drawn = ys[i] !== null && (!this.log || ys[i] > 0);
      if (drawn) {
        end = [along(xs[i]), up(ys[i])];
        if (open) context.lineTo(...end);
        else context.moveTo(...end);
      }
      open = drawn;
    }
    context.stroke();
    context.setLineDash([]);
    context.textAlign = "left";
    context.textBaseline = "middle";
    if (end) context.fillText(name, end[0] + 5, end[1]);
  }

  #read(context, along, height) {
    this.readout.textContent = " ";
    if (this.#pointed === null) return;
    const near = (xs) => xs.reduce((best, x, i) => (Math.abs(along(x) - this.#pointed) < Math.abs(along(xs[best]) - this.#pointed) ? i : best), 0);
    const parts = this.#lines.filter(({ xs }) => xs.length).map(({ name, xs, ys }) => `${name}: ${this.format(ys[near(xs)])}`);
    if (!parts.length) return;
    const { xs } = this.#lines.find((line) => line.xs.length);
    const x = xs[near(xs)];
    context.strokeStyle = css("edge");
    context.beginPath();
    context.moveTo(along(x), TOP);
    context.lineTo(along(x), height - BOTTOM);
    context.stroke();
    this.readout.textContent = `${Number(x.toPrecision(3))} ${this.x}: ${parts.join(", ")}`;
  }
}

/** The range of all lines, a little wider; whole decades where it is logarithmic. */
export function spanned(lines, log) {
  let [low, high] = [Infinity, -Infinity];
  for (const { ys } of lines) {
    for (const y of ys) {
      if (y === null || (log && y <= 0)) continue;
      if (y < low) low = y;
      if (y > high) high = y;
    }
  }
  if (low > high) return log ? [0.01, 1] : [0, 1];
  if (!log) return [0, high * 1.05 || 1];
  const bottom = Math.max(Math.floor(Math.log10(low)), Math.ceil(Math.log10(high)) - 14);
  return [10 ** bottom, 10 ** Math.max(Math.ceil(Math.log10(high)), bottom + 1)];
}

function ticks(low, high) {
  const rough = (high - low) / TICKS;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((k) => k * unit).find((each) => each >= rough);
  const marks = [];
  for (let value = Math.ceil(low / step) * step; value <= high * 1.0001; value += step) marks.push(value);
  return marks;
}

function decades([low, high]) {
  const [from, to] = [Math.round(Math.log10(low)), Math.round(Math.log10(high))];
  const step = Math.ceil((to - from) / 6);
  return Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, i) => 10 ** (from + i * step));
}

const superscript = (n) => [...`${n}`].map((c) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[c] ?? "⁻").join("");
