// Tells phones of alerts, through ntfy: a message for each.

#include <wasmalert.hpp>

using namespace wasmalert;

Description wasmalert::describe() {
    return {
        .name = "ntfy",
        .doc = "Publishes each alert to a topic of ntfy. The secret `ntfy` is the access token.",
        .config_schema = R"({
            "type": "object", "required": ["url", "topic"], "additionalProperties": false,
            "properties": {"url": {"type": "string"}, "topic": {"type": "string"}}
        })",
    };
}

namespace {

/// A header is one line.
std::string one_line(std::string text) {
    for (char &letter : text) {
        if (static_cast<unsigned char>(letter) < 0x20 || letter == 0x7F) letter = ' ';
    }
    return text;
}

std::string_view priority(const Alert &alert) {
    if (!alert.is_firing) return "low";
    const std::string_view severity = alert.label("severity");
    return severity == "page" || severity == "critical" ? "urgent" : "default";
}

} // namespace

void wasmalert::notify(const Batch &batch, const Json &config, Requests &requests) {
    const std::string_view url = config["url"].string();
    const std::string to = text(url, url.ends_with('/') ? "" : "/", config["topic"].string());
    for (const Alert &alert : batch.alerts) {
        const std::string_view name = alert.label("alertname"), summary = alert.annotation("summary");
        requests.post(to, without_secrets(summary.empty() ? name : summary))
            .header("Title", one_line(without_secrets(text('[', alert.status(), "] ", name))))
            .header("Priority", priority(alert))
            .header("Tags", alert.is_firing ? "rotating_light" : "white_check_mark")
            .header("Authorization", text("Bearer ", secret("ntfy")));
    }
}
