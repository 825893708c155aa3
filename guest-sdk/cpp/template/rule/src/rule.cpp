#include <wasmalert.hpp>

using namespace wasmalert;

Description wasmalert::describe() {
    return {
        .name = "{{name}}",
        .doc = "Fires for each host whose CPU is too busy.",
        .config_schema = R"({
            "type": "object", "required": ["above"], "additionalProperties": false,
            "properties": {"above": {"type": "number"}}
        })",
    };
}

void wasmalert::evaluate(const Context &context, const Json &config, Outcome &outcome) {
    const double above = config["above"].number();

    for (const Series host : query("avg by (host) (rate(cpu_seconds_total[5m]))")) {
        if (host.value > above) {
            outcome.find(host).annotation("summary", text(host.label("host"), " is busy"));
        }
    }
}
