/** What a notifier is told and what it answers. */
import { bytesOf, liftList, liftText, listOf, lowerBytes, lowerList, lowerNothing, lowerText } from "./abi";
import { fail } from "./failure";
import { Json } from "./json";
import { LABEL, Label, Labels, liftLabel, liftLabels, lowerLabels } from "./label";
import { parseConfig } from "./rule";
import { equalsIgnoreCase, fromUtf8, toUtf8 } from "./text";

/** The most characters of an answer's body that a reason quotes. */
const REASON_CHARS_MAX = 200;

/** What marks the place of a secret. */
const SECRET = "{{secret:";

/**
 * The place of a tenant's secret in a URL, a header's value or a body: the host
 * puts the secret in on the way out.
 */
export function secret(name: string): string {
  return SECRET + name + "}}";
}

/**
 * The text with a space in each `{{secret:`, so that the host does not take it
 * for one. For what comes from labels and annotations: they must not be able to
 * ask for a secret.
 */
export function withoutSecrets(text: string): string {
  return text.replaceAll(SECRET, "{ {secret:");
}

/** An alert to tell of. */
export class Alert {
  /** `firing` or `resolved`. */
  status: string;
  /** All labels, `alertname` included, sorted by name. */
  labels: Labels;
  annotations: Labels;
  /** The value of the last finding. */
  value: f64;
  /** Since when it fires, ms since the epoch. */
  startsAtMs: i64;
  /**
   * When it resolved; while it fires, until when the receiver may believe it
   * without hearing again. ms since the epoch.
   */
  endsAtMs: i64;
  /** Link to the rule; empty where the operator gave no external URL. */
  generatorUrl: string;
  /** 16 hexadecimal digits, the same for the same labels. */
  fingerprint: string;
  /** Named facts. */
  extras: Labels;

  /** Lifts what the host has written. */
  constructor(at: usize) {
    this.status = liftText(at);
    this.labels = liftLabels(at + 8);
    this.annotations = liftLabels(at + 16);
    this.value = load<f64>(at, 24);
    this.startsAtMs = load<i64>(at, 32);
    this.endsAtMs = load<i64>(at, 40);
    this.generatorUrl = liftText(at + 48);
    this.fingerprint = liftText(at + 56);
    this.extras = liftLabels(at + 64);
  }

  /** Whether it fires; if not, it has resolved. */
  get isFiring(): bool {
    return this.status == "firing";
  }

  /** The value of a label; the empty text stands for an absent one. */
  label(name: string): string {
    return this.labels.get(name);
  }

  /** The text of an annotation; empty where there is none. */
  annotation(name: string): string {
    return this.annotations.get(name);
  }
}

function liftAlert(at: usize): Alert {
  return new Alert(at);
}

/** The alerts of one rule for one receiver. */
export class Batch {
  tenant: string;
  receiver: string;
  namespace: string;
  group: string;
  rule: string;
  /** The receiver's configuration; what does not fit in it fails with `bad_config`. */
  config: Json;
  /** The time of delivery in ms since the epoch. */
  nowMs: i64;
  /** The same for every attempt at this batch. */
  idempotencyKey: string;
  /** Where people find this host; may be empty. */
  externalUrl: string;
  /** 1 to 256 alerts. */
  alerts: Alert[];
  /** Named facts. */
  extras: Labels;

  /** Lifts what the host has written. */
  constructor(at: usize) {
    this.tenant = liftText(at);
    this.receiver = liftText(at + 8);
    this.namespace = liftText(at + 16);
    this.group = liftText(at + 24);
    this.rule = liftText(at + 32);
    this.config = parseConfig(liftText(at + 40));
    this.nowMs = load<i64>(at, 48);
    this.idempotencyKey = liftText(at + 56);
    this.externalUrl = liftText(at + 64);
    this.alerts = liftList<Alert>(at + 72, 72, liftAlert);
    this.extras = liftLabels(at + 80);
  }

  /** Whether any alert fires. */
  get isFiring(): bool {
    return this.alerts.some((alert) => alert.isFiring);
  }
}

/** A request that the host is to send. */
export class Request {
  headers: Label[] = [];

  constructor(public method: string, public url: string, public body: Uint8Array) {}

