/**
 * What JavaScript expects of its surroundings and the engine has not: a clock, which stands at the slot's time, and
 * a console, whose lines go to the log. Without them `Date.now()` traps.
 */

import * as log from "./log.js";
import { fromUtf8, toUtf8 } from "./utf8.js";

let nowMs = 0;

/**
 * Sets the clock, for the run that begins.
 * @param {number} ms
 */
export function setClock(ms) {
  nowMs = ms;
}

const SlotDate = class Date extends globalThis.Date {
  /** @param {any[]} given */
  constructor(...given) {
    super(.../** @type {[number]} */ (given.length === 0 ? [nowMs] : given));
  }

  /** @override */
  static now() {
    return nowMs;
  }
};

/** @param {(message: string) => void} write */
function printer(write) {
  return (/** @type {unknown[]} */ ...parts) => write(parts.map(shown).join(" "));
}

/** @param {unknown} part */
function shown(part) {
  return typeof part === "object" && !(part instanceof Error) ? JSON.stringify(part) : String(part);
}

class TextEncoder {
  encode(text = "") {
    return toUtf8(text);
  }
}

class TextDecoder {
  decode(bytes = new Uint8Array()) {
    return fromUtf8(bytes);
  }
}

// Natively all of this is there.
if (!("console" in globalThis)) {
  Object.assign(globalThis, {
    Date: SlotDate,
    performance: { now: () => 0, timeOrigin: 0 },
    console: {
      trace: printer(log.trace),
      debug: printer(log.debug),
      log: printer(log.info),
      info: printer(log.info),
      warn: printer(log.warn),
      error: printer(log.error),
    },
    TextEncoder,
    TextDecoder,
  });
}
