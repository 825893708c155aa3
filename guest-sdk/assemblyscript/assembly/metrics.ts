/**
 * The rule's own metrics. Names follow `[a-zA-Z_:][a-zA-Z0-9_:]*`, label names
 * `[a-zA-Z_][a-zA-Z0-9_]*`; others trap.
 */
import * as host from "./imports";
import { elements } from "./abi";
import { LABEL, Label, lowerLabel } from "./label";

/** Adds to a counter; `by` is at least 0, others trap. */
export function count(name: string, by: f64 = 1, labels: Label[] = []): void {
  host.metricsCount(name, name.length, elements<Label>(labels, LABEL, lowerLabel), labels.length, by);
}

/** Sets a gauge. */
export function gauge(name: string, value: f64, labels: Label[] = []): void {
  host.metricsGauge(name, name.length, elements<Label>(labels, LABEL, lowerLabel), labels.length, value);
}

/** Observes a value in a histogram with the host's buckets. */
export function observe(name: string, value: f64, labels: Label[] = []): void {
  host.metricsObserve(name, name.length, elements<Label>(labels, LABEL, lowerLabel), labels.length, value);
}
