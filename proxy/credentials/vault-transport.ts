import { readFileSync } from "node:fs";
import { Agent, request, type Dispatcher } from "undici";
import { SourceError, type SourceFault } from "./secret-source.ts";
import type { VaultConfig } from "./vault-config.ts";

/** Largest answer read from Vault, in bytes: a secret of the largest legal size (Vault takes 1 MiB) is not a header value. */
const ANSWER_LIMIT_BYTES = 256 * 1024;
/** Fetches are single-flight for each grant, so that a few connections serve all agents. */
const CONNECTIONS = 4;

/** What `node-vault` asks of the HTTP client that it is given in place of its own. */
export interface VaultRequest {
  readonly uri: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

export interface VaultAnswer {
  readonly statusCode: 200;
  readonly body: unknown;
  readonly request: { readonly path: string };
}

/**
 * One HTTP request to Vault, under our rules instead of the client library's: no redirect is followed (the token would follow), no proxy of the
 * environment is asked, the body is bounded, the whole has a deadline, and whatever is not a 200 with JSON is a `SourceError` in our own words.
 */
export class VaultTransport {
  readonly #agent: Agent;
  readonly #timeoutMs: number;

  constructor(config: VaultConfig) {
    this.#timeoutMs = config.timeoutMs;
    const ca = config.caFile === undefined ? {} : { ca: readFileSync(config.caFile, "utf8") };
    this.#agent = new Agent({ connections: CONNECTIONS, pipelining: 1, allowH2: false, connect: { ...ca, rejectUnauthorized: true, timeout: config.timeoutMs } });
  }

  async send(wanted: VaultRequest): Promise<VaultAnswer> {
    const deadline = AbortSignal.timeout(this.#timeoutMs);
    try {
      const answer = await request(wanted.uri, {
        method: wanted.method, headers: { ...wanted.headers }, dispatcher: this.#agent,
        signal: AbortSignal.any([wanted.signal, deadline]),
      });
      const text = await readBounded(answer);
      if (answer.statusCode !== 200) throw new SourceError(faultOf(answer.statusCode), `Vault answered ${answer.statusCode}`);
      return { statusCode: 200, body: parse(text), request: { path: new URL(wanted.uri).pathname } };
    } catch (error) {
      throw error instanceof SourceError ? error : describeFailure(error, deadline, this.#timeoutMs);
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
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

function describeFailure(error: unknown, deadline: AbortSignal, timeoutMs: number): SourceError {
  if (deadline.aborted) return new SourceError("slow", `Vault did not answer within ${timeoutMs} ms`);
  const code = (error as NodeJS.ErrnoException).code ?? "unknown error";
  if (/CERT|SELF_SIGNED|TLS|SSL|UNABLE_TO/.test(code)) return new SourceError("untrusted", `Vault's certificate is not accepted (${code})`);
  if (code === "UND_ERR_CONNECT_TIMEOUT") return new SourceError("slow", `Vault did not accept a connection within ${timeoutMs} ms`);
  return new SourceError("unreachable", `Vault cannot be reached (${code})`);
}
