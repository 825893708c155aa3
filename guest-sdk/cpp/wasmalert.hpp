/// wasmalert for C++20: alert rules and notifiers.
///
/// A rule defines `wasmalert::describe` and `wasmalert::evaluate`; a notifier `wasmalert::describe`,
/// `wasmalert::notify` and, where it has ways of its own, `wasmalert::interpret`. Two things hold everywhere:
///
/// - **What the host hands over stays.** An instance lives for one call, so views (`std::string_view`, `std::span`)
///   that the functions below return are valid until its end.
/// - **Errors stick.** There are no exceptions. A configuration that does not fit, a query that fails, `fail`: the
///   first of them is what the call answers, whatever else it does. So code goes straight on with zeros and empty
///   frames, unless `failed()` tells it to return early.
#ifndef WASMALERT_HPP
#define WASMALERT_HPP

#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <optional>
#include <source_location>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wasmalert.h"

namespace wasmalert {

namespace detail {

inline std::string_view view(wa_text text) {
    return {text.ptr, text.len};
}

inline wa_text text(std::string_view view) {
    return {view.data() == nullptr ? "" : view.data(), view.size()};
}

/// A copy that stays until the end of the call, and that a NUL follows.
inline wa_text keep(std::string_view view) {
    char *copy = static_cast<char *>(wa_alloc(view.size() + 1));
    view.copy(copy, view.size());
    return {copy, view.size()};
}

inline void append(std::string &to, std::string_view part) {
    to += part;
}

inline void append(std::string &to, const char *part) {
    to += part;
}

inline void append(std::string &to, char part) {
    to += part;
}

inline void append(std::string &to, bool part) {
    to += part ? "true" : "false";
}

template <std::integral Number>
void append(std::string &to, Number number) {
    char digits[24];
    const auto [end, error] = std::to_chars(digits, digits + sizeof digits, number);
    to.append(digits, end);
}

/// With as many digits as it takes. (`std::to_chars` has tables of 100 KiB for this.)
inline void append(std::string &to, double number) {
    char digits[32];
    for (int precision = 15; precision <= 17; precision++) {
        std::snprintf(digits, sizeof digits, "%.*g", precision, number);
        if (std::strtod(digits, nullptr) == number) break;
    }
    to += digits;
}

} // namespace detail

/// Joins texts and numbers: `text(host, " has ", 3, " disks")`. Numbers with all the digits they have.
template <typename... Parts>
std::string text(const Parts &...parts) {
    std::string joined;
    (detail::append(joined, parts), ...);
    return joined;
}

// Errors

/// Why something failed: a stable code in snake case, for machines, and a message for people.
struct Error {
    std::string code, message;
};

/// Fails the call. Only the first failure counts. Returns, so return too.
inline void fail(std::string_view code, std::string_view message) {
    wa_fail_with({detail::keep(code), detail::keep(message)});
}

inline void fail(const Error &error) {
    fail(error.code, error.message);
}

/// Whether the call has failed.
inline bool failed() {
    return wa_failed();
}

/// Gives up at once: logs the message with its place at error, and traps. What the library finds wrong (an index out
/// of range with `at`, no memory) ends the same way.
[[noreturn]] inline void panic(std::string_view message,
                               const std::source_location place = std::source_location::current()) {
    wa_panic_at(place.file_name(), static_cast<int>(place.line()), "%.*s", static_cast<int>(message.size()),
                message.data());
}

// Labels

/// One label, or one entry of a list of named texts.
struct Label {
    std::string_view name, value;
};

/// Labels as the host hands them over, sorted by name.
class Labels {
public:
    Labels() = default;
    explicit Labels(wa_labels labels) : labels(labels) {}

    std::size_t size() const { return labels.len; }
    bool empty() const { return labels.len == 0; }
    Label operator[](std::size_t index) const {
        return {detail::view(labels.items[index].name), detail::view(labels.items[index].value)};
    }
    /// The value of a label; the empty text stands for an absent one.
    std::string_view get(std::string_view name) const {
        for (const Label label : *this) {
            if (label.name == name) return label.value;
        }
        return {};
    }

    class Iterator {
    public:
        using difference_type = std::ptrdiff_t;
        using value_type = Label;

        Iterator() = default;
        explicit Iterator(const wa_label *at) : at(at) {}
        Label operator*() const { return {detail::view(at->name), detail::view(at->value)}; }
        Iterator &operator++() { return ++at, *this; }
        Iterator operator++(int) { return Iterator(at++); }
        bool operator==(const Iterator &) const = default;

