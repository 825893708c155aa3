import { log, metrics, query, rule, state } from "./sdk/rule.js";

export const rules = rule({
  name: "spread",
  doc: "Fires for each group whose series are too far apart.",
  config: {
    type: "object",
    required: ["expr", "by", "factor"],
    additionalProperties: false,
    properties: {
      expr: { type: "string" },
      by: { type: "array", items: { type: "string" } },
      factor: { type: "number" },
    },
  },

  *evaluate({ expr, by, factor }) {
    const groups = grouped(query(expr), by);
    remember(groups.length);
    for (const { labels, values } of groups) {
      const least = Math.min(...values);
      const most = Math.max(...values);
      if (values.length >= 2 && least > 0 && most > factor * least) {
        yield { labels, value: most / least, annotations: { series: values.length } };
      }
    }
  },
});

/** The values of the series that have the same values of the labels in `by`, in the order of their first series. */
function grouped(frame, by) {
  const columns = by.map((name) => frame.label(name));
  const groups = new Map();
  frame.values.forEach((value, series) => {
    if (Number.isNaN(value)) return;
    const texts = columns.map((column) => column[series]);
    const key = JSON.stringify(texts);
    const group = groups.get(key) ?? { labels: {}, values: [] };
    by.forEach((name, at) => (group.labels[name] = texts[at]));
    group.values.push(value);
    groups.set(key, group);
  });
  return [...groups.values()];
}

/** Keeps the number of groups, and tells when there are fewer than before. */
function remember(groups) {
  const before = Number(state.getText("groups") ?? 0);
  if (groups < before) log.warn(`${groups} groups, ${before} before`);
  state.set("groups", String(groups));
  metrics.gauge("spread_groups", groups);
}
