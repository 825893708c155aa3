#include <wasmalert.h>

wa_description wa_describe(void) {
    return (wa_description){
        .name = "{{name}}",
        .doc = "Posts one message per batch, a line for each alert.",
        .config_schema = "{\"type\":\"object\",\"required\":[\"url\"],\"additionalProperties\":false,"
                         "\"properties\":{\"url\":{\"type\":\"string\"}}}",
    };
}

void wa_notify(const wa_batch *batch, const wa_json *config, wa_requests *requests) {
    wa_text url = wa_string(wa_get(config, "url"));
    wa_buffer text = {0};
    for (size_t i = 0; i < batch->alert_count; i++) {
        const wa_alert *alert = &batch->alerts[i];
        if (i > 0) wa_append(&text, "\n");
        wa_append(&text, wa_is_firing(alert) ? "FIRING " : "RESOLVED ");
        wa_append(&text, wa_value(alert->labels, "alertname"));
        wa_append(&text, ": ");
        wa_append(&text, wa_value(alert->annotations, "summary"));
    }
    wa_post_json(requests, url, wa_format("{\"text\":%s}", wa_quote(wa_buffer_text(&text)).ptr));
}
