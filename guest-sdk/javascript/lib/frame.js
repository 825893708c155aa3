/**
 * Query results. A *frame* holds `n` *series*, numbered from 0, as columns. It stays in the host; what is asked of it
 * is copied once and kept.
 */

import { byName, text, whole } from "./lower.js";

/** @typedef {import("./types.d.ts").Labels} Labels */

/** A series in so many asks for a label of its own before the whole column is cheaper. */
const COLUMN_SHARE = 30;

/**
 * A query's result: series in the order the source gave them.
 */
export class Frame {
  #host;
  /** @type {number | undefined} */
  #id;
  /** @type {Float64Array | undefined} */
  #values;
  /** @type {Series[] | undefined} */
  #series;
  /** @type {Map<string, string[]>} */
  #columns = new Map();
  #asked = 0;

  /** @param {import("wasmalert:rules/query@0.1.0").Frame} host */
  constructor(host) {
    this.#host = host;
  }

  /** Number by which findings and recorded samples point at this frame. */
  get id() {
    return (this.#id ??= this.#host.id());
  }

  /** Number of series. */
  get length() {
    return this.values.length;
  }

  /** The newest value of each series. */
  get values() {
    return (this.#values ??= doubles(this.#host.valuesPacked()));
  }

  /** Each series with its newest value. */
  get series() {
    return (this.#series ??= Array.from(this.values, (value, index) => new Series(this, index, value)));
  }

  /**
   * The series whose newest value passes; cheaper than to filter `series`.
   * @param {(value: number, index: number) => boolean} passes
   * @returns {Series[]}
   */
  filter(passes) {
    /** @type {Series[]} */
    const passed = [];
    this.values.forEach((value, index) => {
      if (passes(value, index)) passed.push(new Series(this, index, value));
    });
    return passed;
  }

  /** The time of the newest value of each series in ms since the epoch. */
  get timestampsMs() {
    return this.#host.timestampsMs();
  }

  /**
   * One label of all series, in order; much cheaper than the labels of each. The empty text stands for an absent one.
   * @param {string} name
   * @returns {string[]}
   */
  label(name) {
    let column = this.#columns.get(name);
    if (column === undefined) {
      const { values, codes } = this.#host.label(text(name));
      column = codes.map((code) => /** @type {string} */ (values[code]));
      this.#columns.set(name, column);
    }
    return column;
  }

  /**
   * All labels of many series in one call, in the order asked.
   * @param {Iterable<Series | number>} series themselves or their numbers
   * @returns {Labels[]}
   */
  labelsOf(series) {
    const numbers = Array.from(series, (one) => this.#number(typeof one === "number" ? one : one.index));
    return this.#host.labelsOf(numbers).map(byName);
  }

  /**
   * All samples of one series, oldest first; one sample in an instant result.
   * @param {Series | number} series itself or its number
   * @returns {{ timestampsMs: number[], values: number[] }}
   */
  samples(series) {
    return this.#host.samples(this.#number(typeof series === "number" ? series : series.index));
  }

  /**
   * Where each series' samples lie in the `all…` columns: series `i` has `offsets[i]` up to, not including,
   * `offsets[i + 1]`; one longer than there are series.
   */
  get sampleOffsets() {
    return this.#host.sampleOffsets();
  }

  /** Sample times of all series, one after the other, ms since the epoch. */
  get allTimestampsMs() {
    return this.#host.allTimestampsMs();
  }

  /** Sample values of all series, one after the other. */
  get allValues() {
    return doubles(this.#host.allValuesPacked());
  }

  /**
   * All labels of one series.
   * @param {Series | number} series itself or its number
   * @returns {Labels}
   */
  labels(series) {
    return byName(this.#host.labels(this.#number(typeof series === "number" ? series : series.index)));
  }

  /**
   * One label of one series: from its own labels while few series are asked, from the column once many have been.
   * @param {number} series
   * @param {string} name
   * @returns {string}
   */
  labelOf(series, name) {
    if (!this.#columns.has(name) && ++this.#asked * COLUMN_SHARE <= this.length) {
      const labels = this.#host.labels(series);
      return labels.find((label) => label.name === name)?.value ?? "";
    }
    return this.label(name)[series] ?? "";
  }

  /** @param {number} series */
  #number(series) {
    const index = whole(series, "series");
    if (index < 0 || index >= this.length) throw new RangeError(`there is no series ${index} of ${this.length}`);
    return index;
  }
}

/** One series of a frame, with its newest value. */
export class Series {
  /**
   * @param {Frame} frame
   * @param {number} index
   * @param {number} value
   */
  constructor(frame, index, value) {
    /** The frame that it is of. */
    this.frame = frame;
    /** Its number in the frame. */
    this.index = index;
    /** Its newest value. */
    this.value = value;
  }

  /** All labels, copied from the host: for many series use `frame.labelsOf`. */
  get labels() {
    return this.frame.labels(this);
  }

  /**
   * The value of one label; the empty text stands for an absent one.
   * @param {string} name
   */
  label(name) {
    return this.frame.labelOf(this.index, name);
  }

  /** All samples, oldest first. */
  get samples() {
    return this.frame.samples(this);
  }
}

/**
 * Little-endian bytes as the numbers that they are, without a copy where they lie well.
 * @param {Uint8Array} packed
 */
function doubles(packed) {
  const { buffer, byteOffset, byteLength } = packed.byteOffset % 8 === 0 ? packed : packed.slice();
  return new Float64Array(buffer, byteOffset, byteLength / 8);
}
