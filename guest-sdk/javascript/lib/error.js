/** How a component fails, and where. */

import { text } from "./lower.js";

/** The most places that a message names, from where it happened outwards. */
const PLACES_MAX = 5;

/** A line of a stack that has a place: its function, its file, its line and column. */
const LINE = /^ *at (?:(.*) \()?\/(.+?):(\d+(?::\d+)?)\)?$/;

/** Files of the SDK. */
const SDK = /(^|\/)sdk\//;

/** Where TypeScript leaves the JavaScript of a file; lines and columns stay. */
const STRIPPED = /^build\/js\/(.+)\.js$/;

/**
 * A failure that the component reports itself: `throw new ComponentError("too_hot", "…")`.
 *
 * It leaves every alert as it was and shows up in the rule's health. Anything else that nobody catches becomes an
 * error of the code `exception`.
 */
export class ComponentError extends Error {
  /**
   * @param {string} code stable, in snake case, for machines
   * @param {string} message what is wrong and what to do, for people
   * @param {ErrorOptions} [options]
   */
  constructor(code, message, options) {
    super(message, options);
    /** Stable code in snake case, for machines. */
    this.code = code;
    this.name = new.target.name;
  }
}

/**
 * A query that failed. Uncaught it fails the evaluation under its own code; caught it fails it too, unless the query
 * was asked with `mayFail`.
 */
export class QueryError extends ComponentError {}

/**
 * What to report for something that was thrown.
 * @param {unknown} thrown
 * @returns {{ code: string, message: string, extras: WitLabel[] }}
 */
export function report(thrown) {
  if (thrown instanceof ComponentError) {
    return { code: text(thrown.code), message: text(thrown.message), extras: [] };
  }
  const at = thrown instanceof Error ? places(thrown.stack ?? "") : "";
  return { code: "exception", message: text(at === "" ? thrown : `${thrown}, at ${at}`), extras: [] };
}

/**
 * The author's lines that led there, innermost first.
 * @param {string} stack
 */
function places(stack) {
  const found = [];
  for (const line of stack.split("\n")) {
    const [, name, file = "sdk/", at] = LINE.exec(line) ?? [];
    if (SDK.test(file)) continue;
    const place = `${file.replace(STRIPPED, "$1.ts")}:${at}`;
    found.push(name && name !== "<anonymous>" ? `${place} (${name})` : place);
  }
  return found.slice(0, PLACES_MAX).join(", ");
}
