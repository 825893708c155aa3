import { fail } from "./failure";
import { decimal } from "./text";

/** What a JSON value is. */
export enum JsonKind {
  /** Not there. */
  Absent,
  Null,
  Boolean,
  Number,
  String,
  Array,
  Object,
}

/** The deepest nesting that is read. */
const DEPTH_MAX = 128;
/** The longest value that a message quotes. */
const EXCERPT_MAX = 60;

/**
 * A JSON value: read with `get("key")` and then `number()`, `string()`,
 * `boolean()` or `array()`, made with `Json.object()`, `Json.array()` and
 * `Json.of(value)`.
 *
 * Reading what is not there, or is of another kind, fails the run and says
 * where and why, with the code `bad_config` in a configuration and `bad_json`
 * elsewhere; the empty value of the kind stands in. `numberOr(1)` and the like
 * are for what may be left out.
 */
export class Json {
  kind: JsonKind = JsonKind.Absent;
  private numeric: f64 = 0;
  private text: string = "";
  private names: string[] = [];
  private items: Json[] = [];
  /** Where it comes from, for messages. */
  private path: string = "";
  private code: string = "bad_json";
  private what: string = "JSON";

  // reading

  /**
   * Reads a JSON text. One that is none fails the run with the code, and a
   * message that starts with what the text is; the value is then absent.
   */
  static parse(text: string, code: string = "bad_json", what: string = "the JSON text"): Json {
    const reader = new Reader(text);
    let json = reader.document();
    if (!json) {
      fail(code, `${what} is not JSON: ${reader.problem} at character ${reader.at + 1}`);
      json = new Json();
    }
    json.code = code;
    json.what = what;
    return json;
  }

  /** A value that is not there. */
  static absent(): Json {
    return new Json();
  }

  /** Whether there is a value, be it null. */
  get exists(): bool {
    return this.kind != JsonKind.Absent;
  }

  /** The names in an object, in the order of the text. */
  get keys(): string[] {
    return this.names;
  }

  /** A value of an object; one that is absent when the object does not have it. */
  get(key: string): Json {
    const at = this.names.lastIndexOf(key);
    return this.child(at < 0 ? new Json() : this.items[at], this.path.length ? `${this.path}.${key}` : key);
  }

  number(): f64 {
    if (this.kind != JsonKind.Number) this.mismatch("a number");
    return this.kind == JsonKind.Number ? this.numeric : NaN;
  }

  /** A number without a fraction. */
  integer(): i64 {
    const whole = this.kind == JsonKind.Number && Math.trunc(this.numeric) == this.numeric;
    if (!whole) this.mismatch("a whole number");
    return whole ? <i64>this.numeric : 0;
  }

  string(): string {
    if (this.kind != JsonKind.String) this.mismatch("a string");
    return this.text;
  }

  boolean(): bool {
    if (this.kind != JsonKind.Boolean) this.mismatch("a boolean");
    return this.kind == JsonKind.Boolean && this.numeric != 0;
  }

  array(): Json[] {
    if (this.kind != JsonKind.Array) {
      this.mismatch("an array");
      return [];
    }
    for (let i = 0; i < this.items.length; i++) this.child(this.items[i], `${this.path}[${i}]`);
    return this.items;
  }

  /** An array of strings. */
  strings(): string[] {
    const items = this.array();
    const strings = new Array<string>(items.length);
    for (let i = 0; i < items.length; i++) strings[i] = items[i].string();
    return strings;
  }

  numberOr(otherwise: f64): f64 {
    return this.isEmpty ? otherwise : this.number();
  }

  integerOr(otherwise: i64): i64 {
    return this.isEmpty ? otherwise : this.integer();
  }

  stringOr(otherwise: string): string {
    return this.isEmpty ? otherwise : this.string();
  }

  booleanOr(otherwise: bool): bool {
    return this.isEmpty ? otherwise : this.boolean();
  }

  /** Whether it is left out: absent, or null. */
  private get isEmpty(): bool {
    return this.kind <= JsonKind.Null;
  }

  /** Tells a value in this one where it comes from. */
  private child(json: Json, path: string): Json {
    json.path = path;
    json.code = this.code;
    json.what = this.what;
    return json;
  }

  /** Fails the run, as something else was expected here. */
  private mismatch(expected: string): void {
    const place = this.path.length ? this.path + ": " : "";
    const found = this.kind == JsonKind.Absent ? "it is missing" : "it is " + this.excerpt();
    fail(this.code, `${this.what} does not fit: ${place}expected ${expected}, but ${found}`);
  }

