import { COLOURS, elements } from "./fake_document.js";
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  colour, css, fixed, grade, guarded, h, onTheme, percent, setTheme, svg, tell,
} from "../../src/digitscope/service/web/dom.js";

test("numbers have a true minus, and NaN if there is no value", () => {
  assert.equal(fixed(-1.236), "\u22121.24");
  assert.equal(fixed(2, 0), "2");
  assert.equal(fixed(null), "NaN");
});

for (const [share, text] of [
  [0, "< 0.1 %"], [0.0004, "< 0.1 %"], [0.02, "2.0 %"], [0.5, "50 %"], [0.99, "99 %"],
  [0.995, "99.5 %"], [0.9995, "> 99.9 %"], [1, "> 99.9 %"],
]) {
  test(`${share} is written as ${text}`, () => assert.equal(percent(share), text));
}

test("the grades of confidence begin at 75 and 95 %", () => {
  assert.deepEqual([0.749, 0.75, 0.949, 0.95].map(grade), ["doubtful", "fair", "fair", "sure"]);
});

test("an element has classes, properties, attributes and children", () => {
  const press = () => {};
  const element = h("button.primary.wide", { onclick: press, "aria-label": "Train" }, "Train");
  assert.equal(element.tagName, "button");
  assert.deepEqual(element.classes, ["primary", "wide"]);
  assert.equal(element.onclick, press);
  assert.deepEqual(element.attributes, { "aria-label": "Train" });
  assert.deepEqual(element.children, ["Train"]);
  assert.deepEqual(svg("rect", { width: 4 }).attributes, { width: "4" });
});

test("a sentence is cleared only by the view that wrote it", () => {
  tell("photo", "It cannot be read.");
  tell("draw");
  assert.equal(elements.problem.textContent, "It cannot be read.");
  assert.equal(elements.problem.hidden, false);
  tell("photo");
  assert.equal(elements.problem.textContent, "");
  assert.equal(elements.problem.hidden, true);
});

test("an error of the service is shown, an error of the page is also thrown", async () => {
  const refused = Object.assign(new Error("Too large."), { status: 413 });
  assert.equal(await guarded("draw", async () => { throw refused; }), undefined);
  assert.equal(elements.problem.textContent, "Too large.");
  await assert.rejects(guarded("draw", async () => { throw new Error("mistake"); }), /mistake/);
  assert.equal(await guarded("draw", async () => 7), 7);
  assert.equal(elements.problem.hidden, true);
});

test("colours are those of the theme, and change with it", () => {
  assert.deepEqual(colour("blue"), [0, 0, 200]);
  assert.equal(css("blue"), "rgb(0 0 200)");
  let repainted = 0;
  onTheme(() => { repainted += 1; });
  COLOURS.blue = [90, 90, 255];
  assert.deepEqual(colour("blue"), [0, 0, 200], "kept until the theme changes");
  setTheme("dark");
  assert.equal(repainted, 1);
  assert.deepEqual(colour("blue"), [90, 90, 255]);
  COLOURS.blue = [0, 0, 200];
  setTheme("");
});
