// Shows the behaviours of tests/conformance/README.md.

#include <wasmalert.h>

wa_description wa_describe(void) {
    static const char *const queries[] = {"up", NULL};
    return (wa_description){
        .name = "conformance",
        .doc = "Does what its configuration says.",
        .config_schema = "{\"type\":\"object\"}",
        .queries = queries,
    };
}

static void add_context(const wa_context *context, wa_outcome *outcome) {
    wa_finding *finding = wa_find_value(outcome, 0);
    wa_label(finding, "tenant", context->tenant);
    wa_label(finding, "namespace", context->namespace_);
    wa_label(finding, "group", context->group);
    wa_label(finding, "rule", context->rule);
    wa_label(finding, "now_ms", wa_format("%lld", context->now_ms));
    wa_label(finding, "interval_ms", wa_format("%llu", context->interval_ms));
    wa_label(finding, "trigger", context->trigger.kind);
    wa_label(finding, "owner", wa_value(context->labels, "team"));
}

static void add_config(const wa_json *config, wa_outcome *outcome) {
    const wa_json *list = wa_get(config, "list");
    double sum = wa_number(wa_get(config, "number"));
    for (size_t i = 0; i < wa_items(list); i++) sum += wa_number(wa_at(list, i));
    wa_finding *finding = wa_find_value(outcome, sum);
    wa_label(finding, "text", wa_string(wa_get(config, "text")));
    wa_label(finding, "on", wa_bool(wa_get(wa_get(config, "nested"), "on")) ? "true" : "false");
}

static void add_above(const wa_json *config, wa_outcome *outcome) {
    double above = wa_number(wa_get(config, "above"));
    wa_frame *cpu = wa_query("cpu");
    wa_column hosts = wa_column_of(cpu, "host");
    const double *values = wa_values(cpu);
    for (size_t i = 0; i < wa_len(cpu); i++) {
        if (values[i] <= above) continue;
        wa_annotatef(wa_find(outcome, cpu, i), "summary", "%s is busy", wa_column_at(&hosts, i).ptr);
    }
}

static void add_columns(wa_outcome *outcome) {
    wa_frame *cpu = wa_query("cpu");
    wa_column column = wa_column_of(cpu, "host");
    wa_buffer hosts = {0}, last = {0};
    double sum = 0;
    for (size_t i = 0; i < wa_len(cpu); i++) {
        if (i > 0) wa_append(&hosts, ",");
        wa_append(&hosts, wa_column_at(&column, i));
        sum += wa_values(cpu)[i];
    }
    uint32_t index = (uint32_t)wa_len(cpu) - 1;
    wa_labels labels = wa_labels_of(cpu, &index, 1)[0];
    for (size_t i = 0; i < labels.len; i++) {
        if (i > 0) wa_append(&last, ",");
        wa_append(&last, labels.items[i].name);
        wa_append(&last, "=");
        wa_append(&last, labels.items[i].value);
    }
    wa_finding *finding = wa_find_value(outcome, sum);
    wa_label(finding, "hosts", wa_buffer_text(&hosts));
    wa_label(finding, "last", wa_buffer_text(&last));
    wa_annotatef(finding, "first_ms", "%lld", wa_times_ms(cpu)[0]);
}

static void add_range(const wa_context *context, wa_outcome *outcome) {
    wa_frame *cpu = wa_ask_range(wa_last("cpu", 300000, context->now_ms, 60000));
    for (size_t i = 0; i < wa_len(cpu); i++) {
        wa_samples samples = wa_series_samples(cpu, i);
        double largest = samples.values[0], smallest = samples.values[0];
        for (size_t k = 1; k < samples.len; k++) {
            if (samples.values[k] > largest) largest = samples.values[k];
            if (samples.values[k] < smallest) smallest = samples.values[k];
        }
        wa_finding *finding = wa_find(outcome, cpu, i);
        wa_set_value(finding, largest - smallest);
        wa_annotatef(finding, "points", "%zu", samples.len);
    }
}

static void add_prefetched(wa_outcome *outcome) {
    wa_prefetch({.expr = "a"}, {.expr = "b"});
    wa_frame *a = wa_query("a"), *b = wa_query("b");
    wa_find_value(outcome, wa_values(a)[0] + wa_values(b)[0]);
}

static void add_error(wa_outcome *outcome) {
    wa_frame *broken = wa_ask((wa_instant){.expr = "broken", .may_fail = true});
    const wa_error *error = wa_frame_error(broken);
    wa_finding *finding = wa_find_value(outcome, 0);
    wa_label(finding, "code", error->code);
    wa_annotate(finding, "message", error->message);
}

static void add_all(const char *expr, double above, bool whatever, wa_outcome *outcome) {
    wa_frame *frame = wa_query(expr);
    const double *values = wa_values(frame);
    for (size_t i = 0; i < wa_len(frame); i++) {
        if (whatever || values[i] > above) wa_find(outcome, frame, i);
    }
}

