import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const SDK = fileURLToPath(new URL("..", import.meta.url));
const TOOL = join(SDK, "tools", "strip-types.js");

function installed() {
  try {
    return Boolean(createRequire(TOOL).resolve("@swc/wasm-typescript"));
  } catch {
    return false;
  }
}

/** Runs the tool in a project of these files. */
function strip(files) {
  const project = mkdtempSync(join(tmpdir(), "strip-types-"));
  try {
    for (const name of ["package.json", "rule.js", "notifier.js", "lib"]) {
      cpSync(join(SDK, name), join(project, "sdk", name), { recursive: true });
    }
    mkdirSync(join(project, "parts"));
    for (const [path, text] of Object.entries(files)) writeFileSync(join(project, path), text);
    const { status, stderr } = spawnSync(process.execPath, [TOOL], { cwd: project, encoding: "utf8" });
    const read = (path) => readFileSync(join(project, "build", "js", path), "utf8");
    return { status, stderr, made: status === 0 ? { rule: read("rule.js"), more: read("parts/more.js"), sdk: read("sdk/rule.js") } : {} };
  } finally {
    rmSync(project, { recursive: true });
  }
}

test("types become spaces, and lines and columns stay", { skip: !installed() && "@swc/wasm-typescript is not installed" }, () => {
  const rule = 'import type { Frame } from "./sdk/rule.js";\n\ninterface A {\n  b: number;\n}\nexport const f = (a: A): number => a.b;\n';
  const { made } = strip({ "rule.ts": rule, "parts/more.js": "export const more = 1;\n", "parts/types.d.ts": "type B = 1;\n" });
  assert.equal(made.rule.length, rule.length);
  assert.deepEqual(made.rule.split("\n").map((line) => line.trimEnd()), ["", "", "", "", "", "export const f = (a   )         => a.b;", ""]);
  assert.equal(made.more, "export const more = 1;\n");
  assert.equal(made.sdk, readFileSync(join(SDK, "rule.js"), "utf8"));
});

test("syntax that is more than types is refused with its place", { skip: !installed() && "@swc/wasm-typescript is not installed" }, () => {
  const { status, stderr } = strip({ "rule.ts": "const a = 1;\n  enum E { A }\n" });
  assert.equal(status, 1);
  assert.match(stderr, /^rule\.ts:2:3: TypeScript enum is not supported/);
});
