import { readFileSync } from "node:fs";
import { Client } from "undici";
import * as z from "zod";
import type { AuditSink, Delivery, OutgoingRecord } from "./audit-sink.ts";
import { batchShape, nameShape, readTlsFiles, tlsShape } from "./shapes.ts";

export const httpsSinkConfig = z.strictObject({
  type: z.literal("https"),
  name: nameShape,
  url: z.url({ protocol: /^https$/ }).describe("Where batches are posted as newline-delimited JSON. A 2xx answer must mean that they are stored."),
  tokenFile: z.string().optional().describe("Path of a file with a bearer token; read again for each request."),
  timeoutMs: z.number().int().positive().max(600_000).default(30_000).describe("Longest wait for an answer, in milliseconds."),
  ...tlsShape,
  ...batchShape,
});
export type HttpsSinkConfig = z.output<typeof httpsSinkConfig>;

/** Answers that concern the content itself: sending the same again cannot help. Every other answer that is not 2xx is a trouble that may pass. */
const CONTENT_STATUS: ReadonlySet<number> = new Set([400, 413, 415, 422]);
/** Most bytes of an answer that are read; the rest is of no interest. */
const ANSWER_LIMIT_BYTES = 64 * 1024;

/**
 * Posts batches as NDJSON. Records count as accepted when the answer is 2xx, so that each arrives at least once, with an `Idempotency-Key` that
 * is the same for the same batch. A batch that is refused for its content is halved until the one record is found that cannot be taken.
 */
export class HttpsSink implements AuditSink {
  readonly #config: HttpsSinkConfig;
  readonly #url: URL;
  #client: Client | null = null;

  constructor(config: HttpsSinkConfig) {
    this.#config = config;
    this.#url = new URL(config.url);
  }

  async deliver(batch: readonly OutgoingRecord[], signal: AbortSignal): Promise<Delivery> {
    let size = batch.length;
    while (true) {
      const status = await this.#post(batch.slice(0, size), signal);
      if (status >= 200 && status < 300) return { accepted: size };
      if (!CONTENT_STATUS.has(status)) throw new Error(`${this.#url.host} answered ${status}`);
      if (size === 1) return { accepted: 0, refusal: { reason: `${this.#url.host} answered ${status}` } };
      size = Math.ceil(size / 2);
    }
  }

  async close(): Promise<void> {
    await this.#client?.destroy();
    this.#client = null;
  }

  async #post(records: readonly OutgoingRecord[], signal: AbortSignal): Promise<number> {
    const client = this.#client ??= this.#connect();
    try {
      const { statusCode, body } = await client.request({
        method: "POST",
        path: `${this.#url.pathname}${this.#url.search}`,
        headers: this.#headers(records),
        body: records.map((record) => `${record.json}\n`).join(""),
        signal,
      });
      await body.dump({ limit: ANSWER_LIMIT_BYTES, signal });
      return statusCode;
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  #headers(records: readonly OutgoingRecord[]): Record<string, string> {
    const { tokenFile } = this.#config;
    const first = records[0]?.uid ?? "";
    return {
      "content-type": "application/x-ndjson",
      "idempotency-key": `${first}+${records.length}`,
      ...(tokenFile === undefined ? {} : { authorization: `Bearer ${readFileSync(tokenFile, "utf8").trim()}` }),
    };
  }

  #connect(): Client {
    const { timeoutMs } = this.#config;
    return new Client(this.#url.origin, { connect: readTlsFiles(this.#config), pipelining: 1, headersTimeout: timeoutMs, bodyTimeout: timeoutMs });
  }
}
