/**
 * Alert rules for wasmalert: `export const rules = rule({ … })`.
 *
 * A rule says what is wrong right now; the host owns pending, firing and resolved. It is a pure function of its
 * inputs: the host may run it several times for one slot, each time in a fresh instance, and only a run that succeeds
 * takes effect.
 */

import { describe, guarded, list, parseConfig } from "./lib/component.js";
import { Series } from "./lib/frame.js";
import { setClock } from "./lib/globals.js";
import { byName, each, labels, number } from "./lib/lower.js";

export { duration } from "./lib/duration.js";
export { ComponentError, QueryError } from "./lib/error.js";
export { Frame, Series } from "./lib/frame.js";
export * as log from "./lib/log.js";
export * as metrics from "./lib/metrics.js";
export { prefetch, query, queryAll, range } from "./lib/query.js";
export * as state from "./lib/state.js";
export * as timers from "./lib/timers.js";
export { fromUtf8, toUtf8 } from "./lib/utf8.js";

/** @typedef {import("./lib/types.d.ts").Context} Context */
/** @typedef {import("./lib/types.d.ts").Finding} Finding */
/** @typedef {import("./lib/types.d.ts").Labels} Labels */
/** @typedef {import("./lib/types.d.ts").Outcome} Outcome */
/** @typedef {import("./lib/types.d.ts").Sample} Sample */
/** @typedef {import("./lib/types.d.ts").Schema} Schema */
/** @typedef {import("./lib/types.d.ts").Trigger} Trigger */

/**
 * Makes a rule; export it as `rules`.
 * @template {Schema} const S
 * @template [C=import("./lib/types.d.ts").FromSchema<S>]
 * @param {import("./lib/types.d.ts").Rule<S, C>} definition
 */
export function rule(definition) {
  return {
    describe: describe(definition),
    /** @param {any} given */
    evaluate: (given) =>
      guarded(() => {
        setClock(given.nowMs);
        const { config, ...context } = given;
        context.labels = byName(given.labels);
        context.extras = byName(given.extras);
        return outcome(definition.evaluate(parseConfig(definition.config, config), context));
      }),
  };
}

/** @param {Iterable<Finding> | Outcome} answer */
function outcome(answer) {
  const { findings = [], samples = [], extras } = isOutcome(answer) ? answer : { findings: list(answer, "findings") };
  return {
    findings: each(list(findings, "findings"), finding, "finding"),
    samples: each(list(samples, "samples"), sample, "sample"),
    extras: labels(extras, "extras"),
  };
}

/**
 * @param {Iterable<Finding> | Outcome} answer
 * @returns {answer is Outcome}
 */
function isOutcome(answer) {
  return typeof answer === "object" && answer !== null && ("findings" in answer || "samples" in answer);
}

/** @param {Finding} found */
function finding(found) {
  return {
    series: reference(found.series),
    labels: labels(found.labels, "labels"),
    value: number(found.value ?? found.series?.value ?? 0, "value"),
    annotations: labels(found.annotations, "annotations"),
    extras: labels(found.extras, "extras"),
  };
}

/** @param {Sample} recorded */
function sample({ name, series, labels: given, value }) {
  return {
    series: reference(series),
    labels: labels(name === undefined ? given : { ...given, __name__: name }, "labels"),
    value: number(value ?? series?.value ?? 0, "value"),
  };
}

/** @param {Series | undefined} series */
function reference(series) {
  if (series === undefined) return null;
  if (!(series instanceof Series)) throw new TypeError("series: not one of a frame");
  return { frame: series.frame.id, series: series.index };
}
