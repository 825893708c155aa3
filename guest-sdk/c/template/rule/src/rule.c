#include <wasmalert.h>

wa_description wa_describe(void) {
    return (wa_description){
        .name = "{{name}}",
        .doc = "Fires for each host whose CPU is too busy.",
        .config_schema = "{\"type\":\"object\",\"required\":[\"above\"],\"additionalProperties\":false,"
                         "\"properties\":{\"above\":{\"type\":\"number\"}}}",
    };
}

void wa_evaluate(const wa_context *context, const wa_json *config, wa_outcome *outcome) {
    double above = wa_number(wa_get(config, "above"));
    wa_frame *cpu = wa_query("avg by (host) (rate(cpu_seconds_total[5m]))");

    const double *busy = wa_values(cpu);
    for (size_t i = 0; i < wa_len(cpu); i++) {
        if (busy[i] > above) {
            wa_finding *finding = wa_find(outcome, cpu, i);
            wa_annotatef(finding, "summary", "%s is busy", wa_series_label(cpu, i, "host").ptr);
        }
    }
}
