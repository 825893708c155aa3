/// <reference path="./contract.d.ts" />
/** Lines for people, shown in the host's log and with the evaluation: `log.info("all quiet", { hosts: 3 })`. */

import * as host from "wasmalert:rules/log@0.1.0";
import { labels, text } from "./lower.js";

/** @typedef {import("./types.d.ts").LabelsGiven} LabelsGiven */
/** @typedef {(message: unknown, fields?: LabelsGiven) => void} Write writes one line with named fields */

/** @type {Write} */
export const trace = (message, fields) => write("trace", message, fields);
/** @type {Write} */
export const debug = (message, fields) => write("debug", message, fields);
/** @type {Write} */
export const info = (message, fields) => write("info", message, fields);
/** @type {Write} */
export const warn = (message, fields) => write("warn", message, fields);
/** @type {Write} */
export const error = (message, fields) => write("error", message, fields);

/**
 * @param {WitLevel} level
 * @param {unknown} message
 * @param {LabelsGiven} [fields]
 */
function write(level, message, fields) {
  host.write(level, text(message), labels(fields, "fields"));
}
