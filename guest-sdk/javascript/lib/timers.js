/// <reference path="./contract.d.ts" />
/**
 * Wake-ups besides the interval. A timer that is due causes one evaluation, in which `context.trigger` tells of it,
 * and is gone.
 */

import * as host from "wasmalert:rules/timers@0.1.0";
import { bytes, text, whole } from "./lower.js";

/**
 * Sets or replaces the timer of that name. A time that has passed is due at once.
 * @param {string} name
 * @param {number} dueMs ms since the epoch
 * @param {Uint8Array | string} [payload]
 */
export function set(name, dueMs, payload = "") {
  host.set(text(name), whole(dueMs, `timer ${name}`), bytes(payload, `timer ${name}`));
}

/**
 * Removes a timer; nothing happens where there is none.
 * @param {string} name
 */
export function cancel(name) {
  host.cancel(text(name));
}

/**
 * The timers that are set, sorted by name, this run's changes included.
 * @returns {{ name: string, dueMs: number, payload: Uint8Array }[]}
 */
export function pending() {
  return host.pending();
}
