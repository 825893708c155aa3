const wa = @import("wasmalert");

pub fn describe() wa.Description {
    return .{
        .name = "{{name}}",
        .doc = "Posts one message per batch, a line for each alert.",
        .config_schema =
        \\{"type": "object", "required": ["url"], "additionalProperties": false,
        \\ "properties": {"url": {"type": "string"}}}
        ,
    };
}

const Config = struct {
    url: []const u8,
};

pub fn notify(batch: wa.Batch, config: Config, requests: *wa.Requests) !void {
    const lines = try wa.allocator.alloc([]const u8, batch.alerts.len);
    for (lines, batch.alerts) |*line, alert| {
        const name, const summary = .{ alert.label("alertname"), alert.annotation("summary") };
        line.* = wa.print("{s} {s}: {s}", .{ alert.status(), name, summary });
    }
    _ = try requests.postJson(config.url, .{ .text = wa.join("\n", lines) });
}
