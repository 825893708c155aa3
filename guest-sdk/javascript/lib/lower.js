/** Values on their way to the host. What has a wrong type there traps without a word, so it is caught here. */

/** @typedef {import("./types.d.ts").Labels} Labels */
/** @typedef {import("./types.d.ts").LabelsGiven} LabelsGiven */

import { toUtf8 } from "./utf8.js";

/**
 * A text. A half of a surrogate pair, which no UTF-8 has, becomes U+FFFD.
 * @param {unknown} value
 * @returns {string}
 */
export function text(value) {
  return (typeof value === "string" ? value : String(value)).toWellFormed();
}

/**
 * A list of labels, in the order of the object.
 * @param {LabelsGiven | undefined} given
 * @param {string} what they are, for the error
 * @returns {WitLabel[]}
 */
export function labels(given, what) {
  /** @type {WitLabel[]} */
  const list = [];
  if (given === undefined || given === null) return list;
  if (typeof given !== "object") throw new TypeError(`${what}: ${String(given)} is not an object`);
  for (const name of Object.keys(given)) {
    const value = given[name];
    if (value !== undefined && value !== null) list.push({ name: text(name), value: text(value) });
  }
  return list;
}

/**
 * A floating-point number.
 * @param {unknown} value
 * @param {string} what
 * @returns {number}
 */
export function number(value, what) {
  if (typeof value !== "number") throw new TypeError(`${what}: ${String(value)} is not a number`);
  return value;
}

/**
 * A whole number, such as a time in ms.
 * @param {unknown} value
 * @param {string} what
 * @returns {number}
 */
export function whole(value, what) {
  if (!Number.isSafeInteger(value)) throw new TypeError(`${what}: ${String(value)} is not a whole number`);
  return /** @type {number} */ (value);
}

/**
 * Bytes; a text becomes its UTF-8.
 * @param {unknown} value
 * @param {string} what
 * @returns {Uint8Array}
 */
export function bytes(value, what) {
  if (typeof value === "string") return toUtf8(value);
  if (!(value instanceof Uint8Array)) throw new TypeError(`${what}: neither a text nor a Uint8Array`);
  return value;
}

/**
 * Lowers each of a list; what is wrong with one is told with its number.
 * @template T, L
 * @param {T[]} all
 * @param {(one: T) => L} lower
 * @param {string} what one is, for the error
 * @returns {L[]}
 */
export function each(all, lower, what) {
  let at = 0;
  try {
    const lowered = [];
    for (; at < all.length; at++) lowered.push(lower(/** @type {T} */ (all[at])));
    return lowered;
  } catch (cause) {
    throw new TypeError(`${what} ${at}: ${/** @type {Error} */ (cause).message}`, { cause });
  }
}

/**
 * A list of labels that came from the host, as an object: without a prototype, so that a label may have any name.
 * @param {WitLabel[]} list
 * @returns {Labels}
 */
export function byName(list) {
  const labels = Object.create(null);
  for (const { name, value } of list) labels[name] = value;
  return labels;
}
