import { Batch, Description, Json, Request } from "../sdk/assembly";

export function describe(): Description {
  return new Description("{{name}}", "Posts the alerts of a batch as one text.").configSchema(`{
    "type": "object",
    "required": ["url"],
    "additionalProperties": false,
    "properties": {"url": {"type": "string"}}
  }`);
}

/** Turns alerts into requests, sent one after the other. */
export function notify(batch: Batch): Request[] {
  const url = batch.config.get("url").string();
  const lines = batch.alerts.map<string>((alert) => {
    const status = alert.isFiring ? "FIRING" : "RESOLVED";
    return `${status} ${alert.label("alertname")}: ${alert.annotation("summary")}`;
  });
  return [Request.postJson(url, Json.object().set("text", lines.join("\n")))];
}
