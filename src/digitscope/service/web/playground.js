// Playground: two networks learn side by side while one looks.

import { askJSON, latest } from "./api.js";
import { Chart, spanned } from "./chart.js";
import { css, fixed, h, onTheme } from "./dom.js";
import { png } from "./grain.js";
import { Pad } from "./pad.js";
import { Run } from "./run.js";

const PIXELS = 60_000; // of a drawing as it is sent
const LINES = { A: ["blue", []], B: ["red", [6, 4]] };

// Known experiments: name, what to look at, the settings of A and of B.
const DEEP = { hidden: [64, 64, 64, 64, 64, 64], optimizer: "sgd", rate: 0.05, epochs: 10 };
const PRESETS = [
  ["SGD or Adam", "Both start from the same weights; Adam adapts the step to each weight.",
    { optimizer: "sgd", rate: 0.1 }, { optimizer: "adam", rate: 0.001 }],
  ["Vanishing gradients", "Six hidden layers. With sigmoids the gradient shrinks from layer to layer on its way back, and layer 1 gets about a thousandth of it. With ReLU it does not.",
    { ...DEEP, activation: "sigmoid" }, { ...DEEP, activation: "relu", initialisation: "he" }],
  ["Exploding gradients", "The same network on pixels from 0 to 255 and from 0 to 1. Look at the norm of the first gradients, and at the weights.",
    { pixels: "raw", optimizer: "sgd", rate: 0.1 }, { pixels: "unit", optimizer: "sgd", rate: 0.1 }],
  ["Batch normalisation", "Six sigmoid layers, without it and with it.",
    { ...DEEP, activation: "sigmoid" }, { ...DEEP, activation: "sigmoid", normalisation: true }],
  ["All weights zero", "Units with equal weights at the start stay equal: without random initial weights nothing is learned.",
    { initialisation: "zeros" }, { initialisation: "glorot" }],
  ["Too little data", "A hundred images are soon memorised: the loss goes to zero, but the accuracy on held-out images does not rise with it.",
    { images: 100, epochs: 100, batch: 32 }, { images: 10000, epochs: 5, batch: 32 }],
  ["Too large a rate", "The same optimizer, with a learning rate ten thousand times as large.",
    { optimizer: "sgd", rate: 100 }, { optimizer: "sgd", rate: 0.01 }],
];

export async function startPlayground() {
  const offered = await askJSON("/v1/playground");
  if (!offered.runs) {
    document.getElementById("playground").append(h("p.notice", {}, "The playground is disabled; digitscope serve --runs 2 enables it."));
    return {};
  }
  const seen = h("p.soft", {}, "Choose an experiment, or change the settings yourself.");
  const loss = new Chart("Loss on the training batches", { format: (v) => (v === null ? "not a number" : fixed(v, 3)), tick: (v) => String(Number(v.toPrecision(3))) });
  const accuracy = new Chart("Accuracy on held-out images", { format: (v) => (v === null ? "not a number" : `${(100 * v).toFixed(1)} %`), tick: (v) => `${Math.round(100 * v)} %` });
  const runs = ["A", "B"].map((name) => new Run(name, offered, changed));
  const both = h("button.primary", { type: "button", onclick: () => trainBoth() }, "Train both");
  const hold = h("button", { type: "button", onclick: () => holdBoth(), disabled: true }, "Stop both");
  const presets = h("div.row", { role: "group", ariaLabel: "What to see" });
  const legend = h("p.legend");
  const padPlace = h("div.small");

  document.getElementById("playground").append(
    presets, seen, h("p.row", {}, both, hold), h("div.split", {}, loss.element, accuracy.element), legend,
    h("div.split", {}, ...runs.map((run) => run.element)),
    h("h2", {}, "Ask what they have learned"),
    h("div.split.wide-right", {}, padPlace, h("div.split", {}, ...runs.map((run) => run.answer))),
  );
  presets.append(...PRESETS.map(([name, text, a, b]) => h("button", { type: "button", ariaPressed: "false", onclick: ({ target }) => {
    for (const each of presets.children) each.ariaPressed = `${each === target}`;
    seen.textContent = text;
    runs[0].choose(a);
    runs[1].choose(b);
    trainBoth();
  } }, name)));
  legend.append(...runs.map((run) => h("span", {}, h(`i.run-${run.name.toLowerCase()}`), `run ${run.name}`)));

  const pad = new Pad(padPlace, "Draw one digit.");
  const hidden = () => padPlace.closest("section").hidden;
  const predict = latest(async () => {
    if (hidden()) return;
    if (pad.empty) {
      for (const run of runs) run.tell(null);
      return;
    }
    const sheet = pad.sheet(PIXELS);
    const body = await png(sheet);
    await Promise.all(runs.map(async (run) => run.tell(await run.predict(body))));
  });
  pad.addEventListener("change", () => predict());

  async function trainBoth() {
    await Promise.all(runs.map((run) => run.train()));
  }

  async function holdBoth() {
    const some = runs.some((run) => run.state === "training");
    await Promise.all(runs.map((run) => (some ? run.pause() : run.resume())));
  }

  let drawn = false;
  let was = false; // training when last drawn
  function changed() {
    if (drawn) return;
    drawn = true; // many events, one picture
    requestAnimationFrame(() => { drawn = false; draw(); });
  }

  function draw() {
    const training = runs.some((run) => run.state === "training");
    hold.textContent = training ? "Stop both" : "Continue both";
    hold.disabled = !runs.some((run) => ["training", "paused"].includes(run.state));
    const lines = (key) => runs.map((run) => {
      const [colour, dash] = LINES[run.name];
      return { name: run.name, colour: css(colour), dash, xs: run.xs, ys: run.curve(key) };
    });
    // A loss that explodes would press the other one flat.
    const losses = lines("loss");
    const [, top] = spanned(losses, false);
    loss.show(losses, [0, Math.min(top, 5)]);
    accuracy.show(lines("accuracy"), [0, 1]);
    const norms = spanned(runs.flatMap((run) => run.layers()), true);
    for (const run of runs) run.draw(norms);
    if (pad.empty) runs.forEach((run) => run.tell(null));
    else if (training || was) predict();
    was = training;
  }

  onTheme(changed);
  addEventListener("pagehide", () => runs.forEach((run) => run.leave()));
  draw();
  return { shown: () => predict() };
}
