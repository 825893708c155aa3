//! The contract as WebAssembly sees it. Made by wasmalert-bindgen; do not edit.

/// A list; the text of a `string` is a list of bytes.
pub fn List(comptime T: type) type {
    return extern struct {
        ptr: [*]const T,
        len: usize,

        pub fn of(from: []const T) @This() {
            return .{ .ptr = place(T, from), .len = from.len };
        }

        pub fn slice(list: @This()) []const T {
            return list.ptr[0..list.len];
        }
    };
}

/// Where a slice lies. An empty one may lie outside of all memory, which the host does not take.
pub fn place(comptime T: type, slice: []const T) [*]const T {
    return if (slice.len > 0) slice.ptr else @ptrFromInt(@alignOf(T));
}

pub fn Option(comptime T: type) type {
    return extern struct { is_some: bool, val: T };
}

pub fn Result(comptime T: type, comptime E: type) type {
    return extern struct { is_err: bool, val: extern union { ok: T, err: E } };
}

/// Bytes under keys that outlive the evaluation; private to the rule (for a
/// notifier, to the receiver). Reads see this run's own writes; writes are
/// kept only if the run succeeds.
pub const state = struct {
    /// The value under a key.
    pub extern "wasmalert:rules/state@0.1.0" fn get(key_ptr: [*]const u8, key_len: usize, ret: *Option(List(u8))) void;
    /// Sets the value under a key. Traps over the limits on keys and bytes.
    pub extern "wasmalert:rules/state@0.1.0" fn set(key_ptr: [*]const u8, key_len: usize, value_ptr: [*]const u8, value_len: usize) void;
    /// Removes a key; nothing happens where there is none.
    pub extern "wasmalert:rules/state@0.1.0" fn delete(key_ptr: [*]const u8, key_len: usize) void;
    /// The keys that start with a prefix, sorted.
    pub extern "wasmalert:rules/state@0.1.0" fn keys(prefix_ptr: [*]const u8, prefix_len: usize, ret: *List(List(u8))) void;
};

/// Wake-ups besides the interval. A timer that is due causes one evaluation
/// whose trigger carries its payload, and is gone.
pub const timers = struct {
    /// A timer that is set.
    pub const Timer = extern struct {
        name: List(u8),
        /// Due time in ms since the epoch.
        due_ms: i64,
        payload: List(u8),
    };

    /// Sets or replaces the timer of that name. A time that has passed is due at
    /// once.
    pub extern "wasmalert:rules/timers@0.1.0" fn set(name_ptr: [*]const u8, name_len: usize, due_ms: i64, payload_ptr: [*]const u8, payload_len: usize) void;
    /// Removes a timer; nothing happens where there is none.
    pub extern "wasmalert:rules/timers@0.1.0" fn cancel(name_ptr: [*]const u8, name_len: usize) void;
    /// The timers that are set, sorted by name, this run's changes included.
    pub extern "wasmalert:rules/timers@0.1.0" fn pending(ret: *List(timers.Timer)) void;
};

/// Types that both worlds share.
pub const types = struct {
    /// One label, or one entry of a list of named texts. UTF-8.
    pub const Label = extern struct {
        name: List(u8),
        value: List(u8),
    };

    /// A query of the present: one value for each series.
    pub const InstantQuery = extern struct {
        /// Name of the source; empty means the rule's own source.
        source: List(u8),
        /// The query text, in the source's language (PromQL for `prometheus`).
        expr: List(u8),
        /// Evaluation time in ms since the epoch; none means the slot's time
        /// less the group's query offset.
        time_ms: Option(i64),
        /// When false (as it should be), a failure of this query fails the whole
        /// evaluation, whatever the rule returns, so that no alert changes.
        /// When true, the rule itself decides what a failure means.
        may_fail: bool,
    };

    /// A query of a span of time: many samples for each series.
    pub const RangeQuery = extern struct {
        /// As in `instant-query`.
        source: List(u8),
        /// As in `instant-query`.
        expr: List(u8),
        /// First sample time, ms since the epoch, inclusive.
        start_ms: i64,
        /// Last sample time, ms since the epoch, inclusive.
        end_ms: i64,
        /// Distance of samples in ms, at least 1.
        step_ms: u64,
        /// As in `instant-query`.
        may_fail: bool,
    };

    /// What `describe` answers.
    pub const Description = extern struct {
        /// Short name, for people.
        name: List(u8),
        /// What the component does, a sentence or a page of Markdown.
        doc: List(u8),
        /// JSON Schema of the configuration; empty accepts anything.
        config_schema: List(u8),
        /// Instant queries on the default source that are asked at every slot,
        /// whatever the configuration; the host fetches them ahead.
        queries: List(List(u8)),
        /// Named facts for later versions of the host. Known today:
        /// `resend` = `true` on a notifier asks for firing alerts again and
        /// again (Alertmanager forgets them otherwise).
        extras: List(types.Label),
    };

    /// A failure that the component reports itself.
    pub const ComponentError = extern struct {
        /// Stable code in snake case, for machines.
        code: List(u8),
        /// What is wrong and what to do, for people.
        message: List(u8),
        /// Named facts.
        extras: List(types.Label),
    };
};

