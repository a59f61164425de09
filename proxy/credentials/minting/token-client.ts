import { readFileSync } from "node:fs";
import { once } from "node:events";
import { isIP } from "node:net";
import { connect as connectTls, createSecureContext, type SecureContext, type TLSSocket } from "node:tls";
import { callbackify } from "node:util";
import { Client, type Dispatcher } from "undici";
import type * as z from "zod";
import { EXIT, UserError } from "../../../common/exit-codes.ts";
import { EgressError } from "../../errors.ts";
import type { Network } from "../../model/network.ts";
import { SourceError, type SourceFault } from "../secret-source.ts";

/** Largest answer that is read, in bytes; tokens are a few KB at most. */
const ANSWER_LIMIT_BYTES = 64 * 1_024;
const HEAD_LIMIT_BYTES = 16 * 1_024;
/** Longest rest that a server may ask for, in milliseconds. */
const RETRY_AFTER_LIMIT_MS = 3_600_000;

export interface TokenClientOptions {
  readonly caFile?: string | undefined;
  /** For one request, from resolving the name to the last byte, in milliseconds. */
  readonly timeoutMs: number;
}

export interface TokenRequest {
  readonly method: "POST" | "DELETE";
  /** `https:` only. */
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
}

/**
 * Requests to endpoints that give tokens. Each has a connection of its own, to a checked address, with a verified certificate; no redirect is
 * followed, no proxy of the environment asked, the answer is bounded and the whole has a deadline. Whatever is not a success is a `SourceError`
 * in our own words: what such a server says may repeat what it was sent.
 */
export class TokenClient {
  readonly #network: Network;
  readonly #context: SecureContext;
  readonly #timeoutMs: number;

  /** @throws UserError if the file cannot be used */
  constructor(network: Network, { caFile, timeoutMs }: TokenClientOptions) {
    this.#network = network;
    this.#context = caFile === undefined ? network.trust : trustFile(caFile);
    this.#timeoutMs = timeoutMs;
  }

  /** @returns the body of a 2xx answer @throws SourceError */
  async send(request: TokenRequest, signal: AbortSignal): Promise<string> {
    const { url, method, headers, body } = request;
    if (url.protocol !== "https:") throw new SourceError("unsafe", `${url.host} is not asked over https`);
    const deadline = AbortSignal.timeout(this.#timeoutMs);
    const bounded = AbortSignal.any([signal, deadline]);
    const client = this.#open(url, bounded);
    try {
      const answer = await client.request({ method, path: url.pathname + url.search, headers: { ...headers }, body, signal: bounded });
      if (answer.statusCode < 200 || answer.statusCode > 299) throw refusal(url, answer);
      return await readBounded(url, answer);
    } catch (error) {
      if (error instanceof SourceError) throw error;
      throw deadline.aborted ? new SourceError("slow", `${url.host} did not answer within ${this.#timeoutMs} ms`) : failure(url, error);
    } finally {
      await client.destroy();
    }
  }

  #open(url: URL, signal: AbortSignal): Client {
    const open = callbackify(async () => this.#connect(url, signal));
    return new Client(url.origin, {
      pipelining: 1, allowH2: false, maxHeaderSize: HEAD_LIMIT_BYTES, headersTimeout: this.#timeoutMs, bodyTimeout: this.#timeoutMs,
      connect: (_options, callback) => {
        open((error, socket) => {
          if (error === null) callback(null, socket);
          else callback(error, null);
        });
      },
    });
  }

  async #connect(url: URL, signal: AbortSignal): Promise<TLSSocket> {
    const host = url.hostname.replace(/^\[|\]$/g, "");
    const socket = await this.#network.dial(host, url.port === "" ? 443 : Number(url.port), signal);
    const named = isIP(host) === 0 ? { servername: host } : { host };
    const secure = connectTls({ socket, ...named, ALPNProtocols: ["http/1.1"], secureContext: this.#context, rejectUnauthorized: true });
    try {
      await once(secure, "secureConnect", { signal });
    } catch {
      secure.on("error", () => { /* the end of the handshake is reported below, once */ });
      secure.destroy();
      // Set by Node exactly when the handshake was complete and the certificate was not acceptable.
      const isUntrusted = Boolean(secure.authorizationError);
      throw isUntrusted ? new SourceError("untrusted", `the certificate of ${url.host} is not accepted`) : new SourceError("unreachable", `TLS with ${url.host} failed`);
    }
    return secure;
  }
}

/** Reads an answer by its schema. The text is never quoted: it holds a token. @throws SourceError `malformed` */
export function readAnswer<T extends z.ZodType>(schema: T, text: string, host: string): z.output<T> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new SourceError("malformed", `the answer of ${host} is not JSON`);
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new SourceError("malformed", `the answer of ${host} is not one that gives a token`);
  return parsed.data;
}

function trustFile(path: string): SecureContext {
  try {
    const pem = readFileSync(path, "utf8");
    if (!pem.includes("-----BEGIN CERTIFICATE-----")) throw new Error("no PEM certificate in it");
    return createSecureContext({ ca: pem, minVersion: "TLSv1.2" });
  } catch (error) {
    throw new UserError(`cannot read the caFile ${path} of a grant: ${(error as Error).message}`, "Name a PEM file with the roots to trust.", EXIT.config, { cause: error });
  }
}

async function readBounded(url: URL, answer: Dispatcher.ResponseData): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer.body as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength;
    if (bytes > ANSWER_LIMIT_BYTES) throw new SourceError("oversized", `the answer of ${url.host} is larger than ${ANSWER_LIMIT_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function refusal(url: URL, { statusCode, headers }: Dispatcher.ResponseData): SourceError {
  const retryAfterMs = retryAfterOf(headers["retry-after"]);
  // GitHub answers 403 for both; https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
  const isLimited = statusCode === 403 && (retryAfterMs > 0 || headers["x-ratelimit-remaining"] === "0");
  return new SourceError(isLimited ? "rate-limited" : faultOf(statusCode), `${url.host} answered ${statusCode}`, retryAfterMs);
}

/** What token endpoints mean by their status: 400 and 401 are `invalid_grant` and `invalid_client` (RFC 6749 §5.2). */
function faultOf(status: number): SourceFault {
  if (status < 200) return "malformed";
  if (status < 400) return "redirected";
  if (status === 404) return "missing";
  if (status === 429) return "rate-limited";
  return status >= 500 ? "down" : "forbidden";
}

/** Seconds only: dates are not used by these servers, and depend on their clock. */
function retryAfterOf(value: string | string[] | undefined): number {
  return typeof value === "string" && /^\d{1,6}$/.test(value) ? Math.min(Number(value) * 1_000, RETRY_AFTER_LIMIT_MS) : 0;
}

function failure(url: URL, error: unknown): SourceError {
  if (error instanceof EgressError && error.code === "destination.forbidden") return new SourceError("forbidden", `${url.host} leads to addresses that are closed`);
  const code = (error as NodeJS.ErrnoException).code ?? "unknown error";
  return new SourceError("unreachable", `${url.host} cannot be reached (${code})`);
}
