import { Alert, Batch, Description, Request, secret, withoutSecrets } from "../sdk/assembly";

export function describe(): Description {
  return new Description("ntfy", "Sends each alert to a topic of ntfy.").configSchema(`{
    "type": "object",
    "required": ["url", "topic"],
    "additionalProperties": false,
    "properties": {"url": {"type": "string"}, "topic": {"type": "string"}}
  }`);
}

export function notify(batch: Batch): Request[] {
  const target = batch.config.get("url").string() + "/" + batch.config.get("topic").string();
  const requests: Request[] = [];
  for (let i = 0; i < batch.alerts.length; i++) {
    const alert = batch.alerts[i];
    const name = alert.label("alertname");
    const summary = alert.annotation("summary");
    const request = Request.post(target, withoutSecrets(summary.length ? summary : name))
      .header("Title", inHeader(alert.isFiring ? `[FIRING] ${name}` : `[RESOLVED] ${name}`))
      .header("Priority", priority(alert))
      .header("Tags", alert.isFiring ? "rotating_light" : "white_check_mark")
      .header("Authorization", `Bearer ${secret("ntfy")}`);
    requests.push(request);
  }
  return requests;
}

function priority(alert: Alert): string {
  if (!alert.isFiring) return "low";
  const severity = alert.label("severity");
  return severity == "page" || severity == "critical" ? "urgent" : "default";
}

/** The text as a header may have it: control characters become spaces. */
function inHeader(text: string): string {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x20 || unit == 0x7f) text = text.substring(0, i) + " " + text.substring(i + 1);
  }
  return withoutSecrets(text);
}
