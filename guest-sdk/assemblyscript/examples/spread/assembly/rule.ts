import {
  Context, Description, LabelColumn, Outcome, fromUtf8, log, metrics, query, state, toUtf8,
} from "../sdk/assembly";

export function describe(): Description {
  return new Description("spread", "Fires for each group whose series are too far apart.").configSchema(`{
    "type": "object",
    "required": ["expr", "by", "factor"],
    "additionalProperties": false,
    "properties": {
      "expr": {"type": "string"},
      "by": {"type": "array", "items": {"type": "string"}},
      "factor": {"type": "number"}
    }
  }`);
}

/** The series that have the same values of the labels in `by`. */
class Group {
  series: i32 = 0;
  smallest: f64 = Infinity;
  largest: f64 = -Infinity;

  constructor(public labels: string[]) {}

  add(value: f64): void {
    this.series++;
    this.smallest = min(this.smallest, value);
    this.largest = max(this.largest, value);
  }
}

export function evaluate(context: Context): Outcome {
  const by = context.config.get("by").strings();
  const factor = context.config.get("factor").number();

  const frame = query(context.config.get("expr").string());
  const columns = new Array<LabelColumn>(by.length);
  for (let i = 0; i < by.length; i++) columns[i] = frame.label(by[i]);

  const groups = new Map<string, Group>();
  for (let i = 0; i < frame.length; i++) {
    const value = frame.values[i];
    if (isNaN(value)) continue;
    const labels = new Array<string>(by.length);
    for (let k = 0; k < by.length; k++) labels[k] = columns[k][i];
    const key = labels.join("\0");
    if (!groups.has(key)) groups.set(key, new Group(labels));
    groups.get(key).add(value);
  }

  const outcome = new Outcome();
  const all = groups.values();
  for (let i = 0; i < all.length; i++) {
    const group = all[i];
    if (group.series < 2 || group.smallest <= 0 || group.largest <= factor * group.smallest) continue;
    const finding = outcome.find().value(group.largest / group.smallest).annotation("series", group.series);
    for (let k = 0; k < by.length; k++) finding.label(by[k], group.labels[k]);
  }
  remember(groups.size);
  return outcome;
}

/** Keeps the number of groups, and tells when there are fewer than before. */
function remember(groups: i32): void {
  const kept = state.get("groups");
  const before = kept ? I32.parseInt(fromUtf8(kept)) : 0;
  if (groups < before) log.warn(`${groups} groups, ${before} before`);
  state.set("groups", toUtf8(groups.toString()));
  metrics.gauge("spread_groups", groups);
}
