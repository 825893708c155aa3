/// wasmalert for C: alert rules and notifiers.
///
/// A rule defines `wa_describe` and `wa_evaluate`; a notifier `wa_describe`, `wa_notify` and, where it has ways
/// of its own, `wa_interpret`. Two things hold everywhere:
///
/// - **Nothing is freed.** An instance lives for one call, and its memory goes with it. What the functions below
///   return stays valid until then. What they are given for findings, samples, requests and errors is not copied:
///   it has to stay as long, as literals, `wa_format` and `wa_alloc` do. (`malloc` and `free` are there as usual.)
/// - **Errors stick.** A configuration that does not fit, a query that fails, `wa_fail`: the first of them is
///   what the call answers, whatever else it does. So code goes straight on with zeros and empty texts, unless
///   `wa_failed()` tells it to return early.
#ifndef WASMALERT_H
#define WASMALERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Types that lie in memory as the contract has them, and are read where the host put them.
#define WA_AS_IS __attribute__((may_alias))
#define WA_PRINTF(at, first) __attribute__((format(printf, at, first)))

// Texts

/// A text in UTF-8. A NUL follows it, so that `ptr` serves wherever C wants a string.
typedef struct WA_AS_IS wa_text {
    const char *ptr;
    size_t len;
} wa_text;

/// Bytes of any kind.
typedef struct WA_AS_IS wa_bytes {
    const uint8_t *ptr;
    size_t len;
} wa_bytes;

/// Several texts.
typedef struct WA_AS_IS wa_texts {
    const wa_text *items;
    size_t len;
} wa_texts;

/// One label, or one entry of a list of named texts.
typedef struct WA_AS_IS wa_label {
    wa_text name, value;
} wa_label;

/// Labels, sorted by name.
typedef struct WA_AS_IS wa_labels {
    const wa_label *items;
    size_t len;
} wa_labels;

/// The text of a string of C; empty for NULL.
wa_text wa_text_of(const char *string);
/// Formats a text, as `printf` does.
wa_text wa_format(const char *format, ...) WA_PRINTF(1, 2);
/// Whether two texts are the same.
bool wa_text_equal(wa_text a, wa_text b);
/// Writes a text as JSON, with its quotes.
wa_text wa_quote(wa_text text);
/// The value of a label; the empty text stands for an absent one.
wa_text wa_value(wa_labels labels, const char *name);

/// A text that grows. `{0}` is an empty one.
typedef struct wa_buffer {
    char *ptr;
    size_t len, room;
} wa_buffer;

void wa_append_text(wa_buffer *to, wa_text text);
/// Appends as `printf` does.
void wa_appendf(wa_buffer *to, const char *format, ...) WA_PRINTF(2, 3);
/// What is in a buffer; valid until it grows again.
wa_text wa_buffer_text(const wa_buffer *buffer);

/// Memory, zeroed. Traps where there is none left.
void *wa_alloc(size_t size);

// Errors

/// Why something failed: a stable code in snake case, for machines, and a message for people.
typedef struct wa_error {
    wa_text code, message;
} wa_error;

/// Fails the call with a code in snake case and a message for people, which is formatted as `printf` does. Only
/// the first failure counts. Returns, so return too.
void wa_fail(const char *code, const char *format, ...) WA_PRINTF(2, 3);
/// Fails the call with an error.
void wa_fail_with(wa_error error);
/// Whether the call has failed.
bool wa_failed(void);

/// Gives up at once: logs the message with file and line at error, and traps. `assert` and `abort` do the same.
#define wa_panic(...) wa_panic_at(__FILE__, __LINE__, __VA_ARGS__)
void wa_panic_at(const char *file, int line, const char *format, ...) __attribute__((noreturn)) WA_PRINTF(3, 4);

// JSON

/// A JSON value, or nothing where there is none. Whoever asks it for what it is not gets a zero, and the call
/// fails with a message that says where, and what was there: `nested.on: 7 is not true or false`.
typedef struct wa_json wa_json;

