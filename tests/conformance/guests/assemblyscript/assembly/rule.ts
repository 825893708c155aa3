// The rule of the conformance tests; what each case does is in the table of
// tests/conformance/README.md.
import {
  Context, Description, Label, Outcome, Query, RangeQuery, fail, label, log, metrics, prefetch, query, state, timers,
  toUtf8,
} from "../sdk/assembly";

export function describe(): Description {
  return new Description("conformance", "Does what its configuration says.")
    .configSchema('{"type":"object"}')
    .query("up");
}

export function evaluate(context: Context): Outcome {
  const name = context.config.get("do").string();
  if (name == "context") return doContext(context);
  if (name == "config") return doConfig(context);
  if (name == "instant") return doInstant(context);
  if (name == "columns") return doColumns();
  if (name == "range") return doRange(context);
  if (name == "prefetch") return doPrefetch();
  if (name == "may_fail") return doMayFail();
  if (name == "query_error") return doQueryError();
  if (name == "empty") return doEmpty();
  if (name == "large") return doLarge();
  if (name == "utf8") return doUtf8(context);
  if (name == "floats") return doFloats();
  if (name == "state") return doState();
  if (name == "timers") return doTimers(context);
  if (name == "output") return doOutput();
  if (name == "record") return doRecord();
  if (name == "error") return fail("too_hot", "5 degrees too hot");
  if (name == "exception") throw new Error("boom");
  if (name == "limit") return doLimit();
  return fail("bad_config", `there is no "${name}"`);
}

function doContext(context: Context): Outcome {
  const outcome = new Outcome();
  outcome.find()
    .label("tenant", context.tenant)
    .label("namespace", context.namespace)
    .label("group", context.group)
    .label("rule", context.rule)
    .label("now_ms", context.nowMs)
    .label("interval_ms", context.intervalMs)
    .label("trigger", context.trigger.kind)
    .label("owner", context.labels.get("team"));
  return outcome;
}

function doConfig(context: Context): Outcome {
  const config = context.config;
  let sum = config.get("number").number();
  const list = config.get("list").array();
  for (let i = 0; i < list.length; i++) sum += list[i].number();
  const outcome = new Outcome();
  outcome.find()
    .label("text", config.get("text").string())
    .label("on", config.get("nested").get("on").boolean())
    .value(sum);
  return outcome;
}

function doInstant(context: Context): Outcome {
  const above = context.config.get("above").number();
  const outcome = new Outcome();
  const cpu = query("cpu");
  for (let i = 0; i < cpu.length; i++) {
    const series = cpu.at(i);
    if (series.value > above) outcome.find(series).annotation("summary", `${series.label("host")} is busy`);
  }
  return outcome;
}

function doColumns(): Outcome {
  const cpu = query("cpu");
  const hosts = cpu.label("host");
  const names = new Array<string>(hosts.length);
  for (let i = 0; i < hosts.length; i++) names[i] = hosts[i];

  const last = cpu.labelsOf([cpu.length - 1])[0];
  const pairs = last.list.map<string>((label: Label) => `${label.name}=${label.value}`);
  const outcome = new Outcome();
  outcome.find()
    .label("hosts", names.join(","))
    .label("last", pairs.join(","))
    .value(cpu.values.reduce<f64>((sum, value) => sum + value, 0))
    .annotation("first_ms", cpu.timestampsMs()[0]);
  return outcome;
}

function doRange(context: Context): Outcome {
  const outcome = new Outcome();
  const cpu = RangeQuery.last("cpu", 300_000, context.nowMs, 60_000).run();
  for (let i = 0; i < cpu.length; i++) {
    const values = cpu.samples(i).values;
    const smallest = values.reduce<f64>((a, b) => min(a, b), Infinity);
    const largest = values.reduce<f64>((a, b) => max(a, b), -Infinity);
    outcome.find(cpu.at(i)).value(largest - smallest).annotation("points", values.length);
  }
  return outcome;
}

function doPrefetch(): Outcome {
  prefetch([new Query("a"), new Query("b")]);
  const a = query("a");
  const b = query("b");
  const outcome = new Outcome();
  if (a.length && b.length) outcome.find().value(a.values[0] + b.values[0]);
  return outcome;
}

function doMayFail(): Outcome {
  const outcome = new Outcome();
  const error = new Query("broken").mayFail().run().error;
  if (error) outcome.find().label("code", error.code).annotation("message", error.message);
  return outcome;
}

function doQueryError(): Outcome {
  const outcome = new Outcome();
  outcome.find().value(query("broken").length);
  return outcome;
}

function doEmpty(): Outcome {
  log.info(`${query("nothing").length} series`);
  return new Outcome();
}

function doLarge(): Outcome {
  const outcome = new Outcome();
  const many = query("many");
  const values = many.values;
  for (let i = 0; i < values.length; i++) {
    if (values[i] > 0.5) outcome.find(many.at(i));
  }
  return outcome;
}

function doUtf8(context: Context): Outcome {
  const text = context.config.get("text").string();
  let points = 0;
  for (let i = 0; i < text.length; i += text.codePointAt(i) > 0xffff ? 2 : 1) points++;
  log.info(text);
  state.set("text", toUtf8(text));
  const outcome = new Outcome();
  outcome.find().label("text", text).value(points).annotation("twice", text + text);
  return outcome;
}

function doFloats(): Outcome {
  const outcome = new Outcome();
  const odd = query("odd");
  for (let i = 0; i < odd.length; i++) outcome.find(odd.at(i));
  return outcome;
}

function doState(): Outcome {
  const before = state.get("count");
  const count = new Uint8Array(before ? before.length + 1 : 1);
  if (before) count.set<Uint8Array>(before);
  count[count.length - 1] = 0xff;
  state.set("count", count);
  state.set("a/1", new Uint8Array(1));
  state.set("a/2", new Uint8Array(0));
  state.remove("a/1");
  state.remove("gone");
  const outcome = new Outcome();
  outcome.find().value(count.length).label("keys", state.keys("a/").join(","));
  return outcome;
}

function doTimers(context: Context): Outcome {
  const outcome = new Outcome();
  const trigger = context.trigger;
  const timer = context.timer;
  if (timer) {
    let payload = "";
    for (let i = 0; i < trigger.payload.length; i++) payload += trigger.payload[i].toString(16).padStart(2, "0");
    outcome.find().label("timer", timer).label("payload", payload).value(<f64>(context.nowMs - trigger.dueMs));
    return outcome;
  }
  const payload = new Uint8Array(3);
  payload[1] = 0xff;
  payload[2] = 0x78;
  timers.set("wake", context.nowMs + 1_000, payload);
  timers.set("other", context.nowMs + 5_000);
  timers.cancel("other");
  const names = timers.pending().map<string>((timer) => timer.name);
  outcome.find().label("pending", names.join(","));
  return outcome;
}

function doOutput(): Outcome {
  log.trace("trace", [label("n", 0)]);
  log.debug("debug", [label("n", 1)]);
  log.info("info", [label("n", 2)]);
  log.warn("warn", [label("n", 3)]);
  log.error("error", [label("n", 4)]);
  metrics.count("runs_total", 2, [label("kind", "a")]);
  metrics.gauge("level", -1.5);
  metrics.observe("took_seconds", 0.25);
  return new Outcome();
}

function doRecord(): Outcome {
  const outcome = new Outcome();
  outcome.record("cpu:copy", query("cpu").at(0)).label("copied", "yes");
  outcome.record("answer").label("unit", "x").value(42);
  return outcome;
}

function doLimit(): Outcome {
  while (true) {}
}