    private:
        const wa_label *at = nullptr;
    };

    Iterator begin() const { return Iterator(labels.items); }
    Iterator end() const { return Iterator(labels.items + labels.len); }

private:
    wa_labels labels{};
};

// JSON

/// A JSON value, or nothing where there is none. Whoever asks it for what it is not gets a zero, and the call fails
/// with a message that says where, and what was there: `nested.on: 7 is not true or false`.
class Json {
public:
    explicit Json(const wa_json *json) : json(json) {}

    /// Reads a JSON text. Where it is none, the call fails with the code; `what` says what it was meant to be.
    static Json parse(std::string_view text, std::string_view code = "bad_json", std::string_view what = "the text") {
        return Json(wa_parse(detail::keep(text), detail::keep(code).ptr, detail::keep(what).ptr));
    }

    /// The member of an object; nothing where it has none of that name.
    Json operator[](std::string_view name) const { return Json(wa_get(json, detail::keep(name).ptr)); }
    Json operator[](const char *name) const { return Json(wa_get(json, name)); }
    /// The item of a list; nothing where the list ends before.
    Json operator[](std::size_t index) const { return Json(wa_at(json, index)); }
    Json operator[](int index) const { return Json(wa_at(json, static_cast<std::size_t>(index))); }
    /// Whether an object has a member that is not null.
    bool has(const char *name) const { return wa_has(json, name); }
    wa_kind kind() const { return wa_kind_of(json); }

    double number() const { return wa_number(json); }
    bool boolean() const { return wa_bool(json); }
    std::string_view string() const { return detail::view(wa_string(json)); }
    /// The items of a list.
    std::vector<Json> list() const {
        std::vector<Json> items;
        const std::size_t count = wa_items(json);
        for (std::size_t i = 0; i < count; i++) items.emplace_back(wa_at(json, i));
        return items;
    }
    std::vector<double> numbers() const {
        std::vector<double> numbers;
        for (const Json item : list()) numbers.push_back(item.number());
        return numbers;
    }
    std::vector<std::string> strings() const {
        std::vector<std::string> strings;
        for (const Json item : list()) strings.emplace_back(item.string());
        return strings;
    }

private:
    const wa_json *json;
};

/// Writes a text as JSON, with its quotes.
inline std::string quote(std::string_view text) {
    return std::string(detail::view(wa_quote(detail::text(text))));
}

// Log

/// Lines for people, shown in the host's log and with the evaluation.
namespace log {

enum class Level { trace, debug, info, warn, error };

/// A named text or number.
struct Field {
    std::string name, value;
    template <typename Value>
    Field(std::string_view name, const Value &value) : name(name), value(text(value)) {}
};

namespace detail {

inline std::vector<wa_field> fields(std::initializer_list<Field> fields) {
    std::vector<wa_field> list;
    for (const Field &field : fields) list.push_back({field.name.c_str(), field.value.c_str()});
    return list;
}

} // namespace detail

/// Writes one line, with fields: `log::write(log::Level::warn, "slow", {{"host", "a"}})`.
inline void write(Level level, std::string_view message, std::initializer_list<Field> fields = {}) {
    const auto list = detail::fields(fields);
    wa_log_fields(static_cast<wa_level>(level), wasmalert::detail::text(message), list.data(), list.size());
}

inline void trace(std::string_view message, std::initializer_list<Field> fields = {}) {
    write(Level::trace, message, fields);
}

inline void debug(std::string_view message, std::initializer_list<Field> fields = {}) {
    write(Level::debug, message, fields);
}

inline void info(std::string_view message, std::initializer_list<Field> fields = {}) {
    write(Level::info, message, fields);
}

inline void warn(std::string_view message, std::initializer_list<Field> fields = {}) {
    write(Level::warn, message, fields);
}

inline void error(std::string_view message, std::initializer_list<Field> fields = {}) {
    write(Level::error, message, fields);
}

} // namespace log

// Metrics

/// The rule's own metrics. Names follow `[a-zA-Z_:][a-zA-Z0-9_:]*`, label names `[a-zA-Z_][a-zA-Z0-9_]*`; others trap.
namespace metrics {

/// Adds to a counter; `by` is at least 0, others trap.
inline void count(const char *name, double by, std::initializer_list<log::Field> labels = {}) {
    const auto list = log::detail::fields(labels);
    wa_count_labels(name, by, list.data(), list.size());
}

/// Sets a gauge.
inline void gauge(const char *name, double value, std::initializer_list<log::Field> labels = {}) {
    const auto list = log::detail::fields(labels);
    wa_gauge_labels(name, value, list.data(), list.size());
}

/// Observes a value in a histogram with the host's buckets.
inline void observe(const char *name, double value, std::initializer_list<log::Field> labels = {}) {
    const auto list = log::detail::fields(labels);
    wa_observe_labels(name, value, list.data(), list.size());
}

} // namespace metrics

// State

/// Bytes under keys that outlive the call; private to the rule, or to the notifier's receiver. Reads see this call's
/// own writes; writes are kept only if the call succeeds.
namespace state {

/// The bytes under a key.
inline std::optional<std::string_view> get(const std::string &key) {
    wa_bytes value;
    if (!wa_state_bytes(key.c_str(), &value)) return std::nullopt;
    return std::string_view(reinterpret_cast<const char *>(value.ptr), value.len);
}

/// The JSON value under a key; nothing where there is none. Where it is not JSON, the call fails.
inline Json json(const std::string &key) {
    return Json(wa_state_json(detail::keep(key).ptr));
}

/// Sets the bytes under a key. Traps over the limits on keys and bytes.
inline void set(const std::string &key, std::string_view value) {
    wa_state_set_bytes(key.c_str(), value.data(), value.size());
}

/// Removes a key; nothing happens where there is none.
inline void remove(const std::string &key) {
    wa_state_delete(key.c_str());
}

/// The keys that start with a prefix, sorted.
inline std::vector<std::string_view> keys(const std::string &prefix = "") {
    const wa_texts texts = wa_state_keys(prefix.c_str());
    std::vector<std::string_view> keys;
    for (std::size_t i = 0; i < texts.len; i++) keys.push_back(detail::view(texts.items[i]));
    return keys;
}

} // namespace state

// Timers

/// Wake-ups besides the interval. One that is due causes one evaluation, and is gone.
namespace timers {

struct Timer {
    std::string_view name;
    std::int64_t due_ms;
    std::string_view payload;
};

/// Sets or replaces the timer of that name. A time that has passed is due at once.
inline void set(const std::string &name, std::int64_t due_ms, std::string_view payload = {}) {
    wa_timer_set(name.c_str(), due_ms, payload.data(), payload.size());
}

/// Removes a timer; nothing happens where there is none.
inline void cancel(const std::string &name) {
    wa_timer_cancel(name.c_str());
}

/// The timers that are set, sorted by name, this evaluation's changes included.
inline std::vector<Timer> pending() {
    const wa_timers set = wa_timers_pending();
    std::vector<Timer> timers;
    for (std::size_t i = 0; i < set.len; i++) {
        const wa_timer &timer = set.items[i];
        const std::string_view payload(reinterpret_cast<const char *>(timer.payload.ptr), timer.payload.len);
        timers.push_back({detail::view(timer.name), timer.due_ms, payload});
    }
    return timers;
}

} // namespace timers

// Queries

/// Samples, oldest first.
struct Samples {
    std::span<const std::int64_t> times_ms;
    std::span<const double> values;
    std::size_t size() const { return values.size(); }
};

/// One label of all series.
class LabelColumn {
public:
    explicit LabelColumn(wa_column column) : column(column) {}

    std::size_t size() const { return column.len; }
    /// The label's value of one series; the empty text stands for an absent label.
    std::string_view operator[](std::size_t series) const { return detail::view(wa_column_at(&column, series)); }
    /// For each series, the number of its value: the same for the same values.
    std::span<const std::uint32_t> codes() const { return {column.codes, column.len}; }

private:
    wa_column column;
};

class Frame;

/// One series of a frame, with its newest value.
class Series {
public:
    /// Its number in the frame.
    std::size_t index;
    /// Its newest value.
    double value;

    /// The value of one label. One call of the host: for many series take the column.
    std::string_view label(const char *name) const { return detail::view(wa_series_label(frame, index, name)); }
    /// All labels. One call of the host: for many series use `Frame::labels_of`.
    Labels labels() const { return Labels(wa_series_labels(frame, index)); }
    Samples samples() const {
        const wa_samples samples = wa_series_samples(frame, index);
        return {{samples.times_ms, samples.len}, {samples.values, samples.len}};
    }

private:
    friend class Frame;
    friend class Outcome;
    const wa_frame *frame;
    Series(const wa_frame *frame, std::size_t index)
        : index(index), value(index < wa_len(frame) ? wa_values(frame)[index] : 0), frame(frame) {}
};

/// A query's result: series in the order the source gave them. Each method is one call of the host that copies what
/// it returns. Of a query that failed, it is empty.
class Frame {
public:
    explicit Frame(const wa_frame *frame) : frame(frame) {}

