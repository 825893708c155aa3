#include <wasmalert.hpp>

using namespace wasmalert;

Description wasmalert::describe() {
    return {
        .name = "{{name}}",
        .doc = "Posts one message per batch, a line for each alert.",
        .config_schema = R"({
            "type": "object", "required": ["url"], "additionalProperties": false,
            "properties": {"url": {"type": "string"}}
        })",
    };
}

void wasmalert::notify(const Batch &batch, const Json &config, Requests &requests) {
    std::string lines;
    for (const Alert &alert : batch.alerts) {
        if (!lines.empty()) lines += '\n';
        lines += text(alert.status(), ' ', alert.label("alertname"), ": ", alert.annotation("summary"));
    }
    requests.post_json(config["url"].string(), text(R"({"text":)", quote(lines), "}"));
}