typedef enum wa_kind { WA_NOTHING, WA_NULL, WA_BOOL, WA_NUMBER, WA_STRING, WA_ARRAY, WA_OBJECT } wa_kind;

wa_kind wa_kind_of(const wa_json *json);
/// The member of an object; nothing where it has none of that name.
const wa_json *wa_get(const wa_json *object, const char *name);
/// The item of an array; nothing where the array ends before.
const wa_json *wa_at(const wa_json *array, size_t index);
/// Whether an object has a member that is not null.
bool wa_has(const wa_json *object, const char *name);
/// How many items an array has.
size_t wa_items(const wa_json *array);
double wa_number(const wa_json *json);
bool wa_bool(const wa_json *json);
wa_text wa_string(const wa_json *json);
/// Reads a JSON text. Where it is none, the call fails with the code; `what` says what it was meant to be.
const wa_json *wa_parse(wa_text text, const char *code, const char *what);

// Log

/// How much a line of the log matters.
typedef enum wa_level { WA_TRACE, WA_DEBUG, WA_INFO, WA_WARN, WA_ERROR } wa_level;

/// A named text, for fields of log lines and labels of metrics.
typedef struct wa_field {
    const char *name, *value;
} wa_field;

/// Writes one line, with fields.
void wa_log_fields(wa_level level, wa_text message, const wa_field *fields, size_t count);
/// Writes one line, formatted as `printf` does.
void wa_logf(wa_level level, const char *format, ...) WA_PRINTF(2, 3);

// State: bytes under keys that outlive the call, private to the rule or to the notifier's receiver. Reads see
// this call's own writes; writes are kept only if the call succeeds.

/// The bytes under a key. False where there are none.
bool wa_state_bytes(const char *key, wa_bytes *value);
/// The bytes under a key as a text; empty where there are none.
wa_text wa_state_get(const char *key);
/// The JSON value under a key; nothing where there is none. Where it is not JSON, the call fails.
const wa_json *wa_state_json(const char *key);
/// Sets bytes under a key. Traps over the limits on keys and bytes.
void wa_state_set_bytes(const char *key, const void *bytes, size_t len);
void wa_state_set_text(const char *key, wa_text value);
/// Removes a key; nothing happens where there is none.
void wa_state_delete(const char *key);
/// The keys that start with a prefix, sorted.
wa_texts wa_state_keys(const char *prefix);

// What every component defines

/// What a component says of itself.
typedef struct wa_description {
    /// A short name, for people.
    const char *name;
    /// What the component does, a sentence or a page of Markdown.
    const char *doc;
    /// JSON Schema of the configuration; NULL accepts anything.
    const char *config_schema;
    /// Instant queries on the rule's own source that are asked at every slot; ends with NULL.
    const char *const *queries;
    /// Named facts; ends with one without a name. Known today: `resend` = `true` on a notifier.
    const wa_field *extras;
} wa_description;

/// Tells what the component is; may not call the host.
wa_description wa_describe(void);

// Queries (of rules)

/// A query's result: series in the order the source gave them, numbered from 0, held by the host as columns. Each
/// function below is one call that copies what it returns. Of a query that failed, all are empty.
typedef struct wa_frame wa_frame;

/// A query of the present: one value for each series.
typedef struct wa_instant {
    /// Name of the source; NULL means the rule's own.
    const char *source;
    const char *expr;
    /// Another time than the slot's, in ms since the epoch.
    const int64_t *at_ms;
    /// Leaves it to the rule what a failure means, see `wa_frame_error`. Without this it fails the evaluation, so
    /// that no alert changes.
    bool may_fail;
} wa_instant;

/// A query of a span of time: many samples for each series. Times in ms since the epoch, both inclusive.
typedef struct wa_range {
    const char *source;
    const char *expr;
    int64_t start_ms, end_ms;
    /// Distance of samples, at least 1.
    uint64_t step_ms;
    bool may_fail;
} wa_range;