    std::size_t size() const { return wa_len(frame); }
    bool empty() const { return size() == 0; }
    /// One series. Traps when there is no such one.
    Series operator[](std::size_t index) const {
        if (index >= size() && wa_frame_error(frame) == nullptr) panic(text("there is no series ", index, " in a frame of ", size()));
        return Series(frame, index);
    }

    /// Why a query that may fail has failed.
    std::optional<Error> error() const {
        const wa_error *error = wa_frame_error(frame);
        if (error == nullptr) return std::nullopt;
        return Error{std::string(detail::view(error->code)), std::string(detail::view(error->message))};
    }

    /// The newest value of each series.
    std::span<const double> values() const { return {wa_values(frame), size()}; }
    /// The time of the newest value of each series, in ms since the epoch.
    std::span<const std::int64_t> times_ms() const { return {wa_times_ms(frame), size()}; }
    /// One label of all series; much cheaper than the labels of each.
    LabelColumn label(std::string_view name) const { return LabelColumn(wa_column_of(frame, detail::keep(name).ptr)); }
    /// All labels of many series in one call, in the order asked.
    std::vector<Labels> labels_of(std::span<const std::uint32_t> series) const {
        const wa_labels *labels = wa_labels_of(frame, series.data(), series.size());
        std::vector<Labels> list;
        for (std::size_t i = 0; i < series.size(); i++) list.emplace_back(labels[i]);
        return list;
    }
    /// All samples of all series, one series after the other.
    Samples all_samples() const {
        const wa_samples samples = wa_all_samples(frame);
        return {{samples.times_ms, samples.len}, {samples.values, samples.len}};
    }
    /// Where each series' samples lie in those: series `i` has `offsets[i]` up to `offsets[i + 1]`, exclusive.
    std::span<const std::uint32_t> sample_offsets() const { return {wa_sample_offsets(frame), size() + 1}; }

    class Iterator {
    public:
        using difference_type = std::ptrdiff_t;
        using value_type = Series;

        Iterator() = default;
        Iterator(const wa_frame *frame, std::size_t at) : frame(frame), at(at) {}
        Series operator*() const { return Series(frame, at); }
        Iterator &operator++() { return ++at, *this; }
        Iterator operator++(int) { return Iterator(frame, at++); }
        bool operator==(const Iterator &) const = default;

    private:
        const wa_frame *frame = nullptr;
        std::size_t at = 0;
    };

    Iterator begin() const { return Iterator(frame, 0); }
    Iterator end() const { return Iterator(frame, size()); }

private:
    const wa_frame *frame;
};

/// A query of the present: `Query{.expr = "up", .may_fail = true}.run()`.
struct Query {
    std::string expr;
    /// Name of the source; empty means the rule's own.
    std::string source{};
    /// Another time than the slot's, in ms since the epoch.
    std::optional<std::int64_t> at_ms{};
    /// Leaves it to the rule what a failure means, see `Frame::error`. Without this it fails the evaluation, so that
    /// no alert changes.
    bool may_fail = false;

    wa_instant raw() const {
        return {source.c_str(), expr.c_str(), at_ms.has_value() ? &*at_ms : nullptr, may_fail};
    }
    Frame run() const { return Frame(wa_ask(raw())); }
};

/// A query of a span of time; times in ms since the epoch, both inclusive.
struct RangeQuery {
    std::string expr;
    std::int64_t start_ms, end_ms;
    /// Distance of samples, at least 1.
    std::uint64_t step_ms;
    std::string source{};
    bool may_fail = false;

