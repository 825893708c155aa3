/** What rules and notifiers have in common. */

import { ComponentError, report } from "./error.js";
import { labels, text } from "./lower.js";
import { misfit } from "./schema.js";

/**
 * What `describe` answers, made when the component is built.
 * @param {import("./types.d.ts").Description} told
 */
export function describe({ name, doc, config, queries = [], extras }) {
  const description = {
    name: text(name),
    doc: text(doc),
    configSchema: config === undefined ? "" : text(JSON.stringify(config)),
    queries: queries.map(text),
    extras: labels(extras, "extras"),
  };
  return () => description;
}

/**
 * Reads a configuration.
 * @param {import("./types.d.ts").Schema | undefined} schema
 * @param {string} json
 * @returns {any}
 */
export function parseConfig(schema, json) {
  const config = JSON.parse(json);
  const wrong = schema && misfit(schema, config);
  if (wrong) throw new ComponentError("bad_config", `the configuration does not fit: ${wrong}`);
  return config;
}

/**
 * Makes a list of what an author answers.
 * @template T
 * @param {Iterable<T>} given
 * @param {string} what it should be, for the error
 * @returns {T[]}
 */
export function list(given, what) {
  if (Array.isArray(given)) return given;
  if (isObject(given) && Symbol.iterator in given) return Array.from(given);
  throw new TypeError(`expected ${what}, got ${shown(given)}`);
}

/** @param {unknown} given */
function shown(given) {
  if (given instanceof Promise) return "a promise: nothing here is asynchronous, so leave async out";
  return isObject(given) ? "an object" : String(given);
}

/**
 * @param {unknown} given
 * @returns {given is object}
 */
function isObject(given) {
  return typeof given === "object" && given !== null;
}

/**
 * Runs a function of the author's; what it throws becomes an error of the contract.
 * @template T
 * @param {() => T} run
 * @returns {T}
 */
export function guarded(run) {
  try {
    return run();
  } catch (thrown) {
    throw report(thrown);
  }
}
