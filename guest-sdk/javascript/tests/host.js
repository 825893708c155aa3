/**
 * A host that is not one: the imports of the contract, answered natively. `host` says what they answer and keeps what
 * they were told; a value that would trap in the sandbox throws here.
 */

import assert from "node:assert/strict";
import { register } from "node:module";

const NAMES = {
  query: ["instant", "range", "prefetch"],
  state: ["get", "set", "delete", "keys"],
  timers: ["set", "cancel", "pending"],
  log: ["write"],
  metrics: ["count", "gauge", "observe"],
};

/** The text of a module whose functions are those of `globalThis.imports[name]`. */
function source(name) {
  const functions = NAMES[name].map((fn) => `const _${fn} = (...given) => globalThis.imports.${name}.${fn}(...given);`);
  return `${functions.join("\n")}\nexport { ${NAMES[name].map((fn) => `_${fn} as ${fn}`).join(", ")} };`;
}

const modules = Object.fromEntries(
  Object.keys(NAMES).map((name) => [
    `wasmalert:rules/${name}@0.1.0`,
    `data:text/javascript,${encodeURIComponent(source(name))}`,
  ]),
);
const hooks = `
  const modules = ${JSON.stringify(modules)};
  export async function resolve(specifier, context, next) {
    return modules[specifier] ? { url: modules[specifier], shortCircuit: true } : next(specifier, context);
  }`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);

export const host = {};

/** Forgets all. */
export function reset() {
  Object.assign(host, {
    /** Series by expression: `[labels, value, samples]`; or an error. */
    answers: {},
    asked: [],
    state: new Map(),
    timers: new Map(),
    log: [],
    metrics: [],
    labelCalls: 0,
  });
}
reset();

/** What the host gives for a list of labels, sorted. */
export const list = (labels) =>
  Object.keys(labels)
    .sort()
    .map((name) => ({ name, value: labels[name] }));

function text(value) {
  assert.equal(typeof value, "string");
  assert.ok(value.isWellFormed(), "a half of a surrogate pair traps");
  return value;
}

/** A list of labels as text. */
export function lifted(labels) {
  return labels.map(({ name, value }) => `${text(name)}=${text(value)}`).join(",");
}

function frame(series, id) {
  const packed = new Uint8Array(Float64Array.from(series, ([, value]) => value).buffer);
  const samplesOf = ([, value, samples = [[1_000, value]]]) => samples;
  return {
    id: () => id,
    len: () => series.length,
    valuesPacked: () => packed,
    timestampsMs: () => series.map((one) => samplesOf(one).at(-1)[0]),
    label(name) {
      const values = [...new Set(series.map(([labels]) => labels[name] ?? ""))];
      return { values, codes: series.map(([labels]) => values.indexOf(labels[name] ?? "")) };
    },
    labels(at) {
      host.labelCalls++;
      return list(series[at][0]);
    },
    labelsOf: (numbers) => numbers.map((at) => list(series[at][0])),
    samples: (at) => ({
      timestampsMs: samplesOf(series[at]).map(([time]) => time),
      values: samplesOf(series[at]).map(([, value]) => value),
    }),
    sampleOffsets: () => series.reduce((all, one) => [...all, all.at(-1) + samplesOf(one).length], [0]),
    allTimestampsMs: () => series.flatMap(samplesOf).map(([time]) => time),
    // As where the bytes do not lie at a multiple of 8.
    allValuesPacked() {
      const values = Float64Array.from(series.flatMap(samplesOf), ([, value]) => value);
      const bytes = new Uint8Array(values.byteLength + 1);
      bytes.set(new Uint8Array(values.buffer), 1);
      return bytes.subarray(1);
    },
  };
}

function ask(query) {
  text(query.expr);
  text(query.source);
  assert.equal(typeof query.mayFail, "boolean");
  host.asked.push(query);
  const answer = host.answers[query.expr] ?? [];
  if (!Array.isArray(answer)) throw Object.assign(new Error("see payload"), { payload: answer });
  return frame(answer, host.asked.length - 1);
}

globalThis.imports = {
  query: {
    instant: ask,
    range: ask,
    prefetch: (...both) => host.asked.push(both.map((all) => all.map(({ expr }) => expr))),
  },
  state: {
    get: (key) => host.state.get(text(key)) ?? null,
    set(key, value) {
      assert.ok(value instanceof Uint8Array);
      host.state.set(text(key), value);
    },
    delete: (key) => host.state.delete(text(key)),
    keys: (prefix) => [...host.state.keys()].filter((key) => key.startsWith(prefix)).sort(),
  },
  timers: {
    set(name, dueMs, payload) {
      assert.ok(Number.isSafeInteger(dueMs) && payload instanceof Uint8Array);
      host.timers.set(text(name), { name, dueMs, payload });
    },
    cancel: (name) => host.timers.delete(text(name)),
    pending: () => [...host.timers.values()],
  },
  log: { write: (level, message, fields) => host.log.push(`${level} ${text(message)} ${lifted(fields)}`.trim()) },
  metrics: Object.fromEntries(
    NAMES.metrics.map((kind) => [
      kind,
      (name, labels, value) => {
        assert.equal(typeof value, "number");
        host.metrics.push(`${kind} ${text(name)}{${lifted(labels)}} ${value}`);
      },
    ]),
  ),
};

/** What `evaluate` is told. */
export function context(config = {}, given = {}) {
  return {
    tenant: "t",
    namespace: "n",
    group: "g",
    rule: "r",
    nowMs: 60_000,
    intervalMs: 15_000,
    trigger: { kind: "interval", timer: "", dueMs: 60_000, payload: new Uint8Array() },
    config: JSON.stringify(config),
    labels: list({ team: "blue" }),
    extras: [],
    ...given,
  };
}

/** What was thrown. */
export function thrown(run) {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

export const sdk = { ...(await import("../rule.js")), ...(await import("../notifier.js")) };
export const lib = {
  ...(await import("../lib/error.js")),
  ...(await import("../lib/schema.js")),
};
