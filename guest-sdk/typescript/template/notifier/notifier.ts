import { type Alert, notifier, postJson } from "./sdk/notifier.js";

export const notifications = notifier({
  name: "{{name}}",
  doc: "Posts a line for each alert.",
  config: {
    type: "object",
    required: ["url"],
    additionalProperties: false,
    properties: { url: { type: "string" } },
  },

  notify({ url }, batch) {
    return [postJson(url, { text: batch.alerts.map(line).join("\n") })];
  },
});

function line(alert: Alert): string {
  return `${alert.status.toUpperCase()} ${alert.label("alertname")}: ${alert.annotation("summary")}`;
}
