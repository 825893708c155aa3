/**
 * What the host calls of a notifier; the author's part is `assembly/notifier.ts` of
 * the project. Each export becomes `wasmalert:rules/…` in `transform.mjs`.
 */
import * as author from "../assembly/notifier";
import { lowerList, textOf } from "./assembly/abi";
import { failure } from "./assembly/failure";
import { Batch, Disposition, Request, lowerRequest, responseOf } from "./assembly/notifier";
import { parseConfig } from "./assembly/rule";

export { cabi_realloc } from "./assembly/abi";

export function notifications_describe(): usize {
  return author.describe().lower();
}

export function notifications_notify(batch: usize): usize {
  const requests = author.notify(new Batch(batch));
  const failed = failure();
  const at = heap.alloc(28);
  store<bool>(at, failed != null);
  if (failed) failed.lower(at + 4);
  else lowerList<Request>(at + 4, requests, 40, lowerRequest);
  return at;
}

export function notifications_interpret(
  config: usize, configLength: i32, request: u32, status: i32, headers: usize, headersLength: i32,
  body: usize, bodyLength: i32, extras: usize, extrasLength: i32,
): usize {
  const response = responseOf(status, headers, headersLength, body, bodyLength);
  let disposition: Disposition;
  if (isDefined(author.interpret)) {
    disposition = author.interpret(parseConfig(textOf(config, configLength)), request, response);
  } else {
    disposition = Disposition.of(response);
  }
  const failed = failure();
  if (failed) disposition = Disposition.failed(failed.code + ": " + failed.message);
  return disposition.lower();
}
