//! wasmalert for Zig: alert rules and notifiers.
//!
//! A rule has `pub fn describe` and `pub fn evaluate` in `src/rule.zig`; a notifier `pub fn describe`, `pub fn notify`
//! and, where it has ways of its own, `pub fn interpret` in `src/notifier.zig`.
//!
//! Nothing is freed: an instance lives for one call, and its memory goes with it. What the functions below return
//! stays valid until then, and what they are given has to.

const std = @import("std");

pub const contract = @import("contract.zig");
pub const json = @import("json.zig");

const List = contract.List;

/// Where a text or bytes lie.
fn place(text: []const u8) [*]const u8 {
    return contract.place(u8, text);
}

/// Memory that goes with the instance.
pub const allocator: std.mem.Allocator = arena.allocator();

var arena: std.heap.ArenaAllocator = .init(std.heap.wasm_allocator);

/// Formats a text.
pub fn print(comptime format: []const u8, args: anytype) []const u8 {
    return allocator.print(format, args) catch outOfMemory();
}

/// Joins texts.
pub fn join(separator: []const u8, texts: []const []const u8) []const u8 {
    return std.mem.join(allocator, separator, texts) catch outOfMemory();
}

fn alloc(comptime T: type, len: usize) []T {
    return allocator.alloc(T, len) catch outOfMemory();
}

fn outOfMemory() noreturn {
    @panic("out of memory");
}

// Errors

/// Why a call fails: a stable code in snake case, for machines, and a message for people.
pub const Failure = struct { code: []const u8, message: []const u8 };

/// The error of a failure that was told of.
pub const Error = error{Failed};

var failure: ?Failure = null;

/// Fails with a code and a message: `return wa.fail("too_hot", "{d} degrees too hot", .{5})`.
///
/// Any other error that a component returns fails the call too, with the code `failed` and its name.
pub fn fail(code: []const u8, comptime format: []const u8, args: anytype) Error {
    failure = .{ .code = code, .message = print(format, args) };
    return error.Failed;
}

/// What an error that was returned says.
pub fn failureOf(err: anyerror) Failure {
    if (err == error.Failed) if (failure) |known| return known;
    return .{ .code = "failed", .message = @errorName(err) };
}

/// Logs a panic at error, and traps.
pub fn panicked(message: []const u8, _: ?usize) noreturn {
    @branchHint(.cold);
    contract.log.write(.@"error", place(message), message.len, &.{}, 0);
    @trap();
}

/// For `std_options`: what is logged with `std.log` goes to the host's log.
pub fn logged(
    comptime level: std.log.Level,
    comptime scope: @EnumLiteral(),
    comptime format: []const u8,
    args: anytype,
) void {
    const to: log.Level = switch (level) {
        .err => .@"error",
        .warn => .warn,
        .info => .info,
        .debug => .debug,
    };
    const fields = if (scope == .default) .{} else .{ .scope = @tagName(scope) };
    log.write(to, print(format, args), fields);
}

// Labels

/// One label, or one entry of a list of named texts.
pub const Label = struct { name: []const u8, value: []const u8 };

/// Labels, sorted by name.
pub const Labels = struct {
    items: []const Label,

    /// The value of a label; the empty text stands for an absent one.
    pub fn get(labels: Labels, name: []const u8) []const u8 {
        for (labels.items) |label| {
            if (std.mem.eql(u8, label.name, name)) return label.value;
        }
        return "";
    }

    fn from(list: List(contract.types.Label)) Labels {
        const items = alloc(Label, list.len);
        for (items, list.slice()) |*to, label| {
            to.* = .{ .name = label.name.slice(), .value = label.value.slice() };
        }
        return .{ .items = items };
    }
};

/// Labels that are being put together.
const LabelList = std.ArrayList(contract.types.Label);

fn addLabel(list: *LabelList, name: []const u8, value: []const u8) void {
    const label: contract.types.Label = .{ .name = .of(name), .value = .of(value) };
    list.append(allocator, label) catch outOfMemory();
}

