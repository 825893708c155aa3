// Made of the contract in wit/ by guest-sdk/bindgen; not to be edited.
//
// The interfaces that a component imports, as componentize-qjs shows them to JavaScript: names in camel case,
// `list<u8>` as `Uint8Array`, 64-bit integers as numbers, a result's error thrown with the error as `payload`.
// A wrong type traps without a word, so nothing but the SDK should call them.

interface WitLabel {
  name: string;
  value: string;
}

interface WitInstantQuery {
  source: string;
  expr: string;
  timeMs: number | null;
  mayFail: boolean;
}

interface WitRangeQuery {
  source: string;
  expr: string;
  startMs: number;
  endMs: number;
  stepMs: number;
  mayFail: boolean;
}

interface WitDescription {
  name: string;
  doc: string;
  configSchema: string;
  queries: string[];
  extras: WitLabel[];
}

interface WitComponentError {
  code: string;
  message: string;
  extras: WitLabel[];
}

interface WitQueryError {
  code: string;
  message: string;
  extras: WitLabel[];
}

interface WitLabelColumn {
  values: string[];
  codes: number[];
}

interface WitSampleColumns {
  timestampsMs: number[];
  values: number[];
}

interface WitTimer {
  name: string;
  dueMs: number;
  payload: Uint8Array;
}

type WitLevel = "trace" | "debug" | "info" | "warn" | "error";

declare module "wasmalert:rules/query@0.1.0" {
  class Frame {
    id(): number;
    len(): number;
    values(): number[];
    timestampsMs(): number[];
    valuesPacked(): Uint8Array;
    timestampsMsPacked(): Uint8Array;
    label(name: string): WitLabelColumn;
    labels(series: number): WitLabel[];
    labelsOf(series: number[] | Uint32Array): WitLabel[][];
    samples(series: number): WitSampleColumns;
    sampleOffsets(): number[];
    allTimestampsMs(): number[];
    allValues(): number[];
    allTimestampsMsPacked(): Uint8Array;
    allValuesPacked(): Uint8Array;
  }
  function instant(query: WitInstantQuery): Frame;
  function range(query: WitRangeQuery): Frame;
  function prefetch(instants: WitInstantQuery[], ranges: WitRangeQuery[]): void;
}

declare module "wasmalert:rules/state@0.1.0" {
  function get(key: string): Uint8Array | null;
  function set(key: string, value: Uint8Array): void;
  function delete_(key: string): void;
  function keys(prefix: string): string[];
  export { get, set, delete_ as delete, keys };
}

declare module "wasmalert:rules/timers@0.1.0" {
  function set(name: string, dueMs: number, payload: Uint8Array): void;
  function cancel(name: string): void;
  function pending(): WitTimer[];
}

declare module "wasmalert:rules/log@0.1.0" {
  function write(level: WitLevel, message: string, fields: WitLabel[]): void;
}

declare module "wasmalert:rules/metrics@0.1.0" {
  function count(name: string, labels: WitLabel[], by: number): void;
  function gauge(name: string, labels: WitLabel[], value: number): void;
  function observe(name: string, labels: WitLabel[], value: number): void;
}
