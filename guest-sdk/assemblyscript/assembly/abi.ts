/**
 * The canonical ABI by hand, with texts in UTF-16. To *lift* is to read what the
 * host has written, to *lower* to write what it is to read.
 *
 * What the host writes is put into objects of the language to begin with, so
 * that a text or a column is taken over as it is, without a copy. What it reads
 * is plain memory, beside texts and bytes that an object of the author holds.
 */
import { OBJECT, TOTAL_OVERHEAD } from "rt/common";
import { whole } from "./text";

/** Where imports write their answers; 32 bytes are enough for each. */
// @ts-ignore: decorator
@inline
export const RESULT: usize = memory.data(32, 8);

/** Gives the host room for what it hands over. The object is pinned until it is taken. */
export function cabi_realloc(old: usize, oldSize: usize, align: usize, size: usize): usize {
  if (!size) return align;
  if (!oldSize) return __pin(__new(size, idof<ArrayBuffer>()));
  const moved = __renew(old, size);
  if (moved != old) {
    __unpin(old);
    __pin(moved);
  }
  return moved;
}

/** Makes what the host has written an object of a type whose bytes these are. */
function take<T>(data: usize): T {
  changetype<OBJECT>(data - TOTAL_OVERHEAD).rtId = idof<T>();
  __unpin(data);
  return changetype<T>(data);
}

/** Takes over a text. */
export function textOf(data: usize, length: i32): string {
  return length ? take<string>(data) : "";
}

/** Takes over a list of bytes. */
export function bytesOf(data: usize, length: i32): Uint8Array {
  return length ? Uint8Array.wrap(take<ArrayBuffer>(data)) : new Uint8Array(0);
}

/** Takes over each element of a list, the elements being `size` bytes apart. */
export function listOf<T>(data: usize, length: i32, size: usize, lift: (at: usize) => T): T[] {
  const list = new Array<T>(length);
  for (let i = 0; i < length; i++) unchecked((list[i] = lift(data + <usize>i * size)));
  if (length) __unpin(data);
  return list;
}

/** Lifts a text whose address and length are at `at`. */
export function liftText(at: usize): string {
  return textOf(load<usize>(at), load<i32>(at, 4));
}

/** Lifts a list of bytes. */
export function liftBytes(at: usize): Uint8Array {
  return bytesOf(load<usize>(at), load<i32>(at, 4));
}

/** Lifts a list of numbers. */
export function liftColumn<T>(at: usize): StaticArray<T> {
  return load<i32>(at, 4) ? take<StaticArray<T>>(load<usize>(at)) : new StaticArray<T>(0);
}

/** Lifts a list, the elements being `size` bytes apart. */
export function liftList<T>(at: usize, size: usize, lift: (at: usize) => T): T[] {
  return listOf<T>(load<usize>(at), load<i32>(at, 4), size, lift);
}

/** Lowers a text to `at`: its address and its length. */
export function lowerText(at: usize, text: string): void {
  const lowered = whole(text);
  if (lowered !== text) __pin(changetype<usize>(lowered));
  store<usize>(at, changetype<usize>(lowered));
  store<i32>(at, lowered.length, 4);
}

/** Lowers a list of bytes. */
export function lowerBytes(at: usize, bytes: Uint8Array): void {
  store<usize>(at, bytes.dataStart);
  store<i32>(at, bytes.length, 4);
}

/** Lowers a list, the elements being `size` bytes apart. */
export function lowerList<T>(at: usize, list: T[], size: usize, lower: (at: usize, value: T) => void): void {
  store<usize>(at, elements(list, size, lower));
  store<i32>(at, list.length, 4);
}

/** Lowers an empty list. */
export function lowerNothing(at: usize): void {
  store<usize>(at, 8);
  store<i32>(at, 0, 4);
}

/** Lowers the elements of a list and tells where they are. */
export function elements<T>(list: T[], size: usize, lower: (at: usize, value: T) => void): usize {
  const length = list.length;
  if (!length) return 8;
  const data = heap.alloc(<usize>length * size);
  for (let i = 0; i < length; i++) lower(data + <usize>i * size, unchecked(list[i]));
  return data;
}
