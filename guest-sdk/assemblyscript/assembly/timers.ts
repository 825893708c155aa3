/**
 * Wake-ups besides the interval. A timer that is due causes one evaluation, in
 * which `context.timer` is its name, and is gone.
 */
import * as host from "./imports";
import { RESULT, liftBytes, liftList, liftText } from "./abi";
import { whole } from "./text";

/** A timer that is set. */
export class Timer {
  constructor(
    public name: string,
    /** Due time in ms since the epoch. */
    public dueMs: i64,
    public payload: Uint8Array,
  ) {}
}

/**
 * Sets or replaces the timer of that name, due in ms since the epoch. A time
 * that has passed is due at once.
 */
export function set(name: string, dueMs: i64, payload: Uint8Array = new Uint8Array(0)): void {
  name = whole(name);
  host.timersSet(name, name.length, dueMs, payload.dataStart, payload.length);
}

/** Removes a timer; nothing happens where there is none. */
export function cancel(name: string): void {
  name = whole(name);
  host.timersCancel(name, name.length);
}

/** The timers that are set, sorted by name, this run's changes included. */
export function pending(): Timer[] {
  host.timersPending(RESULT);
  return liftList<Timer>(RESULT, 24, liftTimer);
}

function liftTimer(at: usize): Timer {
  return new Timer(liftText(at), load<i64>(at, 8), liftBytes(at + 16));
}
