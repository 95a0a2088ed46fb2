import "./fake_document.js";
import assert from "node:assert/strict";
import { test } from "node:test";
import { spanned } from "../../src/digitscope/service/web/chart.js";
import { fromBase64, grain, paint } from "../../src/digitscope/service/web/grain.js";

const line = (...ys) => ({ ys });

test("the range of a chart is that of all lines, from 0 and a little higher", () => {
  assert.deepEqual(spanned([line(1, null, 2), line(4)], false), [0, 4.2]);
  assert.deepEqual(spanned([line(0, 0)], false), [0, 1]);
  assert.deepEqual(spanned([line(null), line()], false), [0, 1]);
});

test("a logarithmic range is of whole decades, without what is 0 or less", () => {
  assert.deepEqual(spanned([line(0.02, 0, -1, 30)], true), [0.01, 100]);
  assert.deepEqual(spanned([line(10)], true), [10, 100]);
  assert.deepEqual(spanned([line(0)], true), [0.01, 1]);
});

test("a logarithmic range shows at most 14 decades", () => {
  const [low, high] = spanned([line(1e-30, 1e3)], true);
  assert.equal(Math.round(Math.log10(high / low)), 14);
});

const pixels = (canvas) => {
  const { data } = canvas.getContext("2d").image;
  return Array.from({ length: data.length / 4 }, (_, i) => [...data.slice(4 * i, 4 * i + 4)]);
};

test("ink goes from the paper to the colour of the text", () => {
  const canvas = grain(56, "a digit", 2);
  paint(canvas, [0, 51, 255, 300], { top: 255 });
  assert.deepEqual(pixels(canvas).map(([r]) => r), [255, 204, 0, 0]);
  assert.ok(pixels(canvas).every(([, , , alpha]) => alpha === 255));
});

test("signed numbers are red below 0 and blue above it", () => {
  const canvas = grain(56, "weights", 2);
  paint(canvas, [-2, 0, 1, 2], { signed: true });
  assert.deepEqual(pixels(canvas).map((p) => p.slice(0, 3)), [[200, 0, 0], [255, 255, 255], [128, 128, 228], [0, 0, 200]]);
});

test("base64 is bytes", () => {
  assert.deepEqual([...fromBase64("AH//")], [0, 127, 255]);
});