/// What a notifier exports.
pub const notifications = struct {
    /// An alert to tell of.
    pub const Alert = extern struct {
        /// `firing` or `resolved`.
        status: List(u8),
        /// All labels, `alertname` included, sorted by name.
        labels: List(types.Label),
        annotations: List(types.Label),
        /// The value of the last finding.
        value: f64,
        /// Since when it fires, ms since the epoch.
        starts_at_ms: i64,
        /// When it resolved; while it fires, until when the receiver may believe
        /// it without hearing again. ms since the epoch.
        ends_at_ms: i64,
        /// Link to the rule; empty where the operator gave no external URL.
        generator_url: List(u8),
        /// 16 hexadecimal digits, the same for the same labels.
        fingerprint: List(u8),
        /// Named facts.
        extras: List(types.Label),
    };

    /// The alerts of one rule for one receiver.
    pub const Batch = extern struct {
        tenant: List(u8),
        receiver: List(u8),
        namespace: List(u8),
        group: List(u8),
        rule: List(u8),
        /// The receiver's configuration as a JSON text; `{}` when there is none.
        config: List(u8),
        /// The time of delivery in ms since the epoch.
        now_ms: i64,
        /// The same for every attempt at this batch.
        idempotency_key: List(u8),
        /// Where people find this host; may be empty.
        external_url: List(u8),
        /// 1 to 256 alerts.
        alerts: List(notifications.Alert),
        /// Named facts.
        extras: List(types.Label),
    };

    /// A request the host is to send. `{{secret:NAME}}` in the URL, a header's
    /// value or the body is replaced by the tenant's secret on the way out.
    pub const HttpRequest = extern struct {
        method: List(u8),
        url: List(u8),
        headers: List(types.Label),
        body: List(u8),
        /// Named facts.
        extras: List(types.Label),
    };

    /// The answer to a request.
    pub const HttpResponse = extern struct {
        status: u16,
        headers: List(types.Label),
        /// The first bytes of the body, at most 64 KiB.
        body: List(u8),
        /// Named facts.
        extras: List(types.Label),
    };

    /// What the answer means.
    pub const Disposition = extern struct {
        /// `delivered`, `retry` or `failed` (trying again would not help).
        kind: List(u8),
        /// Wait at least so long before the next attempt.
        retry_after_ms: Option(u64),
        /// Why, for people; empty when delivered.
        reason: List(u8),
        /// Named facts.
        extras: List(types.Label),
    };

    /// Tells what the component is. Called at upload, without any import.
    pub const Describe = fn () callconv(.c) *const types.Description;
    pub const describe_export = "wasmalert:rules/notifications@0.1.0#describe";
    /// Turns alerts into requests, sent one after the other.
    pub const Notify = fn (batch: *const notifications.Batch) callconv(.c) *const Result(List(notifications.HttpRequest), types.ComponentError);
    pub const notify_export = "wasmalert:rules/notifications@0.1.0#notify";
    /// Says what the answer to the request of that index means. `config` as in
    /// the batch.
    pub const Interpret = fn (config_ptr: [*]const u8, config_len: usize, request: u32, response_status: u16, response_headers_ptr: [*]const types.Label, response_headers_len: usize, response_body_ptr: [*]const u8, response_body_len: usize, response_extras_ptr: [*]const types.Label, response_extras_len: usize) callconv(.c) *const notifications.Disposition;
    pub const interpret_export = "wasmalert:rules/notifications@0.1.0#interpret";
};

