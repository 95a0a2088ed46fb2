// Inside: from a drawing to 28×28, through the hidden units, to ten probabilities.

import { askJSON, latest } from "./api.js";
import { fixed, guarded, h, MINUS, percent } from "./dom.js";
import { grain, paint, png, SIDE } from "./grain.js";
import { column, Network } from "./network.js";
import { Pad } from "./pad.js";

const PIXELS = 60_000; // of the drawing as it is sent
const STRONGEST = 6;
const ASKS = "Draw a digit, or press one that was read in Draw or Photo.";
const TERMS = 5; // of a sum that are written out
const STEPS = {
  gray: ["The picture", "without its colours"],
  ink: ["Ink", "what is written, whatever the paper"],
  digit: ["Digit", "without lines and specks"],
  stroke: ["Strokes", "as wide as MNIST's pens wrote"],
  box: ["Box", "the longer side is 20 pixels"],
  image: ["28×28", "its centre of mass in the middle"],
};

export async function startInside({ models, model }) {
  const view = build();
  const pad = new Pad(view.pad, "Draw one digit.");
  let network = null; // with its weights, if it is a multilayer perceptron
  let path;
  let elsewhere = null; // the digit that was read in another view, if that is what is shown

  /** Take the model of the page if it can be walked through, else one that can, else any. */
  async function choose() {
    const layered = models.filter((each) => each.network);
    const chosen = layered.find((each) => each.name === model()) ?? layered[0] ?? models[0];
    path = `/v1/explain?model=${encodeURIComponent(chosen.name)}&top=0`;
    network = chosen.network ? await Network.of(chosen) : null;
    view.named(chosen.name);
  }

  const explain = latest(async () => {
    if (pad.empty) return view.clear();
    const sheet = pad.sheet(PIXELS);
    const body = await png(sheet);
    elsewhere = null;
    await guarded("inside", async () => {
      try {
        const answer = await askJSON(`${path}&steps=true`, { body, type: "image/png" });
        if (!pad.empty) render(answer, answer.steps);
      } catch (error) {
        if (error.status !== 422) throw error;
        view.clear(error.message); // a mere dot
      }
    });
    return undefined;
  });
  pad.addEventListener("change", () => explain());

  /** Show a digit that was read elsewhere, in MNIST form, and where it was cut out. */
  async function show(digit) {
    pad.clear();
    elsewhere = digit;
    const { image, picture } = digit;
    await guarded("inside", async () => {
      const answer = await askJSON(path, { body: image, type: "application/octet-stream" });
      const way = await askJSON(`${path}&steps=true`, { body: picture, type: "image/png" }).catch(() => null);
      if (elsewhere !== digit) return; // another was pressed, or drawn, meanwhile
      // Among neighbours a digit cannot be cut out as cleanly as the reader did it.
      const same = way && differ(way.image.flat(), image) < 4;
      render(answer, way?.steps.slice(0, same ? undefined : 1));
    });
  }

  function render(answer, steps) {
    const image = answer.image.flat();
    view.steps(steps, image);
    view.verdict(answer);
    if (!network) return view.occlusion(answer);
    const passed = network.forward(image);
    const apart = Math.max(...passed.at(-1).a.map((p, k) => Math.abs(p - answer.probabilities[k])));
    view.agreement(apart);
    view.layers(passed, answer, (kind, index) => view.sum(passed, kind, index));
    return view.sum(passed, "output", answer.winner);
  }

  await choose();
  return {
    show,
    async again() {
      await guarded("inside", choose);
      if (elsewhere) await show(elsewhere);
      else await explain();
    },
  };
}