    /// The span that ends at a time, usually `context.now_ms`.
    static RangeQuery last(std::string expr, std::int64_t span_ms, std::int64_t end_ms, std::uint64_t step_ms) {
        return {.expr = std::move(expr), .start_ms = end_ms - span_ms, .end_ms = end_ms, .step_ms = step_ms};
    }
    wa_range raw() const { return {source.c_str(), expr.c_str(), start_ms, end_ms, step_ms, may_fail}; }
    Frame run() const { return Frame(wa_ask_range(raw())); }
};

/// Asks the rule's own source for the present.
inline Frame query(std::string_view expr) {
    return Frame(wa_query_text(detail::text(expr)));
}

/// Has queries fetched at once, so that asking for each later costs no further round.
inline void prefetch(std::span<const Query> instants, std::span<const RangeQuery> ranges = {}) {
    std::vector<wa_instant> now;
    for (const Query &query : instants) now.push_back(query.raw());
    std::vector<wa_range> spans;
    for (const RangeQuery &query : ranges) spans.push_back(query.raw());
    wa_prefetch_all(now.data(), now.size(), spans.data(), spans.size());
}

inline void prefetch(std::initializer_list<Query> instants) {
    prefetch(std::span(instants.begin(), instants.size()));
}

// What every component defines

/// What a component says of itself.
struct Description {
    /// A short name, for people.
    std::string name;
    /// What the component does, a sentence or a page of Markdown.
    std::string doc;
    /// JSON Schema of the configuration; empty accepts anything.
    std::string config_schema{};
    /// Instant queries on the rule's own source that are asked at every slot.
    std::vector<std::string> queries{};
    /// Named facts. Known today: `resend` = `true` on a notifier.
    std::vector<std::pair<std::string, std::string>> extras{};
};

/// Tells what the component is; may not call the host.
Description describe();

// Rules

/// Everything an evaluation knows before it asks.
struct Context {
    std::string_view tenant, namespace_, group, rule;
    /// The slot's time in ms since the epoch: the only "now" there is.
    std::int64_t now_ms;
    std::uint64_t interval_ms;
    /// `interval` or `timer`.
    std::string_view trigger;
    /// The timer that causes this evaluation; none at a slot.
    std::optional<timers::Timer> timer;
    /// The labels that the host will put on every alert of this rule.
    Labels labels;
    Labels extras;
};

/// Something that is wrong. Each method returns the finding, for the next.
class Finding {
public:
    /// Adds a label, which wins over the series'; an empty value deletes it.
    Finding &label(std::string_view name, std::string_view value) {
        wa_finding_label(finding, detail::keep(name), detail::keep(value));
        return *this;
    }
    /// Adds an annotation, which wins over the rule's own.
    Finding &annotation(std::string_view name, std::string_view value) {
        wa_finding_annotation(finding, detail::keep(name), detail::keep(value));
        return *this;
    }
    /// Sets the value to show with the alert.
    Finding &value(double value) {
        wa_set_value(finding, value);
        return *this;
    }

private:
    friend class Outcome;
    wa_finding *finding;
    explicit Finding(wa_finding *finding) : finding(finding) {}
};

/// A sample to record.
class Sample {
public:
    /// Adds a label, which wins over the series'.
    Sample &label(std::string_view name, std::string_view value) {
        wa_sample_label(sample, detail::keep(name), detail::keep(value));
        return *this;
    }

private:
    friend class Outcome;
    wa_sample *sample;
    explicit Sample(wa_sample *sample) : sample(sample) {}
};

/// What an evaluation found.
class Outcome {
public:
    explicit Outcome(wa_outcome *outcome) : outcome(outcome) {}

    /// Adds that a series is wrong, with its value and labels.
    Finding find(const Series &series) { return Finding(wa_find(outcome, series.frame, series.index)); }
    /// Adds that something is wrong that no series stands for.
    Finding find(double value) { return Finding(wa_find_value(outcome, value)); }
    /// Records a series' value under the name of a metric, with its labels.
    Sample record(std::string_view metric, const Series &series) {
        return Sample(wa_record(outcome, detail::keep(metric).ptr, series.frame, series.index));
    }
    /// Records a value that no series stands for.
    Sample record(std::string_view metric, double value) {
        return Sample(wa_record_value(outcome, detail::keep(metric).ptr, value));
    }

private:
    wa_outcome *outcome;
};

/// Evaluates the rule once. A failure leaves every alert as it was.
void evaluate(const Context &context, const Json &config, Outcome &outcome);

// Notifiers

/// An alert to tell of.
struct Alert {
    bool is_firing;
    /// All labels, `alertname` included.
    Labels labels, annotations;
    /// The value of the last finding.
    double value;
    /// Since when it fires, ms since the epoch.
    std::int64_t starts_at_ms;
    /// When it resolved; while it fires, until when the receiver may believe it without hearing again.
    std::int64_t ends_at_ms;
    /// Link to the rule; may be empty.
    std::string_view generator_url;
    /// 16 hexadecimal digits, the same for the same labels.
    std::string_view fingerprint;
    Labels extras;

