import { Context, Description, Outcome, query } from "../sdk/assembly";

export function describe(): Description {
  return new Description("{{name}}", "Fires for each host whose CPU is too busy.").configSchema(`{
    "type": "object",
    "required": ["above"],
    "additionalProperties": false,
    "properties": {"above": {"type": "number"}}
  }`);
}

/** Says what is wrong right now. */
export function evaluate(context: Context): Outcome {
  const above = context.config.get("above").number();
  const outcome = new Outcome();
  const hosts = query("avg by (host) (rate(cpu_seconds_total[5m]))");
  for (let i = 0; i < hosts.length; i++) {
    const host = hosts.at(i);
    if (host.value > above) {
      outcome.find(host).annotation("summary", `${host.label("host")} is busy`);
    }
  }
  return outcome;
}
