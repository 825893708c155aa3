/**
 * Bytes under keys that outlive the evaluation; private to the rule, or to the
 * notifier's receiver. Reads see this run's own writes; writes are kept only if
 * the run succeeds.
 */
import * as host from "./imports";
import { RESULT, liftBytes, liftList, liftText } from "./abi";
import { Json } from "./json";
import { fromUtf8, toUtf8, whole } from "./text";

/** The bytes under a key; null where there is none. */
export function get(key: string): Uint8Array | null {
  key = whole(key);
  host.stateGet(key, key.length, RESULT);
  return load<u8>(RESULT) ? liftBytes(RESULT + 4) : null;
}

/** Sets the bytes under a key. Traps over the limits on keys and bytes. */
export function set(key: string, value: Uint8Array): void {
  key = whole(key);
  host.stateSet(key, key.length, value.dataStart, value.length);
}

/** Removes a key; nothing happens where there is none. */
export function remove(key: string): void {
  key = whole(key);
  host.stateDelete(key, key.length);
}

/** The keys that start with a prefix, sorted. */
export function keys(prefix: string = ""): string[] {
  prefix = whole(prefix);
  host.stateKeys(prefix, prefix.length, RESULT);
  return liftList<string>(RESULT, 8, liftText);
}

/**
 * The value under a key that `save` has put there, absent where there is none:
 * `state.load("runs").numberOr(0)`. Anything but JSON fails the run with `bad_json`.
 */
function loadJson(key: string): Json {
  const bytes = get(key);
  return bytes ? Json.parse(fromUtf8(bytes), "bad_json", `the state under "${key}"`) : Json.absent();
}

export { loadJson as load };

/** Sets the value under a key, as JSON. */
export function save<T>(key: string, value: T): void {
  set(key, toUtf8(Json.of<T>(value).toString()));
}
