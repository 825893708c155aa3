// The world `rule`: queries, timers, metrics, and what an evaluation answers.

#include <stdlib.h>
#include <string.h>

// What the bindings free after a call goes with the instance, and some of it was never allocated.
#define free(ptr) ((void)(ptr))
#include "generated/rule/wit.c"
#undef free

#include "internal.h"

_Static_assert(sizeof(wa_context) == sizeof(exports_wit_rules_context_t), "a context is the contract's");
_Static_assert(offsetof(wa_context, labels) == offsetof(exports_wit_rules_context_t, labels), "as above");
_Static_assert(sizeof(wa_timer) == sizeof(wit_timers_timer_t), "a timer is the contract's");

// Queries

struct wa_frame {
    wit_query_borrow_frame_t host;
    uint32_t id;
    size_t len;
    const double *values;
    bool has_error;
    wa_error error;
};

static wit_string_t string_of(const char *string) {
    return wa_wit(wa_text(string));
}

static wit_types_instant_query_t instant_of(const wa_instant *query) {
    return (wit_types_instant_query_t){
        .source = string_of(query->source),
        .expr = string_of(query->expr),
        .time_ms = {query->at_ms != NULL, query->at_ms != NULL ? *query->at_ms : 0},
        .may_fail = query->may_fail,
    };
}

static wit_types_range_query_t range_of(const wa_range *query) {
    return (wit_types_range_query_t){
        .source = string_of(query->source),
        .expr = string_of(query->expr),
        .start_ms = query->start_ms,
        .end_ms = query->end_ms,
        .step_ms = query->step_ms > 0 ? query->step_ms : 1,
        .may_fail = query->may_fail,
    };
}

static wa_frame *answered(wit_query_own_frame_t host) {
    wa_frame *frame = wa_alloc(sizeof *frame);
    frame->host = (wit_query_borrow_frame_t){host.__handle};
    frame->id = wit_query_method_frame_id(frame->host);
    wit_list_f64_t values;
    wit_query_method_frame_values(frame->host, &values);
    frame->values = values.ptr;
    frame->len = values.len;
    return frame;
}

// What a frame of a failed query has of everything: who reads on before returning reads zeros.
static const double no_values[1];
static const int64_t no_times[1];
static const uint32_t no_offsets[1];

static wa_frame *refused(const wit_query_query_error_t *error, bool may_fail) {
    wa_frame *frame = wa_alloc(sizeof *frame);
    frame->values = no_values;
    frame->has_error = true;
    frame->error = (wa_error){
        {(const char *)error->code.ptr, error->code.len},
        {(const char *)error->message.ptr, error->message.len},
    };
    if (!may_fail) wa_fail_with(frame->error);
    return frame;
}

static wa_frame *ask(wit_types_instant_query_t *query) {
    wit_query_own_frame_t frame;
    wit_query_query_error_t error;
    return wit_query_instant(query, &frame, &error) ? answered(frame) : refused(&error, query->may_fail);
}

wa_frame *wa_query_text(wa_text expr) {
    wit_types_instant_query_t query = {.source = string_of(""), .expr = wa_wit(expr)};
    return ask(&query);
}

wa_frame *wa_ask(wa_instant query) {
    wit_types_instant_query_t asked = instant_of(&query);
    return ask(&asked);
}

wa_frame *wa_ask_range(wa_range query) {
    wit_types_range_query_t asked = range_of(&query);
    wit_query_own_frame_t frame;
    wit_query_query_error_t error;
    return wit_query_range(&asked, &frame, &error) ? answered(frame) : refused(&error, query.may_fail);
}

wa_range wa_last(const char *expr, int64_t span_ms, int64_t end_ms, uint64_t step_ms) {
    return (wa_range){.expr = expr, .start_ms = end_ms - span_ms, .end_ms = end_ms, .step_ms = step_ms};
}

void wa_prefetch_all(const wa_instant *instants, size_t instant_count, const wa_range *ranges, size_t range_count) {
    wit_types_instant_query_t *now = wa_alloc(instant_count * sizeof *now);
    for (size_t i = 0; i < instant_count; i++) now[i] = instant_of(&instants[i]);
    wit_types_range_query_t *spans = wa_alloc(range_count * sizeof *spans);
    for (size_t i = 0; i < range_count; i++) spans[i] = range_of(&ranges[i]);
    wit_query_list_instant_query_t now_list = {now, instant_count};
    wit_query_list_range_query_t span_list = {spans, range_count};
    wit_query_prefetch(&now_list, &span_list);
}

const wa_error *wa_frame_error(const wa_frame *frame) {
    return frame->has_error ? &frame->error : NULL;
}

size_t wa_len(const wa_frame *frame) {
    return frame->len;
}

const double *wa_values(const wa_frame *frame) {
    return frame->values;
}