  private excerpt(): string {
    if (this.kind == JsonKind.Array) return "an array";
    if (this.kind == JsonKind.Object) return "an object";
    const text = this.toString();
    return text.length <= EXCERPT_MAX ? text : "a long string";
  }

  // writing

  /** An object without values. */
  static object(): Json {
    return Json.make(JsonKind.Object);
  }

  /** An array without elements. */
  static array(): Json {
    return Json.make(JsonKind.Array);
  }

  /** The JSON of a string, number, boolean, another JSON, or an array of these. */
  static of<T>(value: T): Json {
    if (isBoolean<T>()) {
      const json = Json.make(JsonKind.Boolean);
      json.numeric = <f64>value;
      return json;
    } else if (isString<T>()) {
      const json = Json.make(JsonKind.String);
      json.text = <string>value;
      return json;
    } else if (isInteger<T>() || isFloat<T>()) {
      const json = Json.make(JsonKind.Number);
      json.numeric = <f64>value;
      return json;
    } else if (isArray<T>()) {
      const json = Json.array();
      for (let i = 0; i < value.length; i++) json.push(value[i]);
      return json;
    } else {
      return <Json>value;
    }
  }

  /** Adds a value to an object. */
  set<T>(key: string, value: T): this {
    this.names.push(key);
    this.items.push(Json.of<T>(value));
    return this;
  }

  /** Adds an element to an array. */
  push<T>(value: T): this {
    this.items.push(Json.of<T>(value));
    return this;
  }

  /** The JSON text, without spaces. What has no JSON form, such as NaN, is `null`. */
  toString(): string {
    const parts: string[] = [];
    this.write(parts);
    return parts.join("");
  }

  private write(parts: string[]): void {
    switch (this.kind) {
      case JsonKind.Boolean: parts.push(this.numeric ? "true" : "false"); break;
      case JsonKind.Number: parts.push(isFinite(this.numeric) ? decimal(this.numeric) : "null"); break;
      case JsonKind.String: quote(parts, this.text); break;
      case JsonKind.Array: {
        for (let i = 0; i < this.items.length; i++) {
          parts.push(i ? "," : "[");
          this.items[i].write(parts);
        }
        parts.push(this.items.length ? "]" : "[]");
        break;
      }
      case JsonKind.Object: {
        for (let i = 0; i < this.items.length; i++) {
          parts.push(i ? "," : "{");
          quote(parts, this.names[i]);
          parts.push(":");
          this.items[i].write(parts);
        }
        parts.push(this.items.length ? "}" : "{}");
        break;
      }
      default: parts.push("null");
    }
  }

  static make(kind: JsonKind): Json {
    const json = new Json();
    json.kind = kind;
    return json;
  }
}

/** Writes a string in quotes. */
function quote(parts: string[], text: string): void {
  parts.push('"');
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 0x20 && unit != 0x22 && unit != 0x5c) continue;
    parts.push(text.substring(start, i));
    parts.push(escaped(unit));
    start = i + 1;
  }
  parts.push(start ? text.substring(start) : text);
  parts.push('"');
}

function escaped(unit: i32): string {
  if (unit == 0x22) return '\\"';
  if (unit == 0x5c) return "\\\\";
  if (unit == 0x0a) return "\\n";
  return "\\u" + unit.toString(16).padStart(4, "0");
}

/** Reads a JSON text; every method answers null, or false, once there is a problem. */
class Reader {
  at: i32 = 0;
  problem: string = "";

  constructor(private text: string) {}

  document(): Json | null {
    const json = this.value(0);
    if (!json) return null;
    if (this.peek() >= 0) return this.expected("the end");
    return json;
  }

  private value(depth: i32): Json | null {
    const unit = this.peek();
    if (depth > DEPTH_MAX) return this.expected("less nesting");
    if (unit == 0x7b) return this.object(depth);
    if (unit == 0x5b) return this.array(depth);
    if (unit == 0x22) {
      const text = this.string();
      return text === null ? null : Json.of<string>(text);
    }
    if (unit == 0x2d || isDigit(unit)) return this.number();
    if (this.word("true")) return Json.of<bool>(true);
    if (this.word("false")) return Json.of<bool>(false);
    if (this.word("null")) return Json.make(JsonKind.Null);
    return this.expected("a value");
  }

  private object(depth: i32): Json | null {
    const json = Json.object();
    this.at++;
    if (this.skip(0x7d)) return json;
    do {
      if (this.peek() != 0x22) return this.expected("a name in quotes");
      const name = this.string();
      if (name === null) return null;
      if (!this.skip(0x3a)) return this.expected("a colon");
      const value = this.value(depth + 1);
      if (!value) return null;
      json.set<Json>(name, value);
    } while (this.skip(0x2c));
    return this.skip(0x7d) ? json : this.expected("a comma or }");
  }

