/**
 * Takes the types out of a project's TypeScript, for componentize-qjs, which runs JavaScript alone: every `NAME.ts`
 * becomes `build/js/NAME.js`, and what else may be imported is copied to the same place. Types become spaces, so lines
 * and columns stay those of the author's files. Run in the project's folder; `tsc` is what checks the types.
 */

import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { transformSync } from "@swc/wasm-typescript";

const OUT = join("build", "js");
const SDK = ["package.json", "rule.js", "notifier.js", "lib"];
const NOT_SOURCES = new Set(["build", "node_modules", "sdk"]);

/**
 * @param {string} folder
 * @returns {string[]}
 */
function sources(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.name.startsWith(".") || (folder === "." && NOT_SOURCES.has(entry.name))) return [];
    return entry.isDirectory() ? sources(path) : [path];
  });
}

/** @param {string} path */
function strip(path) {
  try {
    const { code } = transformSync(readFileSync(path, "utf8"), { filename: path, mode: "strip-only", module: true });
    return code;
  } catch (failure) {
    const { message, startLine, startColumn } = /** @type {any} */ (failure);
    console.error(startLine ? `${path}:${startLine}:${startColumn + 1}: ${message}` : failure);
    process.exit(1);
  }
}

rmSync(OUT, { recursive: true, force: true });
for (const name of SDK) cpSync(join("sdk", name), join(OUT, "sdk", name), { recursive: true });
for (const path of sources(".")) {
  const to = join(OUT, path);
  mkdirSync(dirname(to), { recursive: true });
  if (path.endsWith(".ts") && !path.endsWith(".d.ts")) writeFileSync(to.replace(/\.ts$/, ".js"), strip(path));
  else if (/\.m?js$/.test(path)) cpSync(path, to);
}