/// Labels of the fields of a struct: `.{ .host = "a", .disks = 3 }`.
fn labelsOf(fields: anytype) List(contract.types.Label) {
    const names = @typeInfo(@TypeOf(fields)).@"struct".field_names;
    const labels = alloc(contract.types.Label, names.len);
    inline for (names, labels) |name, *label| {
        label.* = .{ .name = .of(name), .value = .of(textOf(@field(fields, name))) };
    }
    return .of(labels);
}

fn textOf(value: anytype) []const u8 {
    return switch (@typeInfo(@TypeOf(value))) {
        .pointer => value,
        .bool => if (value) "true" else "false",
        .@"enum", .enum_literal => @tagName(value),
        else => print("{d}", .{value}),
    };
}

// Log and metrics

/// Lines for people, shown in the host's log and with the evaluation. `std.log` writes there too.
pub const log = struct {
    pub const Level = contract.log.Level;

    /// Writes one line, with fields: `wa.log.write(.warn, "slow", .{ .host = "a" })`.
    pub fn write(level: Level, message: []const u8, fields: anytype) void {
        const labels = labelsOf(fields);
        contract.log.write(level, place(message), message.len, labels.ptr, labels.len);
    }
};

/// The rule's own metrics. Names follow `[a-zA-Z_:][a-zA-Z0-9_:]*`, label names `[a-zA-Z_][a-zA-Z0-9_]*`; others
/// trap. Labels are the fields of a struct: `.{ .kind = "a" }`.
pub const metrics = struct {
    /// Adds to a counter; `by` is at least 0, others trap.
    pub fn count(name: []const u8, labels: anytype, by: f64) void {
        const list = labelsOf(labels);
        contract.metrics.count(place(name), name.len, list.ptr, list.len, by);
    }

    /// Sets a gauge.
    pub fn gauge(name: []const u8, labels: anytype, value: f64) void {
        const list = labelsOf(labels);
        contract.metrics.gauge(place(name), name.len, list.ptr, list.len, value);
    }

    /// Observes a value in a histogram with the host's buckets.
    pub fn observe(name: []const u8, labels: anytype, value: f64) void {
        const list = labelsOf(labels);
        contract.metrics.observe(place(name), name.len, list.ptr, list.len, value);
    }
};

// State and timers

/// Bytes under keys that outlive the call; private to the rule, or to the notifier's receiver. Reads see this call's
/// own writes; writes are kept only if the call succeeds.
pub const state = struct {
    /// The bytes under a key.
    pub fn get(key: []const u8) ?[]const u8 {
        var value: contract.Option(List(u8)) = undefined;
        contract.state.get(place(key), key.len, &value);
        return if (value.is_some) value.val.slice() else null;
    }

    /// Sets the bytes under a key. Traps over the limits on keys and bytes.
    pub fn set(key: []const u8, value: []const u8) void {
        contract.state.set(place(key), key.len, place(value), value.len);
    }

    /// Removes a key; nothing happens where there is none.
    pub fn delete(key: []const u8) void {
        contract.state.delete(place(key), key.len);
    }

    /// The keys that start with a prefix, sorted.
    pub fn keys(prefix: []const u8) []const []const u8 {
        var list: List(List(u8)) = undefined;
        contract.state.keys(place(prefix), prefix.len, &list);
        return slices(list);
    }

    /// The value under a key that `save` has put there.
    pub fn load(comptime T: type, key: []const u8) Error!?T {
        const text = get(key) orelse return null;
        return try json.read(T, text, "bad_json", print("the state under \"{s}\"", .{key}));
    }

    /// Sets the value under a key, as JSON.
    pub fn save(key: []const u8, value: anytype) void {
        set(key, json.write(value));
    }
};

fn slices(list: List(List(u8))) []const []const u8 {
    const texts = alloc([]const u8, list.len);
    for (texts, list.slice()) |*to, text| to.* = text.slice();
    return texts;
}

