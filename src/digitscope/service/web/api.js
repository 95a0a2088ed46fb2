// Requests to the service: all go through `ask`, which adds the key and throws one clear sentence on failure.

const KEY = "digitscope-key";

export class Problem extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

/** Send a request; the answer is an OK Response, anything else is thrown as a Problem. */
export async function ask(path, { body, type, method, signal, keepalive, headers = {} } = {}) {
  const all = { ...headers };
  const key = sessionStorage.getItem(KEY);
  if (type) all["Content-Type"] = type;
  if (key) all["X-API-Key"] = key;
  let response;
  try {
    method ??= body === undefined ? "GET" : "POST";
    response = await fetch(path, { method, body, headers: all, signal, keepalive });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, "The service does not answer; is it still running?");
  }
  if (response.status === 401 && (await askForKey(key))) {
    return ask(path, { body, type, method, signal, keepalive, headers });
  }
  if (!response.ok) {
    const problem = await response.json().catch(() => ({}));
    throw new Problem(response.status, sentence(problem.detail ?? `The service answered ${response.status}.`));
  }
  return response;
}

export const askJSON = async (path, options) => (await ask(path, options)).json();

/**
 * Follow a stream of server-sent events until `signal` aborts; a new connection continues after the last event.
 * `lost` is called with true when the connection is lost, and with false when it is back.
 */
export async function follow(path, signal, seen, lost) {
  // EventSource cannot send the key, so the stream is taken apart here.
  let last = "";
  while (!signal.aborted) {
    try {
      const response = await ask(path, { signal, headers: last ? { "Last-Event-ID": last } : {} });
      lost(false);
      for await (const event of events(response.body)) {
        if (signal.aborted) return;
        if (event.id) last = event.id;
        seen(event.kind, JSON.parse(event.data));
      }
      return; // the service ended it
    } catch (error) {
      if (error.name === "AbortError") return;
      if (error instanceof Problem && error.status) throw error;
      lost(true);
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
}

async function* events(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const fields = {};
      for (const line of block.split("\n")) {
        const at = line.indexOf(":");
        if (at > 0) fields[line.slice(0, at)] = line.slice(at + 1).trimStart();
      }
      if (fields.data) yield { id: fields.id, kind: fields.event, data: fields.data };
    }
  }
}

/** A function that works on the newest input alone: while it is busy, only the last is kept. */
export function latest(work) {
  let busy = false;
  let waiting = [];
  return async function go(input) {
    waiting = [input];
    if (busy) return;
    busy = true;
    try {
      while (waiting.length) await work(waiting.pop());
    } finally {
      busy = false;
    }
  };
}

let asking;

/** Ask for the key, after one that was wrong or none; false if the dialog is closed without one. */
function askForKey(wrong) {
  const known = sessionStorage.getItem(KEY);
  if (known && known !== wrong) return true; // another request has asked meanwhile
  sessionStorage.removeItem(KEY);
  asking ??= new Promise((resolve) => {
    const dialog = document.getElementById("key-dialog");
    const field = document.getElementById("key");
    document.getElementById("key-wrong").hidden = !wrong;
    dialog.addEventListener("close", () => {
      asking = undefined;
      const given = dialog.returnValue === "ok";
      if (given) sessionStorage.setItem(KEY, field.value);
      resolve(given);
      dialog.returnValue = field.value = "";
    }, { once: true });
    dialog.showModal();
  });
  return asking;
}

const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1);
