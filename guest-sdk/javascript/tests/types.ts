/** What the types have to make of a rule and a notifier; `npm run check` reads it, nothing runs it. */

import { type Alert, notifier, postJson } from "../notifier.js";
import { type Frame, query, queryAll, rule } from "../rule.js";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const sure = <_ extends true>() => {};

export const inferred = rule({
  name: "inferred",
  doc: "Gets the type of its configuration from the schema.",
  config: {
    type: "object",
    required: ["above", "by"],
    additionalProperties: false,
    properties: {
      above: { type: "number" },
      by: { type: "array", items: { type: "string" } },
      mode: { enum: ["fast", "slow"] },
      note: { type: ["string", "null"] },
    },
  },
  evaluate({ above, by, mode, note }, { nowMs }) {
    sure<Same<typeof above, number>>();
    sure<Same<typeof by, string[]>>();
    sure<Same<typeof mode, "fast" | "slow" | undefined>>();
    sure<Same<typeof note, string | null | undefined>>();
    sure<Same<typeof nowMs, number>>();
    const [a, b] = queryAll("a", "b");
    sure<Same<typeof a, Frame>>();
    return [{ value: above }, ...b.series.map((series) => ({ series }))];
  },
});

interface Config {
  above: number;
}

export const declared = rule({
  name: "declared",
  doc: "Says itself what its configuration is.",
  *evaluate(config: Config) {
    for (const series of query("up").series) {
      if (series.value > config.above) yield { series, annotations: { n: series.index } };
    }
  },
});

export const wrong = rule({
  name: "wrong",
  doc: "Misspells a field.",
  // @ts-expect-error: a finding has no such field
  evaluate: () => [{ valu: 1 }],
});

export const chat = notifier({
  name: "chat",
  doc: "Has no configuration.",
  notify(_, batch) {
    return batch.alerts.map((alert: Alert) => postJson("https://x", alert.labels));
  },
});
