//! Shows the behaviours of tests/conformance/README.md.

const std = @import("std");
const wa = @import("wasmalert");

pub fn describe() wa.Description {
    return .{
        .name = "conformance",
        .doc = "Does what its configuration says.",
        .config_schema =
        \\{"type":"object"}
        ,
        .queries = &.{"up"},
    };
}

const Config = struct {
    do: []const u8,
    text: []const u8 = "",
    number: f64 = 0,
    list: []const f64 = &.{},
    nested: struct { on: bool } = .{ .on = false },
    above: f64 = 0,
};

const Behaviour = enum {
    context,
    config,
    instant,
    columns,
    range,
    prefetch,
    may_fail,
    query_error,
    empty,
    large,
    utf8,
    floats,
    state,
    timers,
    output,
    record,
    @"error",
    exception,
    limit,
};

pub fn evaluate(context: wa.Context, config: Config, outcome: *wa.Outcome) !void {
    const behaviour = std.meta.stringToEnum(Behaviour, config.do) orelse
        return wa.fail("bad_config", "do: there is no {s}", .{config.do});
    switch (behaviour) {
        .context => {
            const finding = outcome.findValue(0);
            finding.label("tenant", context.tenant);
            finding.label("namespace", context.namespace);
            finding.label("group", context.group);
            finding.label("rule", context.rule);
            finding.label("now_ms", wa.print("{d}", .{context.now_ms}));
            finding.label("interval_ms", wa.print("{d}", .{context.interval_ms}));
            finding.label("trigger", context.trigger);
            finding.label("owner", context.labels.get("team"));
        },
        .config => {
            const finding = outcome.findValue(config.number + sum(config.list));
            finding.label("text", config.text);
            finding.label("on", if (config.nested.on) "true" else "false");
        },
        .instant => {
            const cpu = try wa.query("cpu");
            const hosts = cpu.label("host");
            for (cpu.values, 0..) |value, i| {
                if (value <= config.above) continue;
                outcome.find(cpu.at(i)).annotation("summary", wa.print("{s} is busy", .{hosts.get(i)}));
            }
        },
        .columns => try columns(outcome),
        .range => {
            const cpu = try wa.RangeQuery.last("cpu", 300_000, context.now_ms, 60_000).run();
            for (0..cpu.len()) |i| {
                const values = cpu.at(i).samples().values;
                const finding = outcome.find(cpu.at(i));
                finding.value = std.mem.max(f64, values) - std.mem.min(f64, values);
                finding.annotation("points", wa.print("{d}", .{values.len}));
            }
        },
        .prefetch => {
            wa.prefetch(&.{ .{ .expr = "a" }, .{ .expr = "b" } }, &.{});
            const a, const b = .{ try wa.query("a"), try wa.query("b") };
            _ = outcome.findValue(a.values[0] + b.values[0]);
        },
        .may_fail => switch (wa.Query.ask(.{ .expr = "broken", .may_fail = true })) {
            .frame => {},
            .failed => |why| {
                const finding = outcome.findValue(0);
                finding.label("code", why.code);
                finding.annotation("message", why.message);
            },
        },
        .query_error => _ = try wa.query("broken"),
        .empty => std.log.info("{d} series", .{(try wa.query("nothing")).len()}),
        .large => {
            const many = try wa.query("many");
            for (many.values, 0..) |value, i| {
                if (value > 0.5) _ = outcome.find(many.at(i));
            }
        },
        .utf8 => {
            const finding = outcome.findValue(@floatFromInt(try std.unicode.utf8CountCodepoints(config.text)));
            finding.label("text", config.text);
            finding.annotation("twice", wa.print("{s}{s}", .{ config.text, config.text }));
            std.log.info("{s}", .{config.text});
            wa.state.set("text", config.text);
        },
        .floats => {
            const odd = try wa.query("odd");
            for (0..odd.len()) |i| _ = outcome.find(odd.at(i));
        },
        .state => {
            const count = wa.print("{s}\xff", .{wa.state.get("count") orelse ""});
            wa.state.set("count", count);
            wa.state.set("a/1", "\x00");
            wa.state.set("a/2", "");
            wa.state.delete("a/1");
            wa.state.delete("gone");
            outcome.findValue(@floatFromInt(count.len)).label("keys", wa.join(",", wa.state.keys("a/")));
        },
        .timers => try timers(context, outcome),
        .output => {
            inline for (.{ .trace, .debug, .info, .warn, .@"error" }, 0..) |level, n| {
                wa.log.write(level, @tagName(level), .{ .n = n });
            }
            wa.metrics.count("runs_total", .{ .kind = "a" }, 2);
            wa.metrics.gauge("level", .{}, -1.5);
            wa.metrics.observe("took_seconds", .{}, 0.25);
        },
        .record => {
            outcome.record("cpu:copy", (try wa.query("cpu")).at(0)).label("copied", "yes");
            outcome.recordValue("answer", 42).label("unit", "x");
        },
        .@"error" => return wa.fail("too_hot", "{d} degrees too hot", .{5}),
        .exception => @panic("boom"),
        .limit => while (true) std.mem.doNotOptimizeAway(config),
    }
}

fn sum(values: []const f64) f64 {
    var all: f64 = 0;
    for (values) |value| all += value;
    return all;
}

fn columns(outcome: *wa.Outcome) !void {
    const cpu = try wa.query("cpu");
    const column = cpu.label("host");
    const hosts = try wa.allocator.alloc([]const u8, cpu.len());
    for (hosts, 0..) |*host, i| host.* = column.get(i);
    const labels = cpu.labelsOf(&.{@intCast(cpu.len() - 1)})[0];
    const last = try wa.allocator.alloc([]const u8, labels.items.len);
    for (last, labels.items) |*text, label| text.* = wa.print("{s}={s}", .{ label.name, label.value });
    const finding = outcome.findValue(sum(cpu.values));
    finding.label("hosts", wa.join(",", hosts));
    finding.label("last", wa.join(",", last));
    finding.annotation("first_ms", wa.print("{d}", .{cpu.timesMs()[0]}));
}

fn timers(context: wa.Context, outcome: *wa.Outcome) !void {
    if (context.timer) |timer| {
        const finding = outcome.findValue(@floatFromInt(context.now_ms - timer.due_ms));
        finding.label("timer", timer.name);
        finding.label("payload", wa.print("{x}", .{timer.payload}));
        return;
    }
    wa.timers.set("wake", context.now_ms + 1_000, "\x00\xffx");
    wa.timers.set("other", context.now_ms + 5_000, "");
    wa.timers.cancel("other");
    const pending = wa.timers.pending();
    const names = try wa.allocator.alloc([]const u8, pending.len);
    for (names, pending) |*name, timer| name.* = timer.name;
    outcome.findValue(0).label("pending", wa.join(",", names));
}
