// The page: which view is shown, which model is looked into, which theme it has.

import { askJSON } from "./api.js";
import { $, guarded, percent, setTheme } from "./dom.js";
import { startDraw } from "./draw.js";

const THEME = "digitscope-theme";
const views = [...document.querySelectorAll("[data-view]")];
const context = {
  models: [],
  model: () => $("model").value,
  async lookInside(digit) {
    location.hash = "inside";
    (await open("inside"))?.show(digit);
  },
};
const draw = startDraw(context);

// The other views are fetched when they are first opened.
const LATER = {
  photo: async () => (await import("./photo.js")).startPhoto(context),
  inside: async () => (await import("./inside.js")).startInside(context),
  playground: async () => (await import("./playground.js")).startPlayground(context),
};
const opened = { draw };

/** Return a view, fetched and started if it is opened for the first time; nothing if that failed. */
function open(name) {
  opened[name] ??= guarded(name, LATER[name]).then((view) => {
    if (!view) delete opened[name];
    return view;
  });
  return opened[name];
}

async function route() {
  const wanted = location.hash.slice(1);
  if (wanted === "content") return;
  const name = views.some((view) => view.dataset.view === wanted) ? wanted : "draw";
  for (const view of views) view.hidden = view.dataset.view !== name;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#${name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = name === "draw" ? "digitscope" : `${name} · digitscope`;
  await ready;
  (await open(name))?.shown?.();
}

const ready = guarded("models", async () => {
  const { default: first, models } = await askJSON("/v1/models");
  context.models = models;
  $("model").replaceChildren(...models.map(({ name }) => new Option(name, name, name === first, name === first)));
  tellCard();
  performance.mark("ready"); // one can write, and is read
});

function tellCard() {
  const { card, name, parameters } = context.models.find((model) => model.name === context.model()) ?? {};
  const { accuracy, n } = card?.scores ?? {};
  const scored = accuracy ? `, ${percent(accuracy)} of ${n?.toLocaleString("en")} test images of ${card.data.name} right` : "";
  $("card").textContent = card ? `${name}: ${parameters.toLocaleString("en")} weights${scored}` : "";
}

$("model").addEventListener("change", async () => {
  tellCard();
  for (const view of Object.values(opened)) (await view)?.again?.();
});
// Anywhere on the page: a picture that misses its field must not replace the page.
addEventListener("dragover", (event) => {
  event.preventDefault();
  $("photo-drop").classList.add("over");
});
addEventListener("dragleave", () => $("photo-drop").classList.remove("over"));
addEventListener("drop", async (event) => {
  event.preventDefault();
  $("photo-drop").classList.remove("over");
  const [file] = event.dataTransfer.files;
  if (!file) return;
  location.hash = "photo";
  (await open("photo"))?.take(file);
});
$("theme").value = localStorage.getItem(THEME) ?? "";
$("theme").addEventListener("change", () => {
  localStorage.setItem(THEME, $("theme").value);
  setTheme($("theme").value);
});
setTheme($("theme").value);
addEventListener("hashchange", route);
route();
askJSON("/healthz").then(({ version }) => { $("version").textContent = `digitscope ${version}`; });
