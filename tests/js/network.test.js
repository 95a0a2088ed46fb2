import "./fake_document.js";
import assert from "node:assert/strict";
import { test } from "node:test";
import { column, Network } from "../../src/digitscope/service/web/network.js";

const near = (seen, expected, within = 1e-6) => {
  assert.equal(seen.length, expected.length);
  seen.forEach((value, i) => assert.ok(Math.abs(value - expected[i]) < within, `${value} for ${expected[i]}`));
};

/** One layer of one unit with the kernel 1 and the bias 0. */
const single = (activation) => new Network(
  { scale: 1, layers: [{ inputs: 1, units: 1, activation }] }, Float32Array.of(1, 0));

test("two layers are what they are on paper", () => {
  const layers = [
    { inputs: 3, units: 2, activation: "relu" },
    { inputs: 2, units: 2, activation: "softmax" },
  ];
  // Kernels row by row, each followed by its bias.
  const weights = Float32Array.of(1, -1, 2, 0, 5, 5, 0.5, -0.5, 1, 0, 0, 2, 0.25, -1);
  const steps = new Network({ scale: 0.5, layers }, weights).forward([2, 4, 0]);
  near(steps[0].x, [1, 2, 0]);
  near(steps[0].y, [5.5, -1.5]);
  near(steps[0].a, [5.5, 0]);
  near(steps[1].x, steps[0].a);
  near(steps[1].y, [5.75, -1]);
  near(steps[1].a, [1 / (1 + Math.exp(-6.75)), 1 / (1 + Math.exp(6.75))]);
});

test("a pixel of 0 adds nothing, with any weights", () => {
  const layers = [{ inputs: 2, units: 1, activation: "linear" }];
  const [step] = new Network({ scale: 1, layers }, Float32Array.of(NaN, 3, 1)).forward([0, 2]);
  near(step.y, [7]);
});

for (const [activation, at, expected] of [
  ["relu", -2, 0], ["relu", 2, 2],
  ["sigmoid", 0, 0.5], ["sigmoid", 2, 0.8807970779778823],
  ["tanh", 1, 0.7615941559557649],
  ["elu", -1, Math.exp(-1) - 1], ["elu", 3, 3],
  ["selu", -1, 1.0507009873554805 * 1.6732632423543772 * (Math.exp(-1) - 1)],
  ["selu", 1, 1.0507009873554805],
  ["linear", -3, -3],
]) {
  test(`${activation} of ${at}`, () => near(single(activation).forward([at])[0].a, [expected]));
}

test("softmax does not overflow and adds up to 1", () => {
  const layers = [{ inputs: 1, units: 3, activation: "softmax" }];
  const network = new Network({ scale: 1, layers }, Float32Array.of(1000, 999, -1000, 0, 0, 0));
  const [{ a }] = network.forward([1]);
  near(a, [1 / (1 + Math.exp(-1)), 1 / (1 + Math.exp(1)), 0]);
  near([a.reduce((sum, p) => sum + p)], [1]);
});

test("the weights of a unit are a column of the kernel", () => {
  near(column({ kernel: Float32Array.of(1, 2, 3, 4, 5, 6), inputs: 3, units: 2 }, 1), [2, 4, 6]);
});