const int64_t *wa_times_ms(const wa_frame *frame) {
    if (frame->has_error) return no_times;
    wit_list_s64_t times;
    wit_query_method_frame_timestamps_ms(frame->host, &times);
    return times.ptr;
}

wa_column wa_column_of(const wa_frame *frame, const char *label) {
    if (frame->has_error) return (wa_column){0};
    wit_string_t name = string_of(label);
    wit_query_label_column_t column;
    wit_query_method_frame_label(frame->host, &name, &column);
    return (wa_column){{(const wa_text *)column.values.ptr, column.values.len}, column.codes.ptr, column.codes.len};
}

wa_text wa_column_at(const wa_column *column, size_t series) {
    if (series >= column->len || column->codes[series] >= column->values.len) return wa_text("");
    return column->values.items[column->codes[series]];
}

static uint32_t series_of(const wa_frame *frame, size_t series) {
    if (series >= frame->len) wa_panic("there is no series %zu in a frame of %zu", series, frame->len);
    return (uint32_t)series;
}

wa_labels wa_series_labels(const wa_frame *frame, size_t series) {
    if (frame->has_error) return (wa_labels){0};
    wit_query_list_label_t labels;
    wit_query_method_frame_labels(frame->host, series_of(frame, series), &labels);
    return (wa_labels){(const wa_label *)labels.ptr, labels.len};
}

wa_text wa_series_label(const wa_frame *frame, size_t series, const char *label) {
    return wa_value(wa_series_labels(frame, series), label);
}

const wa_labels *wa_labels_of(const wa_frame *frame, const uint32_t *series, size_t count) {
    if (frame->has_error) return wa_alloc(count * sizeof(wa_labels));
    for (size_t i = 0; i < count; i++) series_of(frame, series[i]);
    wit_list_u32_t asked = {(uint32_t *)series, count};
    wit_query_list_list_label_t labels = {0};
    if (count > 0) wit_query_method_frame_labels_of(frame->host, &asked, &labels);
    return (const wa_labels *)labels.ptr;
}

wa_samples wa_series_samples(const wa_frame *frame, size_t series) {
    if (frame->has_error) return (wa_samples){no_times, no_values, 0};
    wit_query_sample_columns_t samples;
    wit_query_method_frame_samples(frame->host, series_of(frame, series), &samples);
    return (wa_samples){samples.timestamps_ms.ptr, samples.values.ptr, samples.values.len};
}

wa_samples wa_all_samples(const wa_frame *frame) {
    if (frame->has_error) return (wa_samples){no_times, no_values, 0};
    wit_list_s64_t times;
    wit_list_f64_t values;
    wit_query_method_frame_all_timestamps_ms(frame->host, &times);
    wit_query_method_frame_all_values(frame->host, &values);
    return (wa_samples){times.ptr, values.ptr, values.len};
}

const uint32_t *wa_sample_offsets(const wa_frame *frame) {
    if (frame->has_error) return no_offsets;
    wit_list_u32_t offsets;
    wit_query_method_frame_sample_offsets(frame->host, &offsets);
    return offsets.ptr;
}

// Timers

void wa_timer_set(const char *name, int64_t due_ms, const void *payload, size_t len) {
    wit_string_t timer = string_of(name);
    wit_list_u8_t bytes = {(uint8_t *)payload, len};
    wit_timers_set(&timer, due_ms, &bytes);
}

void wa_timer_cancel(const char *name) {
    wit_string_t timer = string_of(name);
    wit_timers_cancel(&timer);
}

wa_timers wa_timers_pending(void) {
    wit_timers_list_timer_t timers;
    wit_timers_pending(&timers);
    return (wa_timers){(const wa_timer *)timers.ptr, timers.len};
}

// Metrics

static wit_metrics_list_label_t metric_labels(const wa_field *labels, size_t count) {
    return (wit_metrics_list_label_t){(wit_types_label_t *)wa_labels_from(labels, count), count};
}

void wa_count_labels(const char *name, double by, const wa_field *labels, size_t count) {
    wit_string_t metric = string_of(name);
    wit_metrics_list_label_t list = metric_labels(labels, count);
    wit_metrics_count(&metric, &list, by);
}

void wa_gauge_labels(const char *name, double value, const wa_field *labels, size_t count) {
    wit_string_t metric = string_of(name);
    wit_metrics_list_label_t list = metric_labels(labels, count);
    wit_metrics_gauge(&metric, &list, value);
}

void wa_observe_labels(const char *name, double value, const wa_field *labels, size_t count) {
    wit_string_t metric = string_of(name);
    wit_metrics_list_label_t list = metric_labels(labels, count);
    wit_metrics_observe(&metric, &list, value);
}

// Outcomes

typedef struct label_list {
    wa_label *items;
    size_t len, room;
} label_list;

struct wa_finding {
    exports_wit_rules_option_series_ref_t series;
    label_list labels, annotations;
    double value;
};

