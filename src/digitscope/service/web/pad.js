// A sheet to write on: strokes through smooth curves, undo, clear, and the keyboard as a pen.

import { css, h, onTheme } from "./dom.js";

const PEN = 0.028; // width of the pen, by the root of the sheet's area
const STEP = 0.02; // of the sheet's width: how far an arrow key moves the pen

/**
 * Strokes are lists of [x, y] in widths of the sheet, so that they keep their place when it is
 * resized. Fires `change` with every new point and `end` with every finished stroke.
 */
export class Pad extends EventTarget {
  strokes = [];
  boxes = []; // [left, top, width, height, name of a colour], in widths of the sheet
  #past = [];
  #pen = null; // where the keyboard's pen is
  #down = false;
  #pointer = null; // which one is down
  #size = [3, 1]; // as it was last seen; a hidden sheet has none
  #context;

  constructor(holder, hint) {
    super();
    this.canvas = h("canvas", {
      tabIndex: 0,
      role: "application",
      ariaLabel: `${hint} Arrow keys move the pen, Space sets it down and lifts it, Ctrl+Z undoes, Escape clears.`,
    });
    this.hint = h("p.hint", { ariaHidden: "true" }, hint);
    this.undoButton = h("button", { type: "button", onclick: () => this.undo() }, "Undo");
    this.clearButton = h("button", { type: "button", onclick: () => this.clear() }, "Clear");
    holder.append(h("div.pad", {}, this.canvas, this.hint, h("div.row", {}, this.undoButton, this.clearButton)));
    this.#context = this.canvas.getContext("2d");
    this.canvas.addEventListener("pointerdown", (event) => this.#begin(event));
    this.canvas.addEventListener("pointermove", (event) => this.#move(event));
    for (const kind of ["pointerup", "pointercancel"]) {
      this.canvas.addEventListener(kind, ({ pointerId }) => { if (pointerId === this.#pointer) this.#end(); });
    }
    this.canvas.addEventListener("keydown", (event) => this.#key(event));
    this.canvas.addEventListener("blur", () => { this.#pen = null; this.#end(); this.render(); });
    new ResizeObserver(() => this.render()).observe(this.canvas);
    onTheme(() => this.render());
    this.#buttons();
  }

  get empty() {
    return !this.strokes.length;
  }

  undo() {
    if (!this.#past.length) return;
    this.#lift();
    this.strokes = this.#past.pop();
    this.#changed("end");
  }

  clear() {
    if (this.empty) return;
    this.#lift();
    this.#past.push(this.strokes);
    this.strokes = [];
    this.#changed("end");
  }

  /** The writing as black on white, on a canvas of about that many pixels in all. */
  sheet(pixels) {
    const [width, height] = this.#size;
    const scale = Math.sqrt(pixels / (width * height));
    const sheet = h("canvas", { width: Math.round(width * scale), height: Math.round(height * scale) });
    const context = sheet.getContext("2d", { willReadFrequently: true });
    context.fillStyle = "#fff";
    context.fillRect(0, 0, sheet.width, sheet.height);
    this.#write(context, sheet.width, Math.sqrt(sheet.width * sheet.height) * PEN, "#000");
    return sheet;
  }

  render() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (!width) return;
    this.#size = [width, height];
    const dense = devicePixelRatio || 1;
    this.canvas.width = Math.round(width * dense);
    this.canvas.height = Math.round(height * dense);
    const context = this.#context;
    const wide = this.canvas.width;
    context.lineWidth = 1.5 * dense;
    for (const [left, top, w, hi, name] of this.boxes) {
      context.strokeStyle = css(name);
      context.strokeRect(left * wide - 3 * dense, top * wide - 3 * dense, w * wide + 6 * dense, hi * wide + 6 * dense);
    }
    const pen = Math.sqrt(wide * this.canvas.height) * PEN;
    this.#write(context, wide, pen, css("text"));
    if (this.#pen) {
      context.beginPath();
      context.arc(this.#pen[0] * wide, this.#pen[1] * wide, pen, 0, 7);
      context.lineWidth = 2 * dense;
      context.strokeStyle = css("link");
      context.stroke();
    }
  }

  #write(context, wide, pen, ink) {
    context.lineWidth = pen;
    context.lineCap = context.lineJoin = "round";
    context.strokeStyle = ink;
    for (const stroke of this.strokes) {
      const points = stroke.map(([x, y]) => [x * wide, y * wide]);
      context.beginPath();
      context.moveTo(...points[0]);
      // From the middle between two points to the next middle, each point drawing the curve to it.
      for (let i = 1; i < points.length - 1; i++) {
        const [[x, y], [nextX, nextY]] = [points[i], points[i + 1]];
        context.quadraticCurveTo(x, y, (x + nextX) / 2, (y + nextY) / 2);
      }
      // A line to where it began would not be drawn; a dot is a very short one.
      const [x, y] = points.at(-1);
      context.lineTo(x + (points.length > 1 ? 0 : 0.01), y);
      context.stroke();
    }
  }

  #place(event) {
    const { left, top, width } = this.canvas.getBoundingClientRect();
    return [(event.clientX - left) / width, (event.clientY - top) / width];
  }

  #start(point) {
    // While there is writing the sheet keeps its form, even if the phone is turned.
    if (this.empty) this.canvas.style.aspectRatio = this.#size.join(" / ");
    this.#past.push(this.strokes);
    this.strokes = [...this.strokes, [point]];
    this.#changed("change");
  }

  #begin(event) {
    if (event.button || this.#down) return; // a second finger, or the palm
    this.#pen = null;
    this.#pointer = event.pointerId;
    this.canvas.setPointerCapture(event.pointerId);
    this.#down = true;
    this.#start(this.#place(event));
  }

  #move(event) {
    if (!this.#down || event.pointerId !== this.#pointer) return;
    // Between two frames the pointer was in several places.
    const passed = event.getCoalescedEvents?.() ?? [];
    for (const each of passed.length ? passed : [event]) this.strokes.at(-1).push(this.#place(each));
    this.#changed("change");
  }

  #lift() {
    this.#down = false;
    this.#pointer = null;
  }

  #end() {
    if (!this.#down) return;
    this.#lift();
    this.#changed("end");
  }

  #key(event) {
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const move = moves[event.key];
    const control = event.ctrlKey || event.metaKey;
    if (event.key === "z" && control) this.undo();
    else if (control || event.altKey) return; // the browser's own
    else if (event.key === "Escape" || event.key === "Delete") this.clear();
    else if (event.key === " " || event.key === "Enter") this.#toggle();
    else if (move) this.#steer(move, event.shiftKey ? 4 : 1);
    else return;
    event.preventDefault();
  }

  #middle() {
    return [0.3, (0.3 * this.canvas.clientHeight) / this.canvas.clientWidth];
  }

  #toggle() {
    if (this.#down) {
      this.#end();
    } else {
      this.#pen ??= this.#middle();
      this.#down = true;
      this.#start(this.#pen);
    }
    this.render();
  }

  #steer([right, down], times) {
    const [x, y] = this.#pen ?? this.#middle();
    const high = this.canvas.clientHeight / this.canvas.clientWidth;
    const clamp = (value, most) => Math.min(Math.max(value, 0.02), most - 0.02);
    this.#pen = [clamp(x + right * STEP * times, 1), clamp(y + down * STEP * times, high)];
    if (this.#down) {
      this.strokes.at(-1).push(this.#pen);
      this.#changed("change");
    }
    this.render();
  }

  #buttons() {
    this.undoButton.disabled = !this.#past.length;
    this.clearButton.disabled = this.empty;
    this.hint.hidden = !this.empty;
  }

  #changed(kind) {
    this.#buttons();
    if (this.empty) {
      this.boxes = [];
      this.canvas.style.aspectRatio = "";
    }
    requestAnimationFrame(() => this.render());
    this.dispatchEvent(new Event("change"));
    if (kind === "end") this.dispatchEvent(new Event("end"));
  }
}
