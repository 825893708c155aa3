import assert from "node:assert/strict";
import { test } from "node:test";
import { lib, sdk } from "./host.js";

const { duration, fromUtf8, toUtf8 } = sdk;
const { misfit, report } = lib;

test("UTF-8 is that of TextEncoder and TextDecoder", () => {
  const texts = ["", "a\0b", "häß", "日本", "🎉x", "\ud800", "\udc00\ud800", "\u07ff\u0800\uffff\u{10000}\u{10ffff}"];
  for (const text of texts) {
    assert.deepEqual(toUtf8(text), new TextEncoder().encode(text));
    assert.equal(fromUtf8(toUtf8(text)), text.toWellFormed());
  }
});

test("bytes that are not UTF-8 become what TextDecoder makes of them", () => {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const odd = [0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc2, 0xdf, 0xe0, 0xe1, 0xed, 0xef, 0xf0, 0xf1, 0xf4, 0xf5, 0xff];
  for (const a of odd) {
    for (const b of odd) {
      for (const c of odd) {
        for (const tail of [[], [0x80], [0x41]]) {
          const bytes = Uint8Array.of(a, b, c, ...tail);
          assert.equal(fromUtf8(bytes), decoder.decode(bytes), [...bytes].join());
        }
      }
    }
  }
});

test("durations are those of Prometheus", () => {
  assert.deepEqual(
    ["0", "30s", "5m", "1h30m", "250ms", "1y2w3d4h5m6s7ms"].map(duration),
    [0, 30_000, 300_000, 5_400_000, 250, 33_019_506_007],
  );
  assert.deepEqual(["", "5", "30m1h", "1.5h", "-1s", "1 s", "s"].map(duration), Array(7).fill(undefined));
});

test("schemas are checked, and say where", () => {
  const schema = {
    type: "object",
    required: ["n"],
    additionalProperties: false,
    properties: {
      n: { type: "integer", minimum: 1, maximum: 5 },
      list: { type: "array", items: { enum: ["a", "b"] } },
      map: { type: "object", additionalProperties: { type: ["string", "null"] } },
      flag: { type: "boolean" },
    },
  };
  const cases = [
    [{ n: 1, list: ["a"], map: { x: "y", z: null }, flag: false }, undefined],
    [[], "[] is not of type object"],
    [{}, "n is missing"],
    [{ n: 1.5 }, "n: 1.5 is not of type integer"],
    [{ n: 0 }, "n: 0 is less than 1"],
    [{ n: 9 }, "n: 9 is more than 5"],
    [{ n: 1, m: 1 }, "m is not known"],
    [{ n: 1, constructor: 1 }, "constructor is not known"],
    [{ n: 1, list: ["a", "c"] }, 'list[1]: "c" is none of "a", "b"'],
    [{ n: 1, map: { x: 1 } }, "map.x: 1 is not of type string or null"],
    [{ n: 1, flag: 0 }, "flag: 0 is not of type boolean"],
  ];
  for (const [value, wrong] of cases) assert.equal(misfit(schema, value), wrong);
  assert.equal(misfit({}, "anything"), undefined);
});

test("an error tells the author's lines", () => {
  const error = new TypeError("boom");
  error.stack = [
    "    at query (/sdk/lib/query.js:1:1)",
    "    at map (native)",
    "    at <anonymous> (/rule.js:12:5)",
    "    at busy (/build/js/parts/busy.js:3:14)",
    "    at evaluate (/node_modules/@wasmalert/sdk/rule.js:7:9)",
    "    at <input>:2:2",
    "    at /helper.js:4",
    "",
  ].join("\n");
  assert.equal(report(error).message, "TypeError: boom, at rule.js:12:5, parts/busy.ts:3:14 (busy), helper.js:4");
  error.stack = "    at f (/rule.js:1:1)\n".repeat(9);
  assert.equal(report(error).message.split("rule.js").length - 1, 5);
});
