// One run of the playground: its settings, its process at the service, its events and its view.

import { ask, askJSON, follow } from "./api.js";
import { Chart } from "./chart.js";
import { colour, fixed, guarded, h, percent } from "./dom.js";
import { fromBase64, grain, paint, SIDE } from "./grain.js";

const ADVANCED = ["normalisation", "residual", "dropout", "epochs", "data", "seed"];
const WHOLE = ["batch", "images", "epochs", "seed"];
const STATES = {
  loading: "loading the data", training: "training", paused: "stopped", done: "done",
};

const path = (id) => `/v1/playground/runs/${id}`;
const end = (id) => ask(path(id), { method: "DELETE", keepalive: true }).catch(() => {});

export class Run {
  state = ""; // of the training: loading, training, paused, done, or empty
  problem = ""; // one sentence, if something went wrong
  xs = []; // epochs at each progress
  #progress = [];
  #layers = 0;
  #id = null;
  #listening = null;

  constructor(name, offered, changed) {
    this.name = name;
    this.changed = changed;
    this.defaults = offered.defaults;
    this.fields = {};
    const rows = Object.keys(offered.labels);
    const field = (key) => this.#field(key, offered);
    this.status = h("p.status", {}, "not trained yet");
    this.spoken = h("p.unseen", { role: "status" }); // the states alone; all else would be a flood
    this.start = h("button.primary", { type: "submit" }, "Train");
    this.hold = h("button", { type: "button", disabled: true, onclick: () => (this.state === "training" ? this.pause() : this.resume()) }, "Stop");
    this.norms = new Chart("Norm of the gradient, by layer", { log: true, format: (v) => (v === null ? "not a number" : v.toPrecision(2)) });
    const layers = h("p.legend", {}, h("span", {}, "layer 1", h("i.bar.order"), "the last"));
    this.mosaic = h("div.mosaic", { role: "img", ariaLabel: "Weights of the first layer" });
    this.scale = h("p.legend");
    this.answer = h("div", {}, h("h3", {}, `Run ${name}`), h("p.soft", {}, "Train it first."));
    const more = h("details", {}, h("summary", {}, "More settings"),
      h("div.settings", {}, ...rows.filter((key) => ADVANCED.includes(key)).map(field)));
    this.form = h("form", { onsubmit: (event) => { event.preventDefault(); this.train(); } },
      h("div.settings", {}, ...rows.filter((key) => !ADVANCED.includes(key)).map(field)),
      more, h("p.row", {}, this.start, this.hold));
    // The browser shows what is wrong beside a field, so the field must be visible.
    more.addEventListener("invalid", () => { more.open = true; }, true);
    this.element = h(`section.run.run-${name.toLowerCase()}`, { ariaLabel: `Run ${name}` },
      h("h2", {}, `Run ${name}`), this.form, this.status, this.spoken, this.norms.element, layers,
      h("h3", {}, "Weights of the first layer, one picture for each unit"), this.mosaic, this.scale);
    this.choose({});
  }

