// The twenty behaviours of tests/conformance, in TypeScript.

import {
  ComponentError,
  type Context,
  type Finding,
  type Outcome,
  QueryError,
  log,
  metrics,
  prefetch,
  query,
  range,
  rule,
  state,
  timers,
} from "./sdk/rule.js";

/** What the behaviours read of the configuration. */
interface Config {
  do: string;
  text: string;
  number: number;
  list: number[];
  nested: { on: boolean };
  above: number;
}

type Behaviour = (config: Config, context: Context) => Finding[] | Outcome | void;

export const rules = rule({
  name: "conformance",
  doc: "Does what its configuration says.",
  config: { type: "object" },
  queries: ["up"],

  evaluate(config: Config, context) {
    const behaviour = behaviours.get(config.do) ?? unknown;
    return behaviour(config, context) ?? [];
  },
});

function unknown(config: Config): never {
  throw new ComponentError("bad_config", `do: there is no ${JSON.stringify(config.do)}`);
}

/** The first value of a query. */
function first(expr: string): number {
  return query(expr).values[0] ?? NaN;
}

const behaviours = new Map(Object.entries<Behaviour>({
  context(_, { tenant, namespace, group, rule, nowMs, intervalMs, trigger, labels }) {
    const facts = { tenant, namespace, group, rule, now_ms: nowMs, interval_ms: intervalMs };
    return [{ labels: { ...facts, trigger: trigger.kind, owner: labels.team } }];
  },

  config({ text, number, list, nested }) {
    return [{ labels: { text, on: nested.on }, value: list.reduce((sum, one) => sum + one, number) }];
  },

  instant({ above }) {
    return query("cpu")
      .filter((value) => value > above)
      .map((host) => ({ series: host, annotations: { summary: `${host.label("host")} is busy` } }));
  },

  columns() {
    const cpu = query("cpu");
    const [last] = cpu.labelsOf([cpu.length - 1]);
    const pairs = Object.entries(last ?? {}).map(([name, value]) => `${name}=${value}`);
    return [
      {
        labels: { hosts: cpu.label("host").join(","), last: pairs.join(",") },
        value: cpu.values.reduce((sum, value) => sum + value, 0),
        annotations: { first_ms: cpu.timestampsMs[0] },
      },
    ];
  },

  range(_, { nowMs }) {
    const cpu = range("cpu", { startMs: nowMs - 300_000, endMs: nowMs, stepMs: 60_000 });
    return cpu.series.map((series) => {
      const { values } = series.samples;
      const value = Math.max(...values) - Math.min(...values);
      return { series, value, annotations: { points: values.length } };
    });
  },

  prefetch() {
    prefetch("a", "b");
    return [{ value: first("a") + first("b") }];
  },

  may_fail() {
    try {
      query("broken", { mayFail: true });
    } catch (error) {
      if (!(error instanceof QueryError)) throw error;
      return [{ labels: { code: error.code }, annotations: { message: error.message } }];
    }
    return [];
  },

  query_error() {
    query("broken");
  },

  empty() {
    log.info(`${query("nothing").length} series`);
  },

  large() {
    return query("many")
      .filter((value) => value > 0.5)
      .map((series) => ({ series }));
  },

  utf8({ text }) {
    log.info(text);
    state.set("text", text);
    return [{ labels: { text }, value: [...text].length, annotations: { twice: text + text } }];
  },

  floats() {
    return query("odd").series.map((series) => ({ series }));
  },

  state() {
    const count = [...(state.get("count") ?? []), 0xff];
    state.set("count", Uint8Array.from(count));
    state.set("a/1", Uint8Array.of(0));
    state.set("a/2", "");
    state.delete("a/1");
    state.delete("gone");
    return [{ labels: { keys: state.keys("a/").join(",") }, value: count.length }];
  },

  timers(_, { nowMs, trigger }) {
    if (trigger.kind === "timer") {
      const payload = Array.from(trigger.payload, (byte) => byte.toString(16).padStart(2, "0")).join("");
      return [{ labels: { timer: trigger.timer, payload }, value: nowMs - trigger.dueMs }];
    }
    timers.set("wake", nowMs + 1_000, Uint8Array.of(0x00, 0xff, 0x78));
    timers.set("other", nowMs + 5_000);
    timers.cancel("other");
    return [{ labels: { pending: timers.pending().map(({ name }) => name).join(",") } }];
  },

  output() {
    (["trace", "debug", "info", "warn", "error"] as const).forEach((level, n) => log[level](level, { n }));
    metrics.count("runs_total", 2, { kind: "a" });
    metrics.gauge("level", -1.5);
    metrics.observe("took_seconds", 0.25);
  },

  record() {
    const [series] = query("cpu").series;
    return {
      samples: [
        { name: "cpu:copy", series, labels: { copied: "yes" } },
        { name: "answer", labels: { unit: "x" }, value: 42 },
      ],
    };
  },

  error() {
    throw new ComponentError("too_hot", "5 degrees too hot");
  },

  exception() {
    throw new Error("boom");
  },

  limit() {
    for (;;);
  },
}));
