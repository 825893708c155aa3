/** What a rule is told and what it answers. */
import { liftBytes, liftText, lowerList, lowerNothing } from "./abi";
import { Json } from "./json";
import { Label, Labels, added, label, liftLabels, lowerLabels } from "./label";
import { Series } from "./query";

/** Why an evaluation happens. */
export class Trigger {
  constructor(
    /** `interval` or `timer`. */
    public kind: string,
    /** The timer's name; empty for `interval`. */
    public timer: string,
    /** The timer's due time in ms since the epoch; the slot for `interval`. */
    public dueMs: i64,
    /** The timer's payload; empty for `interval`. */
    public payload: Uint8Array,
  ) {}
}

/** Everything an evaluation knows before it asks. */
export class Context {
  private json: Json | null = null;

  /** Lifts what the host has written. */
  constructor(at: usize) {
    this.tenant = liftText(at);
    this.namespace = liftText(at + 8);
    this.group = liftText(at + 16);
    this.rule = liftText(at + 24);
    this.nowMs = load<i64>(at, 32);
    this.intervalMs = load<i64>(at, 40);
    this.trigger = new Trigger(liftText(at + 48), liftText(at + 56), load<i64>(at, 64), liftBytes(at + 72));
    this.configText = liftText(at + 80);
    this.labels = liftLabels(at + 88);
    this.extras = liftLabels(at + 96);
  }

  tenant: string;
  namespace: string;
  group: string;
  rule: string;
  /** The slot's time in ms since the epoch: the only "now" there is. */
  nowMs: i64;
  /** The group's interval in ms, at least 1. */
  intervalMs: i64;
  trigger: Trigger;
  private configText: string;
  /** The labels that the host will put on every alert of this rule. */
  labels: Labels;
  /** Named facts. */
  extras: Labels;

  /** The rule's configuration; what does not fit in it fails with `bad_config`. */
  get config(): Json {
    let json = this.json;
    if (!json) {
      json = parseConfig(this.configText);
      this.json = json;
    }
    return json;
  }

  /** The name of the timer that causes this evaluation; null at a slot. */
  get timer(): string | null {
    return this.trigger.kind == "timer" ? this.trigger.timer : null;
  }
}

/** Reads a configuration. */
export function parseConfig(text: string): Json {
  return Json.parse(text, "bad_config", "the configuration");
}

/** What a successful evaluation answers: what is wrong right now, and samples to record. */
export class Outcome {
  private findings: Finding[] = [];
  private samples: RecordedSample[] = [];

  /**
   * Adds something that is wrong: a series with its value, or something that no
   * series stands for. Its labels, with the rule's on top, are the identity of
   * the alert and may occur once.
   */
  find(series: Series | null = null): Finding {
    const finding = new Finding(series);
    this.findings.push(finding);
    return finding;
  }

  /**
   * Adds a sample to record under a metric's name: a series with its value, or
   * one of no series.
   */
  record(name: string, series: Series | null = null): RecordedSample {
    const sample = new RecordedSample(series).label("__name__", name);
    this.samples.push(sample);
    return sample;
  }

  /** @internal */
  lower(at: usize): void {
    lowerList<Finding>(at, this.findings, 48, lowerFinding);
    lowerList<RecordedSample>(at + 8, this.samples, 32, lowerSample);
    lowerNothing(at + 16);
  }
}

/** Something that is wrong right now. */
export class Finding {
  private labels: Label[] | null = null;
  private annotations: Label[] | null = null;
  private number: f64;

  /** @internal */
  constructor(private series: Series | null) {
    this.number = series ? series.value : 0;
  }

  /**
   * Adds a label, which wins over the series' label of that name; an empty value
   * deletes the label. Numbers are written in decimal.
   */
  label<T>(name: string, value: T): this {
    this.labels = added(this.labels, label<T>(name, value));
    return this;
  }

  /** Sets the value to show with the alert, 0 without a series. */
  value(value: f64): this {
    this.number = value;
    return this;
  }

  /** Adds an annotation, which wins over the rule's own. */
  annotation<T>(name: string, value: T): this {
    this.annotations = added(this.annotations, label<T>(name, value));
    return this;
  }

  /** @internal */
  lower(at: usize): void {
    lowerSeries(at, this.series);
    lowerLabels(at + 12, this.labels);
    store<f64>(at, this.number, 24);
    lowerLabels(at + 32, this.annotations);
    lowerNothing(at + 40);
  }
}

/** A sample to record, for recording rules. */
export class RecordedSample {
  private labels: Label[] | null = null;
  private number: f64;

  /** @internal */
  constructor(private series: Series | null) {
    this.number = series ? series.value : 0;
  }

  /** Adds a label, which wins over the series' label of that name. */
  label<T>(name: string, value: T): this {
    this.labels = added(this.labels, label<T>(name, value));
    return this;
  }

  /** Sets the value, 0 without a series. */
  value(value: f64): this {
    this.number = value;
    return this;
  }

  /** @internal */
  lower(at: usize): void {
    lowerSeries(at, this.series);
    lowerLabels(at + 12, this.labels);
    store<f64>(at, this.number, 24);
  }
}

function lowerSeries(at: usize, series: Series | null): void {
  store<bool>(at, series != null);
  if (!series) return;
  store<u32>(at, series.frame.id, 4);
  store<u32>(at, series.index, 8);
}

function lowerFinding(at: usize, finding: Finding): void {
  finding.lower(at);
}

function lowerSample(at: usize, sample: RecordedSample): void {
  sample.lower(at);
}
