import { lowerNothing, lowerText } from "./abi";
import * as log from "./log";
import { Outcome } from "./rule";

/** Why the component fails. */
export class Failure {
  constructor(public code: string, public message: string) {}

  /** @internal */
  lower(at: usize): void {
    lowerText(at, this.code);
    lowerText(at + 8, this.message);
    lowerNothing(at + 16);
  }
}

/** The first failure of this run. */
let first: Failure | null = null;

/**
 * Fails the run with a code in snake case and a message for people.
 *
 * The run goes on to its end, but nothing of what it does counts any more:
 * whatever it answers, the host gets the first failure. So it need not be
 * checked whether a query or a value of the configuration was there; its place
 * is taken by a frame without series, or by an empty value. Answers an outcome,
 * so that a rule may end with `return fail(…)`.
 */
export function fail(code: string, message: string): Outcome {
  if (!first) first = new Failure(code, message);
  return new Outcome();
}

/** The first failure of this run; null when there is none. */
export function failure(): Failure | null {
  return first;
}

/**
 * What `throw`, a failed `assert` and an index out of range come to: an error
 * line with the message and the place, then a trap.
 */
// @ts-ignore: decorator
@global
export function wasmalertAbort(message: string | null, file: string | null, line: u32, column: u32): void {
  const before = first;
  if (before) log.error(`${before.code}: ${before.message}`);
  log.error(`${message ? message : "abort"} (${file ? file : ""}:${line}:${column})`);
  unreachable();
}
