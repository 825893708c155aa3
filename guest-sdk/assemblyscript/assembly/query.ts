/**
 * Queries, and the frames they come back as.
 *
 * A *frame* holds series, numbered from 0, as columns. It stays in the host;
 * what is asked of it is one call that hands over what it answers.
 */
import * as host from "./imports";
import { RESULT, elements, liftColumn, liftList, liftText, lowerText } from "./abi";
import { fail } from "./failure";
import { Labels, liftLabels } from "./label";
import { whole } from "./text";

/** Asks the rule's own source for the present: one value for each series. */
export function query(expr: string): Frame {
  return new Query(expr).run();
}

/** Asks several queries at once, which saves rounds. */
export function queryAll(exprs: string[]): Frame[] {
  const queries = new Array<Query>(exprs.length);
  for (let i = 0; i < exprs.length; i++) queries[i] = new Query(exprs[i]);
  prefetch(queries);
  const frames = new Array<Frame>(exprs.length);
  for (let i = 0; i < exprs.length; i++) frames[i] = queries[i].run();
  return frames;
}

/**
 * Has several queries fetched at once, so that asking for each later costs no
 * further round. Failures show up where a query is asked.
 */
export function prefetch(instants: Query[], ranges: RangeQuery[] = []): void {
  host.queryPrefetch(
    elements<Query>(instants, 40, lowerQuery), instants.length,
    elements<RangeQuery>(ranges, 48, lowerRangeQuery), ranges.length,
  );
}

/** A query of the present: one value for each series. */
export class Query {
  private sourceName: string = "";
  private timeMs: i64 = 0;
  private hasTime: bool = false;
  private isOptional: bool = false;

  constructor(private expr: string) {}

  /** Asks the source of that name, not the rule's own. */
  source(name: string): this {
    this.sourceName = name;
    return this;
  }

  /** Asks for another time than the slot's, in ms since the epoch. */
  at(timeMs: i64): this {
    this.timeMs = timeMs;
    this.hasTime = true;
    return this;
  }

  /**
   * Lets the rule decide what a failure means, by `frame.error`. Without this a
   * failure fails the whole evaluation, so that no alert changes.
   */
  mayFail(): this {
    this.isOptional = true;
    return this;
  }

  /** Asks. */
  run(): Frame {
    const source = whole(this.sourceName);
    const expr = whole(this.expr);
    host.queryInstant(
      source, source.length, expr, expr.length, this.hasTime, this.timeMs, this.isOptional, RESULT,
    );
    return liftFrame(this.isOptional);
  }

  /** @internal */
  lower(at: usize): void {
    lowerText(at, this.sourceName);
    lowerText(at + 8, this.expr);
    store<bool>(at, this.hasTime, 16);
    store<i64>(at, this.timeMs, 24);
    store<bool>(at, this.isOptional, 32);
  }
}

/** A query of a span of time: many samples for each series. */
export class RangeQuery {
  private sourceName: string = "";
  private isOptional: bool = false;

  /** Times in ms since the epoch, both inclusive; the step is at least 1. */
  constructor(private expr: string, private startMs: i64, private endMs: i64, private stepMs: i64) {}

  /** The span that ends at a time, usually `context.nowMs`; all in ms. */
  static last(expr: string, spanMs: i64, endMs: i64, stepMs: i64): RangeQuery {
    return new RangeQuery(expr, endMs - spanMs, endMs, stepMs);
  }

  /** Asks the source of that name, not the rule's own. */
  source(name: string): this {
    this.sourceName = name;
    return this;
  }

  /** As `Query.mayFail`. */
  mayFail(): this {
    this.isOptional = true;
    return this;
  }

  /** Asks. */
  run(): Frame {
    const source = whole(this.sourceName);
    const expr = whole(this.expr);
    host.queryRange(
      source, source.length, expr, expr.length, this.startMs, this.endMs, this.stepMs, this.isOptional, RESULT,
    );
    return liftFrame(this.isOptional);
  }

  /** @internal */
  lower(at: usize): void {
    lowerText(at, this.sourceName);
    lowerText(at + 8, this.expr);
    store<i64>(at, this.startMs, 16);
    store<i64>(at, this.endMs, 24);
    store<i64>(at, this.stepMs, 32);
    store<bool>(at, this.isOptional, 40);
  }
}

function lowerQuery(at: usize, query: Query): void {
  query.lower(at);
}

function lowerRangeQuery(at: usize, query: RangeQuery): void {
  query.lower(at);
}

/** Why a query failed. */
export class QueryError {
  constructor(
    /** Such as `query_failed`, `query_timeout` or `query_unavailable`. */
    public code: string,
    public message: string,
    /** Named facts. */
    public extras: Labels,
  ) {}
}

function liftFrame(mayFail: bool): Frame {
  if (!load<u8>(RESULT)) return new Frame(load<u32>(RESULT, 4), null);
  const error = new QueryError(liftText(RESULT + 4), liftText(RESULT + 12), liftLabels(RESULT + 20));
  if (!mayFail) fail(error.code, error.message);
  return new Frame(0, error);
}

/**
 * A query's result: series in the order the source gave them. Asking for a series
 * that is not there traps, but not when the query failed: there are none then,
 * and whichever is asked for has the value NaN.
 */