/// Wake-ups besides the interval. One that is due causes one evaluation, and is gone.
pub const timers = struct {
    pub const Timer = struct {
        name: []const u8,
        /// Due time in ms since the epoch.
        due_ms: i64,
        payload: []const u8,
    };

    /// Sets or replaces the timer of that name. A time that has passed is due at once.
    pub fn set(name: []const u8, due_ms: i64, payload: []const u8) void {
        contract.timers.set(place(name), name.len, due_ms, place(payload), payload.len);
    }

    /// Removes a timer; nothing happens where there is none.
    pub fn cancel(name: []const u8) void {
        contract.timers.cancel(place(name), name.len);
    }

    /// The timers that are set, sorted by name, this evaluation's changes included.
    pub fn pending() []const Timer {
        var list: List(contract.timers.Timer) = undefined;
        contract.timers.pending(&list);
        const set_timers = alloc(Timer, list.len);
        for (set_timers, list.slice()) |*to, timer| {
            to.* = .{ .name = timer.name.slice(), .due_ms = timer.due_ms, .payload = timer.payload.slice() };
        }
        return set_timers;
    }
};

// Queries

/// Asks the rule's own source for the present: one value for each series. A failure fails the evaluation, whatever it
/// returns, so pass it on with `try`.
pub fn query(expr: []const u8) Error!Frame {
    return Query.run(.{ .expr = expr });
}

/// What comes of a query that may fail.
pub const Answer = union(enum) {
    frame: Frame,
    failed: Failure,

    fn of(raw: RawAnswer) Answer {
        if (!raw.is_err) return .{ .frame = .from(raw.val.ok) };
        return .{ .failed = .{ .code = raw.val.err.code.slice(), .message = raw.val.err.message.slice() } };
    }

    fn get(answer: Answer) Error!Frame {
        return switch (answer) {
            .frame => |frame| frame,
            .failed => |why| fail(why.code, "{s}", .{why.message}),
        };
    }
};

const RawAnswer = contract.Result(contract.query.Frame, contract.query.QueryError);

/// Has queries fetched at once, so that asking for each later costs no further round.
pub fn prefetch(instants: []const Query, ranges: []const RangeQuery) void {
    const now = alloc(contract.types.InstantQuery, instants.len);
    for (now, instants) |*to, asked| to.* = .{
        .source = .of(asked.source),
        .expr = .of(asked.expr),
        .time_ms = .{ .is_some = asked.at_ms != null, .val = asked.at_ms orelse 0 },
        .may_fail = asked.may_fail,
    };
    const spans = alloc(contract.types.RangeQuery, ranges.len);
    for (spans, ranges) |*to, asked| to.* = .{
        .source = .of(asked.source),
        .expr = .of(asked.expr),
        .start_ms = asked.start_ms,
        .end_ms = asked.end_ms,
        .step_ms = asked.step_ms,
        .may_fail = asked.may_fail,
    };
    const now_list: List(contract.types.InstantQuery) = .of(now);
    const span_list: List(contract.types.RangeQuery) = .of(spans);
    contract.query.prefetch(now_list.ptr, now_list.len, span_list.ptr, span_list.len);
}

/// A query of the present.
pub const Query = struct {
    expr: []const u8,
    /// Name of the source; empty means the rule's own.
    source: []const u8 = "",
    /// Another time than the slot's, in ms since the epoch.
    at_ms: ?i64 = null,
    /// Leaves it to the rule what a failure means; then `ask` for it. Without this it fails the evaluation, so that no
    /// alert changes.
    may_fail: bool = false,

    /// Asks, and fails where the query fails.
    pub fn run(q: Query) Error!Frame {
        return q.ask().get();
    }

    /// Asks.
    pub fn ask(q: Query) Answer {
        const has_time, const time_ms = .{ q.at_ms != null, q.at_ms orelse 0 };
        const source, const expr = .{ place(q.source), place(q.expr) };
        var raw: RawAnswer = undefined;
        contract.query.instant(source, q.source.len, expr, q.expr.len, has_time, time_ms, q.may_fail, &raw);
        return .of(raw);
    }
};

