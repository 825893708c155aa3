//! Finds groups of series that should be alike and are not: each whose largest value is far above its smallest.

const std = @import("std");
const wa = @import("wasmalert");

pub fn describe() wa.Description {
    return .{
        .name = "spread",
        .doc = "Fires for each group of series whose largest value is too many times its smallest.",
        .config_schema =
        \\{"type": "object", "required": ["expr", "by", "factor"], "additionalProperties": false,
        \\ "properties": {
        \\   "expr": {"type": "string"},
        \\   "by": {"type": "array", "items": {"type": "string"}},
        \\   "factor": {"type": "number"}}}
        ,
    };
}

const Config = struct {
    expr: []const u8,
    by: []const []const u8,
    factor: f64,
};

const Group = struct {
    /// The number of one of its series.
    any: usize,
    series: usize = 0,
    smallest: f64 = std.math.inf(f64),
    largest: f64 = -std.math.inf(f64),
};

pub fn evaluate(_: wa.Context, config: Config, outcome: *wa.Outcome) !void {
    const frame = try wa.Query.run(.{ .expr = config.expr });
    const columns = try wa.allocator.alloc(wa.LabelColumn, config.by.len);
    for (columns, config.by) |*column, label| column.* = frame.label(label);

    const groups = try groupsOf(frame, columns);
    for (groups) |group| {
        if (group.series < 2 or group.smallest <= 0 or group.largest <= config.factor * group.smallest) continue;
        const finding = outcome.findValue(group.largest / group.smallest);
        for (config.by, columns) |label, column| finding.label(label, column.get(group.any));
        finding.annotation("series", wa.print("{d}", .{group.series}));
    }
    tellOfFewer(groups.len);
}

/// The groups by the values of the labels that make them. A value lies in its column once, so that two series are of
/// one group where their codes are the same.
fn groupsOf(frame: wa.Frame, columns: []const wa.LabelColumn) ![]const Group {
    var groups: std.array_hash_map.String(Group) = .empty;
    const codes = try wa.allocator.alloc(u32, columns.len);
    for (frame.values, 0..) |value, i| {
        if (std.math.isNan(value)) continue;
        for (codes, columns) |*code, column| code.* = column.codes[i];
        const known = try groups.getOrPut(wa.allocator, std.mem.sliceAsBytes(codes));
        if (!known.found_existing) {
            known.key_ptr.* = try wa.allocator.dupe(u8, known.key_ptr.*);
            known.value_ptr.* = .{ .any = i };
        }
        const group = known.value_ptr;
        group.series += 1;
        group.smallest = @min(group.smallest, value);
        group.largest = @max(group.largest, value);
    }
    return groups.values();
}

fn tellOfFewer(groups: usize) void {
    const before = std.fmt.parseInt(usize, wa.state.get("groups") orelse "0", 10) catch 0;
    if (groups < before) std.log.warn("{d} groups, {d} before", .{ groups, before });
    wa.state.set("groups", wa.print("{d}", .{groups}));
    wa.metrics.gauge("spread_groups", .{}, @floatFromInt(groups));
}