export class Frame {
  private count: i32 = -1;
  private ownId: u32 = 0;
  private hasId: bool = false;
  private newest: StaticArray<f64> | null = null;

  /** @internal */
  constructor(
    private handle: u32,
    /** Why the query failed; null when it did not. */
    public error: QueryError | null,
  ) {}

  /** Number of series. */
  get length(): i32 {
    if (this.count < 0) this.count = this.handle ? host.frameLen(this.handle) : 0;
    return this.count;
  }

  /** One series, with its newest value. */
  at(series: i32): Series {
    return new Series(this, series, this.handle ? this.values[series] : NaN);
  }

  /** The newest value of each series. Handed over once. */
  get values(): StaticArray<f64> {
    let values = this.newest;
    if (!values) {
      this.ask(host.frameValues);
      values = liftColumn<f64>(RESULT);
      this.newest = values;
    }
    return values;
  }

  /** The time of the newest value of each series in ms since the epoch. */
  timestampsMs(): StaticArray<i64> {
    this.ask(host.frameTimestampsMs);
    return liftColumn<i64>(RESULT);
  }

  /** One label of all series; much cheaper than the labels of each. */
  label(name: string): LabelColumn {
    this.clear();
    name = whole(name);
    if (this.handle) host.frameLabel(this.handle, name, name.length, RESULT);
    return new LabelColumn(liftList<string>(RESULT, 8, liftText), liftColumn<u32>(RESULT + 8));
  }

  /** All labels of one series. */
  labels(series: i32): Labels {
    this.clear();
    if (this.handle) host.frameLabels(this.handle, series, RESULT);
    return liftLabels(RESULT);
  }

  /** All labels of many series in one call, in the order asked. */
  labelsOf(series: i32[]): Labels[] {
    this.clear();
    if (this.handle) host.frameLabelsOf(this.handle, series.dataStart, series.length, RESULT);
    return liftList<Labels>(RESULT, 8, liftLabels);
  }

  /** All samples of one series, oldest first; one sample in an instant result. */
  samples(series: i32): Samples {
    this.clear();
    if (this.handle) host.frameSamples(this.handle, series, RESULT);
    return new Samples(liftColumn<i64>(RESULT), liftColumn<f64>(RESULT + 8));
  }

  /**
   * Where each series' samples lie in the columns of all: series `i` has those
   * from `offsets[i]` to before `offsets[i + 1]`; one longer than there are series.
   */
  sampleOffsets(): StaticArray<u32> {
    this.ask(host.frameSampleOffsets);
    return liftColumn<u32>(RESULT);
  }

  /** Sample times of all series, one after the other, ms since the epoch. */
  allTimestampsMs(): StaticArray<i64> {
    this.ask(host.frameAllTimestampsMs);
    return liftColumn<i64>(RESULT);
  }

  /** Sample values of all series, one after the other. */
  allValues(): StaticArray<f64> {
    this.ask(host.frameAllValues);
    return liftColumn<f64>(RESULT);
  }

  /** Number by which findings and recorded samples point at this frame. */
  get id(): u32 {
    if (!this.hasId && this.handle) this.ownId = host.frameId(this.handle);
    this.hasId = true;
    return this.ownId;
  }

  /** Asks for a column, an empty one of a frame without a result. */
  // @ts-ignore: decorator
  @inline
  private ask(column: (frame: u32, result: usize) => void): void {
    this.clear();
    if (this.handle) column(this.handle, RESULT);
  }

  /** Makes the answer two empty lists. */
  private clear(): void {
    store<u64>(RESULT, 0);
    store<u64>(RESULT, 0, 8);
  }
}

/** One series of a frame, with its newest value. */
export class Series {
  constructor(
    public frame: Frame,
    /** Its number in the frame. */
    public index: i32,
    /** Its newest value. */
    public value: f64,
  ) {}

  /**
   * The value of one label; the empty text stands for an absent one. One call of
   * the host: for many series take the column, `frame.label`.
   */
  label(name: string): string {
    return this.labels().get(name);
  }

  /** All labels. One call of the host: for many series use `frame.labelsOf`. */
  labels(): Labels {
    return this.frame.labels(this.index);
  }

  /** All samples, oldest first. */
  samples(): Samples {
    return this.frame.samples(this.index);
  }
}

/**
 * One label of all series: `column[i]` is its value of series `i`, the empty text
 * when there is no such series.
 */
export class LabelColumn {
  [key: number]: string;

  constructor(
    /** The different values; the empty text stands for an absent label. */
    public values: string[],
    /** The index in `values` of each series' value. */
    public codes: StaticArray<u32>,
  ) {}

  /** Number of series. */
  get length(): i32 {
    return this.codes.length;
  }

  // @ts-ignore: decorator
  @operator("[]")
  at(series: i32): string {
    return <u32>series < <u32>this.codes.length ? this.values[this.codes[series]] : "";
  }
}

/** The samples of one series, oldest first. */
export class Samples {
  constructor(
    /** Times in ms since the epoch. */
    public timestampsMs: StaticArray<i64>,
    public values: StaticArray<f64>,
  ) {}

  /** Number of samples. */
  get length(): i32 {
    return this.values.length;
  }
}
