/** Lines for people, shown in the host's log and with the evaluation. */
import * as host from "./imports";
import { elements } from "./abi";
import { LABEL, Label, lowerLabel } from "./label";
import { whole } from "./text";

/** The five usual levels. */
export enum Level {
  Trace,
  Debug,
  Info,
  Warn,
  Error,
}

/** Writes one line, with named fields. */
export function write(level: Level, message: string, fields: Label[] = []): void {
  message = whole(message);
  host.logWrite(level, message, message.length, elements<Label>(fields, LABEL, lowerLabel), fields.length);
}

/** Writes one line at the level `trace`. */
export function trace(message: string, fields: Label[] = []): void {
  write(Level.Trace, message, fields);
}

/** Writes one line at the level `debug`. */
export function debug(message: string, fields: Label[] = []): void {
  write(Level.Debug, message, fields);
}

/** Writes one line at the level `info`. */
export function info(message: string, fields: Label[] = []): void {
  write(Level.Info, message, fields);
}

/** Writes one line at the level `warn`. */
export function warn(message: string, fields: Label[] = []): void {
  write(Level.Warn, message, fields);
}

/** Writes one line at the level `error`. */
export function error(message: string, fields: Label[] = []): void {
  write(Level.Error, message, fields);
}
