//! Tells phones of alerts, through ntfy: a message for each.

const std = @import("std");
const wa = @import("wasmalert");

pub fn describe() wa.Description {
    return .{
        .name = "ntfy",
        .doc = "Publishes each alert to a topic of ntfy. The secret `ntfy` is the access token.",
        .config_schema =
        \\{"type": "object", "required": ["url", "topic"], "additionalProperties": false,
        \\ "properties": {"url": {"type": "string"}, "topic": {"type": "string"}}}
        ,
    };
}

const Config = struct {
    url: []const u8,
    topic: []const u8,
};

pub fn notify(batch: wa.Batch, config: Config, requests: *wa.Requests) !void {
    const url = wa.print("{s}/{s}", .{ std.mem.trimEnd(u8, config.url, "/"), config.topic });
    for (batch.alerts) |alert| {
        const name, const summary = .{ alert.label("alertname"), alert.annotation("summary") };
        const request = requests.send("POST", url, wa.withoutSecrets(if (summary.len > 0) summary else name));
        request.header("Title", oneLine(wa.print("[{s}] {s}", .{ alert.status(), name })));
        request.header("Priority", priority(alert));
        request.header("Tags", if (alert.is_firing) "rotating_light" else "white_check_mark");
        request.header("Authorization", "Bearer " ++ wa.secret("ntfy"));
    }
}

/// A header is one line.
fn oneLine(text: []const u8) []const u8 {
    const line = wa.allocator.dupe(u8, wa.withoutSecrets(text)) catch @panic("out of memory");
    for (line) |*byte| {
        if (std.ascii.isControl(byte.*)) byte.* = ' ';
    }
    return line;
}

fn priority(alert: wa.Alert) []const u8 {
    if (!alert.is_firing) return "low";
    const severity = alert.label("severity");
    const is_urgent = std.mem.eql(u8, severity, "page") or std.mem.eql(u8, severity, "critical");
    return if (is_urgent) "urgent" else "default";
}
