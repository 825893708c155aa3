import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { host, lifted, list, reset, sdk, thrown } from "./host.js";

const { failed, fromUtf8, interpret, notifier, post, postJson, secret, toUtf8, withoutSecrets } = sdk;

const CHAT = notifier({
  name: "chat",
  doc: "Posts a line for each alert.",
  config: { type: "object", required: ["url"], properties: { url: { type: "string" } } },
  notify: ({ url }, { alerts }) => [
    postJson(url, { text: alerts.map((alert) => `${alert.label("alertname")} ${alert.firing}: ${alert.annotation("summary")}`) }),
  ],
});

beforeEach(reset);

const alert = (status, labels, annotations = {}) => ({
  status,
  labels: list(labels),
  annotations: list(annotations),
  value: 1,
  startsAtMs: 1,
  endsAtMs: 2,
  generatorUrl: "",
  fingerprint: "0123456789abcdef",
  extras: [],
});

const batch = (config, alerts) => ({
  tenant: "t",
  receiver: "chat",
  namespace: "n",
  group: "g",
  rule: "r",
  config: JSON.stringify(config),
  nowMs: 60_000,
  idempotencyKey: "k",
  externalUrl: "",
  alerts,
  extras: [],
});

const response = (status, body = "", headers = {}) => ({ status, headers: list(headers), body: toUtf8(body), extras: [] });

test("a batch becomes requests", () => {
  const alerts = [alert("firing", { alertname: "Down" }, { summary: 'a is "down"' }), alert("resolved", { alertname: "Up" })];
  const [request, ...more] = CHAT.notify(batch({ url: "https://x/hook" }, alerts));
  assert.deepEqual(more, []);
  assert.deepEqual([request.method, request.url, lifted(request.headers)], ["POST", "https://x/hook", "Content-Type=application/json"]);
  assert.equal(fromUtf8(request.body), '{"text":["Down true: a is \\"down\\"","Up false: "]}');
});

test("a secret is asked for by the author alone", () => {
  assert.equal(secret("key"), "{{secret:key}}");
  assert.equal(withoutSecrets("a {{secret:key}}"), "a { {secret:key}}");
  const { body } = postJson(secret("url"), "{{secret:key}}");
  assert.ok(!body.includes("{{secret:"));
  assert.equal(JSON.parse(body), "{{secret:key}}");
  assert.equal(post("http://x", secret("key")).body, "{{secret:key}}");
});

test("what does not fit says where", () => {
  const notify = (requests, url = "https://x") =>
    thrown(() => notifier({ name: "n", doc: "d", notify: () => requests }).notify(batch({ url }, [])));
  assert.match(notify(undefined).message, /expected requests, got undefined/);
  assert.match(notify([{ url: "x", body: {} }]).message, /request 0: body: neither a text nor a Uint8Array/);
  const error = thrown(() => CHAT.notify(batch({ url: "ftp://x" }, [])));
  assert.deepEqual(
    [error.code, error.message],
    ["bad_config", 'url: "ftp://x" starts with neither http://, https:// nor {{secret:NAME}}'],
  );
});

test("answers are interpreted", () => {
  const config = JSON.stringify({ url: "https://x" });
  const of = (...given) => {
    const { kind, retryAfterMs, reason } = CHAT.interpret(config, 0, response(...given));
    return [kind, retryAfterMs, reason];
  };
  assert.deepEqual(of(204), ["delivered", null, ""]);
  assert.deepEqual(of(429, "slow", { "RETRY-after": " 5 " }), ["retry", 5_000, "status 429: slow"]);
  assert.deepEqual(of(408, "", { "Retry-After": "Fri, 01 Jan 2027" }), ["retry", null, "status 408: "]);
  assert.deepEqual(of(599), ["retry", null, "status 599: "]);
  assert.deepEqual(of(302), ["failed", null, "status 302: "]);
  assert.deepEqual(of(404, ` ${"🎉".repeat(201)}`), ["failed", null, `status 404: ${"🎉".repeat(200)}`]);
});

test("a receiver may have its own ways", () => {
  const own = notifier({
    name: "n",
    doc: "d",
    notify: () => [],
    interpret(config, response, request) {
      if (response.text === "no") return failed(`request ${request} of ${config.name}`);
      if (response.text === "throw") throw new Error("boom");
      return interpret(response);
    },
  });
  const of = (body) => own.interpret('{"name":"x"}', 3, response(200, body));
  assert.deepEqual(of("no"), { kind: "failed", retryAfterMs: null, reason: "request 3 of x", extras: [] });
  assert.match(of("throw").reason, /^exception: Error: boom/);
  assert.equal(of("yes").kind, "delivered");
  assert.deepEqual(host.log, []);
});
