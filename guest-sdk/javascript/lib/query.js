/// <reference path="./contract.d.ts" />
/** Queries. */

import * as host from "wasmalert:rules/query@0.1.0";
import { QueryError } from "./error.js";
import { Frame } from "./frame.js";
import { text, whole } from "./lower.js";

/**
 * @typedef {object} QueryOptions
 * @property {string} [source] name of the source; the rule's own unless said
 * @property {number} [atMs] evaluation time in ms since the epoch; the slot's time unless said
 * @property {boolean} [mayFail] lets the rule decide what a failure means; without it a failure fails the whole
 *   evaluation, even when it is caught, so that no alert changes
 */

/**
 * @typedef {object} RangeOptions
 * @property {number} startMs first sample time, ms since the epoch, inclusive
 * @property {number} endMs last sample time, ms since the epoch, inclusive
 * @property {number} stepMs distance of samples in ms, at least 1
 * @property {string} [source] as in `QueryOptions`
 * @property {boolean} [mayFail] as in `QueryOptions`
 */

/** @typedef {string | ({ expr: string } & (QueryOptions | RangeOptions))} Asked what to ask: an expression, or one with options */

/**
 * Asks for the present: one value for each series.
 * @param {string} expr
 * @param {QueryOptions} [options]
 * @returns {Frame}
 * @throws {QueryError}
 */
export function query(expr, options = {}) {
  return ask(() => host.instant(instantQuery({ expr, ...options })));
}

/**
 * Asks for a span of time: many samples for each series.
 * @example range("up", { startMs: context.nowMs - 300_000, endMs: context.nowMs, stepMs: 60_000 })
 * @param {string} expr
 * @param {RangeOptions} options
 * @returns {Frame}
 * @throws {QueryError}
 */
export function range(expr, options) {
  return ask(() => host.range(rangeQuery({ expr, ...options })));
}

/**
 * Asks several queries at once, which saves rounds.
 * @example const [errors, requests] = queryAll("sum(rate(errors[5m]))", "sum(rate(requests[5m]))");
 * @template {Asked[]} Q
 * @param {Q} queries
 * @returns {{ [I in keyof Q]: Frame }}
 * @throws {QueryError} the first failure
 */
export function queryAll(...queries) {
  prefetch(...queries);
  const frames = queries.map((asked) => {
    if (typeof asked === "string") return query(asked);
    return "stepMs" in asked ? range(asked.expr, asked) : query(asked.expr, asked);
  });
  return /** @type {any} */ (frames);
}

/**
 * Has several queries fetched at once, so that asking for each later costs no further round. Failures show up where a
 * query is asked.
 * @param {Asked[]} queries
 */
export function prefetch(...queries) {
  const instants = [];
  const ranges = [];
  for (const asked of queries) {
    const one = typeof asked === "string" ? { expr: asked } : asked;
    if ("stepMs" in one) ranges.push(rangeQuery(one));
    else instants.push(instantQuery(one));
  }
  host.prefetch(instants, ranges);
}

/**
 * @param {{ expr: string } & QueryOptions} asked
 * @returns {WitInstantQuery}
 */
function instantQuery({ expr, source = "", atMs, mayFail = false }) {
  const timeMs = atMs === undefined ? null : whole(atMs, "atMs");
  return { source: text(source), expr: text(expr), timeMs, mayFail: Boolean(mayFail) };
}

/**
 * @param {{ expr: string } & RangeOptions} asked
 * @returns {WitRangeQuery}
 */
function rangeQuery({ expr, source = "", startMs, endMs, stepMs, mayFail = false }) {
  return {
    source: text(source),
    expr: text(expr),
    startMs: whole(startMs, "startMs"),
    endMs: whole(endMs, "endMs"),
    stepMs: Math.max(1, whole(stepMs, "stepMs")),
    mayFail: Boolean(mayFail),
  };
}

/** @param {() => import("wasmalert:rules/query@0.1.0").Frame} asks */
function ask(asks) {
  try {
    return new Frame(asks());
  } catch (thrown) {
    const { payload } = /** @type {{ payload?: { code: string, message: string } }} */ (thrown);
    throw payload ? new QueryError(payload.code, payload.message) : thrown;
  }
}
