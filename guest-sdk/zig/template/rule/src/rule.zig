const wa = @import("wasmalert");

pub fn describe() wa.Description {
    return .{
        .name = "{{name}}",
        .doc = "Fires for each host whose CPU is too busy.",
        .config_schema =
        \\{"type": "object", "required": ["above"], "additionalProperties": false,
        \\ "properties": {"above": {"type": "number"}}}
        ,
    };
}

const Config = struct {
    above: f64,
};

pub fn evaluate(_: wa.Context, config: Config, outcome: *wa.Outcome) !void {
    const cpu = try wa.query("avg by (host) (rate(cpu_seconds_total[5m]))");
    for (cpu.values, 0..) |busy, i| {
        if (busy > config.above) {
            const host = cpu.at(i);
            outcome.find(host).annotation("summary", wa.print("{s} is busy", .{host.label("host")}));
        }
    }
}
