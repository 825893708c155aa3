import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { context, host, lifted, reset, sdk, thrown } from "./host.js";

const { ComponentError, QueryError, log, metrics, prefetch, query, queryAll, range, rule, state, timers } = sdk;

const CPU = [
  [{ __name__: "cpu", host: "a" }, 0.97],
  [{ __name__: "cpu", host: "b" }, 0.12],
  [{ __name__: "cpu" }, NaN],
];

beforeEach(reset);

/** Evaluates a rule of this body. */
const evaluate = (body, config, given) => rule({ name: "r", doc: "d", evaluate: body }).evaluate(context(config, given));

test("describes itself", () => {
  const { describe } = rule({
    name: "busy",
    doc: "Says what is busy.",
    config: { type: "object" },
    queries: ["up"],
    extras: { resend: true },
    evaluate: () => [],
  });
  assert.deepEqual(describe(), {
    name: "busy",
    doc: "Says what is busy.",
    configSchema: '{"type":"object"}',
    queries: ["up"],
    extras: [{ name: "resend", value: "true" }],
  });
  assert.equal(rule({ name: "r", doc: "d", evaluate: () => [] }).describe().configSchema, "");
});

test("findings are lowered", () => {
  host.answers.cpu = CPU;
  const { findings, samples } = evaluate(() => {
    const [a, b] = query("cpu").series;
    return [
      { series: a },
      { series: b, value: 5, labels: { n: 1, left: undefined, out: null }, annotations: { text: "\ud800!" } },
      { labels: { "": "x" } },
    ];
  });
  assert.deepEqual(samples, []);
  assert.deepEqual(
    findings.map(({ series, labels, value, annotations }) => [series, lifted(labels), value, lifted(annotations)]),
    [
      [{ frame: 0, series: 0 }, "", 0.97, ""],
      [{ frame: 0, series: 1 }, "n=1", 5, "text=\ufffd!"],
      [null, "=x", 0, ""],
    ],
  );
});

test("findings may be yielded, and come with samples", () => {
  host.answers.cpu = CPU;
  const yielded = evaluate(function* () {
    yield { value: 1 };
    yield { value: 2 };
  });
  assert.deepEqual(yielded.findings.map(({ value }) => value), [1, 2]);
  const { samples } = evaluate(() => {
    const [series] = query("cpu").series;
    return { samples: [{ name: "copy", series, labels: { by: "me" } }, { name: "answer", value: 42 }] };
  });
  assert.deepEqual(
    samples.map(({ series, labels, value }) => [series?.series, lifted(labels), value]),
    [
      [0, "by=me,__name__=copy", 0.97],
      [undefined, "__name__=answer", 42],
    ],
  );
});

test("answers that do not fit say where", () => {
  const cases = [
    [() => undefined, "expected findings, got undefined"],
    [() => ({}), "expected findings, got an object"],
    [async () => [], "expected findings, got a promise: nothing here is asynchronous, so leave async out"],
    [() => [{}, { value: "3" }], "finding 1: value: 3 is not a number"],
    [() => [{ labels: "x" }], "finding 0: labels: x is not an object"],
    [() => [{ series: 3 }], "finding 0: series: not one of a frame"],
    [() => ({ samples: [{ value: "x" }] }), "sample 0: value: x is not a number"],
  ];
  for (const [body, message] of cases) {
    const error = thrown(() => evaluate(body));
    assert.equal(error.code, "exception");
    assert.ok(error.message.startsWith(`TypeError: ${message}`), error.message);
  }
});

test("what is thrown becomes an error of the contract", () => {
  const code = (error) => {
    const { code, message } = thrown(() => evaluate(() => { throw error; }));
    return [code, message];
  };
  assert.deepEqual(code(new ComponentError("too_hot", "5 degrees")), ["too_hot", "5 degrees"]);
  assert.deepEqual(code("boom"), ["exception", "boom"]);
  assert.deepEqual(code(null), ["exception", "null"]);
  assert.match(code(new RangeError("boom"))[1], /^RangeError: boom/);
});

test("queries keep the code of their error", () => {
  host.answers.broken = { code: "query_timeout", message: "took too long", extras: [] };
  const passedOn = thrown(() => evaluate(() => query("broken").series));
  assert.deepEqual(passedOn, { code: "query_timeout", message: "took too long", extras: [] });
  evaluate(() => {
    const error = thrown(() => query("broken", { mayFail: true }));
    assert.ok(error instanceof QueryError && error instanceof Error);
    assert.equal(error.name, "QueryError");
    return [];
  });
  assert.equal(host.asked.at(-1).mayFail, true);
});

test("queries have their options", () => {
  query("up", { source: "other", atMs: 5 });
  range("up", { startMs: 1, endMs: 2, stepMs: 0 });
  assert.deepEqual(host.asked, [
    { source: "other", expr: "up", timeMs: 5, mayFail: false },
    { source: "", expr: "up", startMs: 1, endMs: 2, stepMs: 1, mayFail: false },
  ]);
  assert.throws(() => query("up", { atMs: 1.5 }), /atMs: 1.5 is not a whole number/);
  assert.throws(() => range("up", { startMs: NaN, endMs: 2, stepMs: 1 }), /startMs: NaN/);
});

