import { decimal } from "./text";
import { liftList, liftText, lowerList, lowerNothing, lowerText } from "./abi";

/** One label, or one entry of a list of named texts. */
export class Label {
  constructor(public name: string, public value: string) {}
}

/** Makes a label; a number is written in decimal, a boolean as `true` or `false`. */
export function label<T>(name: string, value: T): Label {
  return new Label(name, textFrom<T>(value));
}

/** The labels of a series, an alert or a rule, sorted by name. */
export class Labels {
  [key: number]: Label;

  constructor(public list: Label[]) {}

  /** Number of labels. */
  get length(): i32 {
    return this.list.length;
  }

  // @ts-ignore: decorator
  @operator("[]")
  at(index: i32): Label {
    return this.list[index];
  }

  /** The value of a label; the empty text stands for an absent one. */
  get(name: string): string {
    for (let i = 0; i < this.list.length; i++) {
      const label = unchecked(this.list[i]);
      if (label.name == name) return label.value;
    }
    return "";
  }
}

/** The text of a value: numbers in decimal, booleans as `true` or `false`. */
export function textFrom<T>(value: T): string {
  if (isString<T>()) {
    return <string>value;
  } else if (isFloat<T>()) {
    return decimal(<f64>value);
  } else {
    // @ts-ignore: each type that is left has it
    return value.toString();
  }
}

/** Bytes of a label in a list. */
// @ts-ignore: decorator
@inline
export const LABEL: usize = 16;

export function liftLabel(at: usize): Label {
  return new Label(liftText(at), liftText(at + 8));
}

export function lowerLabel(at: usize, label: Label): void {
  lowerText(at, label.name);
  lowerText(at + 8, label.value);
}

/** The list with one more label; there is none before the first, as most findings have few. */
export function added(list: Label[] | null, label: Label): Label[] {
  if (!list) return [label];
  list.push(label);
  return list;
}

export function lowerLabels(at: usize, list: Label[] | null): void {
  if (list) lowerList<Label>(at, list, LABEL, lowerLabel);
  else lowerNothing(at);
}

export function liftLabels(at: usize): Labels {
  return new Labels(liftList<Label>(at, LABEL, liftLabel));
}
