import { readFile } from "node:fs/promises";
import { Client } from "undici";
import { PLATFORM_NAME } from "../../common/labels.ts";

const TIMEOUT_MS = 5_000;
/** Longer than the time between two reports, so that they share a connection. */
const KEEP_ALIVE_MS = 60_000;
/** What the controller answers is not read, but not endless either. */
const ANSWER_LIMIT_BYTES = 64 * 1_024;

export interface ControllerFiles {
  readonly tokenFile: string;
  readonly caFile: string;
}

export interface ControllerAddress {
  readonly address: string;
  readonly port: number;
}

/** The proxy's own way to the controller: its service-account token, TLS by the one CA, the certificate for `weir.internal`. */
export class ControllerClient {
  readonly #files: ControllerFiles;
  #open: { readonly key: string; readonly client: Client } | null = null;

  constructor(files: ControllerFiles) {
    this.#files = files;
  }

  /** @throws Error unless the controller answers 2xx in time; redirects are not followed */
  async post(to: ControllerAddress, path: string, body: object): Promise<void> {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const token = (await readFile(this.#files.tokenFile, "latin1")).trim();
    const client = await this.#clientFor(to);
    const { statusCode, body: answer } = await client.request({
      method: "POST", path, signal, body: JSON.stringify(body),
      headers: { host: PLATFORM_NAME, authorization: `Bearer ${token}`, "content-type": "application/json", accept: "application/json" },
    });
    await answer.dump({ limit: ANSWER_LIMIT_BYTES, signal });
    if (statusCode < 200 || statusCode > 299) throw new Error(`the controller answered ${statusCode} to POST ${path}`);
  }

  async close(): Promise<void> {
    await this.#open?.client.destroy();
  }

  async #clientFor({ address, port }: ControllerAddress): Promise<Client> {
    const ca = await readFile(this.#files.caFile, "utf8");
    const origin = `https://${address.includes(":") ? `[${address}]` : address}:${port}`;
    const key = `${origin}\n${ca}`;
    if (this.#open?.key === key) return this.#open.client;
    const before = this.#open;
    const client = new Client(origin, {
      connect: { ca, servername: PLATFORM_NAME, timeout: TIMEOUT_MS }, keepAliveTimeout: KEEP_ALIVE_MS, headersTimeout: TIMEOUT_MS, bodyTimeout: TIMEOUT_MS,
    });
    this.#open = { key, client };
    await before?.client.destroy();
    return client;
  }
}