/// A query of a span of time: many samples for each series. Times in ms since the epoch, both inclusive.
pub const RangeQuery = struct {
    expr: []const u8,
    source: []const u8 = "",
    start_ms: i64,
    end_ms: i64,
    /// Distance of samples, at least 1.
    step_ms: u64,
    may_fail: bool = false,

    /// The span that ends at a time, usually `context.now_ms`.
    pub fn last(expr: []const u8, span_ms: i64, end_ms: i64, step_ms: u64) RangeQuery {
        return .{ .expr = expr, .start_ms = end_ms -| span_ms, .end_ms = end_ms, .step_ms = step_ms };
    }

    /// As `Query.run`.
    pub fn run(q: RangeQuery) Error!Frame {
        return q.ask().get();
    }

    /// Asks.
    pub fn ask(q: RangeQuery) Answer {
        const start, const end, const step = .{ q.start_ms, q.end_ms, @max(1, q.step_ms) };
        const source, const expr = .{ place(q.source), place(q.expr) };
        var raw: RawAnswer = undefined;
        contract.query.range(source, q.source.len, expr, q.expr.len, start, end, step, q.may_fail, &raw);
        return .of(raw);
    }
};

/// A query's result: series in the order the source gave them, held by the host as columns. Each method is one call
/// of the host that copies what it returns.
pub const Frame = struct {
    host: contract.query.Frame,
    /// Number by which findings and recorded samples point at this frame.
    id: u32,
    /// The newest value of each series.
    values: []const f64,

    fn from(host: contract.query.Frame) Frame {
        var values: List(f64) = undefined;
        contract.query.@"[method]frame.values"(host, &values);
        return .{ .host = host, .id = contract.query.@"[method]frame.id"(host), .values = values.slice() };
    }

    /// Number of series.
    pub fn len(frame: Frame) usize {
        return frame.values.len;
    }

    /// One series. Panics when there is no such one.
    pub fn at(frame: Frame, index: usize) Series {
        if (index >= frame.len()) {
            std.debug.panic("there is no series {d} in a frame of {d}", .{ index, frame.len() });
        }
        return .{ .frame = frame.host, .frame_id = frame.id, .index = @intCast(index), .value = frame.values[index] };
    }

    /// The time of the newest value of each series, in ms since the epoch.
    pub fn timesMs(frame: Frame) []const i64 {
        var times: List(i64) = undefined;
        contract.query.@"[method]frame.timestamps-ms"(frame.host, &times);
        return times.slice();
    }

    /// One label of all series; much cheaper than the labels of each.
    pub fn label(frame: Frame, name: []const u8) LabelColumn {
        var column: contract.query.LabelColumn = undefined;
        contract.query.@"[method]frame.label"(frame.host, place(name), name.len, &column);
        return .{ .values = slices(column.values), .codes = column.codes.slice() };
    }

    /// All labels of many series in one call, in the order asked.
    pub fn labelsOf(frame: Frame, series: []const u32) []const Labels {
        var list: List(List(contract.types.Label)) = undefined;
        contract.query.@"[method]frame.labels-of"(frame.host, contract.place(u32, series), series.len, &list);
        const labels = alloc(Labels, list.len);
        for (labels, list.slice()) |*to, of| to.* = .from(of);
        return labels;
    }

    /// Where each series' samples lie in `allTimesMs` and `allValues`: series `i` has `offsets[i]..offsets[i + 1]`.
    pub fn sampleOffsets(frame: Frame) []const u32 {
        var offsets: List(u32) = undefined;
        contract.query.@"[method]frame.sample-offsets"(frame.host, &offsets);
        return offsets.slice();
    }

    /// Sample times of all series, one after the other, ms since the epoch.
    pub fn allTimesMs(frame: Frame) []const i64 {
        var times: List(i64) = undefined;
        contract.query.@"[method]frame.all-timestamps-ms"(frame.host, &times);
        return times.slice();
    }

    /// Sample values of all series, one after the other.
    pub fn allValues(frame: Frame) []const f64 {
        var values: List(f64) = undefined;
        contract.query.@"[method]frame.all-values"(frame.host, &values);
        return values.slice();
    }
};

/// One label of all series.
pub const LabelColumn = struct {
    /// Each value once.
    values: []const []const u8,
    /// For each series, the number of its value.
    codes: []const u32,

    /// The label's value of one series; the empty text stands for an absent label.
    pub fn get(column: LabelColumn, series: usize) []const u8 {
        return column.values[column.codes[series]];
    }
};

