//! What one evaluation may use, each limit with its name, unit and default.

#[cfg(test)]
mod tests;

use crate::table::table;

table! {
    /// A limit on one evaluation.
    enum Limit;
    /// What one evaluation may use.
    struct Limits;
    /// One row of the table of limits.
    struct LimitInfo { limit }

    /// Instructions, as wasmtime's fuel counts them; the budget authors see.
    fuel, Fuel, "instructions", 500_000_000;
    /// Time of a processor for one run in the sandbox.
    deadline_ms, DeadlineMs, "milliseconds", 1_000;
    /// Linear memories and tables of one instance, together.
    memory_bytes, MemoryBytes, "bytes", 64 << 20;
    /// The guest's call stack. Set for the whole server, not per rule.
    stack_bytes, StackBytes, "bytes", 512 << 10;
    /// Calls of imports in one run.
    host_calls, HostCalls, "calls", 100_000;
    /// Bytes copied between guest and host in one run, both ways.
    boundary_bytes, BoundaryBytes, "bytes", 64 << 20;
    /// Runs until a rule has all the query results it asks for.
    rounds, Rounds, "runs", 8;
    /// Different queries of one evaluation.
    queries, Queries, "queries", 64;
    /// Query results of one evaluation, together.
    query_bytes, QueryBytes, "bytes", 256 << 20;
    /// Findings of one evaluation.
    findings, Findings, "findings", 20_000;
    /// Alerts that a rule keeps, those included that are over and still shown.
    alerts, Alerts, "alerts", 100_000;
    /// Recorded samples of one evaluation.
    samples, Samples, "samples", 20_000;
    /// Labels of one finding, and annotations likewise.
    finding_labels, FindingLabels, "labels", 64;
    /// One label's name, and its value.
    label_bytes, LabelBytes, "bytes", 2_048;
    /// One annotation's name, and its value.
    annotation_bytes, AnnotationBytes, "bytes", 16 << 10;
    /// Keys a rule keeps in its state.
    state_keys, StateKeys, "keys", 4_096;
    /// Keys and values a rule keeps in its state, together.
    state_bytes, StateBytes, "bytes", 1 << 20;
    /// Timers a rule has set.
    timers, Timers, "timers", 64;
    /// Names and payloads of a rule's timers, together.
    timer_bytes, TimerBytes, "bytes", 64 << 10;
    /// Log lines of one evaluation, together.
    log_bytes, LogBytes, "bytes", 64 << 10;
    /// Different metric series one evaluation may touch.
    metric_series, MetricSeries, "series", 200;
    /// Requests one notification may turn into.
    requests, Requests, "requests", 256;
}