  private array(depth: i32): Json | null {
    const json = Json.array();
    this.at++;
    if (this.skip(0x5d)) return json;
    do {
      const value = this.value(depth + 1);
      if (!value) return null;
      json.push<Json>(value);
    } while (this.skip(0x2c));
    return this.skip(0x5d) ? json : this.expected("a comma or ]");
  }

  private number(): Json | null {
    const start = this.at;
    if (this.unit() == 0x2d) this.at++;
    const isZero = this.unit() == 0x30;
    const digits = this.digits();
    let isNumber = digits == 1 || (digits > 1 && !isZero);
    if (this.unit() == 0x2e) {
      this.at++;
      isNumber = this.digits() > 0 && isNumber;
    }
    if ((this.unit() | 0x20) == 0x65) {
      this.at++;
      if (this.unit() == 0x2b || this.unit() == 0x2d) this.at++;
      isNumber = this.digits() > 0 && isNumber;
    }
    if (isNumber) return Json.of<f64>(numberOf(this.text.substring(start, this.at)));
    this.at = start;
    return this.expected("a number");
  }

  private string(): string | null {
    let start = ++this.at;
    const parts: string[] = [];
    while (this.unit() >= 0x20) {
      const unit = this.unit();
      if (unit == 0x22) {
        parts.push(this.text.substring(start, this.at++));
        return parts.length == 1 ? parts[0] : parts.join("");
      }
      if (unit == 0x5c) {
        parts.push(this.text.substring(start, this.at++));
        const escaped = this.escape();
        if (escaped < 0) {
          this.expected("an escape that JSON has");
          return null;
        }
        parts.push(String.fromCharCode(escaped));
        start = this.at;
      } else {
        this.at++;
      }
    }
    this.expected("the end of the string");
    return null;
  }

  /** The unit that an escape stands for, `-1` when it is none. */
  private escape(): i32 {
    const unit = this.unit();
    if (unit == 0x75) {
      let code = 0;
      for (let i = 1; i <= 4; i++) {
        const digit = this.at + i < this.text.length ? hexDigit(this.text.charCodeAt(this.at + i)) : -1;
        if (digit < 0) return -1;
        code = (code << 4) | digit;
      }
      this.at += 5;
      return code;
    }
    const at = '"\\/bfnrt'.indexOf(String.fromCharCode(unit));
    if (at >= 0) this.at++;
    return at < 0 ? -1 : '"\\/\b\f\n\r\t'.charCodeAt(at);
  }

  /** Skips digits and tells how many. */
  private digits(): i32 {
    const start = this.at;
    while (isDigit(this.unit())) this.at++;
    return this.at - start;
  }

  /** The unit here, -1 at the end. */
  private unit(): i32 {
    return this.at < this.text.length ? this.text.charCodeAt(this.at) : -1;
  }

  /** The next unit that is not white space. */
  private peek(): i32 {
    let unit = this.unit();
    while (unit == 0x20 || unit == 0x0a || unit == 0x0d || unit == 0x09) {
      this.at++;
      unit = this.unit();
    }
    return unit;
  }

  /** Skips a sign, if it is next. */
  private skip(sign: i32): bool {
    const isNext = this.peek() == sign;
    if (isNext) this.at++;
    return isNext;
  }

  /** Skips a word, if it is next. */
  private word(word: string): bool {
    const isNext = this.text.startsWith(word, this.at);
    if (isNext) this.at += word.length;
    return isNext;
  }

  private expected(what: string): Json | null {
    this.problem = "expected " + what;
    return null;
  }
}

/**
 * The number that a JSON text stands for. From about 1e38 on, `parseFloat` can
 * lose a part of the exponent, so that it is applied here.
 */
function numberOf(text: string): f64 {
  const value = parseFloat(text);
  const split = max(text.indexOf("e"), text.indexOf("E"));
  if (Math.abs(value) < 9e37 || split < 0) return value;
  const exponent = text.substring(text.charAt(split + 1) == "+" ? split + 2 : split + 1);
  return parseFloat(text.substring(0, split)) * parseFloat("1e" + exponent);
}

function isDigit(unit: i32): bool {
  return <u32>(unit - 0x30) < 10;
}

function hexDigit(unit: i32): i32 {
  if (isDigit(unit)) return unit - 0x30;
  const letter = unit | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}