  /** Makes a POST of a text. A `{{secret:NAME}}` in it is put in: see `withoutSecrets`. */
  static post(url: string, body: string): Request {
    if (!url.startsWith("http://") && !url.startsWith("https://") && !url.startsWith(SECRET)) {
      fail("bad_config", `url: "${url}" starts with neither http://, https:// nor ${SECRET}NAME}}`);
    }
    return new Request("POST", url, toUtf8(body));
  }

  /**
   * Makes a POST of a JSON body. A `{{secret:NAME}}` in the body stays text:
   * labels and annotations must not be able to ask for a secret.
   */
  static postJson(url: string, body: Json): Request {
    const text = body.toString().replaceAll(SECRET, "{\\u007bsecret:");
    return Request.post(url, text).header("Content-Type", "application/json");
  }

  /** Adds a header. */
  header(name: string, value: string): this {
    this.headers.push(new Label(name, value));
    return this;
  }

  /** @internal */
  lower(at: usize): void {
    lowerText(at, this.method);
    lowerText(at + 8, this.url);
    lowerLabels(at + 16, this.headers);
    lowerBytes(at + 24, this.body);
    lowerNothing(at + 32);
  }
}

export function lowerRequest(at: usize, request: Request): void {
  request.lower(at);
}

/** The answer to a request. */
export class Response {
  constructor(
    public status: i32,
    public headers: Label[],
    /** The first bytes of the body, at most 64 KiB. */
    public body: Uint8Array,
  ) {}

  /** The value of a header, whatever its letters' case; null when it is absent. */
  header(name: string): string | null {
    for (let i = 0; i < this.headers.length; i++) {
      if (equalsIgnoreCase(this.headers[i].name, name)) return this.headers[i].value;
    }
    return null;
  }

  /**
   * `Retry-After` in ms where it is a number of seconds, else -1. A date says
   * nothing without a clock.
   */
  get retryAfterMs(): i64 {
    const header = this.header("retry-after");
    const seconds = header ? header.trim() : "";
    if (!seconds.length || seconds.length > 15) return -1;
    for (let i = 0; i < seconds.length; i++) {
      if (<u32>(seconds.charCodeAt(i) - 0x30) > 9) return -1;
    }
    return I64.parseInt(seconds) * 1000;
  }

  /** The start of the body as text, for people. */
  get excerpt(): string {
    const text = fromUtf8(this.body).trim();
    let end = 0;
    for (let chars = 0; chars < REASON_CHARS_MAX && end < text.length; chars++) {
      end += text.codePointAt(end) > 0xffff ? 2 : 1;
    }
    return text.substring(0, end);
  }
}

/** The response whose parts the host has handed over. */
export function responseOf(status: i32, headers: usize, headersLength: i32, body: usize, bodyLength: i32): Response {
  return new Response(status, listOf<Label>(headers, headersLength, LABEL, liftLabel), bytesOf(body, bodyLength));
}

/** What an answer means. */
export class Disposition {
  private constructor(
    /** `delivered`, `retry` or `failed`. */
    public kind: string,
    /** Why, for people; empty when delivered. */
    public reason: string,
    /** Wait at least so long before the next attempt; -1 where nothing is known. */
    public retryAfterMs: i64,
  ) {}

  /** The receiver has it. */
  static delivered(): Disposition {
    return new Disposition("delivered", "", -1);
  }

  /** The receiver could not take it now; wait at least so long, where known. */
  static retry(reason: string, afterMs: i64 = -1): Disposition {
    return new Disposition("retry", reason, afterMs);
  }

  /** Trying again would not help. */
  static failed(reason: string): Disposition {
    return new Disposition("failed", reason, -1);
  }

  /**
   * What a status means as a rule: 2xx delivered; 408, 429 and 5xx retry, with
   * `Retry-After`; all others failed.
   */
  static of(response: Response): Disposition {
    const status = response.status;
    if (status >= 200 && status < 300) return Disposition.delivered();
    const reason = `status ${status}: ${response.excerpt}`;
    const isPassing = status == 408 || status == 429 || (status >= 500 && status < 600);
    return isPassing ? Disposition.retry(reason, response.retryAfterMs) : Disposition.failed(reason);
  }

  /** @internal */
  lower(): usize {
    const at = heap.alloc(40);
    lowerText(at, this.kind);
    store<bool>(at, this.retryAfterMs >= 0, 8);
    store<i64>(at, this.retryAfterMs, 16);
    lowerText(at + 24, this.reason);
    lowerNothing(at + 32);
    return at;
  }
}
