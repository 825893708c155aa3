//! The root of a notifier: exports what `src/notifier.zig` has.

const std = @import("std");
const wa = @import("wasmalert");
const component = @import("component");

const contract = wa.contract;

pub const panic = std.debug.FullPanic(wa.panicked);
pub const std_options: std.Options = .{ .logFn = wa.logged, .log_level = .debug };

comptime {
    const describe_function: *const contract.notifications.Describe = &describe;
    const notify_function: *const contract.notifications.Notify = &notify;
    const interpret_function: *const contract.notifications.Interpret = &interpret;
    @export(describe_function, .{ .name = contract.notifications.describe_export });
    @export(notify_function, .{ .name = contract.notifications.notify_export });
    @export(interpret_function, .{ .name = contract.notifications.interpret_export });
}

/// What the second parameter of `notify` is.
const Config = wa.Param(component.notify, 1);

fn describe() callconv(.c) *const contract.types.Description {
    const description: wa.Description = component.describe();
    return description.lower();
}

const Answer = contract.Result(contract.List(contract.notifications.HttpRequest), contract.types.ComponentError);

fn notify(batch: *const contract.notifications.Batch) callconv(.c) *const Answer {
    var requests: wa.Requests = .{};
    run(batch, &requests) catch |err|
        return wa.boxed(Answer, .{ .is_err = true, .val = .{ .err = wa.lowerFailure(err) } });
    return wa.boxed(Answer, .{ .is_err = false, .val = .{ .ok = requests.lower() } });
}

fn run(batch: *const contract.notifications.Batch, requests: *wa.Requests) anyerror!void {
    return component.notify(.lift(batch), try configOf(batch.config.slice()), requests);
}

fn configOf(text: []const u8) wa.Error!Config {
    return wa.json.read(Config, text, "bad_config", "the configuration");
}

fn interpret(
    config_ptr: [*]const u8,
    config_len: usize,
    request: u32,
    status: u16,
    headers_ptr: [*]const contract.types.Label,
    headers_len: usize,
    body_ptr: [*]const u8,
    body_len: usize,
    _: [*]const contract.types.Label,
    _: usize,
) callconv(.c) *const contract.notifications.Disposition {
    const headers: contract.List(contract.types.Label) = .{ .ptr = headers_ptr, .len = headers_len };
    const response: wa.Response = .lift(status, headers, body_ptr[0..body_len]);
    const meaning = meaningOf(config_ptr[0..config_len], request, response) catch |err| failed: {
        const why = wa.failureOf(err);
        break :failed wa.Disposition{ .failed = wa.print("{s}: {s}", .{ why.code, why.message }) };
    };
    return meaning.lower();
}

fn meaningOf(config: []const u8, request: u32, response: wa.Response) anyerror!wa.Disposition {
    const read = try configOf(config);
    return if (@hasDecl(component, "interpret")) component.interpret(read, request, response) else .of(response);
}
