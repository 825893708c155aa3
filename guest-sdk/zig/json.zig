//! JSON: texts become values of your types, with messages that say what does not fit and where.

const std = @import("std");
const wa = @import("wasmalert.zig");

const Value = std.json.Value;

/// Reads a value. Structs take objects, slices take lists, `[]const u8` and enums take texts; a field that may be
/// absent is optional or has a default, and unknown members are left out. Where the text does not fit, fails with the
/// code and a message such as `nested.on: 7 is not true or false`; `what` says what it was meant to be.
pub fn read(comptime T: type, text: []const u8, code: []const u8, what: []const u8) wa.Error!T {
    var scanner: std.json.Scanner = .initCompleteInput(wa.allocator, text);
    var place: std.json.Diagnostics = .{};
    scanner.enableDiagnostics(&place);
    const options: std.json.ParseOptions = .{ .duplicate_field_behavior = .use_last };
    const value = std.json.parseFromTokenSourceLeaky(Value, wa.allocator, &scanner, options) catch |err|
        return wa.fail(code, "{s} is not JSON: byte {d}: {s}", .{ what, place.getByteOffset() + 1, @errorName(err) });
    const reader: Reader = .{ .code = code, .what = what };
    return reader.get(T, value, "");
}

/// Writes a value as JSON.
pub fn write(value: anytype) []const u8 {
    return std.json.Stringify.valueAlloc(wa.allocator, value, .{}) catch @panic("out of memory");
}

const Reader = struct {
    code: []const u8,
    what: []const u8,

    fn get(reader: Reader, comptime T: type, value: ?Value, path: []const u8) wa.Error!T {
        switch (@typeInfo(T)) {
            .optional => |optional| {
                const there = value orelse return null;
                return if (there == .null) null else try reader.get(optional.child, there, path);
            },
            .float => if (value) |there| switch (there) {
                .float => |number| return @floatCast(number),
                .integer => |number| return @floatFromInt(number),
                .number_string => |digits| return std.fmt.parseFloat(T, digits) catch unreachable,
                else => {},
            },
            .int => if (value) |there| if (there == .integer) {
                if (std.math.cast(T, there.integer)) |number| return number;
            },
            .bool => if (value) |there| if (there == .bool) return there.bool,
            .@"enum" => if (value) |there| if (there == .string) {
                if (std.meta.stringToEnum(T, there.string)) |case| return case;
            },
            .pointer => |pointer| if (value) |there| {
                if (pointer.child == u8) {
                    if (there == .string) return there.string;
                } else if (there == .array) return reader.list(pointer.child, there.array.items, path);
            },
            .@"struct" => if (T == Value) {
                return value orelse .null;
            } else if (value) |there| {
                if (there == .object) return reader.object(T, there.object, path);
            },
            .@"union" => if (T == Value) return value orelse .null,
            else => @compileError("no JSON is read into " ++ @typeName(T)),
        }
        const where = reader.place(path);
        const there = value orelse return wa.fail(reader.code, "{s}: {s} is missing", .{ where, wanted(T) });
        return wa.fail(reader.code, "{s}: {s} is not {s}", .{ where, clipped(write(there)), wanted(T) });
    }

    /// Where a value is, for people, who know which configuration is meant and not which other text.
    fn place(reader: Reader, path: []const u8) []const u8 {
        if (path.len == 0) return reader.what;
        return if (std.mem.eql(u8, reader.code, "bad_config")) path else wa.print("{s}: {s}", .{ reader.what, path });
    }

    fn list(reader: Reader, comptime T: type, values: []const Value, path: []const u8) wa.Error![]const T {
        const items = wa.allocator.alloc(T, values.len) catch @panic("out of memory");
        for (items, values, 0..) |*item, value, index| {
            item.* = try reader.get(T, value, wa.print("{s}[{d}]", .{ path, index }));
        }
        return items;
    }

    fn object(reader: Reader, comptime T: type, members: std.json.ObjectMap, path: []const u8) wa.Error!T {
        const info = @typeInfo(T).@"struct";
        var all: T = undefined;
        inline for (info.field_names, info.field_types, info.field_attrs) |name, Field, attrs| {
            const member = members.get(name);
            const default = comptime attrs.defaultValue(Field);
            @field(all, name) = if (default != null and member == null)
                default.?
            else
                try reader.get(Field, member, if (path.len > 0) wa.print("{s}.{s}", .{ path, name }) else name);
        }
        return all;
    }
};

/// What a type takes, for people.
fn wanted(comptime T: type) []const u8 {
    return switch (@typeInfo(T)) {
        .float => "a number",
        .int => |int| if (int.signedness == .unsigned) "a whole number of at least 0" else "a whole number",
        .bool => "true or false",
        .@"enum" => |info| "one of " ++ comptime names: {
            var names: []const u8 = "";
            for (info.field_names, 0..) |name, index| names = names ++ (if (index > 0) ", " else "") ++ name;
            break :names names;
        },
        .pointer => |pointer| if (pointer.child == u8) "a text" else "a list",
        .optional => |optional| wanted(optional.child),
        else => "an object",
    };
}

/// The most bytes of a value that a message quotes.
const quoted_max = 40;

fn clipped(text: []const u8) []const u8 {
    if (text.len <= quoted_max) return text;
    var end: usize = quoted_max;
    while (end > 0 and text[end] & 0xC0 == 0x80) end -= 1;
    return wa.print("{s}…", .{text[0..end]});
}
