/**
 * Gives exports the names of the contract, which `asc` has no way to write:
 * `rules_evaluate` becomes `wasmalert:rules/rules@0.1.0#evaluate`. Refuses what
 * the language's library would ask of a browser.
 */
export default class {
  afterCompile(module) {
    const { getExportInfo, getFunctionInfo } = this.binaryen;
    for (let i = 0; i < module.getNumFunctions(); i++) {
      const { module: from, base } = getFunctionInfo(module.getFunctionByIndex(i));
      if (from === "env") {
        const name = base === "seed" ? "Math.random" : base;
        throw new Error(`${name} is not there: the time is context.nowMs, lines go to log, and nothing is random`);
      }
    }
    const exports = Array.from({ length: module.getNumExports() }, (_, i) => getExportInfo(module.getExportByIndex(i)));
    for (const { name, value } of exports) {
      const [, contract, func] = /^(rules|notifications)_(\w+)$/.exec(name) ?? [];
      if (!contract) continue;
      module.removeExport(name);
      module.addFunctionExport(value, `wasmalert:rules/${contract}@0.1.0#${func}`);
    }
  }
}
