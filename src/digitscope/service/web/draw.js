// Draw: what is written is read while it is written.

import { askJSON, latest } from "./api.js";
import { $, GRADES, grade, guarded, h, legend, percent } from "./dom.js";
import { cut, fromBase64, grain, paint, png } from "./grain.js";
import { Pad } from "./pad.js";

// What is written here is meant to be read, so less sure digits count than on a photo.
const ASK = "/v1/read?images=true&threshold=0.15";
// Large enough to read from, small enough to be read between two movements of the pen.
const PIXELS = 60_000;
const COLOURS = { sure: "blue", fair: "orange", doubtful: "red" };

export function startDraw({ lookInside }) {
  const pad = new Pad($("draw-pad"), "Write here.");
  let drawing = false;
  $("draw-legend").append(...legend(GRADES));

  const read = latest(async () => {
    if (pad.empty) return show(null);
    const began = performance.now();
    const sheet = pad.sheet(PIXELS);
    const body = await png(sheet);
    const page = await guarded("draw", () => askJSON(ASK, { body, type: "image/png" }));
    if (page && !pad.empty) show(page, sheet, performance.now() - began);
    return undefined;
  });

  function show(page, sheet, ms) {
    const digits = page ? page.lines.flatMap((line) => line.numbers.flatMap((number) => number.digits)) : [];
    $("draw-text").textContent = page ? page.text || "no digit" : "";
    $("draw-text").className = page && !page.text ? "none" : "";
    $("draw-note").textContent = page ? note(digits, ms) : "";
    $("draw-legend").hidden = !digits.length;
    $("draw-digits").replaceChildren(...digits.map((digit) => card(digit, sheet)));
    pad.boxes = digits.map((d) => [...d.box.map((v) => v / sheet.width), COLOURS[grade(d.confidence)]]);
    pad.render();
    if (!drawing) $("draw-spoken").textContent = $("draw-text").textContent;
  }

  function note(digits, ms) {
    const time = `Read in ${Math.round(ms)} ms.`;
    if (digits.length) return `${time} Press a digit to look inside.`;
    return `${time} Nothing here is a digit to the network, or it is not finished yet.`;
  }

  function card(digit, sheet) {
    const image = fromBase64(digit.image);
    const picture = grain(56, "the digit in the form of MNIST");
    paint(picture, image, { top: 255 });
    const inside = async () => lookInside({ image, picture: await cut(sheet, digit.box) });
    const label = `${digit.label}, ${percent(digit.confidence)} sure; look inside`;
    return h("li", {}, h(`button.${grade(digit.confidence)}`, { type: "button", onclick: inside, ariaLabel: label },
      picture, h("b", {}, `${digit.label}`), h("small", {}, percent(digit.confidence))));
  }

  pad.addEventListener("change", () => {
    drawing = true;
    read();
  });
  // Spoken when a stroke is done and read, not with every point of it.
  pad.addEventListener("end", () => {
    drawing = false;
    read();
  });
  return {};
}
