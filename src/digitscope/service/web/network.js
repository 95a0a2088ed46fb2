// A multilayer perceptron in the browser: its weights as the service gives them, and y = x·W + b.

import { ask } from "./api.js";

const e = Math.expm1;
const [SCALE, ALPHA] = [1.0507009873554805, 1.6732632423543772]; // of SELU

const ACTIVATIONS = {
  relu: (y) => Math.max(0, y),
  sigmoid: (y) => 1 / (1 + Math.exp(-y)),
  tanh: Math.tanh,
  elu: (y) => (y > 0 ? y : e(y)),
  selu: (y) => SCALE * (y > 0 ? y : ALPHA * e(y)),
  linear: (y) => y,
};

export class Network {
  /** `layers` as in the answer of /v1/models; the kernels are float32, of inputs × units, row by row. */
  constructor({ scale, layers }, weights) {
    this.scale = scale;
    let at = 0;
    const take = (count) => weights.subarray(at, (at += count));
    this.layers = layers.map((layer) => ({
      ...layer, kernel: take(layer.inputs * layer.units), bias: take(layer.units),
    }));
  }

  static async of(model) {
    const response = await ask(`/v1/models/${encodeURIComponent(model.name)}/weights`);
    return new Network(model.network, new Float32Array(await response.arrayBuffer()));
  }

  /** What each layer was given, its sums and its outputs, for one image of 784 bytes. */
  forward(image) {
    const steps = [];
    let x = Float64Array.from(image, (pixel) => pixel * this.scale);
    for (const layer of this.layers) {
      const y = Float64Array.from(layer.bias);
      x.forEach((value, i) => {
        if (!value) return;
        const row = i * layer.units;
        for (let j = 0; j < layer.units; j++) y[j] += value * layer.kernel[row + j];
      });
      const a = layer.activation === "softmax" ? softmax(y) : y.map(ACTIVATIONS[layer.activation]);
      steps.push({ layer, x, y, a });
      x = a;
    }
    return steps;
  }
}

/** The weights of one unit, one for each of its inputs. */
export function column({ kernel, inputs, units }, unit) {
  return Float64Array.from({ length: inputs }, (_, i) => kernel[i * units + unit]);
}

function softmax(y) {
  const most = Math.max(...y);
  const powers = y.map((value) => Math.exp(value - most));
  const sum = powers.reduce((total, value) => total + value, 0);
  return powers.map((value) => value / sum);
}