    /// The value of a label; the empty text stands for an absent one.
    std::string_view label(std::string_view name) const { return labels.get(name); }
    /// The text of an annotation; empty where there is none.
    std::string_view annotation(std::string_view name) const { return annotations.get(name); }
    /// `FIRING` or `RESOLVED`.
    std::string_view status() const { return is_firing ? "FIRING" : "RESOLVED"; }
};

/// The alerts of one rule for one receiver.
struct Batch {
    std::string_view tenant, receiver, namespace_, group, rule;
    /// The time of delivery in ms since the epoch.
    std::int64_t now_ms;
    /// The same for every attempt at this batch.
    std::string_view idempotency_key;
    /// Where people find the host; may be empty.
    std::string_view external_url;
    /// 1 to 256.
    std::vector<Alert> alerts;
    Labels extras;
};

/// A request that the host is to send. Each method returns it, for the next.
class Request {
public:
    Request &header(std::string_view name, std::string_view value) {
        wa_request_header(request, detail::keep(name).ptr, detail::keep(value));
        return *this;
    }

private:
    friend class Requests;
    wa_request *request;
    explicit Request(wa_request *request) : request(request) {}
};

/// The requests of a batch, sent one after the other.
class Requests {
public:
    explicit Requests(wa_requests *requests) : requests(requests) {}

    Request send(std::string_view method, std::string_view url, std::string_view body) {
        return Request(wa_send(requests, detail::keep(method).ptr, detail::keep(url), detail::keep(body)));
    }
    Request post(std::string_view url, std::string_view body) { return send("POST", url, body); }
    /// Adds a POST of a JSON body. A `{{secret:NAME}}` in the body stays text: labels and annotations come from what
    /// is monitored, and must not be able to ask for a secret.
    Request post_json(std::string_view url, std::string_view json) {
        return Request(wa_post_json_text(requests, detail::keep(url), detail::keep(json)));
    }

private:
    wa_requests *requests;
};

/// The place of a tenant's secret in a URL, a header's value or a body: the host puts the secret in on the way out.
inline std::string secret(std::string_view name) {
    return text("{{secret:", name, "}}");
}

/// The text with a space in each `{{secret:`, so that the host does not take it for one: labels and annotations come
/// from what is monitored, and must not be able to ask for a secret. For the whole of a body or a header's value that
/// is made of them, not for its parts; `post_json` does it by itself.
inline std::string without_secrets(std::string_view value) {
    const wa_text safe = wa_without_secrets(detail::keep(value));
    return std::string(safe.ptr, safe.len);
}

/// The answer to a request.
class Response {
public:
    explicit Response(const wa_response *response) : response(response) {}

    int status() const { return response->status; }
    Labels headers() const { return Labels(response->headers); }
    std::string_view body() const {
        return {reinterpret_cast<const char *>(response->body.ptr), response->body.len};
    }
    /// The value of a header, whatever its letter case.
    std::optional<std::string_view> header(std::string_view name) const {
        const wa_text value = wa_response_header(response, detail::keep(name).ptr);
        return value.ptr == nullptr ? std::nullopt : std::optional(detail::view(value));
    }
    /// The start of the body as text, for people.
    std::string_view excerpt() const { return detail::view(wa_excerpt(response)); }

private:
    friend class Disposition;
    const wa_response *response;
};

/// What an answer means.
class Disposition {
public:
    static Disposition delivered() { return Disposition(wa_delivered()); }
    /// The receiver could not take it now; wait at least so long, where known.
    static Disposition retry(std::string_view reason, std::uint64_t after_ms = 0) {
        return Disposition(wa_retry(detail::keep(reason), after_ms));
    }
    /// Trying again would not help.
    static Disposition failed(std::string_view reason) { return Disposition(wa_undeliverable(detail::keep(reason))); }
    /// 2xx delivered; 408, 429 and 5xx retry, with `Retry-After`; all others failed.
    static Disposition of(const Response &response) { return Disposition(wa_disposition_of(response.response)); }

    wa_disposition raw() const { return disposition; }

private:
    wa_disposition disposition;
    explicit Disposition(wa_disposition disposition) : disposition(disposition) {}
};

/// Turns alerts into requests. A failure is final: the batch is not tried again.
void notify(const Batch &batch, const Json &config, Requests &requests);
/// Says what the answer to the request of that index means. Without it, as `Disposition::of`.
Disposition interpret(const Json &config, std::uint32_t request, const Response &response);

} // namespace wasmalert

#endif