/// One series of a frame, with its newest value.
pub const Series = struct {
    frame: contract.query.Frame,
    frame_id: u32,
    /// Its number in the frame.
    index: u32,
    /// Its newest value.
    value: f64,

    /// The value of one label. One call of the host: for many series take the column, `Frame.label`.
    pub fn label(series: Series, name: []const u8) []const u8 {
        return series.labels().get(name);
    }

    /// All labels. One call of the host: for many series use `Frame.labelsOf`.
    pub fn labels(series: Series) Labels {
        var list: List(contract.types.Label) = undefined;
        contract.query.@"[method]frame.labels"(series.frame, series.index, &list);
        return .from(list);
    }

    /// All samples, oldest first; one in an instant result.
    pub fn samples(series: Series) Samples {
        var columns: contract.query.SampleColumns = undefined;
        contract.query.@"[method]frame.samples"(series.frame, series.index, &columns);
        return .{ .times_ms = columns.timestamps_ms.slice(), .values = columns.values.slice() };
    }

    fn ref(series: Series) contract.Option(contract.rules.SeriesRef) {
        return .{ .is_some = true, .val = .{ .frame = series.frame_id, .series = series.index } };
    }
};

/// Samples, oldest first; times in ms since the epoch.
pub const Samples = struct { times_ms: []const i64, values: []const f64 };

// What every component defines

/// What a component says of itself.
pub const Description = struct {
    /// A short name, for people.
    name: []const u8,
    /// What the component does, a sentence or a page of Markdown.
    doc: []const u8,
    /// JSON Schema of the configuration; empty accepts anything.
    config_schema: []const u8 = "",
    /// Instant queries on the rule's own source that are asked at every slot.
    queries: []const []const u8 = &.{},
    /// Named facts. Known today: `resend` = `true` on a notifier.
    extras: []const Label = &.{},

    pub fn lower(description: Description) *const contract.types.Description {
        const queries = alloc(List(u8), description.queries.len);
        for (queries, description.queries) |*to, expr| to.* = .of(expr);
        var extras: LabelList = .empty;
        for (description.extras) |extra| addLabel(&extras, extra.name, extra.value);
        return boxed(contract.types.Description, .{
            .name = .of(description.name),
            .doc = .of(description.doc),
            .config_schema = .of(description.config_schema),
            .queries = .of(queries),
            .extras = .of(extras.items),
        });
    }
};

/// A value that stays where it is until the end of the call.
pub fn boxed(comptime T: type, value: T) *const T {
    const box = allocator.create(T) catch outOfMemory();
    box.* = value;
    return box;
}

// Rules

/// Everything an evaluation knows before it asks.
pub const Context = struct {
    tenant: []const u8,
    namespace: []const u8,
    group: []const u8,
    rule: []const u8,
    /// The slot's time in ms since the epoch: the only "now" there is.
    now_ms: i64,
    interval_ms: u64,
    /// `interval` or `timer`.
    trigger: []const u8,
    /// The timer that causes this evaluation; none at a slot.
    timer: ?timers.Timer,
    /// The labels that the host will put on every alert of this rule.
    labels: Labels,
    extras: Labels,

    pub fn lift(context: *const contract.rules.Context) Context {
        const trigger = context.trigger;
        const timer: timers.Timer =
            .{ .name = trigger.timer.slice(), .due_ms = trigger.due_ms, .payload = trigger.payload.slice() };
        return .{
            .tenant = context.tenant.slice(),
            .namespace = context.namespace.slice(),
            .group = context.group.slice(),
            .rule = context.rule.slice(),
            .now_ms = context.now_ms,
            .interval_ms = context.interval_ms,
            .trigger = trigger.kind.slice(),
            .timer = if (std.mem.eql(u8, trigger.kind.slice(), "timer")) timer else null,
            .labels = .from(context.labels),
            .extras = .from(context.extras),
        };
    }
};

