import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import type { AuditRecord, ConnectionRecord, ExchangeRecord } from "../../proxy/model/record.ts";
import type { Stand } from "./running-proxy.ts";

/** Between two looks at what is waited for. */
const POLL_MS = 10;

/** A policy folder that a test rewrites while the proxy runs. */
export class LivePolicy implements Disposable {
  readonly directory = mkdtempSync(join(tmpdir(), "weir-policy-"));
  /** For `config.policy`. */
  readonly config = { directory: this.directory, pollIntervalMs: 100 };

  constructor(data: Record<string, unknown>) {
    this.write(data);
  }

  write(data: Record<string, unknown>): void {
    writeFileSync(join(this.directory, "data.json"), JSON.stringify(data));
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Everything that a peer sends, as it comes. Listens at once, so that nothing is missed. */
export class Received {
  readonly ended = Promise.withResolvers<void>();
  #bytes = Buffer.alloc(0);
  isOver = false;

  constructor(stream: Duplex) {
    stream.on("data", (chunk: Buffer) => { this.#bytes = Buffer.concat([this.#bytes, chunk]); });
    const over = () => {
      this.isOver = true;
      this.ended.resolve();
    };
    stream.on("end", over).on("close", over).on("error", over);
  }

  get bytes(): Buffer {
    return this.#bytes;
  }

  get text(): string {
    return this.#bytes.toString("latin1");
  }
}

/** Waits until something holds. @throws Error that names it if it does not within the time, in milliseconds */
export async function eventually(what: string, holds: () => boolean | Promise<boolean>, withinMs = 5_000): Promise<void> {
  for (const deadline = performance.now() + withinMs; !await holds();) {
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
    await pause(POLL_MS);
  }
}

export function exchangesOf(records: readonly AuditRecord[], phase: ExchangeRecord["phase"]): ExchangeRecord[] {
  return records.filter((record) => record.kind === "exchange").filter((record) => record.phase === phase);
}

export function connectionsOf(records: readonly AuditRecord[], phase: ConnectionRecord["phase"] = "closed"): ConnectionRecord[] {
  return records.filter((record) => record.kind === "connection").filter((record) => record.phase === phase);
}

/** Every byte of the audit folder. */
export function auditText({ directory }: Pick<Stand, "directory">): string {
  const folder = join(directory, "audit");
  return readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), "latin1")).join("\n");
}
