/** Answers to requests. */

import { byName } from "./lower.js";
import { fromUtf8 } from "./utf8.js";

/** The most characters of an answer's body that a reason quotes. */
const EXCERPT_CHARS_MAX = 200;

/** The answer to a request. */
export class Response {
  /** @param {any} given */
  constructor(given) {
    this.status = /** @type {number} */ (given.status);
    /** By name in lower case; of several with one name, the first. */
    this.headers = byName(
      given.headers.map((/** @type {WitLabel} */ { name, value }) => ({ name: name.toLowerCase(), value })).reverse(),
    );
    /** The first bytes of the body, at most 64 KiB. */
    this.body = /** @type {Uint8Array} */ (given.body);
    /** Named facts. */
    this.extras = byName(given.extras);
  }

  /**
   * The value of a header; letter case does not matter.
   * @param {string} name
   * @returns {string | undefined}
   */
  header(name) {
    return this.headers[name.toLowerCase()];
  }

  /** The body as text. */
  get text() {
    return fromUtf8(this.body);
  }

  /** The start of the body as text, for people. */
  get excerpt() {
    return Array.from(this.text.trim()).slice(0, EXCERPT_CHARS_MAX).join("");
  }

  /**
   * `Retry-After` in ms where it is a number of seconds. A date says nothing without a clock.
   * @returns {number | undefined}
   */
  get retryAfterMs() {
    const seconds = this.header("retry-after")?.trim() ?? "";
    const ms = /^\+?\d+$/.test(seconds) ? Number(seconds) * 1000 : NaN;
    return Number.isSafeInteger(ms) ? ms : undefined;
  }
}
