// Tells phones of alerts, through ntfy: a message for each.

#include <string.h>

#include <wasmalert.h>

wa_description wa_describe(void) {
    return (wa_description){
        .name = "ntfy",
        .doc = "Publishes each alert to a topic of ntfy. The secret `ntfy` is the access token.",
        .config_schema = "{\"type\":\"object\",\"required\":[\"url\",\"topic\"],\"additionalProperties\":false,"
                         "\"properties\":{\"url\":{\"type\":\"string\"},\"topic\":{\"type\":\"string\"}}}",
    };
}

// A header is one line.
static wa_text one_line(wa_text text) {
    char *line = wa_alloc(text.len + 1);
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.ptr[i];
        line[i] = byte < 0x20 || byte == 0x7F ? ' ' : (char)byte;
    }
    return (wa_text){line, text.len};
}

static const char *priority(const wa_alert *alert) {
    if (!wa_is_firing(alert)) return "low";
    wa_text severity = wa_value(alert->labels, "severity");
    return wa_equal(severity, "page") || wa_equal(severity, "critical") ? "urgent" : "default";
}

void wa_notify(const wa_batch *batch, const wa_json *config, wa_requests *requests) {
    const char *url = wa_string(wa_get(config, "url")).ptr;
    const char *topic = wa_string(wa_get(config, "topic")).ptr;
    wa_text to = wa_format("%s%s%s", url, url[0] != '\0' && url[strlen(url) - 1] == '/' ? "" : "/", topic);
    for (size_t i = 0; i < batch->alert_count; i++) {
        const wa_alert *alert = &batch->alerts[i];
        bool fires = wa_is_firing(alert);
        wa_text name = wa_value(alert->labels, "alertname");
        wa_text summary = wa_value(alert->annotations, "summary");
        wa_request *request = wa_send(requests, "POST", to, wa_without_secrets(summary.len > 0 ? summary : name));
        wa_header(request, "Title", one_line(wa_without_secrets(wa_format("[%s] %s", fires ? "FIRING" : "RESOLVED", name.ptr))));
        wa_header(request, "Priority", priority(alert));
        wa_header(request, "Tags", fires ? "rotating_light" : "white_check_mark");
        wa_header(request, "Authorization", wa_format("Bearer %s", wa_secret("ntfy").ptr));
    }
}
