import "./fake_document.js";
import assert from "node:assert/strict";
import { afterEach, mock, test } from "node:test";
import { ask, askJSON, follow, latest, Problem } from "../../src/digitscope/service/web/api.js";

afterEach(() => {
  mock.restoreAll();
  sessionStorage.removeItem("digitscope-key");
});

const answer = (content, status = 200) => new Response(content, { status });
const fetching = (...answers) => mock.method(globalThis, "fetch", async () => {
  const next = answers.shift();
  if (next instanceof Error) throw next;
  return next;
}).mock;

test("a request without a body is GET, one with a body is POST with its type and the key", async () => {
  sessionStorage.setItem("digitscope-key", "secret");
  const asked = fetching(answer("{}"), answer('{"text": "7"}'));
  await ask("/v1/models");
  assert.deepEqual(await askJSON("/v1/read", { body: "x", type: "image/png" }), { text: "7" });
  const [get, post] = asked.calls.map((call) => call.arguments);
  assert.equal(get[1].method, "GET");
  assert.equal(post[0], "/v1/read");
  assert.equal(post[1].method, "POST");
  assert.deepEqual(post[1].headers, { "Content-Type": "image/png", "X-API-Key": "secret" });
});

test("an error has the status and the sentence of the service", async () => {
  fetching(answer('{"detail": "send a picture."}', 415));
  await assert.rejects(ask("/v1/read"), (error) => {
    assert.ok(error instanceof Problem);
    assert.equal(error.status, 415);
    assert.equal(error.message, "Send a picture.");
    return true;
  });
});

test("an error that is no JSON has a sentence, too", async () => {
  fetching(answer("<html>", 502));
  await assert.rejects(ask("/"), { status: 502, message: "The service answered 502." });
});

test("a service that is gone is a problem without a status", async () => {
  fetching(new TypeError("fetch failed"));
  await assert.rejects(ask("/"), { status: 0, message: /does not answer/ });
});

test("a request that was aborted stays an abort", async () => {
  fetching(new DOMException("", "AbortError"));
  await assert.rejects(ask("/"), { name: "AbortError" });
});

/** A response whose body arrives in the given pieces, then fails if `broken`. */
function stream(pieces, broken = false) {
  const encoder = new TextEncoder();
  return new Response(new ReadableStream({
    pull(controller) {
      if (pieces.length) controller.enqueue(encoder.encode(pieces.shift()));
      else if (broken) controller.error(new TypeError("network error"));
      else controller.close();
    },
  }));
}

test("events are put together from pieces, and comments are left out", async () => {
  fetching(stream([": hello\n\nid: 1\neve", "nt: progress\ndata: {\"step\"", ": 3}\n", "\nevent: end\ndata: 0\n\n"]));
  const seen = [];
  await follow("/runs/a/events", new AbortController().signal, (...event) => seen.push(event), () => {});
  assert.deepEqual(seen, [["progress", { step: 3 }], ["end", 0]]);
});

test("after a lost connection the stream continues after the last event", async () => {
  mock.method(globalThis, "setTimeout", (work) => queueMicrotask(work));
  const asked = fetching(stream(["id: 4\nevent: a\ndata: 1\n\n"], true), stream(["id: 5\nevent: a\ndata: 2\n\n"]));
  const [seen, lost] = [[], []];
  await follow("/events", new AbortController().signal, (_, data) => seen.push(data), (is) => lost.push(is));
  assert.deepEqual(seen, [1, 2]);
  assert.deepEqual(lost, [false, true, false]);
  assert.deepEqual(asked.calls.map(({ arguments: [, { headers }] }) => headers["Last-Event-ID"]), [undefined, "4"]);
});

test("a stream that the service refuses is not asked for again", async () => {
  const asked = fetching(answer('{"detail": "no such run."}', 404));
  await assert.rejects(follow("/events", new AbortController().signal, () => {}, () => {}), { status: 404 });
  assert.equal(asked.calls.length, 1);
});

test("while work is busy, only the newest input is kept", async () => {
  const done = [];
  const releases = [];
  const go = latest(async (input) => {
    await new Promise((resolve) => releases.push(resolve));
    done.push(input);
  });
  const first = go(1);
  go(2);
  go(3);
  releases[0]();
  await new Promise((resolve) => setImmediate(resolve));
  releases[1]();
  await first;
  assert.deepEqual(done, [1, 3]);
});

test("work that fails does not stay busy", async () => {
  let fails = true;
  const go = latest(async () => {
    if (fails) throw new Error("once");
    return undefined;
  });
  await assert.rejects(go(1), /once/);
  fails = false;
  await go(2);
});
