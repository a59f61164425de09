import { readFile } from "node:fs/promises";
import { Pool, type Dispatcher } from "undici";
import { PLATFORM_NAME } from "../../common/labels.ts";

const TIMEOUT_MS = 5_000;
/** Longer than the time between two reports, so that they share a connection. */
const KEEP_ALIVE_MS = 60_000;
/** A few questions at a time; one that waits for the database must not hold up the others. */
const CONNECTIONS = 8;
/** What the controller answers to a report is not read, but not endless either. */
const ANSWER_LIMIT_BYTES = 64 * 1_024;

export interface ControllerFiles {
  readonly tokenFile: string;
  readonly caFile: string;
}

export interface ControllerAddress {
  readonly address: string;
  readonly port: number;
}

interface Question {
  readonly path: string;
  /** JSON. */
  readonly body: string;
  /** Most of an answer that is read. */
  readonly limitBytes: number;
  /** The controller may wait for so long on purpose, in milliseconds. */
  readonly waitMs?: number;
}

/** The proxy's own way to the controller: its service-account token, TLS by the one CA, the certificate for `weir.internal`. */
export class ControllerClient {
  readonly #files: ControllerFiles;
  #open: { readonly key: string; readonly pool: Pool } | null = null;

  constructor(files: ControllerFiles) {
    this.#files = files;
  }

  /** @throws Error unless the controller answers 2xx in time; redirects are not followed */
  async post(to: ControllerAddress, path: string, body: object): Promise<void> {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const { statusCode, body: answer } = await this.#request(to, { path, body: JSON.stringify(body) }, signal);
    await answer.dump({ limit: ANSWER_LIMIT_BYTES, signal });
    if (statusCode < 200 || statusCode > 299) throw new Error(`the controller answered ${statusCode} to POST ${path}`);
  }

  /**
   * Posts JSON and reads what is answered, whatever its status.
   * @throws Error if no whole answer of at most `limitBytes` came in time
   */
  async ask(to: ControllerAddress, { path, body, limitBytes, waitMs = 0 }: Question): Promise<{ readonly status: number; readonly body: string }> {
    const { statusCode, body: answer } = await this.#request(to, { path, body, waitMs }, AbortSignal.timeout(TIMEOUT_MS + waitMs));
    const chunks: Buffer[] = [];
    let bytes = 0;
    // Leaving the loop early ends the connection: nothing more of a long answer is read.
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      bytes += chunk.byteLength;
      if (bytes > limitBytes) throw new Error(`the controller's answer to POST ${path} is longer than ${limitBytes} bytes`);
      chunks.push(chunk);
    }
    return { status: statusCode, body: Buffer.concat(chunks).toString("utf8") };
  }

  async close(): Promise<void> {
    await this.#open?.pool.destroy();
  }

  async #request(to: ControllerAddress, { path, body, waitMs = 0 }: Omit<Question, "limitBytes">, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    const token = (await readFile(this.#files.tokenFile, "latin1")).trim();
    const pool = await this.#poolFor(to);
    const headers = { host: PLATFORM_NAME, authorization: `Bearer ${token}`, "content-type": "application/json", accept: "application/json" };
    return pool.request({ method: "POST", path, signal, body, headers, headersTimeout: TIMEOUT_MS + waitMs });
  }

  async #poolFor({ address, port }: ControllerAddress): Promise<Pool> {
    const ca = await readFile(this.#files.caFile, "utf8");
    const origin = `https://${address.includes(":") ? `[${address}]` : address}:${port}`;
    const key = `${origin}\n${ca}`;
    if (this.#open?.key === key) return this.#open.pool;
    const before = this.#open;
    const pool = new Pool(origin, {
      connections: CONNECTIONS, connect: { ca, servername: PLATFORM_NAME, timeout: TIMEOUT_MS }, keepAliveTimeout: KEEP_ALIVE_MS, headersTimeout: TIMEOUT_MS, bodyTimeout: TIMEOUT_MS,
    });
    this.#open = { key, pool };
    await before?.pool.destroy();
    return pool;
  }
}
