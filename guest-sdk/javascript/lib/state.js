/// <reference path="./contract.d.ts" />
/**
 * Bytes under keys that outlive the evaluation; private to the rule, or to the notifier's receiver. Reads see this
 * run's own writes; writes are kept only if the run succeeds.
 */

import * as host from "wasmalert:rules/state@0.1.0";
import { ComponentError } from "./error.js";
import { bytes, text } from "./lower.js";
import { fromUtf8 } from "./utf8.js";

/**
 * The bytes under a key.
 * @param {string} key
 * @returns {Uint8Array | undefined}
 */
export function get(key) {
  return host.get(text(key)) ?? undefined;
}

/**
 * The bytes under a key, as text.
 * @param {string} key
 * @returns {string | undefined}
 */
export function getText(key) {
  const value = get(key);
  return value && fromUtf8(value);
}

/**
 * Sets the bytes under a key. Over the limits on keys and bytes the evaluation fails.
 * @param {string} key
 * @param {Uint8Array | string} value
 */
export function set(key, value) {
  host.set(text(key), bytes(value, `state ${key}`));
}

/**
 * Removes a key; nothing happens where there is none.
 * @param {string} key
 */
export function remove(key) {
  host.delete(text(key));
}

export { remove as delete };

/**
 * The keys that start with a prefix, sorted.
 * @param {string} [prefix]
 * @returns {string[]}
 */
export function keys(prefix = "") {
  return host.keys(text(prefix));
}

/**
 * The value under a key that `save` has put there.
 * @param {string} key
 * @returns {any} `undefined` where there is none
 */
export function load(key) {
  const json = getText(key);
  if (json === undefined) return undefined;
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw new ComponentError("bad_json", `the state under ${JSON.stringify(key)}: ${cause}`, { cause });
  }
}

/**
 * Sets the value under a key, as JSON.
 * @param {string} key
 * @param {unknown} value
 */
export function save(key, value) {
  const json = JSON.stringify(value);
  if (json === undefined) throw new TypeError(`the state under ${JSON.stringify(key)}: ${typeof value} has no JSON`);
  set(key, json);
}
