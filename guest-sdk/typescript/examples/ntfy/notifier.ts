import { type Alert, notifier, post, secret, withoutSecrets } from "./sdk/notifier.js";

export const notifications = notifier({
  name: "ntfy",
  doc: "Sends each alert to a topic of ntfy.",
  config: {
    type: "object",
    required: ["url", "topic"],
    additionalProperties: false,
    properties: { url: { type: "string" }, topic: { type: "string" } },
  },

  notify({ url, topic }, batch) {
    return batch.alerts.map((alert) => {
      const name = alert.label("alertname");
      return post(`${url.replace(/\/+$/, "")}/${topic}`, withoutSecrets(alert.annotation("summary") || name), {
        Title: inHeader(`[${alert.status.toUpperCase()}] ${name}`),
        Priority: priority(alert),
        Tags: alert.firing ? "rotating_light" : "white_check_mark",
        Authorization: `Bearer ${secret("ntfy")}`,
      });
    });
  },
});

function priority(alert: Alert): string {
  if (!alert.firing) return "low";
  return ["page", "critical"].includes(alert.label("severity")) ? "urgent" : "default";
}

/** The text as a header may have it: control characters become spaces. */
function inHeader(text: string): string {
  return withoutSecrets(text.replace(/\p{Cc}/gu, " "));
}
