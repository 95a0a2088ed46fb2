// What every view needs of the document: elements, numbers as text, colours of the theme, files.

export const $ = (id) => document.getElementById(id);

/** Make an element: `h("button.primary", { onclick }, "Train")`. */
export function h(name, attributes = {}, ...children) {
  const [tag, ...classes] = name.split(".");
  const element = document.createElement(tag);
  element.classList.add(...classes);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on") || key in element) element[key] = value;
    else element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}

/** The same in SVG, with attributes alone. */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

export const MINUS = "\u2212";

/** A number with a given number of decimals and a true minus sign. */
export const fixed = (x, places = 2) => (x ?? NaN).toFixed(places).replace("-", MINUS);

export function percent(share) {
  if (share >= 0.9995) return "> 99.9 %";
  if (share < 0.0005) return "< 0.1 %";
  return `${(100 * share).toFixed(share < 0.1 || share > 0.99 ? 1 : 0)} %`;
}

/** The grades of confidence that the command line draws with, too. */
export const GRADES = [
  ["sure", "at least 95 % sure"],
  ["fair", "75 to 95 %"],
  ["doubtful", "below 75 %"],
];

export const grade = (confidence) => (confidence >= 0.95 ? "sure" : confidence >= 0.75 ? "fair" : "doubtful");

export const legend = (rows) => rows.map(([kind, text]) => h("span", {}, h(`i.${kind}`, {}), text));

/** Show one sentence over the view, or none; messages of other sources stay. */
export function tell(who, text = "") {
  const place = $("problem");
  if (!text && place.dataset.who !== who) return;
  place.dataset.who = who;
  place.textContent = text;
  place.hidden = !text;
}

/** Run something for a part of the page, and say what went wrong, if it did. */
export async function guarded(who, work) {
  try {
    const result = await work();
    tell(who);
    return result;
  } catch (error) {
    tell(who, error.message);
    if (!("status" in error)) throw error; // a mistake of ours: the console shall have it
    return undefined;
  }
}

export function download(name, content, type) {
  const blob = content instanceof Blob ? content : new Blob([content], { type });
  const address = URL.createObjectURL(blob);
  h("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

const probe = h("span", { hidden: true });
let colours = {};

/** A colour of the theme, such as "blue", as [red, green, blue]. */
export function colour(name) {
  if (!colours[name]) {
    if (!probe.isConnected) document.body.append(probe);
    probe.style.color = `var(--${name})`;
    colours[name] = getComputedStyle(probe).color.match(/[\d.]+/g).slice(0, 3).map(Number);
  }
  return colours[name];
}

export const css = (name) => `rgb(${colour(name).join(" ")})`;

const watchers = new Set();

/** Call again whenever the theme changes: what is painted on a canvas does not change by itself. */
export function onTheme(repaint) {
  watchers.add(repaint);
}

export function setTheme(name) {
  document.documentElement.dataset.theme = name;
  changed();
}

function changed() {
  colours = {};
  for (const repaint of watchers) repaint();
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
