import { readFileSync } from "node:fs";
import { Agent } from "undici";
import type { ServiceConfig } from "./config.ts";
import { PACKED_LIMIT_BYTES } from "./files.ts";
import { UnfitError } from "./unfit.ts";

/** An entity tag longer than this is not sent back, and everything is fetched each time. */
const ETAG_LIMIT = 1_024;

/** The server did not answer as a bundle server does; what was in force stays. */
export class UnreachableError extends Error {
  override readonly name = "UnreachableError";
}

/** The server has more than a bundle may be. It has a tag all the same: it need not be fetched again until it changes. */
export class OversizedError extends UnfitError {
  readonly etag: string | null;

  constructor(etag: string | null) {
    super(`the bundle is larger than ${PACKED_LIMIT_BYTES} bytes`);
    this.etag = etag;
  }
}

/** What the server has; null: the same as its tag says. */
export interface Fetched {
  readonly packed: Buffer;
  /** As it is to be sent back in If-None-Match; null if the server gave none. */
  readonly etag: string | null;
}

/**
 * A client of OPA's bundle API: GET with If-None-Match, 200 or 304 (docs "Bundle service API"). Redirects are not followed, no answer is read further than a bundle may
 * be large, and none longer than the deadline. The token goes to the configured origin only.
 */
export class BundleClient {
  readonly #config: ServiceConfig;
  readonly #url: URL;

  constructor(config: ServiceConfig) {
    this.#config = config;
    this.#url = new URL(config.resource, config.url.endsWith("/") ? config.url : `${config.url}/`);
  }

  /** For messages. */
  get url(): string {
    return this.#url.href;
  }

  /**
   * @param etag of the last answer
   * @throws UnreachableError for any other answer, and for none in time; OversizedError
   */
  async fetch(etag: string | null, signal: AbortSignal): Promise<Fetched | null> {
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(this.#config.timeoutMs)]);
    const agent = this.#open();
    try {
      const headers = { accept: "application/gzip, application/octet-stream", ...(etag === null ? {} : { "if-none-match": etag }), ...this.#authorization() };
      const answer = await agent.request({ origin: this.#url.origin, path: this.#url.pathname, method: "GET", signal: bounded, headers })
        .catch((cause: unknown) => { throw this.#unreachable("does not answer", bounded, cause); });
      if (answer.statusCode === 304 && etag !== null) return null;
      if (answer.statusCode !== 200) throw new UnreachableError(`${this.url} answered ${answer.statusCode}`);
      const { etag: given } = answer.headers;
      const etagNow = typeof given === "string" && given.length <= ETAG_LIMIT ? given : null;
      const packed = await this.#read(answer.body, bounded);
      if (packed === null) throw new OversizedError(etagNow);
      return { packed, etag: etagNow };
    } finally {
      await agent.destroy();
    }
  }

  /** @returns null for more than a bundle may be; the rest is not read */
  async #read(body: AsyncIterable<Buffer>, signal: AbortSignal): Promise<Buffer | null> {
    const chunks: Buffer[] = [];
    let bytes = 0;
    try {
      for await (const chunk of body) {
        bytes += chunk.byteLength;
        if (bytes > PACKED_LIMIT_BYTES) return null;
        chunks.push(chunk);
      }
      return Buffer.concat(chunks);
    } catch (cause) {
      throw this.#unreachable("broke off its answer", signal, cause);
    }
  }

  #unreachable(what: string, signal: AbortSignal, cause: unknown): UnreachableError {
    const isLate = signal.aborted && (signal.reason as { readonly name?: string } | undefined)?.name === "TimeoutError";
    return new UnreachableError(`${this.url} ${isLate ? `did not answer in time` : what}`, { cause });
  }

  #authorization(): Record<string, string> {
    const { tokenFile } = this.#config;
    if (tokenFile === undefined) return {};
    try {
      return { authorization: `Bearer ${readFileSync(tokenFile, "latin1").trim()}` };
    } catch (cause) {
      throw new UnreachableError(`the token for ${this.url} cannot be read`, { cause });
    }
  }

  /** Anew for each request: they are rare, and renewed certificates and names need no restart. Verification is never off. */
  #open(): Agent {
    const { caFile, certificateFile, keyFile, timeoutMs } = this.#config;
    try {
      return new Agent({
        connect: {
          minVersion: "TLSv1.2", timeout: timeoutMs,
          ...(caFile === undefined ? {} : { ca: readFileSync(caFile) }),
          ...(certificateFile === undefined ? {} : { cert: readFileSync(certificateFile) }),
          ...(keyFile === undefined ? {} : { key: readFileSync(keyFile) }),
        },
        headersTimeout: timeoutMs, bodyTimeout: timeoutMs,
      });
    } catch (cause) {
      throw new UnreachableError(`the TLS files for ${this.url} cannot be read`, { cause });
    }
  }
}