/// Query results, held by the host as columns. A rule copies the columns it
/// needs, and reads labels only for the series that matter.
///
/// Results come from a journal. A query that is not there yet ends the run; the
/// host fetches it and runs the rule again from the start. Ask for several at
/// once with `prefetch` to save rounds.
pub const query = struct {
    /// Why a query failed. Codes: `query_failed` (the source answered with an
    /// error), `query_timeout`, `query_unavailable` (no connection),
    /// `query_too_large`, `query_bad_response`, `source_unknown`,
    /// `egress_denied` (the tenant may not reach the source).
    pub const QueryError = extern struct {
        code: List(u8),
        message: List(u8),
        extras: List(types.Label),
    };

    /// One label of all series: `codes[i]` is the index in `values` of series
    /// `i`'s value; the empty text stands for an absent label.
    pub const LabelColumn = extern struct {
        values: List(List(u8)),
        codes: List(u32),
    };

    /// The samples of one series of a range query, oldest first; both lists are
    /// of the same length.
    pub const SampleColumns = extern struct {
        timestamps_ms: List(i64),
        values: List(f64),
    };

    /// A query result: `n` series, numbered from 0, in the order the source
    /// gave them.
    pub const Frame = extern struct { handle: i32 };

    /// Number by which findings and recorded samples point at this frame.
    pub extern "wasmalert:rules/query@0.1.0" fn @"[method]frame.id"(self: query.Frame) u32;
    /// Number of series, `n`.
    pub extern "wasmalert:rules/query@0.1.0" fn @"[method]frame.len"(self: query.Frame) u32;
    /// The newest value of each series, length `n`.
    pub extern "wasmalert:rules/query@0.1.0" fn @"[method]frame.values"(self: query.Frame, ret: *List(f64)) void;
    /// The time of the newest value of each series in ms since the epoch,
    /// length `n`.
    pub extern "wasmalert:rules/query@0.1.0" fn @"[method]frame.timestamps-ms"(self: query.Frame, ret: *List(i64)) void;
    /// `values` as little-endian bytes, length 8 `n`, for languages in which
    /// a list of bytes is cheap and a list of numbers is not.
    pub extern "wasmalert:rules/query@0.1.0" fn @"[method]frame.values-packed"(self: query.Frame, ret: *List(u8)) void;
    /// `timestamps-ms` as little-endian bytes, length 8 `n`.
    pub extern "wasmalert:rules/query@0.1.0" fn @"[method]frame.timestamps-ms-packed"(self: query.Frame, ret: *List(u8)) void;
    /// One label of all series.
    pub extern "wasmalert:rules/query@0.1.0" fn @"[method]frame.label"(self: query.Frame, name_ptr: [*]const u8, name_len: usize, ret: *query.LabelColumn) void;
    /// All labels of one series, sorted by name. Traps when `series` is not
    /// below `n`.
    pub extern "wasmalert:rules/query@0.1.0" fn @"[method]frame.labels"(self: query.Frame, series: u32, ret: *List(types.Label)) void;
    /// `labels` for many series in one call, in the order asked.
    pub extern "wasmalert:rules/query@0.1.0" fn @"[method]frame.labels-of"(self: query.Frame, series_ptr: [*]const u32, series_len: usize, ret: *List(List(types.Label))) void;
    /// All samples of one series; one sample in an instant result.
    pub extern "wasmalert:rules/query@0.1.0" fn @"[method]frame.samples"(self: query.Frame, series: u32, ret: *query.SampleColumns) void;
    /// Where each series' samples lie in the `all-*` columns: series `i` has
    /// `offsets[i]..offsets[i+1]`, length `n + 1`.
    pub extern "wasmalert:rules/query@0.1.0" fn @"[method]frame.sample-offsets"(self: query.Frame, ret: *List(u32)) void;
    /// Sample times of all series, one after the other, ms since the epoch.
    pub extern "wasmalert:rules/query@0.1.0" fn @"[method]frame.all-timestamps-ms"(self: query.Frame, ret: *List(i64)) void;
    /// Sample values of all series, one after the other.
    pub extern "wasmalert:rules/query@0.1.0" fn @"[method]frame.all-values"(self: query.Frame, ret: *List(f64)) void;
    /// `all-timestamps-ms` as little-endian bytes.
    pub extern "wasmalert:rules/query@0.1.0" fn @"[method]frame.all-timestamps-ms-packed"(self: query.Frame, ret: *List(u8)) void;
    /// `all-values` as little-endian bytes.
    pub extern "wasmalert:rules/query@0.1.0" fn @"[method]frame.all-values-packed"(self: query.Frame, ret: *List(u8)) void;
    /// The result of an instant query.
    pub extern "wasmalert:rules/query@0.1.0" fn instant(query_source_ptr: [*]const u8, query_source_len: usize, query_expr_ptr: [*]const u8, query_expr_len: usize, query_time_ms_is_some: bool, query_time_ms: i64, query_may_fail: bool, ret: *Result(query.Frame, query.QueryError)) void;
    /// The result of a range query.
    pub extern "wasmalert:rules/query@0.1.0" fn range(query_source_ptr: [*]const u8, query_source_len: usize, query_expr_ptr: [*]const u8, query_expr_len: usize, query_start_ms: i64, query_end_ms: i64, query_step_ms: u64, query_may_fail: bool, ret: *Result(query.Frame, query.QueryError)) void;
    /// Fetches several queries at once, so that asking for each later costs no
    /// further round. Failures show up where the query is asked.
    pub extern "wasmalert:rules/query@0.1.0" fn prefetch(instants_ptr: [*]const types.InstantQuery, instants_len: usize, ranges_ptr: [*]const types.RangeQuery, ranges_len: usize) void;
};