static void add_text(const wa_json *config, wa_outcome *outcome) {
    wa_text text = wa_string(wa_get(config, "text"));
    size_t characters = 0;
    for (size_t i = 0; i < text.len; i++) characters += (text.ptr[i] & 0xC0) != 0x80;
    wa_finding *finding = wa_find_value(outcome, (double)characters);
    wa_label(finding, "text", text);
    wa_annotatef(finding, "twice", "%s%s", text.ptr, text.ptr);
    wa_log(WA_INFO, text);
    wa_state_set("text", text);
}

static void add_state(wa_outcome *outcome) {
    wa_buffer count = {0}, keys = {0};
    wa_append(&count, wa_state_get("count"));
    wa_append(&count, "\xff");
    wa_state_set("count", wa_buffer_text(&count));
    wa_state_set_bytes("a/1", "\0", 1);
    wa_state_set("a/2", "");
    wa_state_delete("a/1");
    wa_state_delete("gone");
    wa_texts there = wa_state_keys("a/");
    for (size_t i = 0; i < there.len; i++) {
        if (i > 0) wa_append(&keys, ",");
        wa_append(&keys, there.items[i]);
    }
    wa_label(wa_find_value(outcome, (double)count.len), "keys", wa_buffer_text(&keys));
}

static void add_timers(const wa_context *context, wa_outcome *outcome) {
    wa_buffer text = {0};
    if (wa_is_timer(context)) {
        const wa_trigger *trigger = &context->trigger;
        for (size_t i = 0; i < trigger->payload.len; i++) wa_appendf(&text, "%02x", trigger->payload.ptr[i]);
        wa_finding *finding = wa_find_value(outcome, (double)(context->now_ms - trigger->due_ms));
        wa_label(finding, "timer", trigger->timer);
        wa_label(finding, "payload", wa_buffer_text(&text));
        return;
    }
    wa_timer_set("wake", context->now_ms + 1000, "\0\xffx", 3);
    wa_timer_set("other", context->now_ms + 5000, NULL, 0);
    wa_timer_cancel("other");
    wa_timers pending = wa_timers_pending();
    for (size_t i = 0; i < pending.len; i++) {
        if (i > 0) wa_append(&text, ",");
        wa_append(&text, pending.items[i].name);
    }
    wa_label(wa_find_value(outcome, 0), "pending", wa_buffer_text(&text));
}

static void put_out(void) {
    wa_log(WA_TRACE, "trace", {"n", "0"});
    wa_log(WA_DEBUG, "debug", {"n", "1"});
    wa_log(WA_INFO, "info", {"n", "2"});
    wa_log(WA_WARN, "warn", {"n", "3"});
    wa_log(WA_ERROR, "error", {"n", "4"});
    wa_count("runs_total", 2, {"kind", "a"});
    wa_gauge("level", -1.5);
    wa_observe("took_seconds", 0.25);
}

static void record(wa_outcome *outcome) {
    wa_label(wa_record(outcome, "cpu:copy", wa_query("cpu"), 0), "copied", "yes");
    wa_label(wa_record_value(outcome, "answer", 42), "unit", "x");
}

void wa_evaluate(const wa_context *context, const wa_json *config, wa_outcome *outcome) {
    wa_text what = wa_string(wa_get(config, "do"));
    if (wa_equal(what, "context")) add_context(context, outcome);
    else if (wa_equal(what, "config")) add_config(config, outcome);
    else if (wa_equal(what, "instant")) add_above(config, outcome);
    else if (wa_equal(what, "columns")) add_columns(outcome);
    else if (wa_equal(what, "range")) add_range(context, outcome);
    else if (wa_equal(what, "prefetch")) add_prefetched(outcome);
    else if (wa_equal(what, "may_fail")) add_error(outcome);
    else if (wa_equal(what, "query_error")) wa_query("broken");
    else if (wa_equal(what, "empty")) wa_logf(WA_INFO, "%zu series", wa_len(wa_query("nothing")));
    else if (wa_equal(what, "large")) add_all("many", 0.5, false, outcome);
    else if (wa_equal(what, "utf8")) add_text(config, outcome);
    else if (wa_equal(what, "floats")) add_all("odd", 0, true, outcome);
    else if (wa_equal(what, "state")) add_state(outcome);
    else if (wa_equal(what, "timers")) add_timers(context, outcome);
    else if (wa_equal(what, "output")) put_out();
    else if (wa_equal(what, "record")) record(outcome);
    else if (wa_equal(what, "error")) wa_fail("too_hot", "%d degrees too hot", 5);
    else if (wa_equal(what, "exception")) wa_panic("boom");
    else if (wa_equal(what, "limit")) for (;;) {}
    else wa_fail("bad_config", "do: there is no %s", wa_quote(what).ptr);
}
