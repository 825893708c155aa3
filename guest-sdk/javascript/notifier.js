/**
 * Notifiers for wasmalert: `export const notifications = notifier({ … })`.
 *
 * A notifier turns alerts into HTTP requests, which the host sends. It has neither a clock nor a network; like a rule
 * it is a pure function of its inputs.
 */

import { Alert } from "./lib/alert.js";
import { describe, guarded, list, parseConfig } from "./lib/component.js";
import { ComponentError, report } from "./lib/error.js";
import { setClock } from "./lib/globals.js";
import { byName, bytes, each, labels, text, whole } from "./lib/lower.js";
import { Response } from "./lib/response.js";

export { Alert } from "./lib/alert.js";
export { duration } from "./lib/duration.js";
export { ComponentError } from "./lib/error.js";
export * as log from "./lib/log.js";
export { Response } from "./lib/response.js";
export * as state from "./lib/state.js";
export { fromUtf8, toUtf8 } from "./lib/utf8.js";

/** @typedef {import("./lib/types.d.ts").Batch} Batch */
/** @typedef {import("./lib/types.d.ts").Disposition} Disposition */
/** @typedef {import("./lib/types.d.ts").Labels} Labels */
/** @typedef {import("./lib/types.d.ts").LabelsGiven} LabelsGiven */
/** @typedef {import("./lib/types.d.ts").Request} Request */
/** @typedef {import("./lib/types.d.ts").Schema} Schema */

const SECRET = "{{secret:";

/**
 * Makes a notifier; export it as `notifications`.
 * @template {Schema} const S
 * @template [C=import("./lib/types.d.ts").FromSchema<S>]
 * @param {import("./lib/types.d.ts").Notifier<S, C>} definition
 */
export function notifier(definition) {
  return {
    describe: describe(definition),
    /** @param {any} given */
    notify: (given) =>
      guarded(() => {
        setClock(given.nowMs);
        const { config, ...batch } = given;
        batch.alerts = given.alerts.map((/** @type {any} */ alert) => new Alert(alert));
        batch.extras = byName(given.extras);
        const requests = definition.notify(parseConfig(definition.config, config), batch);
        return each(list(requests, "requests"), request, "request");
      }),
    /**
     * @param {string} config
     * @param {number} request
     * @param {any} given
     */
    interpret: (config, request, given) => {
      try {
        const response = new Response(given);
        const own = definition.interpret?.(parseConfig(definition.config, config), response, request);
        return disposition(own ?? interpret(response));
      } catch (thrown) {
        const { code, message } = report(thrown);
        return disposition(failed(`${code}: ${message}`));
      }
    },
  };
}

/**
 * What a status means as a rule: 2xx delivered; 408, 429 and 5xx retry, with `Retry-After`; all others failed.
 * @param {Response} response
 * @returns {Disposition}
 */
export function interpret(response) {
  const { status } = response;
  if (status >= 200 && status < 300) return delivered();
  const reason = `status ${status}: ${response.excerpt}`;
  const later = status === 408 || status === 429 || (status >= 500 && status < 600);
  return later ? retry(reason, response.retryAfterMs) : failed(reason);
}

/**
 * The receiver has it.
 * @returns {Disposition}
 */
export function delivered() {
  return { kind: "delivered" };
}

/**
 * The receiver could not take it now; wait at least so long, where known.
 * @param {string} reason
 * @param {number} [afterMs]
 * @returns {Disposition}
 */
export function retry(reason, afterMs) {
  return { kind: "retry", reason, retryAfterMs: afterMs };
}

/**
 * Trying again would not help.
 * @param {string} reason
 * @returns {Disposition}
 */
export function failed(reason) {
  return { kind: "failed", reason };
}

/**
 * The place of a tenant's secret in a URL, a header's value or a body: the host puts the secret in on the way out.
 * @param {string} name
 */
export function secret(name) {
  return `${SECRET}${name}}}`;
}

/**
 * The text with a space in each `{{secret:`, so that the host does not take it for one: labels and annotations come
 * from what is monitored, and must not be able to ask for a secret.
 * @param {string} text
 */
export function withoutSecrets(text) {
  return text.replaceAll(SECRET, "{ {secret:");
}

/**
 * Makes a POST of a text or of bytes. A `{{secret:NAME}}` in it is put in: see `withoutSecrets`.
 * @param {string} url
 * @param {string | Uint8Array} body
 * @param {LabelsGiven} [headers]
 * @returns {Request}
 */
export function post(url, body, headers = {}) {
  if (!["http://", "https://", SECRET].some((start) => url.startsWith(start))) {
    const message = `url: ${JSON.stringify(url)} starts with neither http://, https:// nor ${secret("NAME")}`;
    throw new ComponentError("bad_config", message);
  }
  return { method: "POST", url, headers, body };
}

/**
 * Makes a POST of a JSON body. A `{{secret:NAME}}` in the body stays text, as in `withoutSecrets`; a receiver that
 * wants one there gets its body with `post`.
 * @param {string} url
 * @param {unknown} value
 * @param {LabelsGiven} [headers]
 * @returns {Request}
 */
export function postJson(url, value, headers = {}) {
  const body = JSON.stringify(value).replaceAll(SECRET, "{\\u007bsecret:");
  return post(url, body, { "Content-Type": "application/json", ...headers });
}

/** @param {Request} given */
function request({ method = "POST", url, headers, body = "", extras }) {
  return {
    method: text(method),
    url: text(url),
    headers: labels(headers, "headers"),
    body: bytes(body, "body"),
    extras: labels(extras, "extras"),
  };
}

/** @param {Disposition} given */
function disposition({ kind, retryAfterMs, reason = "", extras }) {
  return {
    kind: text(kind),
    retryAfterMs: retryAfterMs === undefined ? null : whole(retryAfterMs, "retryAfterMs"),
    reason: text(reason),
    extras: labels(extras, "extras of the disposition"),
  };
}
