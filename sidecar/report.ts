import { writeSync } from "node:fs";

/**
 * One diagnostic line of JSON on standard error, in the form of common/log.ts. Written by hand, because the logger's memory would be
 * paid once for each agent. Called for events of the process, and once per kind of trouble, never per connection.
 */
export function report(level: "info" | "warn" | "error", event: string, fields: Record<string, unknown> = {}): void {
  try {
    writeSync(2, `${JSON.stringify({ level: { info: 30, warn: 40, error: 50 }[level], time: Date.now(), program: "weir-sidecar", event, ...fields })}\n`);
  } catch {
    // Nobody reads; relaying goes on.
  }
}

/** Reports the first trouble of a kind, and again after a minute with the count of those between: an agent must not fill a log by retrying. */
export class TroubleReport {
  readonly #seen = new Map<string, { reportedAtMs: number; suppressed: number }>();

  note(event: string, detail: string): void {
    const nowMs = performance.now();
    const entry = this.#seen.get(event);
    if (entry !== undefined && nowMs - entry.reportedAtMs < REPEAT_AFTER_MS) {
      entry.suppressed += 1;
      return;
    }
    report("warn", event, { detail, suppressed: entry?.suppressed ?? 0 });
    this.#seen.set(event, { reportedAtMs: nowMs, suppressed: 0 });
  }
}

const REPEAT_AFTER_MS = 60_000;
