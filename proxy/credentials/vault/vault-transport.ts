import { readFileSync } from "node:fs";
import { Agent, request, type Dispatcher } from "undici";
import { SourceError, type SourceFault } from "../secret-source.ts";
import type { VaultConfig } from "./vault-config.ts";

/** Largest answer read from Vault, in bytes: a secret of the largest legal size (Vault takes 1 MiB) is not a header value. */
const ANSWER_LIMIT_BYTES = 256 * 1024;
/** Fetches are single-flight for each grant, so that a few connections serve all agents. */
const CONNECTIONS = 4;
/** Requests that wait for a system behind Vault have connections of their own: however many wait, secrets are still read. */
const BEHIND_CONNECTIONS = 64;
/** Time for one of them, in milliseconds; what answers later than that is lost. */
const BEHIND_TIMEOUT_MS = 30_000;

/** What `node-vault` asks of the HTTP client that it is given in place of its own. */
export interface VaultRequest {
  readonly uri: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  /** What is sent as JSON. */
  readonly json?: unknown;
  /** See `VaultCall`. */
  readonly behind?: "lease" | "revoke" | undefined;
  readonly signal: AbortSignal;
}

export interface VaultAnswer {
  readonly statusCode: 200 | 204;
  readonly body: unknown;
  readonly request: { readonly path: string };
}

/** Vault answered, and it was a no. */
export class VaultRefusal extends SourceError {
  readonly status: number;

  constructor(status: number, retryAfterMs: number) {
    super(faultOf(status), `Vault answered ${status}`, retryAfterMs);
    this.status = status;
  }
}

/**
 * One HTTP request to Vault, under our rules instead of the client library's: no redirect is followed (the token would follow), no proxy of the
 * environment is asked, the body is bounded, the whole has a deadline, and whatever is not a 200 with JSON or a 204 is a `SourceError` in our own words.
 */
export class VaultTransport {
  readonly #agent: Agent;
  readonly #behindAgent: Agent;
  readonly #timeoutMs: number;

  constructor(config: VaultConfig) {
    this.#timeoutMs = config.timeoutMs;
    const ca = config.caFile === undefined ? {} : { ca: readFileSync(config.caFile, "utf8") };
    const open = (connections: number) => new Agent({ connections, pipelining: 1, allowH2: false, connect: { ...ca, rejectUnauthorized: true, timeout: config.timeoutMs } });
    this.#agent = open(CONNECTIONS);
    this.#behindAgent = open(BEHIND_CONNECTIONS);
  }

  async send(wanted: VaultRequest): Promise<VaultAnswer> {
    const { behind } = wanted;
    const timeoutMs = behind === undefined ? this.#timeoutMs : Math.max(BEHIND_TIMEOUT_MS, this.#timeoutMs);
    const deadline = AbortSignal.timeout(timeoutMs);
    if (behind === "lease") wanted.signal.throwIfAborted();
    try {
      const answer = await request(wanted.uri, {
        method: wanted.method, dispatcher: behind === undefined ? this.#agent : this.#behindAgent,
        signal: behind === "lease" ? deadline : AbortSignal.any([wanted.signal, deadline]),
        ...(wanted.json === undefined ? { headers: { ...wanted.headers } }
          : { headers: { ...wanted.headers, "content-type": "application/json" }, body: JSON.stringify(wanted.json) }),
      });
      const text = await readBounded(answer);
      const { statusCode } = answer;
      if (statusCode !== 200 && statusCode !== 204) throw new VaultRefusal(statusCode, readRetryAfterMs(answer.headers["retry-after"]));
      return { statusCode, body: statusCode === 204 ? null : parse(text), request: { path: new URL(wanted.uri).pathname } };
    } catch (error) {
      throw error instanceof SourceError ? error : describeFailure(error, deadline, timeoutMs);
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#agent.destroy(), this.#behindAgent.destroy()]);
  }
}

async function readBounded(answer: Dispatcher.ResponseData): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer.body as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength;
    if (bytes > ANSWER_LIMIT_BYTES) throw new SourceError("oversized", `Vault's answer is larger than ${ANSWER_LIMIT_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** JSON.parse quotes what it could not read, so that its error must not get out. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new SourceError("malformed", "Vault's answer is not JSON");
  }
}

/** Status codes of Vault's HTTP API: 429 is also a standby node, 473 a performance standby, 503 sealed or in maintenance. */
function faultOf(status: number): SourceFault {
  if (status >= 300 && status < 400) return "redirected";
  if (status === 403 || status === 401) return "forbidden";
  if (status === 404) return "missing";
  if (status === 429) return "rate-limited";
  if (status === 503) return "sealed";
  return status >= 472 ? "down" : "malformed";
}

/** Seconds are what Vault's rate limits send; a date (RFC 9110 §10.2.3) counts as nothing. */
function readRetryAfterMs(value: string | string[] | undefined): number {
  return typeof value === "string" && /^\d{1,4}$/.test(value) ? Number(value) * 1_000 : 0;
}

function describeFailure(error: unknown, deadline: AbortSignal, timeoutMs: number): SourceError {
  if (deadline.aborted) return new SourceError("slow", `Vault did not answer within ${timeoutMs} ms`);
  const code = (error as NodeJS.ErrnoException).code ?? "unknown error";
  if (/CERT|SELF_SIGNED|TLS|SSL|UNABLE_TO/.test(code)) return new SourceError("untrusted", `Vault's certificate is not accepted (${code})`);
  if (code === "UND_ERR_CONNECT_TIMEOUT") return new SourceError("slow", `Vault did not accept a connection within ${timeoutMs} ms`);
  return new SourceError("unreachable", `Vault cannot be reached (${code})`);
}
