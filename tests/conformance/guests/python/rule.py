"""The twenty behaviours of every language's SDK, see tests/conformance/README.md."""

from collections.abc import Callable, Iterator
from typing import Any

from wasmalert import (
    Context,
    Error,
    Finding,
    QueryError,
    RangeQuery,
    Sample,
    log,
    metrics,
    prefetch,
    query,
    rule,
    state,
    timers,
)

Found = Iterator[Finding | Sample]


@rule("conformance", "Shows what every SDK gives.", queries=["up"])
def evaluate(context: Context, config: dict[str, Any]) -> Found:
    does = BEHAVIOURS.get(config.get("do"))
    if does is None:
        raise Error("bad_config", f"do: {config.get('do')!r} is none of {', '.join(BEHAVIOURS)}")
    yield from does(context, config)


def show_context(context: Context, config: dict[str, Any]) -> Found:
    yield Finding(
        labels={
            "tenant": context.tenant,
            "namespace": context.namespace,
            "group": context.group,
            "rule": context.rule,
            "now_ms": context.now_ms,
            "interval_ms": context.interval_ms,
            "trigger": context.trigger.kind,
            "owner": context.labels.get("team", ""),
        }
    )


def show_config(context: Context, config: dict[str, Any]) -> Found:
    on = "true" if config["nested"]["on"] else "false"
    yield Finding(value=config["number"] + sum(config["list"]), labels={"text": config["text"], "on": on})


def instant(context: Context, config: dict[str, Any]) -> Found:
    for host in query("cpu"):
        if host.value > config["above"]:
            yield Finding(host, annotations={"summary": f"{host.label('host')} is busy"})


def columns(context: Context, config: dict[str, Any]) -> Found:
    cpu = query("cpu")
    (last,) = cpu.labels_of([len(cpu) - 1])
    yield Finding(
        value=sum(cpu.values),
        labels={
            "hosts": ",".join(cpu.label("host")),
            "last": ",".join(f"{name}={value}" for name, value in last.items()),
        },
        annotations={"first_ms": cpu.timestamps_ms[0]},
    )


def span(context: Context, config: dict[str, Any]) -> Found:
    for series in RangeQuery.last("cpu", "5m", context.now_ms, "1m").run():
        values = series.samples.values
        yield Finding(series, max(values) - min(values), annotations={"points": len(values)})


def ask_ahead(context: Context, config: dict[str, Any]) -> Found:
    prefetch("a", "b")
    yield Finding(value=query("a").values[0] + query("b").values[0])


def may_fail(context: Context, config: dict[str, Any]) -> Found:
    try:
        query("broken", may_fail=True)
    except QueryError as error:
        yield Finding(labels={"code": error.code}, annotations={"message": error.message})


def query_error(context: Context, config: dict[str, Any]) -> Found:
    yield from map(Finding, query("broken"))


def empty(context: Context, config: dict[str, Any]) -> Found:
    nothing = query("nothing")
    log.info(f"{len(nothing)} series")
    yield from map(Finding, nothing)


def large(context: Context, config: dict[str, Any]) -> Found:
    many = query("many")
    for series, value in enumerate(many.values):
        if value > 0.5:
            yield Finding(many[series])


def utf8(context: Context, config: dict[str, Any]) -> Found:
    text = config["text"]
    log.info(text)
    state.set("text", text.encode())
    yield Finding(value=len(text), labels={"text": text}, annotations={"twice": text * 2})


def floats(context: Context, config: dict[str, Any]) -> Found:
    yield from map(Finding, query("odd"))


def keep_state(context: Context, config: dict[str, Any]) -> Found:
    count = (state.get("count") or b"") + b"\xff"
    state.set("count", count)
    state.set("a/1", b"\x00")
    state.set("a/2", b"")
    state.delete("a/1")
    state.delete("gone")
    yield Finding(value=len(count), labels={"keys": ",".join(state.keys("a/"))})


def set_timers(context: Context, config: dict[str, Any]) -> Found:
    if context.timer is not None:
        labels = {"timer": context.timer, "payload": context.trigger.payload.hex()}
        yield Finding(value=context.now_ms - context.trigger.due_ms, labels=labels)
        return
    timers.set("wake", context.now_ms + 1_000, b"\x00\xffx")
    timers.set("other", context.now_ms + 5_000)
    timers.cancel("other")
    yield Finding(labels={"pending": ",".join(timer.name for timer in timers.pending())})


def output(context: Context, config: dict[str, Any]) -> Found:
    log.trace("trace", n=0)
    log.debug("debug", n=1)
    log.info("info", n=2)
    log.warn("warn", n=3)
    log.error("error", n=4)
    metrics.count("runs_total", 2, kind="a")
    metrics.gauge("level", -1.5)
    metrics.observe("took_seconds", 0.25)
    yield from ()


def record(context: Context, config: dict[str, Any]) -> Found:
    yield Sample("cpu:copy", query("cpu")[0], labels={"copied": "yes"})
    yield Sample("answer", value=42, labels={"unit": "x"})


def fail(context: Context, config: dict[str, Any]) -> Found:
    raise Error("too_hot", "5 degrees too hot")


def throw(context: Context, config: dict[str, Any]) -> Found:
    raise RuntimeError("boom")


def never_return(context: Context, config: dict[str, Any]) -> Found:
    while True:
        pass


BEHAVIOURS: dict[Any, Callable[[Context, dict[str, Any]], Found]] = {
    "context": show_context,
    "config": show_config,
    "instant": instant,
    "columns": columns,
    "range": span,
    "prefetch": ask_ahead,
    "may_fail": may_fail,
    "query_error": query_error,
    "empty": empty,
    "large": large,
    "utf8": utf8,
    "floats": floats,
    "state": keep_state,
    "timers": set_timers,
    "output": output,
    "record": record,
    "error": fail,
    "exception": throw,
    "limit": never_return,
}