test("several queries are fetched at once", () => {
  host.answers.b = CPU;
  const [a, b] = queryAll("a", { expr: "b", startMs: 0, endMs: 60_000, stepMs: 1 });
  assert.deepEqual([a.length, b.length], [0, 3]);
  assert.deepEqual(host.asked[0], [["a"], ["b"]]);
  prefetch("c");
  assert.deepEqual(host.asked.at(-1), [["c"], []]);
});

test("frames have columns", () => {
  host.answers.cpu = CPU;
  const cpu = query("cpu");
  assert.deepEqual([...cpu.values], [0.97, 0.12, NaN]);
  assert.ok(cpu.values instanceof Float64Array);
  assert.deepEqual(cpu.label("host"), ["a", "b", ""]);
  assert.deepEqual(cpu.timestampsMs, [1_000, 1_000, 1_000]);
  assert.deepEqual(cpu.filter((value) => value < 0.5).map(({ index, value }) => [index, value]), [[1, 0.12]]);
  assert.deepEqual({ ...cpu.labels(1) }, { __name__: "cpu", host: "b" });
  assert.deepEqual(cpu.labelsOf([2, cpu.series[0]]).map((labels) => labels.host), [undefined, "a"]);
  assert.deepEqual(cpu.samples(0), { timestampsMs: [1_000], values: [0.97] });
  assert.deepEqual([cpu.sampleOffsets, [...cpu.allValues]], [[0, 1, 2, 3], [0.97, 0.12, NaN]]);
  assert.throws(() => cpu.labels(3), /there is no series 3 of 3/);
  assert.throws(() => cpu.samples(0.5), /not a whole number/);
});

test("series tell of themselves", () => {
  host.answers.cpu = [[{ host: "a" }, 3, [[1, 1], [2, 3]]]];
  const [a] = query("cpu").series;
  assert.deepEqual([a.value, a.label("host"), a.label("none"), a.labels.host], [3, "a", "", "a"]);
  assert.deepEqual(a.samples, { timestampsMs: [1, 2], values: [1, 3] });
});

test("labels of many series come by the column", () => {
  host.answers.cpu = Array.from({ length: 90 }, (_, n) => [{ n: String(n) }, n]);
  const found = query("cpu").series.map((series) => series.label("n"));
  assert.deepEqual(found, Array.from({ length: 90 }, (_, n) => String(n)));
  assert.equal(host.labelCalls, 3);
});

test("labels may have any name", () => {
  host.answers.cpu = [[Object.fromEntries([["__proto__", "p"]]), 1]];
  const [a] = query("cpu").series;
  assert.equal(a.labels.__proto__, "p");
  assert.deepEqual([a.label("__proto__"), a.labels.constructor], ["p", undefined]);
});

test("the context has labels by name", () => {
  evaluate((config, { labels, nowMs, trigger }) => {
    assert.deepEqual([config.a, labels.team, nowMs, trigger.kind], [1, "blue", 60_000, "interval"]);
    return [];
  }, { a: 1 });
});

test("a configuration that does not fit is bad_config", () => {
  const busy = rule({
    name: "r",
    doc: "d",
    config: { type: "object", required: ["above"], properties: { above: { type: "number" } } },
    evaluate: ({ above }) => [{ value: above }],
  });
  assert.equal(busy.evaluate(context({ above: 2 })).findings[0].value, 2);
  assert.deepEqual(thrown(() => busy.evaluate(context({ above: "2" }))), {
    code: "bad_config",
    message: 'the configuration does not fit: above: "2" is not of type number',
    extras: [],
  });
});

test("state keeps bytes, text and JSON", () => {
  assert.deepEqual([state.get("a"), state.getText("a"), state.load("a")], [undefined, undefined, undefined]);
  state.set("a", Uint8Array.of(0, 255));
  state.set("b", "ä");
  state.save("c", { n: [1, null] });
  assert.deepEqual(state.get("a"), Uint8Array.of(0, 255));
  assert.deepEqual([state.getText("b"), state.load("c")], ["ä", { n: [1, null] }]);
  assert.deepEqual(state.keys(), ["a", "b", "c"]);
  state.delete("a");
  assert.deepEqual(state.keys("a"), []);
  assert.equal(thrown(() => state.load("b")).code, "bad_json");
  assert.throws(() => state.set("a", 5), /state a: neither a text nor a Uint8Array/);
  assert.throws(() => state.save("a", undefined), /undefined has no JSON/);
});

test("timers, log and metrics reach the host", () => {
  timers.set("wake", 5_000, "x");
  timers.set("other", 1);
  timers.cancel("other");
  assert.deepEqual(timers.pending(), [{ name: "wake", dueMs: 5_000, payload: Uint8Array.of(0x78) }]);
  assert.throws(() => timers.set("wake", 1e300), /timer wake: 1e\+300 is not a whole number/);
  for (const level of ["trace", "debug", "info", "warn", "error"]) log[level](level, { n: 1 });
  assert.deepEqual(host.log, ["trace trace n=1", "debug debug n=1", "info info n=1", "warn warn n=1", "error error n=1"]);
  metrics.count("runs_total");
  metrics.gauge("level", -1.5, { kind: "a" });
  metrics.observe("took_seconds", 0.25);
  assert.deepEqual(host.metrics, ["count runs_total{} 1", "gauge level{kind=a} -1.5", "observe took_seconds{} 0.25"]);
  assert.throws(() => metrics.gauge("level", "5"), /level: 5 is not a number/);
});
