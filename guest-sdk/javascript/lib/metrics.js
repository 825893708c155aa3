/// <reference path="./contract.d.ts" />
/**
 * The rule's own metrics: `metrics.count("runs_total", 1, { kind: "a" })`. Names follow `[a-zA-Z_:][a-zA-Z0-9_:]*`,
 * label names `[a-zA-Z_][a-zA-Z0-9_]*`; others fail the evaluation.
 */

import * as host from "wasmalert:rules/metrics@0.1.0";
import { labels, number, text } from "./lower.js";

/** @typedef {import("./types.d.ts").LabelsGiven} LabelsGiven */

/**
 * Adds to a counter.
 * @param {string} name
 * @param {number} [by] at least 0
 * @param {LabelsGiven} [given]
 */
export function count(name, by = 1, given) {
  host.count(text(name), labels(given, `labels of ${name}`), number(by, name));
}

/**
 * Sets a gauge.
 * @param {string} name
 * @param {number} value
 * @param {LabelsGiven} [given]
 */
export function gauge(name, value, given) {
  host.gauge(text(name), labels(given, `labels of ${name}`), number(value, name));
}

/**
 * Observes a value in a histogram with the host's buckets.
 * @param {string} name
 * @param {number} value
 * @param {LabelsGiven} [given]
 */
export function observe(name, value, given) {
  host.observe(text(name), labels(given, `labels of ${name}`), number(value, name));
}
