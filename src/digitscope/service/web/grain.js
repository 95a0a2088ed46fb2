// Small pictures of numbers: 28×28 pixels, weights, activations.

import { colour, h, onTheme } from "./dom.js";

export const SIDE = 28;

const painted = new WeakMap(); // canvas -> what is painted on it

/** A canvas for a picture of `side` × `side` numbers, shown `size` sixteenths of a rem large. */
export function grain(size, label, side = SIDE) {
  const canvas = h("canvas.grain", { width: side, height: side, role: "img", ariaLabel: label });
  canvas.style.width = canvas.style.height = `${size / 16}rem`;
  return canvas;
}

/**
 * Paint numbers. `ink` goes from 0, the paper, to `top`; `signed` from -top over 0 to top, in the
 * two colours of the legend.
 */
export function paint(canvas, values, { signed = false, top = 0 } = {}) {
  painted.set(canvas, [values, { signed, top }]);
  const side = canvas.width;
  const context = canvas.getContext("2d");
  const image = context.createImageData(side, values.length / side);
  const high = top || values.reduce((most, v) => Math.max(most, Math.abs(v)), 1e-9);
  const paper = colour("panel");
  const [plus, minus] = [colour(signed ? "blue" : "text"), colour("red")];
  values.forEach((value, i) => {
    const share = Math.min(1, Math.abs(value) / high);
    const ink = value < 0 ? minus : plus;
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = paper[c] + share * (ink[c] - paper[c]);
    image.data[4 * i + 3] = 255;
  });
  context.putImageData(image, 0, 0);
}

onTheme(() => {
  for (const canvas of document.querySelectorAll("canvas.grain")) {
    if (painted.has(canvas)) paint(canvas, ...painted.get(canvas));
  }
});

export const fromBase64 = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

/** Cut a box out of a canvas, with paper around it, as PNG. */
export function cut(canvas, [left, top, width, height]) {
  const margin = Math.max(3, 0.08 * Math.max(width, height));
  const piece = h("canvas", { width: Math.ceil(width + 2 * margin), height: Math.ceil(height + 2 * margin) });
  const context = piece.getContext("2d");
  context.fillStyle = "#fff";
  context.fillRect(0, 0, piece.width, piece.height);
  context.drawImage(canvas, margin - left, margin - top);
  return png(piece);
}

/** A canvas as the bytes of a PNG. */
export const png = (canvas) => new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
