import { query, rule } from "./sdk/rule.js";

export const rules = rule({
  name: "{{name}}",
  doc: "Fires for each host whose CPU is too busy.",
  config: {
    type: "object",
    required: ["above"],
    additionalProperties: false,
    properties: { above: { type: "number" } },
  },

  evaluate({ above }) {
    return query("avg by (host) (rate(cpu_seconds_total[5m]))")
      .filter((value) => value > above)
      .map((host) => ({ series: host, annotations: { summary: `${host.label("host")} is busy` } }));
  },
});