/** Make the view's elements once; the functions returned fill them. */
function build() {
  const pad = h("div.small");
  const verdict = h("p.verdict", { role: "status" }, ASKS);
  const way = h("ol.way");
  const seen = grain(224, "The 28×28 pixels that the network sees", SIDE);
  const pixel = h("p.soft", {}, "Point at a pixel, or move there with the arrow keys.");
  const cells = h("div.cells", { role: "group", ariaLabel: "Hidden units, brighter ink for a larger activation" });
  const hiddenTitle = h("h2", {}, "Hidden units");
  const cellLegend = h("p.legend");
  const strongest = h("ul.digits");
  const strongestTitle = h("h2", {}, "The units that decide");
  const bars = h("div.bars", { role: "group", ariaLabel: "Probabilities of the ten digits" });
  const sums = h("div.sum", { ariaLive: "off" });
  const agreement = h("p.soft");
  const named = h("p.soft");
  const hiddenPart = h("div", {}, hiddenTitle, cells, cellLegend);
  const outputs = h("div", {}, h("h2", {}, "Ten probabilities"), bars, agreement);
  const rest = [ // what only a multilayer perceptron has
    h("div.split", {}, hiddenPart, h("div", {}, h("h2", {}, "y = x·W + b"), sums)),
    h("div", {}, strongestTitle, strongest,
      h("p.legend", {}, h("span", {}, h("i.bar.signed"), "weights and products: − 0 +"),
        h("span", {}, h("i.bar.ink"), "pixels and activations: 0 to most"))),
  ];
  const map = grain(224, "How much the answer misses what is covered", SIDE);
  const covered = h("div", {}, h("h2", {}, "What it would miss"), map,
    h("p.legend", {}, h("span", {}, h("i.bar.signed"), "covered, it would be surer − 0 + less sure")),
    h("p.soft", {}, "This network is no multilayer perceptron, so it is asked from outside: the image is covered patch by patch."));
  const after = h("div", { hidden: true },
    h("h2", {}, "From the picture to 28×28"), way,
    h("div.split", {}, h("div", {}, h("h2", {}, "What the network sees"), seen, pixel), outputs, covered), ...rest);
  document.getElementById("inside").replaceChildren(h("div.split.wide-right", {}, h("div", {}, pad, verdict, named), after));

  let image;
  let at = 14 * SIDE + 14;
  const tell = (index) => {
    at = index;
    const [row, col] = [Math.floor(index / SIDE), index % SIDE];
    const x = image[index];
    pixel.textContent = `Row ${row}, column ${col}: ${x}, and x = ${x} / 255 = ${fixed(x / 255, 3)}.`;
  };
  seen.tabIndex = 0;
  seen.addEventListener("pointermove", ({ offsetX, offsetY }) => {
    const place = (offset) => Math.min(SIDE - 1, Math.max(0, Math.floor((offset / seen.clientWidth) * SIDE)));
    tell(place(offsetY) * SIDE + place(offsetX));
  });
  seen.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -SIDE, ArrowDown: SIDE }[event.key];
    if (!step || !image) return;
    event.preventDefault();
    if (at + step >= 0 && at + step < image.length) tell(at + step);
  });

  return {
    pad,

    named(name) {
      named.textContent = `The network is ${name}.`;
    },

    clear(why = ASKS) {
      after.hidden = true;
      verdict.textContent = why;
    },

    steps(steps, pixels) {
      image = pixels;
      after.hidden = false;
      const last = grain(84, "28×28", SIDE);
      paint(last, image, { top: 255 });
      paint(seen, image, { top: 255 });
      const rows = (steps ?? []).map(({ name, picture, width, height }) => [name, h("img", { src: picture, alt: "" }), width, height]);
      way.replaceChildren(...[...rows, ["image", last, SIDE, SIDE]].map(([name, shown, width, height]) => h("li", {},
        h("div.frame", {}, shown), h("b", {}, STEPS[name][0]), h("small", {}, `${width}×${height}, ${name === "image" && rows.length < 5 ? "as the reader took it from the page" : STEPS[name][1]}`))));
    },

    verdict(answer) {
      const p = answer.probabilities?.[answer.winner] ?? answer.probability;
      verdict.replaceChildren(answer.refused ? "no digit" : `${answer.winner}`);
      const how = answer.refused
        ? `It would be ${answer.winner}, but scores ${fixed(answer.score)}, below ${fixed(answer.threshold)}.`
        : `${percent(p)} ${answer.kind === "layers" ? "by its softmax" : "sure"}.`;
      verdict.append(h("small", {}, how));
    },

    agreement(apart) {
      agreement.textContent = apart < 5e-5
        ? "All numbers here are worked out by this page from the weights; the service's probabilities are the same to "
          + `${apart < 5e-8 ? "seven" : apart < 5e-7 ? "six" : apart < 5e-6 ? "five" : "four"} decimals.`
        : `This page's probabilities differ from the service's by ${apart.toPrecision(2)}: do not trust them.`;
    },

    layers(steps, answer, look) {
      for (const part of [outputs, ...rest]) part.hidden = false;
      covered.hidden = true;
      const hidden = steps.at(-2);
      const { layer: last, a: probabilities } = steps.at(-1);
      const { winner, runner_up: second } = answer;
      bars.replaceChildren(...Array.from(probabilities, (p, k) => bar(k, p, k === winner, () => look("output", k))));
      hiddenPart.hidden = rest[1].hidden = !hidden;
      if (!hidden) return; // a network without hidden layers
      const most = Math.max(...hidden.a.map(Math.abs), 1e-9);
      hiddenTitle.textContent = `${hidden.a.length} hidden units`;
      const lit = hidden.a.filter((value) => value > 0).length;
      cellLegend.replaceChildren(h("span", {}, h("i.bar.ink"), `0 to ${fixed(most)}; ${lit} of ${hidden.a.length} are above 0`));
      if (hidden.a.some((value) => value < 0)) cellLegend.append(h("span", {}, h("i.bar.below"), `0 to ${MINUS}${fixed(most)}`));
      cells.replaceChildren(...Array.from(hidden.a, (value, j) => cell(j, value, most, () => look("unit", j))));
      const lead = (j) => hidden.a[j] * (last.kernel[j * 10 + winner] - last.kernel[j * 10 + second]);
      const order = [...hidden.a.keys()].sort((i, j) => Math.abs(lead(j)) - Math.abs(lead(i)));
      strongestTitle.textContent = `The ${STRONGEST} units that decide between ${winner} and ${second}`;
      strongest.replaceChildren(...order.slice(0, STRONGEST).map((j) => {
        const picture = [];
        if (hidden.layer.inputs === SIDE * SIDE) {
          picture.push(grain(84, `weights of unit ${j}`));
          paint(picture[0], column(hidden.layer, j), { signed: true });
        }
        const to = (k) => `${signed(hidden.a[j] * last.kernel[j * 10 + k])} to ${k}`;
        return h("li", {}, h("button", { type: "button", onclick: () => look("unit", j) }, ...picture,
          h("b", {}, `unit ${j}`), h("small", {}, `A = ${fixed(hidden.a[j])}`),
          h("small", {}, to(winner)), h("small", {}, to(second))));
      }));
    },

    sum(steps, kind, index) {
      const step = kind === "output" ? steps.at(-1) : steps.at(-2);
      sums.replaceChildren(...writeSum(step, kind, index));
    },

    occlusion(answer) {
      for (const part of [outputs, ...rest]) part.hidden = true;
      covered.hidden = false;
      map.width = map.height = answer.drops.length;
      paint(map, answer.drops.flat(), { signed: true });
    },
  };
}

