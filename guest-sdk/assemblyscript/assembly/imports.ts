/**
 * The host's functions, as the canonical ABI flattens them: a text or a list is
 * its address and its length, an option a flag and its value; `result` is where
 * the host writes an answer that is more than one number. The address of a text
 * is what the language hands over for it. Only what is called gets into the
 * component.
 */

// interface query

@external("wasmalert:rules/query@0.1.0", "instant")
export declare function queryInstant(
  source: string, sourceLength: i32, expr: string, exprLength: i32, hasTime: bool, timeMs: i64, mayFail: bool,
  result: usize,
): void;

@external("wasmalert:rules/query@0.1.0", "range")
export declare function queryRange(
  source: string, sourceLength: i32, expr: string, exprLength: i32, startMs: i64, endMs: i64, stepMs: i64,
  mayFail: bool, result: usize,
): void;

@external("wasmalert:rules/query@0.1.0", "prefetch")
export declare function queryPrefetch(instants: usize, instantsLength: i32, ranges: usize, rangesLength: i32): void;

@external("wasmalert:rules/query@0.1.0", "[method]frame.id")
export declare function frameId(frame: u32): u32;

@external("wasmalert:rules/query@0.1.0", "[method]frame.len")
export declare function frameLen(frame: u32): u32;

@external("wasmalert:rules/query@0.1.0", "[method]frame.values")
export declare function frameValues(frame: u32, result: usize): void;

@external("wasmalert:rules/query@0.1.0", "[method]frame.timestamps-ms")
export declare function frameTimestampsMs(frame: u32, result: usize): void;

@external("wasmalert:rules/query@0.1.0", "[method]frame.label")
export declare function frameLabel(frame: u32, name: string, nameLength: i32, result: usize): void;

@external("wasmalert:rules/query@0.1.0", "[method]frame.labels")
export declare function frameLabels(frame: u32, series: u32, result: usize): void;

@external("wasmalert:rules/query@0.1.0", "[method]frame.labels-of")
export declare function frameLabelsOf(frame: u32, series: usize, seriesLength: i32, result: usize): void;

@external("wasmalert:rules/query@0.1.0", "[method]frame.samples")
export declare function frameSamples(frame: u32, series: u32, result: usize): void;

@external("wasmalert:rules/query@0.1.0", "[method]frame.sample-offsets")
export declare function frameSampleOffsets(frame: u32, result: usize): void;

@external("wasmalert:rules/query@0.1.0", "[method]frame.all-timestamps-ms")
export declare function frameAllTimestampsMs(frame: u32, result: usize): void;

@external("wasmalert:rules/query@0.1.0", "[method]frame.all-values")
export declare function frameAllValues(frame: u32, result: usize): void;

// interface state

@external("wasmalert:rules/state@0.1.0", "get")
export declare function stateGet(key: string, keyLength: i32, result: usize): void;

@external("wasmalert:rules/state@0.1.0", "set")
export declare function stateSet(key: string, keyLength: i32, value: usize, valueLength: i32): void;

@external("wasmalert:rules/state@0.1.0", "delete")
export declare function stateDelete(key: string, keyLength: i32): void;

@external("wasmalert:rules/state@0.1.0", "keys")
export declare function stateKeys(prefix: string, prefixLength: i32, result: usize): void;

// interface timers

@external("wasmalert:rules/timers@0.1.0", "set")
export declare function timersSet(
  name: string, nameLength: i32, dueMs: i64, payload: usize, payloadLength: i32,
): void;

@external("wasmalert:rules/timers@0.1.0", "cancel")
export declare function timersCancel(name: string, nameLength: i32): void;

@external("wasmalert:rules/timers@0.1.0", "pending")
export declare function timersPending(result: usize): void;

// interface log

@external("wasmalert:rules/log@0.1.0", "write")
export declare function logWrite(
  level: i32, message: string, messageLength: i32, fields: usize, fieldsLength: i32,
): void;

// interface metrics

@external("wasmalert:rules/metrics@0.1.0", "count")
export declare function metricsCount(name: string, nameLength: i32, labels: usize, labelsLength: i32, by: f64): void;

@external("wasmalert:rules/metrics@0.1.0", "gauge")
export declare function metricsGauge(
  name: string, nameLength: i32, labels: usize, labelsLength: i32, value: f64,
): void;

@external("wasmalert:rules/metrics@0.1.0", "observe")
export declare function metricsObserve(
  name: string, nameLength: i32, labels: usize, labelsLength: i32, value: f64,
): void;