/// What an evaluation found.
pub const Outcome = struct {
    findings: std.ArrayList(*Finding) = .empty,
    samples: std.ArrayList(*Sample) = .empty,

    /// Adds that a series is wrong, with its value and labels.
    pub fn find(outcome: *Outcome, series: Series) *Finding {
        const finding = outcome.findValue(series.value);
        finding.series = series.ref();
        return finding;
    }

    /// Adds that something is wrong that no series stands for.
    pub fn findValue(outcome: *Outcome, value: f64) *Finding {
        const finding = allocator.create(Finding) catch outOfMemory();
        finding.* = .{ .value = value };
        outcome.findings.append(allocator, finding) catch outOfMemory();
        return finding;
    }

    /// Records a series' value under the name of a metric, with its labels.
    pub fn record(outcome: *Outcome, metric: []const u8, series: Series) *Sample {
        const sample = outcome.recordValue(metric, series.value);
        sample.series = series.ref();
        return sample;
    }

    /// Records a value that no series stands for.
    pub fn recordValue(outcome: *Outcome, metric: []const u8, value: f64) *Sample {
        const sample = allocator.create(Sample) catch outOfMemory();
        sample.* = .{ .value = value };
        sample.label("__name__", metric);
        outcome.samples.append(allocator, sample) catch outOfMemory();
        return sample;
    }

    pub fn lower(outcome: Outcome) contract.rules.Outcome {
        const findings = alloc(contract.rules.Finding, outcome.findings.items.len);
        for (findings, outcome.findings.items) |*to, finding| to.* = .{
            .series = finding.series,
            .labels = .of(finding.labels.items),
            .value = finding.value,
            .annotations = .of(finding.annotations.items),
            .extras = .of(&.{}),
        };
        const samples = alloc(contract.rules.RecordedSample, outcome.samples.items.len);
        for (samples, outcome.samples.items) |*to, sample| to.* = .{
            .series = sample.series,
            .labels = .of(sample.labels.items),
            .value = sample.value,
        };
        return .{ .findings = .of(findings), .samples = .of(samples), .extras = .of(&.{}) };
    }
};

const no_series: contract.Option(contract.rules.SeriesRef) = .{ .is_some = false, .val = .{ .frame = 0, .series = 0 } };

/// Something that is wrong. Its labels, with the rule's on top, are the identity of the alert and may occur once.
pub const Finding = struct {
    /// The value to show with the alert.
    value: f64,
    series: contract.Option(contract.rules.SeriesRef) = no_series,
    labels: LabelList = .empty,
    annotations: LabelList = .empty,

    /// Adds a label, which wins over the series'; an empty value deletes it.
    pub fn label(finding: *Finding, name: []const u8, value: []const u8) void {
        addLabel(&finding.labels, name, value);
    }

    /// Adds an annotation, which wins over the rule's own.
    pub fn annotation(finding: *Finding, name: []const u8, value: []const u8) void {
        addLabel(&finding.annotations, name, value);
    }
};

/// A sample to record.
pub const Sample = struct {
    value: f64,
    series: contract.Option(contract.rules.SeriesRef) = no_series,
    labels: LabelList = .empty,

    /// Adds a label, which wins over the series'.
    pub fn label(sample: *Sample, name: []const u8, value: []const u8) void {
        addLabel(&sample.labels, name, value);
    }
};

// Notifiers

/// An alert to tell of.
pub const Alert = struct {
    is_firing: bool,
    /// All labels, `alertname` included.
    labels: Labels,
    annotations: Labels,
    /// The value of the last finding.
    value: f64,
    /// Since when it fires, ms since the epoch.
    starts_at_ms: i64,
    /// When it resolved; while it fires, until when the receiver may believe it without hearing again.
    ends_at_ms: i64,
    /// Link to the rule; may be empty.
    generator_url: []const u8,
    /// 16 hexadecimal digits, the same for the same labels.
    fingerprint: []const u8,
    extras: Labels,

    /// The value of a label; the empty text stands for an absent one.
    pub fn label(alert: Alert, name: []const u8) []const u8 {
        return alert.labels.get(name);
    }

    /// The text of an annotation; empty where there is none.
    pub fn annotation(alert: Alert, name: []const u8) []const u8 {
        return alert.annotations.get(name);
    }

    /// `FIRING` or `RESOLVED`.
    pub fn status(alert: Alert) []const u8 {
        return if (alert.is_firing) "FIRING" else "RESOLVED";
    }
};

