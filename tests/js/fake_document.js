// As much of a browser as the modules of the page touch when they are imported. Import it first.

class Element {
  constructor(tag) {
    this.tagName = tag;
    this.attributes = {};
    this.children = [];
    this.classes = [];
    this.dataset = {};
    this.style = {};
    this.classList = { add: (...names) => this.classes.push(...names) };
    this.onclick = null; // a property, so that `"onclick" in element` holds
    this.textContent = "";
    this.hidden = false;
  }

  append(...children) {
    this.children.push(...children);
  }

  setAttribute(name, value) {
    this.attributes[name] = String(value);
  }
}

class Canvas extends Element {
  width = 0;
  height = 0;
  #context = new Context();

  getContext() {
    return this.#context;
  }
}

/** Keeps the image that was put last, as RGBA. */
class Context {
  createImageData(width, height) {
    return { width, height, data: new Uint8ClampedArray(4 * width * height) };
  }

  putImageData(image) {
    this.image = image;
  }
}

export const COLOURS = { panel: [255, 255, 255], text: [0, 0, 0], blue: [0, 0, 200], red: [200, 0, 0] };
export const elements = {}; // by id; a test may set them

const body = new Element("body");
const listeners = [];
globalThis.document = {
  body,
  documentElement: new Element("html"),
  createElement: (tag) => (tag === "canvas" ? new Canvas(tag) : new Element(tag)),
  createElementNS: (_, tag) => new Element(tag),
  getElementById: (id) => (elements[id] ??= new Element("div")),
  querySelectorAll: () => [],
};
globalThis.matchMedia = () => ({ addEventListener: (_, changed) => listeners.push(changed) });
globalThis.getComputedStyle = (element) => {
  const name = element.style.color.match(/--(\w+)/)[1];
  return { color: `rgb(${COLOURS[name].join(", ")})` };
};

const stored = new Map();
globalThis.sessionStorage = {
  getItem: (key) => stored.get(key) ?? null,
  setItem: (key, value) => stored.set(key, value),
  removeItem: (key) => stored.delete(key),
};
