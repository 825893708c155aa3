/** Alerts, as notifiers are told of them. */

import { byName } from "./lower.js";

/** An alert to tell of. */
export class Alert {
  /** @param {any} given */
  constructor(given) {
    /** @type {"firing" | "resolved"} */
    this.status = given.status;
    /** All labels, `alertname` included. */
    this.labels = byName(given.labels);
    this.annotations = byName(given.annotations);
    /** The value of the last finding. */
    this.value = /** @type {number} */ (given.value);
    /** Since when it fires, ms since the epoch. */
    this.startsAtMs = /** @type {number} */ (given.startsAtMs);
    /**
     * When it resolved; while it fires, until when the receiver may believe it without hearing again. ms since the
     * epoch.
     */
    this.endsAtMs = /** @type {number} */ (given.endsAtMs);
    /** Link to the rule; empty where the operator gave no external URL. */
    this.generatorUrl = /** @type {string} */ (given.generatorUrl);
    /** 16 hexadecimal digits, the same for the same labels. */
    this.fingerprint = /** @type {string} */ (given.fingerprint);
    /** Named facts. */
    this.extras = byName(given.extras);
  }

  /** Whether it fires; if not, it has resolved. */
  get firing() {
    return this.status === "firing";
  }

  /**
   * The value of a label; the empty text stands for an absent one.
   * @param {string} name
   */
  label(name) {
    return this.labels[name] ?? "";
  }

  /**
   * The text of an annotation; empty where there is none.
   * @param {string} name
   */
  annotation(name) {
    return this.annotations[name] ?? "";
  }
}