/** The mean difference of two images, in gray levels. */
const differ = (one, other) => one.reduce((sum, value, i) => sum + Math.abs(value - other[i]), 0) / one.length;

const signed = (x) => (x < 0 ? MINUS : "+") + Math.abs(x).toFixed(2);

function bar(digit, p, wins, look) {
  const fill = h("i");
  fill.style.width = `${100 * p}%`;
  return h(`button${wins ? ".wins" : ""}`, { type: "button", onclick: look, onpointerenter: look, onfocus: look,
    ariaLabel: `${digit}: ${percent(p)}; show the sum` },
  h("b", {}, `${digit}`), h("span.track", {}, fill), h("small", {}, percent(p)));
}

function cell(unit, value, most, look) {
  const element = h("button", { type: "button", onclick: look, onpointerenter: look, onfocus: look,
    ariaLabel: `unit ${unit}: ${fixed(value)}`, title: `unit ${unit}: ${fixed(value)}` });
  element.style.setProperty("--lit", `${(100 * Math.abs(value)) / most}%`);
  if (value < 0) element.classList.add("minus");
  return element;
}

/** One sum, with its pictures where the inputs are pixels, its largest terms, and its activation. */
function writeSum({ layer, x, y, a }, kind, index) {
  const w = column(layer, index);
  const products = w.map((weight, i) => weight * x[i]);
  const total = products.reduce((sum, value) => sum + value, 0);
  const parts = [];
  if (layer.inputs === SIDE * SIDE) {
    const frames = [["x, the pixels", x, false], [`W, column ${index}`, w, true], ["x times W", products, true]];
    parts.push(h("div.row.pictures", {}, ...frames.map(([text, values, both]) => {
      const picture = grain(112, text);
      paint(picture, values, { signed: both });
      return h("figure", {}, picture, h("figcaption", {}, text));
    })));
  }
  const terms = [...products.keys()].filter((i) => products[i]).sort((i, j) => Math.abs(products[j]) - Math.abs(products[i]));
  const written = terms.slice(0, TERMS).map((i) => `${fixed(x[i])}·${w[i] < 0 ? `(${fixed(w[i])})` : fixed(w[i])}`);
  const more = terms.length > TERMS ? ` + … ${terms.length - TERMS} more that are not 0` : "";
  const name = kind === "output" ? `y${sub(index)}, the logit of ${index}` : `y${sub(index)}, the sum of unit ${index}`;
  const lines = [
    name,
    `  = x·W + b`,
    `  = ${written.join(" + ") || "0"}${more} + b`,
    `  = ${fixed(total, 3)} + ${layer.bias[index] < 0 ? `(${fixed(layer.bias[index], 3)})` : fixed(layer.bias[index], 3)}`,
    `  = ${fixed(y[index], 3)}`,
    kind === "output"
      ? `B${sub(index)} = exp(y${sub(index)}) / Σ exp(y) = ${a[index] < 1e-4 ? a[index].toExponential(1) : fixed(a[index], 4)}`
      : `A${sub(index)} = ${layer.activation}(y${sub(index)}) = ${fixed(a[index], 3)}`,
  ];
  parts.push(h("pre", {}, lines.join("\n")));
  return parts;
}

const sub = (n) => [...`${n}`].map((c) => "₀₁₂₃₄₅₆₇₈₉"[c]).join("");