  #field(key, { choices, labels, ranges }) {
    const { title: label, description: hint } = labels[key];
    const first = this.defaults[key];
    let input;
    if (choices[key]) input = h("select", {}, ...choices[key].map((choice) => new Option(choice, choice)));
    else if (typeof first === "boolean") input = h("input", { type: "checkbox" });
    else if (Array.isArray(first)) input = h("input", { type: "text", autocomplete: "off" });
    else {
      const [min, max] = ranges[key] ?? ["", ""];
      input = h("input", { type: "number", required: true, min, max, step: WHOLE.includes(key) ? 1 : "any" });
    }
    input.ariaLabel = label; // without the choices, which are in the label, too
    this.fields[key] = input;
    return h("label", { title: hint }, h("span", {}, label), input);
  }

  /** Set the fields to the defaults with these changes. */
  choose(changes) {
    const settings = { ...this.defaults, ...changes };
    for (const [key, input] of Object.entries(this.fields)) {
      if (input.type === "checkbox") input.checked = settings[key];
      else input.value = Array.isArray(settings[key]) ? settings[key].join(" ") : settings[key];
    }
  }

  settings() {
    return Object.fromEntries(Object.entries(this.fields).map(([key, input]) => {
      const first = this.defaults[key];
      if (typeof first === "boolean") return [key, input.checked];
      if (Array.isArray(first)) return [key, input.value.split(/[\s,]+/).filter(Boolean).map(Number)];
      return [key, typeof first === "number" ? Number(input.value) : input.value];
    }));
  }

  /** Start again with the current settings; the earlier training ends. */
  async train() {
    if (!this.form.reportValidity()) return;
    this.leave();
    const { signal } = (this.#listening = new AbortController()); // aborted by the next beginning
    this.#progress = [];
    this.xs = [];
    this.state = "loading";
    this.changed();
    try {
      const body = JSON.stringify(this.settings());
      const { run } = await askJSON("/v1/playground/runs", { body, type: "application/json" });
      if (signal.aborted) {
        end(run);
        return;
      }
      this.#id = run;
      await follow(`${this.#path()}/events`, signal, (kind, data) => this.#hear(kind, data), (lost) => {
        this.problem = lost ? "The service does not answer; trying again." : "";
        this.changed();
      });
    } catch (error) {
      if (signal.aborted) return;
      this.problem = error.message;
    }
    if (!signal.aborted) this.#gone();
  }

  #path = () => path(this.#id);

  #hear(kind, data) {
    if (kind === "state") this.state = data.state;
    else if (kind === "progress") {
      this.#progress.push(data);
      this.xs.push(data.epoch);
      this.#layers = data.norms.length;
    } else if (kind === "weights") this.#showWeights(data);
    else if (kind === "end") this.ended = data;
    if (kind === "state" && data.state !== "done") this.ended = null;
    this.changed();
  }

  #gone() {
    this.#id = null;
    this.state = "";
    this.changed();
  }

  async #command(name) {
    if (this.#id) await guarded(this.name, () => askJSON(`${this.#path()}/${name}`, { method: "POST" }));
  }

  pause() {
    return this.state === "training" ? this.#command("pause") : undefined;
  }

  resume() {
    return ["paused", "done"].includes(this.state) ? this.#command("resume") : undefined;
  }

  /** Let the process at the service go; it is not needed any more. */
  leave() {
    this.#listening?.abort();
    if (this.#id) end(this.#id);
    this.#id = this.#listening = this.ended = null;
    this.state = this.problem = "";
  }

  /** What the network says to a drawing, or null without one. */
  async predict(body) {
    if (!this.#id || this.state === "loading") return undefined;
    return askJSON(`${this.#path()}/predict`, { body, type: "image/png" }).catch(() => undefined);
  }

  tell(answer) {
    const title = h("h3", {}, `Run ${this.name}`);
    if (!answer) {
      this.answer.replaceChildren(title, h("p.soft", {}, this.#id ? "Draw a digit." : "Train it first."));
      return;
    }
    if (!answer.probabilities) {
      this.answer.replaceChildren(title, h("p.soft", {}, "Its outputs are not numbers any more."));
      return;
    }
    const bars = answer.probabilities.map((p, digit) => {
      const fill = h("i");
      fill.style.width = `${100 * p}%`;
      return h(`div.bar${digit === answer.digit ? ".wins" : ""}`, {}, h("b", {}, `${digit}`), h("span.track", {}, fill),
        h("small", {}, percent(p)));
    });
    this.answer.replaceChildren(title, h("p", {}, `${answer.digit} after ${answer.step.toLocaleString("en")} steps`), h("div.bars", {}, ...bars));
  }

  curve = (key) => this.#progress.map((row) => row[key]);

  /** The norm of each layer's gradient, as lines from the colour of the first to that of the last. */
  layers() {
    const [first, last] = [colour("red"), colour("blue")];
    return Array.from({ length: this.#progress.length ? this.#layers : 0 }, (_, layer) => {
      const share = this.#layers > 1 ? layer / (this.#layers - 1) : 1;
      const mixed = first.map((value, c) => Math.round(value + share * (last[c] - value)));
      return {
        name: `${layer + 1}`, colour: `rgb(${mixed.join(" ")})`, xs: this.xs,
        ys: this.#progress.map((row) => row.norms[layer] ?? null),
      };
    });
  }

  draw(range) {
    this.start.textContent = this.#progress.length ? "Train again" : "Train";
    this.hold.textContent = { paused: "Continue", done: "Train on" }[this.state] ?? "Stop";
    this.hold.disabled = !["training", "paused", "done"].includes(this.state);
    this.norms.show(this.layers(), range);
    this.status.textContent = this.#sentence();
    const state = this.problem || this.ended?.message || STATES[this.state] || "";
    if (this.spoken.textContent !== state) this.spoken.textContent = state;
  }

  #sentence() {
    const now = this.#progress.at(-1);
    const parts = [];
    if (this.state) parts.push(STATES[this.state]);
    if (now) {
      const loss = now.loss === null ? "not a number" : fixed(now.loss, 3);
      parts.push(`step ${now.step.toLocaleString("en")}, ${now.seconds.toFixed(1)} s`, `loss ${loss}`,
        `${(100 * now.accuracy).toFixed(1)} % of the held-out images right`);
    }
    if (!parts.length) parts.push(this.ended ? "ended" : this.problem ? "not started" : "not trained yet");
    const test = this.ended?.test_accuracy;
    const said = this.ended && this.ended.reason !== "done" ? ` ${this.ended.message}` : "";
    const scored = typeof test === "number"
      ? ` ${(100 * test).toFixed(2)} % of ${this.ended.test_images.toLocaleString("en")} test images right.` : "";
    const wrong = this.problem && ` ${this.problem}`;
    return `${parts.join(", ")}.${said}${scored}${wrong}`;
  }

  #showWeights({ units, scale, pixels }) {
    const values = new Int8Array(fromBase64(pixels).buffer);
    while (this.mosaic.children.length > units) this.mosaic.lastChild.remove();
    while (this.mosaic.children.length < units) this.mosaic.append(grain(40, "", SIDE));
    [...this.mosaic.children].forEach((canvas, unit) => {
      paint(canvas, values.subarray(unit * SIDE * SIDE, (unit + 1) * SIDE * SIDE), { signed: true, top: 127 });
    });
    this.scale.replaceChildren(h("span", {}, h("i.bar.signed"), `weights from ${fixed(-scale, 3)} over 0 to ${fixed(scale, 3)}`));
  }
}