struct wa_sample {
    exports_wit_rules_option_series_ref_t series;
    label_list labels;
    double value;
};

struct wa_outcome {
    wa_finding **findings;
    size_t finding_count, finding_room;
    wa_sample **samples;
    size_t sample_count, sample_room;
};

static void add(label_list *to, wa_text name, wa_text value) {
    to->items = wa_grow(to->items, to->len, &to->room, sizeof *to->items);
    to->items[to->len++] = (wa_label){name, value};
}

static exports_wit_rules_list_label_t list_of(const label_list *labels) {
    return (exports_wit_rules_list_label_t){(wit_types_label_t *)labels->items, labels->len};
}

bool wa_is_timer(const wa_context *context) {
    return wa_equal(context->trigger.kind, "timer");
}

wa_finding *wa_find_value(wa_outcome *outcome, double value) {
    wa_finding *finding = wa_alloc(sizeof *finding);
    finding->value = value;
    outcome->findings = wa_grow(outcome->findings, outcome->finding_count, &outcome->finding_room, sizeof finding);
    return outcome->findings[outcome->finding_count++] = finding;
}

wa_finding *wa_find(wa_outcome *outcome, const wa_frame *frame, size_t series) {
    if (frame->has_error) return wa_find_value(outcome, 0);
    uint32_t index = series_of(frame, series);
    wa_finding *finding = wa_find_value(outcome, frame->values[series]);
    finding->series = (exports_wit_rules_option_series_ref_t){true, {frame->id, index}};
    return finding;
}

void wa_set_value(wa_finding *finding, double value) {
    finding->value = value;
}

void wa_finding_label(wa_finding *finding, wa_text name, wa_text value) {
    add(&finding->labels, name, value);
}

void wa_finding_annotation(wa_finding *finding, wa_text name, wa_text value) {
    add(&finding->annotations, name, value);
}

void wa_annotatef(wa_finding *finding, const char *name, const char *with, ...) {
    va_list arguments;
    va_start(arguments, with);
    add(&finding->annotations, wa_text(name), wa_format_list(with, arguments));
    va_end(arguments);
}

wa_sample *wa_record_value(wa_outcome *outcome, const char *metric, double value) {
    wa_sample *sample = wa_alloc(sizeof *sample);
    sample->value = value;
    add(&sample->labels, wa_text("__name__"), wa_text(metric));
    outcome->samples = wa_grow(outcome->samples, outcome->sample_count, &outcome->sample_room, sizeof sample);
    return outcome->samples[outcome->sample_count++] = sample;
}

wa_sample *wa_record(wa_outcome *outcome, const char *metric, const wa_frame *frame, size_t series) {
    if (frame->has_error) return wa_record_value(outcome, metric, 0);
    uint32_t index = series_of(frame, series);
    wa_sample *sample = wa_record_value(outcome, metric, frame->values[series]);
    sample->series = (exports_wit_rules_option_series_ref_t){true, {frame->id, index}};
    return sample;
}

void wa_sample_label(wa_sample *sample, wa_text name, wa_text value) {
    add(&sample->labels, name, value);
}

// Exports

void exports_wit_rules_describe(exports_wit_rules_description_t *to) {
    wa_description description = wa_describe();
    wa_lay_out(&description, to);
}

static void lay_out(const wa_outcome *from, exports_wit_rules_outcome_t *to) {
    exports_wit_rules_finding_t *findings = wa_alloc(from->finding_count * sizeof *findings);
    for (size_t i = 0; i < from->finding_count; i++) {
        const wa_finding *finding = from->findings[i];
        findings[i].series = finding->series;
        findings[i].labels = list_of(&finding->labels);
        findings[i].value = finding->value;
        findings[i].annotations = list_of(&finding->annotations);
    }
    exports_wit_rules_recorded_sample_t *samples = wa_alloc(from->sample_count * sizeof *samples);
    for (size_t i = 0; i < from->sample_count; i++) {
        const wa_sample *sample = from->samples[i];
        samples[i].series = sample->series;
        samples[i].labels = list_of(&sample->labels);
        samples[i].value = sample->value;
    }
    *to = (exports_wit_rules_outcome_t){
        .findings = {findings, from->finding_count},
        .samples = {samples, from->sample_count},
    };
}

bool exports_wit_rules_evaluate(exports_wit_rules_context_t *from, exports_wit_rules_outcome_t *to,
                                exports_wit_rules_component_error_t *error) {
    const wa_context *context = (const wa_context *)from;
    wa_outcome outcome = {0};
    const wa_json *config = wa_parse_config(context->config);
    if (!wa_failed()) wa_evaluate(context, config, &outcome);
    const wa_error *failure = wa_failure();
    if (failure != NULL) {
        *error = (exports_wit_rules_component_error_t){wa_wit(failure->code), wa_wit(failure->message), {0}};
        return false;
    }
    lay_out(&outcome, to);
    return true;
}
