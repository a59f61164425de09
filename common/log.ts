import { pino } from "pino";

/** Diagnostic log: a constant event name plus fields. Never audit (other type, other promise), never a secret, never a body. */
export interface Log {
  debug(event: string, fields?: Record<string, unknown>): void;
  info(event: string, fields?: Record<string, unknown>): void;
  warn(event: string, fields?: Record<string, unknown>): void;
  error(event: string, fields?: Record<string, unknown>): void;
}

export const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/**
 * Writes JSON lines to standard error, synchronously: a line printed before a crash must be on the terminal.
 * Standard output belongs to the program's result (`-o json`) and to the governed command.
 */
export function openLog(program: string, level: LogLevel): Log {
  const sink = pino({ name: program, level, base: { program } }, pino.destination({ dest: 2, sync: true }));
  const write = (at: "debug" | "info" | "warn" | "error") => (event: string, fields: Record<string, unknown> = {}) => {
    sink[at]({ event, ...fields });
  };
  return { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };
}

export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };
