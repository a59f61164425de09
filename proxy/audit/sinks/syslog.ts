import { hostname } from "node:os";
import { setTimeout as wait } from "node:timers/promises";
import * as z from "zod";
import type { AuditSink, Delivery, OutgoingRecord } from "./audit-sink.ts";
import { OrderlyConnection } from "./orderly-connection.ts";
import { batchShape, nameShape, readTlsFiles, tlsShape } from "./shapes.ts";
import { formatFrame, type SyslogOrigin } from "./syslog-format.ts";

export const syslogSinkConfig = z.strictObject({
  type: z.literal("syslog"),
  name: nameShape,
  host: z.string().min(1).describe("Host name of the receiver; its certificate must be valid for it."),
  port: z.number().int().min(1).max(65_535).default(6514).describe("TCP port of the receiver (RFC 5425)."),
  timeoutMs: z.number().int().positive().max(600_000).default(10_000).describe("Longest wait for the connection, for room in it, and for its end, in milliseconds."),
  intervalMs: z.number().int().min(0).max(60_000).default(2_000).describe("Shortest time between two connections while fewer records than a batch wait, in milliseconds."),
  ...tlsShape,
  ...batchShape,
});
export type SyslogSinkConfig = z.output<typeof syslogSinkConfig>;

/**
 * Syslog over TLS with octet counting (RFC 5424, RFC 5425). The protocol has no acknowledgement: bytes that were written may still be in a
 * kernel buffer when the receiver dies. So each batch has a connection of its own, which we end first; only when the receiver then ends it too
 * does the batch count as accepted. A kernel answers with a reset, not with an orderly end, if its process left bytes unread, so an orderly
 * end says that the receiving process has read all of them. What it then does with them is beyond this protocol: best effort. Any other end sends the
 * batch again, with the same `metadata.uid` in each record.
 */
export class SyslogSink implements AuditSink {
  readonly #config: SyslogSinkConfig;
  readonly #origin: SyslogOrigin;
  #nextStartMs = 0;

  constructor(config: SyslogSinkConfig) {
    this.#config = config;
    this.#origin = { hostname: hostname(), appName: "weir", procId: String(process.pid) };
  }

  async deliver(batch: readonly OutgoingRecord[], signal: AbortSignal): Promise<Delivery> {
    const pauseMs = this.#nextStartMs - performance.now();
    // A full batch does not wait; a small one gives others the chance to join the next connection.
    if (pauseMs > 0 && batch.length < this.#config.batchRecords) {
      await wait(pauseMs, undefined, { signal });
      this.#nextStartMs = 0;
      return { accepted: 0 };
    }
    await this.#send(batch, signal);
    this.#nextStartMs = performance.now() + this.#config.intervalMs;
    return { accepted: batch.length };
  }

  async close(): Promise<void> {
    // Each batch closes its own connection.
  }

  async #send(batch: readonly OutgoingRecord[], signal: AbortSignal): Promise<void> {
    const { host, port, timeoutMs } = this.#config;
    const connection = await OrderlyConnection.open({ host, port, timeoutMs, tls: readTlsFiles(this.#config) }, signal);
    try {
      for (const record of batch) await connection.write(formatFrame(record, this.#origin));
      await connection.endInOrder();
    } finally {
      connection.destroy();
    }
  }
}
