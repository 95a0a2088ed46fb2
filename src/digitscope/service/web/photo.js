// Photo: a page is read, shown with its boxes, corrected and taken away.

import { askJSON } from "./api.js";
import { $, download, grade, GRADES, guarded, h, legend, percent, svg } from "./dom.js";
import { cut, fromBase64, png } from "./grain.js";

const LARGEST = 2400; // pixels of the longer side that are shown and saved

export function startPhoto({ lookInside }) {
  let wanted; // what was dropped last
  let file; // what is shown
  let page; // the answer of /v1/read; labels and texts change with corrections
  let picture; // the canvas that shows it, upright
  let scale; // of that canvas, by the picture
  let digits = [];
  let editor;

  $("photo-legend").append(...legend([...GRADES, ["corrected", "corrected by you"]]));
  for (const id of ["photo-file", "photo-camera"]) {
    const input = $(id);
    const takeChosen = () => {
      take(input.files[0]);
      input.value = ""; // so that the same file can be chosen again
    };
    input.addEventListener("change", takeChosen);
    takeChosen(); // a file may be chosen while this code is still being fetched
  }
  const shown = () => !$("photo-drop").closest("section").hidden;
  addEventListener("paste", (event) => {
    const pasted = [...event.clipboardData.files][0];
    if (shown() && pasted) take(pasted);
  });

  async function take(given) {
    if (!given) return;
    wanted = given;
    $("photo-status").textContent = `Reading ${given.name} …`;
    const began = performance.now();
    const type = given.type.startsWith("image/") ? given.type : "application/octet-stream";
    const answer = await guarded("photo", () => askJSON("/v1/read?images=true", { body: given, type }));
    const bitmap = answer && (await createImageBitmap(given).catch(() => null));
    if (given !== wanted) return; // another was dropped meanwhile
    if (!answer) {
      $("photo-status").textContent = file ? `Below is still ${file.name}.` : "";
      return;
    }
    file = given;
    page = answer;
    digits = numbers().flatMap((number) => number.digits);
    const seconds = ((performance.now() - began) / 1000).toFixed(2);
    const count = `${digits.length} digit${digits.length === 1 ? "" : "s"}`;
    $("photo-status").textContent = digits.length
      ? `${file.name}: ${count} read in ${seconds} s.`
      : `${file.name}: no digits found. A sharper or closer picture may help.`;
    showPicture(bitmap);
    showText();
    $("photo-result").hidden = false;
    $("photo-drop").classList.add("used"); // the result deserves the room
  }

  const blocks = () => [...page.lines, ...page.grids.flatMap((grid) => grid.cells.flat())];
  const numbers = () => blocks().flatMap((block) => block.numbers);

  function showPicture(bitmap) {
    picture = h("canvas");
    scale = Math.min(1, LARGEST / Math.max(page.width, page.height));
    picture.width = Math.round(page.width * scale);
    picture.height = Math.round(page.height * scale);
    const context = picture.getContext("2d");
    context.fillStyle = "#fff";
    context.fillRect(0, 0, picture.width, picture.height);
    if (bitmap) {
      // The boxes belong to the upright picture: turned counter-clockwise by page.turn.
      context.translate(picture.width / 2, picture.height / 2);
      context.rotate((-page.turn * Math.PI) / 180);
      context.scale(scale, scale);
      context.drawImage(bitmap, -bitmap.width / 2, -bitmap.height / 2);
      context.resetTransform();
    } else {
      $("photo-status").textContent += " This browser cannot show such a file; the boxes are on white.";
    }
    picture.setAttribute("role", "img");
    picture.ariaLabel = `${file.name}, as it was read`;
    const overlay = svg("svg", { viewBox: `0 0 ${page.width} ${page.height}`, role: "group", "aria-label": "Digits" });
    digits.forEach((digit, i) => {
      digit.mark = svg("g", { tabindex: i ? -1 : 0, role: "button" });
      digit.mark.addEventListener("click", () => edit(digit));
      digit.mark.addEventListener("keydown", (event) => key(event, digit));
      digit.mark.addEventListener("focus", () => light(digit, true));
      digit.mark.addEventListener("blur", () => light(digit, false));
      digit.mark.addEventListener("pointerenter", () => light(digit, true));
      digit.mark.addEventListener("pointerleave", () => light(digit, false));
      mark(digit);
    });
    // The small ones above the large, so that each can be clicked.
    const area = ({ box }) => box[2] * box[3];
    overlay.append(...digits.toSorted((a, b) => area(b) - area(a)).map((digit) => digit.mark));
    closeEditor();
    $("photo-figure").replaceChildren(picture, overlay);
  }

  /** Nearly half as high as the digit, but never lost in the page nor all over it. */
  const labelSize = (height) => Math.min(Math.max(height * 0.45, page.height / 60), page.height / 20);
  const state = (digit) => (digit.corrected ? "corrected" : grade(digit.confidence));

  function mark(digit) {
    const [x, y, width, height] = digit.box;
    const size = labelSize(height);
    digit.mark.setAttribute("class", state(digit));
    digit.mark.style.display = digit.removed ? "none" : "";
    const how = digit.corrected ? "corrected" : `${percent(digit.confidence)} sure`;
    digit.mark.setAttribute("aria-label", `${digit.label}, ${how}`);
    const label = svg("text", { x, y: y - size * 0.15, "font-size": size });
    label.textContent = digit.label;
    digit.mark.replaceChildren(svg("rect", { x: x - 2, y: y - 2, width: width + 4, height: height + 4 }), label);
  }

  function light(digit, on) {
    digit.mark.classList.toggle("lit", on);
    digit.word?.classList.toggle("lit", on);
  }

  function key(event, digit) {
    if (event.ctrlKey || event.metaKey || event.altKey) return; // the browser's own
    const seen = digits.filter((each) => !each.removed);
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (step) focus(seen[(seen.indexOf(digit) + step + seen.length) % seen.length]);
    else if (/^[0-9]$/.test(event.key)) correct(digit, Number(event.key));
    else if (event.key === "Delete" || event.key === "Backspace") remove(digit);
    else if (event.key === "Enter" || event.key === " ") edit(digit);
    else return;
    event.preventDefault();
  }

  function focus(digit) {
    if (!digit) return;
    for (const each of digits) each.mark.setAttribute("tabindex", each === digit ? 0 : -1);
    digit.mark.focus();
  }

  function correct(digit, label) {
    digit.label = label;
    digit.corrected = true;
    mark(digit);
    showText();
  }

  function remove(digit) {
    const seen = digits.filter((each) => !each.removed);
    const next = seen[seen.indexOf(digit) + 1] ?? seen[seen.indexOf(digit) - 1];
    digit.removed = true;
    mark(digit);
    showText();
    focus(next);
  }

  function closeEditor() {
    editor?.remove();
    editor = null;
  }

  function edit(digit) {
    closeEditor();
    const done = () => { closeEditor(); focus(digit); };
    const choose = (label) => h("button", {
      type: "button", ariaPressed: `${label === digit.label}`, onclick: () => { correct(digit, label); done(); },
    }, `${label}`);
    const image = fromBase64(digit.image);
    const box = digit.box.map((v) => v * scale);
    const inside = async () => { closeEditor(); lookInside({ image, picture: await cut(picture, box) }); };
    editor = h("div.editor", { role: "dialog", ariaLabel: `Correct the digit ${digit.label}` },
      h("div", {}, digit.corrected ? "Corrected by you" : `Read as ${digit.label}, ${percent(digit.confidence)} sure`),
      h("div.keys", {}, ...Array.from({ length: 10 }, (_, label) => choose(label))),
      h("div.row", {},
        h("button", { type: "button", onclick: () => { closeEditor(); remove(digit); } }, "No digit"),
        h("button", { type: "button", onclick: inside }, "Look inside")));
    editor.addEventListener("keydown", (event) => {
      if (event.key === "Escape") done();
      else if (/^[0-9]$/.test(event.key)) { correct(digit, Number(event.key)); done(); }
    });
    const shown = $("photo-figure").getBoundingClientRect();
    $("photo-figure").append(editor);
    const [x, y, , height] = digit.box.map((v) => (v * shown.width) / page.width);
    editor.style.left = `${Math.max(0, Math.min(x, shown.width - editor.offsetWidth))}px`;
    editor.style.top = `${y + height + 8}px`;
    editor.querySelector("[aria-pressed=true]").focus();
  }

  addEventListener("pointerdown", (event) => {
    if (editor && !editor.contains(event.target)) closeEditor();
  });

  // ----- what was read, as text

  const kept = (number) => number.digits.filter((digit) => !digit.removed);

  /** The digits of a number that were kept, with the signs among them; none of a number without digits. */
  function marks(number) {
    if (!kept(number).length) return [];
    const result = [];
    for (let place = 0; place <= number.digits.length; place += 1) {
      result.push(...number.signs.filter((sign) => sign.place === place));
      const digit = number.digits[place];
      if (digit && !digit.removed) result.push(digit);
    }
    return result;
  }

  /** What stands between a number and the one before it. */
  const before = (number) => (number.raised ? "^" : number.before || " ");

  /** Write corrections into the texts, as the service writes them. */
  function retell() {
    for (const number of numbers()) number.text = marks(number).map((mark) => mark.label ?? mark.text).join("");
    for (const block of blocks()) {
      const read = block.numbers.filter((number) => number.text);
      block.text = read.map((number, k) => (k ? before(number) : "") + number.text).join("");
    }
    for (const grid of page.grids) grid.rows = grid.cells.map((row) => row.map((cell) => cell.text));
    const parts = [page.lines.map((line) => line.text).filter(Boolean).join("\n")];
    parts.push(...page.grids.map((grid) => grid.rows.map((row) => row.join("\t")).join("\n")));
    page.text = parts.filter(Boolean).join("\n\n");
  }

  function words(block) {
    const parts = [];
    for (const number of block.numbers) {
      const letters = marks(number).map((digit) => {
        if (digit.text) return digit.text; // a sign
        digit.word = h(`span.${state(digit)}`, {
          onpointerenter: () => light(digit, true), onpointerleave: () => light(digit, false),
        }, `${digit.label}`);
        return digit.word;
      });
      if (!letters.length) continue;
      parts.push(number.raised ? h("sup", {}, ...letters) : h("span", {}, parts.length ? before(number) : "", ...letters));
    }
    return parts;
  }

  function showText() {
    retell();
    const lines = page.lines.filter((line) => line.text).map((line) => h("div", {}, ...words(line)));
    const grids = page.grids.map((grid) => h("table", {}, h("tbody", {},
      ...grid.cells.map((row) => h("tr", {}, ...row.map((cell) => h("td", {}, ...words(cell))))))));
    const none = h("p.none", {}, "No digits.");
    $("photo-text").replaceChildren(...(page.text ? [...lines, ...grids] : [none]));
  }

  // ----- taking it away

  const base = () => file.name.replace(/\.[^.]*$/, "") || "page";

  /** The answer of /v1/read with the corrections in it; corrected digits say so. */
  function result() {
    const plain = (digit) => {
      const { label, confidence, box, corrected } = digit;
      return { label, confidence, box, ...(corrected && { corrected }) };
    };
    const corrected = (number) => {
      const digits = kept(number);
      const same = digits.length === number.digits.length && !digits.some((digit) => digit.corrected);
      const signs = number.signs.map((sign) => {
        const place = number.digits.slice(0, sign.place).filter((digit) => !digit.removed).length;
        return { ...sign, place };
      });
      const value = same ? number.value : signs.length ? null : Number(number.text);
      return { ...number, value, digits: digits.map(plain), signs };
    };
    const clean = (block) => ({
      ...block,
      numbers: block.numbers.filter((n) => n.text).map(corrected),
    });
    const { annotated, ...rest } = page;
    return {
      ...rest,
      lines: page.lines.filter((line) => line.text).map(clean),
      grids: page.grids.map((grid) => ({ ...grid, cells: grid.cells.map((row) => row.map(clean)) })),
    };
  }

  function csv() {
    const rows = [["place", "number", "confidence", "corrected", "left", "top", "width", "height"]];
    const add = (place, block) => {
      for (const { text, confidence, digits: all, box } of block.numbers) {
        if (text) rows.push([place, text, confidence, all.some((d) => d.corrected || d.removed), ...box]);
      }
    };
    page.lines.forEach((line, i) => add(`line ${i + 1}`, line));
    page.grids.forEach((grid, i) => grid.cells.forEach((row, r) => row.forEach(
      (cell, c) => add(`grid ${i + 1} row ${r + 1} column ${c + 1}`, cell))));
    return rows.map((row) => row.join(",")).join("\n") + "\n";
  }

  async function annotated() {
    const sheet = h("canvas", { width: picture.width, height: picture.height });
    const context = sheet.getContext("2d");
    context.drawImage(picture, 0, 0);
    for (const digit of digits.filter((each) => !each.removed)) {
      const [x, y, width, height] = digit.box.map((v) => v * scale);
      const size = labelSize(height / scale) * scale;
      context.strokeStyle = getComputedStyle(digit.mark).color;
      context.lineWidth = Math.max(2, size / 12);
      context.setLineDash({ fair: [6, 3], doubtful: [2, 3] }[state(digit)] ?? []);
      context.strokeRect(x - 2, y - 2, width + 4, height + 4);
      context.setLineDash([]);
      context.font = `700 ${size}px sans-serif`;
      context.fillStyle = context.strokeStyle;
      context.strokeStyle = "#fff";
      context.lineWidth = size / 4;
      context.lineJoin = "round";
      context.strokeText(digit.label, x, y - size * 0.15);
      context.fillText(digit.label, x, y - size * 0.15);
    }
    download(`${base()}-read.png`, await png(sheet));
  }

  $("photo-copy").hidden = !navigator.clipboard; // it exists on HTTPS and localhost only
  $("photo-copy").onclick = async () => {
    await navigator.clipboard.writeText(page.text);
    $("photo-status").textContent = "Copied.";
  };
  $("photo-json").onclick = () => download(`${base()}.json`, `${JSON.stringify(result(), null, 2)}\n`, "application/json");
  $("photo-csv").onclick = () => download(`${base()}.csv`, csv(), "text/csv");
  $("photo-png").onclick = annotated;
  return { take };
}
