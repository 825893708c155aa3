//! The root of a rule: exports what `src/rule.zig` has.

const std = @import("std");
const wa = @import("wasmalert");
const component = @import("component");

const contract = wa.contract;

pub const panic = std.debug.FullPanic(wa.panicked);
pub const std_options: std.Options = .{ .logFn = wa.logged, .log_level = .debug };

comptime {
    const describe_function: *const contract.rules.Describe = &describe;
    const evaluate_function: *const contract.rules.Evaluate = &evaluate;
    @export(describe_function, .{ .name = contract.rules.describe_export });
    @export(evaluate_function, .{ .name = contract.rules.evaluate_export });
}

fn describe() callconv(.c) *const contract.types.Description {
    const description: wa.Description = component.describe();
    return description.lower();
}

const Answer = contract.Result(contract.rules.Outcome, contract.types.ComponentError);

fn evaluate(context: *const contract.rules.Context) callconv(.c) *const Answer {
    var outcome: wa.Outcome = .{};
    run(context, &outcome) catch |err|
        return wa.boxed(Answer, .{ .is_err = true, .val = .{ .err = wa.lowerFailure(err) } });
    return wa.boxed(Answer, .{ .is_err = false, .val = .{ .ok = outcome.lower() } });
}

fn run(context: *const contract.rules.Context, outcome: *wa.Outcome) anyerror!void {
    const Config = wa.Param(component.evaluate, 1);
    const config = try wa.json.read(Config, context.config.slice(), "bad_config", "the configuration");
    return component.evaluate(.lift(context), config, outcome);
}