/// Lines for people, shown at `/v1/logs` and with the evaluation.
pub const log = struct {
    /// The five usual levels; the list is final.
    pub const Level = enum(u8) { trace, debug, info, warn, @"error" };

    /// Writes one line.
    pub extern "wasmalert:rules/log@0.1.0" fn write(level: log.Level, message_ptr: [*]const u8, message_len: usize, fields_ptr: [*]const types.Label, fields_len: usize) void;
};

/// The rule's own metrics, served per tenant at `/v1/metrics`. Names follow
/// `[a-zA-Z_:][a-zA-Z0-9_:]*`, label names `[a-zA-Z_][a-zA-Z0-9_]*`; others trap.
pub const metrics = struct {
    /// Adds to a counter; `by` is at least 0, others trap.
    pub extern "wasmalert:rules/metrics@0.1.0" fn count(name_ptr: [*]const u8, name_len: usize, labels_ptr: [*]const types.Label, labels_len: usize, by: f64) void;
    /// Sets a gauge.
    pub extern "wasmalert:rules/metrics@0.1.0" fn gauge(name_ptr: [*]const u8, name_len: usize, labels_ptr: [*]const types.Label, labels_len: usize, value: f64) void;
    /// Observes a value in a histogram with the host's buckets (0.005 to 10,
    /// as Prometheus' client libraries have them).
    pub extern "wasmalert:rules/metrics@0.1.0" fn observe(name_ptr: [*]const u8, name_len: usize, labels_ptr: [*]const types.Label, labels_len: usize, value: f64) void;
};

/// What a rule exports.
pub const rules = struct {
    /// Why this evaluation happens.
    pub const Trigger = extern struct {
        /// `interval` or `timer`.
        kind: List(u8),
        /// The timer's name; empty for `interval`.
        timer: List(u8),
        /// The timer's due time in ms since the epoch; the slot for `interval`.
        due_ms: i64,
        /// The timer's payload; empty for `interval`.
        payload: List(u8),
    };

    /// Everything an evaluation knows before it asks.
    pub const Context = extern struct {
        tenant: List(u8),
        namespace: List(u8),
        group: List(u8),
        rule: List(u8),
        /// The slot's time in ms since the epoch: the only "now" there is.
        now_ms: i64,
        /// The group's interval in ms, at least 1.
        interval_ms: u64,
        trigger: rules.Trigger,
        /// The rule's configuration as a JSON text; `{}` when there is none.
        config: List(u8),
        /// The labels that the host will put on every alert of this rule.
        labels: List(types.Label),
        /// Named facts. `external-url` is where people reach the server, and `external-label:NAME` a label of its
        /// installation. `label:NAME` and `annotation:NAME` are those of the rule whose text has `{{` in it: a
        /// component that knows such templates gives the label or annotation back, expanded, with each finding.
        extras: List(types.Label),
    };

    /// A series of a frame that this run received.
    pub const SeriesRef = extern struct {
        /// `frame.id()`.
        frame: u32,
        /// Index in the frame.
        series: u32,
    };

    /// Something that is wrong right now. Its labels, with the rule's labels on
    /// top, are the identity of the alert; two findings with the same identity
    /// fail the evaluation.
    pub const Finding = extern struct {
        /// Labels taken from a series, without `__name__`; cheaper than copying.
        series: Option(rules.SeriesRef),
        /// Further labels, which win over the series' labels; an empty value
        /// deletes the label.
        labels: List(types.Label),
        /// The value to show with the alert.
        value: f64,
        /// Annotations, which win over the rule's own.
        annotations: List(types.Label),
        /// Named facts.
        extras: List(types.Label),
    };

    /// A sample to record, for recording rules.
    pub const RecordedSample = extern struct {
        /// Labels taken from a series, `__name__` included.
        series: Option(rules.SeriesRef),
        /// Further labels, `__name__` among them, which win over the series'
        /// labels.
        labels: List(types.Label),
        value: f64,
    };

    /// What a successful evaluation answers.
    pub const Outcome = extern struct {
        findings: List(rules.Finding),
        samples: List(rules.RecordedSample),
        /// Named facts.
        extras: List(types.Label),
    };

    /// Tells what the component is. Called at upload, without any import.
    pub const Describe = fn () callconv(.c) *const types.Description;
    pub const describe_export = "wasmalert:rules/rules@0.1.0#describe";
    /// Evaluates the rule once. An error leaves every alert as it was and shows
    /// up in the rule's health.
    pub const Evaluate = fn (context: *const rules.Context) callconv(.c) *const Result(rules.Outcome, types.ComponentError);
    pub const evaluate_export = "wasmalert:rules/rules@0.1.0#evaluate";
};
