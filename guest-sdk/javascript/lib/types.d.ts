/** What rules and notifiers are told and what they answer. */

import type { Alert } from "./alert.js";
import type { Series } from "./frame.js";
import type { Response } from "./response.js";

/** Labels, annotations, headers or named facts by name. */
export type Labels = { [name: string]: string };

/** The same as they are given: numbers become text, and what is `undefined` or `null` is left out. */
export type LabelsGiven = { readonly [name: string]: string | number | bigint | boolean | null | undefined };

/** What rules and notifiers tell of themselves. */
export interface Description<S extends Schema = Schema> {
  /** Short name, for people. */
  name: string;
  /** What the component does, a sentence or a page of Markdown. */
  doc: string;
  /** JSON Schema of the configuration, which is checked against it and gets its type from it; without one anything goes. */
  config?: S;
  /** Instant queries on the default source that are asked at every slot; the host fetches them ahead. */
  queries?: readonly string[];
  /** Named facts. Known today: `resend` = `true` on a notifier. */
  extras?: LabelsGiven;
}

/** Why an evaluation happens. */
export interface Trigger {
  kind: "interval" | "timer";
  /** The timer's name; empty for `interval`. */
  timer: string;
  /** The timer's due time in ms since the epoch; the slot for `interval`. */
  dueMs: number;
  /** The timer's payload; empty for `interval`. */
  payload: Uint8Array;
}

/** Everything an evaluation knows before it asks. */
export interface Context {
  tenant: string;
  namespace: string;
  group: string;
  rule: string;
  /** The slot's time in ms since the epoch: the only "now" there is. */
  nowMs: number;
  /** The group's interval in ms, at least 1. */
  intervalMs: number;
  trigger: Trigger;
  /** The labels that the host will put on every alert of this rule. */
  labels: Labels;
  /** Named facts. */
  extras: Labels;
}

/**
 * Something that is wrong right now. Its labels, with the rule's labels on top, are the identity of the alert; two
 * findings with the same identity fail the evaluation.
 */
export interface Finding {
  /** Whose labels it takes, without `__name__`; cheaper than copying them. */
  series?: Series | undefined;
  /** Further labels, which win over the series' labels; an empty text deletes the label. */
  labels?: LabelsGiven | undefined;
  /** The value to show with the alert; the series' value unless said, else 0. */
  value?: number | undefined;
  /** Annotations, which win over the rule's own. */
  annotations?: LabelsGiven | undefined;
  /** Named facts. */
  extras?: LabelsGiven | undefined;
}

/** A sample to record, for recording rules. */
export interface Sample {
  /** The metric's name; the series' name unless said. */
  name?: string | undefined;
  /** Whose labels it takes. */
  series?: Series | undefined;
  /** Further labels, which win over the series' labels. */
  labels?: LabelsGiven | undefined;
  /** The value; the series' value unless said, else 0. */
  value?: number | undefined;
}

/** What an evaluation answers that also records samples. */
export interface Outcome {
  findings?: Iterable<Finding>;
  samples?: Iterable<Sample>;
  /** Named facts. */
  extras?: LabelsGiven;
}

/** Alert logic: says what is wrong right now. */
export interface Rule<S extends Schema, C> extends Description<S> {
  /**
   * Evaluates the rule once. Answers findings, as an array or by `yield`, or an object with `samples` too. What it
   * throws leaves every alert as it was and shows up in the rule's health.
   */
  evaluate(config: C, context: Context): Finding[] | Iterable<Finding> | Outcome;
}

/** The alerts of one rule for one receiver. */
export interface Batch {
  tenant: string;
  receiver: string;
  namespace: string;
  group: string;
  rule: string;
  /** The time of delivery in ms since the epoch. */
  nowMs: number;
  /** The same for every attempt at this batch. */
  idempotencyKey: string;
  /** Where people find this host; may be empty. */
  externalUrl: string;
  /** 1 to 256 alerts. */
  alerts: Alert[];
  /** Named facts. */
  extras: Labels;
}

/** A request that the host is to send; see `post` and `postJson`. */
export interface Request {
  /** `POST` unless said. */
  method?: string;
  url: string;
  headers?: LabelsGiven;
  body?: string | Uint8Array;
  /** Named facts. */
  extras?: LabelsGiven;
}

/** What the answer to a request means; see `delivered`, `retry` and `failed`. */
export interface Disposition {
  kind: "delivered" | "retry" | "failed";
  /** Wait at least so long before the next attempt. */
  retryAfterMs?: number | undefined;
  /** Why, for people; empty when delivered. */
  reason?: string;
  /** Named facts. */
  extras?: LabelsGiven;
}

/** Turns alerts into HTTP requests, which the host sends. */
export interface Notifier<S extends Schema, C> extends Description<S> {
  /** Turns alerts into requests, sent one after the other. What it throws fails the notification. */
  notify(config: C, batch: Batch): Iterable<Request>;
  /**
   * Says what the answer to the request of that index means; as `interpret` of the SDK unless the receiver has its
   * own ways.
   */
  interpret?(config: C, response: Response, request: number): Disposition;
}

type Type = "string" | "number" | "integer" | "boolean" | "null" | "array" | "object";

/** A JSON Schema. The keywords named here are checked by the SDK too, all of them by the host. */
export interface Schema {
  readonly type?: Type | readonly Type[];
  readonly enum?: readonly unknown[];
  readonly properties?: { readonly [name: string]: Schema };
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly [keyword: string]: unknown;
}

type Properties<S> = S extends { properties: infer P } ? P : {};
type Required<S> = S extends { required: readonly (infer N)[] } ? N : never;
type Rest<S> = S extends { additionalProperties: false } ? {} : { [name: string]: any };

type ObjectOf<S> = Rest<S> & {
  -readonly [N in keyof Properties<S> as N extends Required<S> ? N : never]: FromSchema<Properties<S>[N]>;
} & {
  -readonly [N in keyof Properties<S> as N extends Required<S> ? never : N]?: FromSchema<Properties<S>[N]>;
};

/** The type of what fits a schema. */
export type FromSchema<S> =
  S extends { enum: readonly (infer V)[] } ? V
  : S extends { type: "string" } ? string
  : S extends { type: "number" | "integer" } ? number
  : S extends { type: "boolean" } ? boolean
  : S extends { type: "null" } ? null
  : S extends { type: "array"; items: infer I } ? FromSchema<I>[]
  : S extends { type: "array" } ? any[]
  : S extends { type: "object" } ? ObjectOf<S>
  : S extends { type: readonly (infer T)[] } ? (T extends Type ? FromSchema<Omit<S, "type"> & { type: T }> : never)
  : any;