/// The alerts of one rule for one receiver.
pub const Batch = struct {
    tenant: []const u8,
    receiver: []const u8,
    namespace: []const u8,
    group: []const u8,
    rule: []const u8,
    /// The time of delivery in ms since the epoch.
    now_ms: i64,
    /// The same for every attempt at this batch.
    idempotency_key: []const u8,
    /// Where people find the host; may be empty.
    external_url: []const u8,
    /// 1 to 256.
    alerts: []const Alert,
    extras: Labels,

    pub fn lift(batch: *const contract.notifications.Batch) Batch {
        const alerts = alloc(Alert, batch.alerts.len);
        for (alerts, batch.alerts.slice()) |*to, alert| to.* = .{
            .is_firing = std.mem.eql(u8, alert.status.slice(), "firing"),
            .labels = .from(alert.labels),
            .annotations = .from(alert.annotations),
            .value = alert.value,
            .starts_at_ms = alert.starts_at_ms,
            .ends_at_ms = alert.ends_at_ms,
            .generator_url = alert.generator_url.slice(),
            .fingerprint = alert.fingerprint.slice(),
            .extras = .from(alert.extras),
        };
        return .{
            .tenant = batch.tenant.slice(),
            .receiver = batch.receiver.slice(),
            .namespace = batch.namespace.slice(),
            .group = batch.group.slice(),
            .rule = batch.rule.slice(),
            .now_ms = batch.now_ms,
            .idempotency_key = batch.idempotency_key.slice(),
            .external_url = batch.external_url.slice(),
            .alerts = alerts,
            .extras = .from(batch.extras),
        };
    }
};

/// The place of a tenant's secret in a URL, a header's value or a body: the host puts the secret in on the way out.
pub inline fn secret(comptime name: []const u8) []const u8 {
    return secret_mark ++ name ++ "}}";
}

/// The text with a space in each `{{secret:`, so that the host does not take it for one: labels and annotations come
/// from what is monitored, and must not be able to ask for a secret. For the whole of a body or a header's value that
/// is made of them, not for its parts; `postJson` does it by itself.
pub fn withoutSecrets(text: []const u8) []const u8 {
    return std.mem.replaceOwned(u8, allocator, text, secret_mark, "{ {secret:") catch outOfMemory();
}

const secret_mark = "{{secret:";

/// The requests of a batch, sent one after the other.
pub const Requests = struct {
    items: std.ArrayList(*Request) = .empty,

    /// Adds a request.
    pub fn send(requests: *Requests, method: []const u8, url: []const u8, body: []const u8) *Request {
        const request = allocator.create(Request) catch outOfMemory();
        request.* = .{ .method = method, .url = url, .body = body };
        requests.items.append(allocator, request) catch outOfMemory();
        return request;
    }

    /// Adds a POST of a value as JSON. A `{{secret:NAME}}` in it stays text: labels and annotations come from what is
    /// monitored, and must not be able to ask for a secret.
    pub fn postJson(requests: *Requests, url: []const u8, value: anytype) Error!*Request {
        for ([_][]const u8{ "http://", "https://", secret_mark }) |start| {
            if (std.mem.startsWith(u8, url, start)) break;
        } else {
            const starts = "neither http://, https:// nor " ++ secret_mark ++ "NAME}}";
            return fail("bad_config", "url: \"{s}\" starts with {s}", .{ url, starts });
        }
        const text = json.write(value);
        const body = std.mem.replaceOwned(u8, allocator, text, secret_mark, "{\\u007bsecret:") catch outOfMemory();
        const request = requests.send("POST", url, body);
        request.header("Content-Type", "application/json");
        return request;
    }

    pub fn lower(requests: Requests) List(contract.notifications.HttpRequest) {
        const list = alloc(contract.notifications.HttpRequest, requests.items.items.len);
        for (list, requests.items.items) |*to, request| to.* = .{
            .method = .of(request.method),
            .url = .of(request.url),
            .headers = .of(request.headers.items),
            .body = .of(request.body),
            .extras = .of(&.{}),
        };
        return .of(list);
    }
};