/// Asks the rule's own source for the present.
wa_frame *wa_query_text(wa_text expr);
/// Asks an instant query.
wa_frame *wa_ask(wa_instant query);
/// Asks a range query.
wa_frame *wa_ask_range(wa_range query);
/// The range query of the span that ends at a time, usually `context->now_ms`.
wa_range wa_last(const char *expr, int64_t span_ms, int64_t end_ms, uint64_t step_ms);
/// Has queries fetched at once, so that asking for each later costs no further round.
void wa_prefetch_all(const wa_instant *instants, size_t instant_count, const wa_range *ranges, size_t range_count);

/// Why a query that may fail has failed; NULL where it has not.
const wa_error *wa_frame_error(const wa_frame *frame);
/// Number of series.
size_t wa_len(const wa_frame *frame);
/// The newest value of each series.
const double *wa_values(const wa_frame *frame);
/// The time of the newest value of each series, in ms since the epoch.
const int64_t *wa_times_ms(const wa_frame *frame);

/// One label of all series.
typedef struct wa_column {
    /// Each value once.
    wa_texts values;
    /// For each series, the number of its value.
    const uint32_t *codes;
    size_t len;
} wa_column;

/// One label of all series; much cheaper than the labels of each.
wa_column wa_column_of(const wa_frame *frame, const char *label);
/// The label's value of one series; the empty text stands for an absent label, and for a series that is not there.
wa_text wa_column_at(const wa_column *column, size_t series);
/// The value of one label of one series. For many series take the column.
wa_text wa_series_label(const wa_frame *frame, size_t series, const char *label);
/// All labels of one series.
wa_labels wa_series_labels(const wa_frame *frame, size_t series);
/// All labels of many series in one call, in the order asked.
const wa_labels *wa_labels_of(const wa_frame *frame, const uint32_t *series, size_t count);

/// Samples, oldest first.
typedef struct wa_samples {
    const int64_t *times_ms;
    const double *values;
    size_t len;
} wa_samples;

/// All samples of one series; one sample in an instant result.
wa_samples wa_series_samples(const wa_frame *frame, size_t series);
/// All samples of all series, one series after the other.
wa_samples wa_all_samples(const wa_frame *frame);
/// Where each series' samples lie in those: series `i` has `offsets[i]` up to `offsets[i + 1]`, exclusive.
const uint32_t *wa_sample_offsets(const wa_frame *frame);

// Timers (of rules): wake-ups besides the interval. One that is due causes one evaluation, and is gone.

typedef struct WA_AS_IS wa_timer {
    wa_text name;
    int64_t due_ms;
    wa_bytes payload;
} wa_timer;

typedef struct WA_AS_IS wa_timers {
    const wa_timer *items;
    size_t len;
} wa_timers;

/// Sets or replaces the timer of that name. A time that has passed is due at once.
void wa_timer_set(const char *name, int64_t due_ms, const void *payload, size_t len);
/// Removes a timer; nothing happens where there is none.
void wa_timer_cancel(const char *name);
/// The timers that are set, sorted by name, this evaluation's changes included.
wa_timers wa_timers_pending(void);

// Metrics (of rules). Names follow `[a-zA-Z_:][a-zA-Z0-9_:]*`, label names `[a-zA-Z_][a-zA-Z0-9_]*`; others trap.

void wa_count_labels(const char *name, double by, const wa_field *labels, size_t count);
void wa_gauge_labels(const char *name, double value, const wa_field *labels, size_t count);
void wa_observe_labels(const char *name, double value, const wa_field *labels, size_t count);

// Rules

/// Why an evaluation happens.
typedef struct WA_AS_IS wa_trigger {
    /// `interval` or `timer`.
    wa_text kind;
    /// The timer's name; empty for `interval`.
    wa_text timer;
    /// The timer's due time in ms since the epoch; the slot for `interval`.
    int64_t due_ms;
    wa_bytes payload;
} wa_trigger;

/// Everything an evaluation knows before it asks.
typedef struct WA_AS_IS wa_context {
    wa_text tenant, namespace_, group, rule;
    /// The slot's time in ms since the epoch: the only "now" there is.
    int64_t now_ms;
    uint64_t interval_ms;
    wa_trigger trigger;
    /// The configuration as it was written.
    wa_text config;
    /// The labels that the host will put on every alert of this rule.
    wa_labels labels;
    wa_labels extras;
} wa_context;

