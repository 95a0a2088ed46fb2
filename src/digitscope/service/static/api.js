// Asking the service: one door for every request, with the key and one clear sentence on failure.

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
  if (type) all["Content-Type"] = type;
  if (sessionStorage.getItem(KEY)) all["X-API-Key"] = sessionStorage.getItem(KEY);
  let response;
  try {
    method ??= body === undefined ? "GET" : "POST";
    response = await fetch(path, { method, body, headers: all, signal, keepalive });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, "The service does not answer; is it still running?");
  }
  if (response.status === 401 && (await askForKey())) {
    return ask(path, { body, type, method, signal, keepalive, headers });
  }
  if (!response.ok) {
    const problem = await response.json().catch(() => ({}));
    throw new Problem(response.status, sentence(problem.detail ?? `The service answered ${response.status}.`));
  }
  return response;
}

export const askJSON = async (path, options) => (await ask(path, options)).json();

/** Follow a stream of server-sent events until `signal` aborts; goes on after the last one seen. */
export async function follow(path, signal, seen) {
  // EventSource cannot send the key, so the stream is taken apart here.
  let last = "";
  while (!signal.aborted) {
    try {
      const response = await ask(path, { signal, headers: last ? { "Last-Event-ID": last } : {} });
      for await (const event of events(response.body)) {
        if (event.id) last = event.id;
        seen(event.kind, JSON.parse(event.data));
      }
      return; // the service ended it
    } catch (error) {
      if (error.name === "AbortError") return;
      if (error instanceof Problem && error.status) throw error;
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

function askForKey() {
  asking ??= new Promise((resolve) => {
    const dialog = document.getElementById("key-dialog");
    const field = document.getElementById("key");
    dialog.addEventListener("close", () => {
      asking = undefined;
      if (dialog.returnValue === "ok") sessionStorage.setItem(KEY, field.value);
      resolve(dialog.returnValue === "ok");
      dialog.returnValue = field.value = "";
    }, { once: true });
    dialog.showModal();
  });
  return asking;
}

const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1);