/// A request that the host is to send.
pub const Request = struct {
    method: []const u8,
    url: []const u8,
    body: []const u8,
    headers: LabelList = .empty,

    pub fn header(request: *Request, name: []const u8, value: []const u8) void {
        addLabel(&request.headers, name, value);
    }
};

/// The answer to a request.
pub const Response = struct {
    status: u16,
    headers: Labels,
    /// The first bytes of the body, at most 64 KiB.
    body: []const u8,

    pub fn lift(status: u16, headers: List(contract.types.Label), body: []const u8) Response {
        return .{ .status = status, .headers = .from(headers), .body = body };
    }

    /// The value of a header, whatever its letter case; null when it is absent.
    pub fn header(response: Response, name: []const u8) ?[]const u8 {
        for (response.headers.items) |field| {
            if (std.ascii.eqlIgnoreCase(field.name, name)) return field.value;
        }
        return null;
    }

    /// `Retry-After` where it is a number of seconds. A date says nothing without a clock.
    pub fn retryAfterMs(response: Response) ?u64 {
        const text = std.mem.trim(u8, response.header("retry-after") orelse return null, &std.ascii.whitespace);
        const seconds = std.fmt.parseInt(u64, text, 10) catch return null;
        return std.math.mul(u64, seconds, 1000) catch null;
    }

    /// The start of the body as text, for people.
    pub fn excerpt(response: Response) []const u8 {
        const text = print("{f}", .{std.unicode.fmtUtf8(response.body)});
        const trimmed = std.mem.trim(u8, text, &std.ascii.whitespace);
        var characters: std.unicode.Utf8Iterator = .{ .bytes = trimmed, .i = 0 };
        for (0..excerpt_characters_max) |_| _ = characters.nextCodepointSlice() orelse break;
        return trimmed[0..characters.i];
    }
};

/// The most characters of an answer's body that a reason quotes.
const excerpt_characters_max = 200;

/// What an answer means.
pub const Disposition = union(enum) {
    delivered,
    /// The receiver could not take it now; wait at least so long, where known.
    retry: struct { reason: []const u8, after_ms: ?u64 = null },
    /// Trying again would not help; why.
    failed: []const u8,

    /// 2xx delivered; 408, 429 and 5xx retry, with `Retry-After`; all others failed.
    pub fn of(response: Response) Disposition {
        const reason = print("status {d}: {s}", .{ response.status, response.excerpt() });
        return switch (response.status) {
            200...299 => .delivered,
            408, 429, 500...599 => .{ .retry = .{ .reason = reason, .after_ms = response.retryAfterMs() } },
            else => .{ .failed = reason },
        };
    }

    pub fn lower(disposition: Disposition) *const contract.notifications.Disposition {
        const reason = switch (disposition) {
            .delivered => "",
            .retry => |retry| retry.reason,
            .failed => |reason| reason,
        };
        const after_ms: ?u64 = switch (disposition) {
            .retry => |retry| retry.after_ms,
            else => null,
        };
        return boxed(contract.notifications.Disposition, .{
            .kind = .of(@tagName(disposition)),
            .retry_after_ms = .{ .is_some = after_ms != null, .val = after_ms orelse 0 },
            .reason = .of(reason),
            .extras = .of(&.{}),
        });
    }
};

// Exports

/// Memory for what the host hands over.
export fn cabi_realloc(old: ?[*]u8, old_len: usize, alignment: usize, len: usize) [*]u8 {
    if (len == 0) return @ptrFromInt(alignment);
    const fresh = allocator.rawAlloc(len, .fromByteUnits(alignment), @returnAddress()) orelse outOfMemory();
    if (old) |bytes| {
        const kept = @min(old_len, len);
        @memcpy(fresh[0..kept], bytes[0..kept]);
    }
    return fresh;
}

/// The type of a function's parameter.
pub fn Param(comptime function: anytype, comptime index: usize) type {
    return @typeInfo(@TypeOf(function)).@"fn".param_types[index].?;
}

pub fn lowerFailure(err: anyerror) contract.types.ComponentError {
    const why = failureOf(err);
    return .{ .code = .of(why.code), .message = .of(why.message), .extras = .of(&.{}) };
}
