/** Spans of time as Prometheus writes them. */

/** Units in ms, largest first: the order in which they may follow each other. */
const UNITS = { y: 31_536_000_000, w: 604_800_000, d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, ms: 1 };

const DURATION = new RegExp(`^${Object.keys(UNITS).map((unit) => `(?:(\\d+)${unit})?`).join("")}$`);

/**
 * Reads a duration such as `30s`, `5m`, `1h30m` or `250ms`, in ms; `undefined` when it is none.
 * @param {string} text
 * @returns {number | undefined}
 */
export function duration(text) {
  if (text === "0") return 0;
  const counts = text === "" ? null : DURATION.exec(text);
  if (!counts) return undefined;
  return Object.values(UNITS).reduce((sum, unit, at) => sum + unit * Number(counts[at + 1] ?? 0), 0);
}
