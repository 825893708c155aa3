// Compiles the tests for each runtime and runs each in an instance of its own.
import { readFileSync } from "node:fs";
import { main } from "assemblyscript/asc";

const options = ["--use", "abort=wasmalertAbort"];
process.chdir(import.meta.dirname);
let failed = 0;
for (const runtime of ["stub", "incremental"]) {
  const file = `build/${runtime}.wasm`;
  const { error, stderr } = await main(["sdk.ts", ...options, "--runtime", runtime, "--outFile", file]);
  if (error) throw new Error(stderr.toString());
  const module = new WebAssembly.Module(readFileSync(file));
  for (const { name, kind } of WebAssembly.Module.exports(module)) {
    if (kind !== "function") continue;
    const lines = [];
    const write = (level, at, length) => lines.push(Buffer.from(exports.memory.buffer, at, 2 * length).toString("utf16le"));
    const { exports } = new WebAssembly.Instance(module, { "wasmalert:rules/log@0.1.0": { write } });
    try {
      exports[name]();
      console.log(`ok    ${runtime}: ${name}`);
    } catch (error) {
      failed++;
      console.log(`FAIL  ${runtime}: ${name}\n      ${lines.join("\n      ") || error}`);
    }
  }
}
process.exitCode = failed ? 1 : 0;
