/**
 * What the host calls of a rule; the author's part is `assembly/rule.ts` of the
 * project. Each export becomes `wasmalert:rules/…` in `transform.mjs`.
 */
import * as author from "../assembly/rule";
import { failure } from "./assembly/failure";
import { Context } from "./assembly/rule";

export { cabi_realloc } from "./assembly/abi";

export function rules_describe(): usize {
  return author.describe().lower();
}

export function rules_evaluate(context: usize): usize {
  const outcome = author.evaluate(new Context(context));
  const failed = failure();
  const at = heap.alloc(28);
  store<bool>(at, failed != null);
  if (failed) failed.lower(at + 4);
  else outcome.lower(at + 4);
  return at;
}