/// What an evaluation found.
typedef struct wa_outcome wa_outcome;
/// Something that is wrong. Its labels, with the rule's on top, are the identity of the alert and may occur once.
typedef struct wa_finding wa_finding;
/// A sample to record.
typedef struct wa_sample wa_sample;

/// Evaluates the rule once. A failure leaves every alert as it was.
void wa_evaluate(const wa_context *context, const wa_json *config, wa_outcome *outcome);

/// Whether a timer causes this evaluation.
bool wa_is_timer(const wa_context *context);
/// Adds that a series is wrong, with its value and labels.
wa_finding *wa_find(wa_outcome *outcome, const wa_frame *frame, size_t series);
/// Adds that something is wrong that no series stands for.
wa_finding *wa_find_value(wa_outcome *outcome, double value);
/// Sets the value to show with the alert.
void wa_set_value(wa_finding *finding, double value);
/// Adds a label, which wins over the series'; an empty value deletes it.
void wa_finding_label(wa_finding *finding, wa_text name, wa_text value);
void wa_finding_annotation(wa_finding *finding, wa_text name, wa_text value);
/// Adds an annotation, formatted as `printf` does.
void wa_annotatef(wa_finding *finding, const char *name, const char *format, ...) WA_PRINTF(3, 4);
/// Records a series' value under the name of a metric, with its labels.
wa_sample *wa_record(wa_outcome *outcome, const char *metric, const wa_frame *frame, size_t series);
/// Records a value that no series stands for.
wa_sample *wa_record_value(wa_outcome *outcome, const char *metric, double value);
void wa_sample_label(wa_sample *sample, wa_text name, wa_text value);

// Notifiers

/// An alert to tell of.
typedef struct WA_AS_IS wa_alert {
    /// `firing` or `resolved`.
    wa_text status;
    /// All labels, `alertname` included.
    wa_labels labels;
    wa_labels annotations;
    /// The value of the last finding.
    double value;
    /// Since when it fires, ms since the epoch.
    int64_t starts_at_ms;
    /// When it resolved; while it fires, until when the receiver may believe it without hearing again.
    int64_t ends_at_ms;
    /// Link to the rule; may be empty.
    wa_text generator_url;
    /// 16 hexadecimal digits, the same for the same labels.
    wa_text fingerprint;
    wa_labels extras;
} wa_alert;

/// The alerts of one rule for one receiver.
typedef struct WA_AS_IS wa_batch {
    wa_text tenant, receiver, namespace_, group, rule;
    /// The configuration as it was written.
    wa_text config;
    /// The time of delivery in ms since the epoch.
    int64_t now_ms;
    /// The same for every attempt at this batch.
    wa_text idempotency_key;
    /// Where people find the host; may be empty.
    wa_text external_url;
    const wa_alert *alerts;
    /// 1 to 256.
    size_t alert_count;
    wa_labels extras;
} wa_batch;

/// The answer to a request.
typedef struct WA_AS_IS wa_response {
    uint16_t status;
    wa_labels headers;
    /// The first bytes of the body, at most 64 KiB.
    wa_bytes body;
    wa_labels extras;
} wa_response;

/// What an answer means.
typedef struct wa_disposition {
    /// `delivered`, `retry` or `failed`.
    const char *kind;
    /// With `retry`: wait at least so long; 0 where nothing says.
    uint64_t retry_after_ms;
    /// Why, for people; empty when delivered.
    wa_text reason;
} wa_disposition;

/// The requests of a batch, sent one after the other.
typedef struct wa_requests wa_requests;
typedef struct wa_request wa_request;

/// Turns alerts into requests. A failure is final: the batch is not tried again.
void wa_notify(const wa_batch *batch, const wa_json *config, wa_requests *requests);
/// Says what the answer to the request of that index means. Without it, as `wa_disposition_of`.
wa_disposition wa_interpret(const wa_json *config, uint32_t request, const wa_response *response);

bool wa_is_firing(const wa_alert *alert);
/// Adds a request.
wa_request *wa_send(wa_requests *requests, const char *method, wa_text url, wa_text body);
/// Adds a POST of a JSON body. A `{{secret:NAME}}` in the body stays text: labels and annotations come from what
/// is monitored, and must not be able to ask for a secret.
wa_request *wa_post_json_text(wa_requests *requests, wa_text url, wa_text json);
void wa_request_header(wa_request *request, const char *name, wa_text value);
/// The place of a tenant's secret in a URL, a header's value or a body: the host puts the secret in on the way out.
wa_text wa_secret(const char *name);

/// The text with a space in each `{{secret:`, so that the host does not take it for one: labels and annotations come
/// from what is monitored, and must not be able to ask for a secret. For the whole of a body or a header's value that
/// is made of them, not for its parts; `wa_post_json` does it by itself.
wa_text wa_without_secrets(wa_text text);

/// 2xx delivered; 408, 429 and 5xx retry, with `Retry-After`; all others failed.
wa_disposition wa_disposition_of(const wa_response *response);
wa_disposition wa_delivered(void);
wa_disposition wa_retry(wa_text reason, uint64_t after_ms);
wa_disposition wa_undeliverable(wa_text reason);
/// The value of a header, whatever its letter case; its `ptr` is NULL when it is absent.
wa_text wa_response_header(const wa_response *response, const char *name);
/// The start of the body as text, for people.
wa_text wa_excerpt(const wa_response *response);

#ifdef __cplusplus
}
#else

static inline wa_text wa_text_same(wa_text text) {
    return text;
}

// Where these take a text, a `wa_text` will do as well as a string of C.
#define wa_text(text) _Generic((text), wa_text: wa_text_same, default: wa_text_of)(text)
#define wa_equal(a, b) wa_text_equal(wa_text(a), wa_text(b))
#define wa_append(buffer, text) wa_append_text(buffer, wa_text(text))
#define wa_query(expr) wa_query_text(wa_text(expr))
#define wa_state_set(key, value) wa_state_set_text(key, wa_text(value))
/// Adds a label to a finding or to a sample.
#define wa_label(to, name, value) \
    _Generic((to), wa_finding *: wa_finding_label, wa_sample *: wa_sample_label)(to, wa_text(name), wa_text(value))
#define wa_annotate(finding, name, value) wa_finding_annotation(finding, wa_text(name), wa_text(value))
#define wa_post_json(requests, url, json) wa_post_json_text(requests, wa_text(url), wa_text(json))
#define wa_header(request, name, value) wa_request_header(request, name, wa_text(value))

// These take fields after their other arguments: `wa_log(WA_WARN, "slow", {"host", "a"}, {"disk", "sda"})`. The
// first of the array is left out, so that there may be none.
#define WA_FIELDS(...) &((const wa_field[]){{0}, __VA_ARGS__})[1], sizeof((const wa_field[]){{0}, __VA_ARGS__}) / sizeof(wa_field) - 1
#define wa_log(level, message, ...) wa_log_fields(level, wa_text(message), WA_FIELDS(__VA_ARGS__))
/// Adds to a counter; `by` is at least 0, others trap.
#define wa_count(name, by, ...) wa_count_labels(name, by, WA_FIELDS(__VA_ARGS__))
/// Sets a gauge.
#define wa_gauge(name, value, ...) wa_gauge_labels(name, value, WA_FIELDS(__VA_ARGS__))
/// Observes a value in a histogram with the host's buckets.
#define wa_observe(name, value, ...) wa_observe_labels(name, value, WA_FIELDS(__VA_ARGS__))
/// Has instant queries of the rule's own source fetched at once: `wa_prefetch({.expr = "a"}, {.expr = "b"})`.
#define wa_prefetch(...) \
    wa_prefetch_all((const wa_instant[]){__VA_ARGS__}, sizeof((const wa_instant[]){__VA_ARGS__}) / sizeof(wa_instant), NULL, 0)

#endif
#endif
